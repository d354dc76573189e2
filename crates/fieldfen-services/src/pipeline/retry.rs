//! Retries a failed file.

use std::collections::BTreeSet;

use fieldfen_domain::file::{File, FileEvent, FileStatus};
use fieldfen_domain::job::{JobActionOutcome, JobFilter, JobKind, JobStatus, Payload, UpdateListing};
use fieldfen_domain::operator::{Action, ActionKind};
use fieldfen_domain::publication::PublicationState;
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, ListingId};

use super::jobs_of_file::{all_jobs, failed_jobs, payload};
use super::transition::move_file;
use super::{Approval, EventOutcome, FileActionOutcome, Pipeline};
use crate::Transaction;

impl Pipeline {
    /// Retries a failed file from the status that it failed from: its dead and parked jobs of that status run again,
    /// and the missing jobs of that status are enqueued.
    ///
    /// A file that has not failed stays as it is.
    pub fn retry(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        action: &Action,
    ) -> Result<FileActionOutcome, StoreError> {
        let s = t.session();
        let outcome = self.resume(s, file_id, action.reason())?;
        self.record(s, action, ActionKind::Retry, file_id, &outcome)?;
        Ok(outcome)
    }

    fn resume(&self, s: &mut dyn Session, file_id: &FileId, reason: &str) -> Result<FileActionOutcome, StoreError> {
        let Some(file) = s.files().find(file_id)? else { return Ok(FileActionOutcome::NotFound) };
        if file.state.failure().is_none() {
            return Ok(FileActionOutcome::Unchanged { status: file.state.status() });
        }
        let at = self.environment.now();
        let file = move_file(s, file, FileEvent::Retried, reason, at)?;
        let mut followed = EventOutcome::nothing(file.state.status());
        for job in failed_jobs(s, file_id)? {
            if belongs_to(&job.kind, followed.status) && s.job_actions().retry(&job.id, at)? == JobActionOutcome::Done {
                followed.jobs.push(job.id);
            }
        }
        followed.status = self.publish_what_is_listed(s, file.clone())?;
        self.enqueue_what_is_needed(s, &file, &mut followed)?;
        Ok(FileActionOutcome::Done(followed))
    }

    /// Enqueues the jobs without which the file would stay in its status for ever.
    fn enqueue_what_is_needed(
        &self,
        s: &mut dyn Session,
        file: &File,
        followed: &mut EventOutcome,
    ) -> Result<(), StoreError> {
        match file.state.status() {
            FileStatus::Ingested => {
                if !is_on_its_way(s, file, JobKind::CreateFileRecord)? {
                    followed.add(self.enqueue_record(s, file.id)?);
                }
            }
            FileStatus::Processing => {
                let described = is_on_its_way(s, file, JobKind::GenerateMetadata)?;
                if !described && !is_on_its_way(s, file, JobKind::UpscaleImage)? {
                    followed.add(match file.processed_filename {
                        None => self.enqueue_upscale(s, file.id)?,
                        Some(_) => self.enqueue_metadata(s, file.id)?,
                    });
                }
            }
            FileStatus::Processed => {
                if self.approval == Approval::Automatic
                    && !is_on_its_way(s, file, JobKind::UpdateImage)?
                    && let Some(approved) = self.approve_for(s, &file.id, "approved automatically")?.event_outcome()
                {
                    followed.status = approved.status;
                    followed.jobs.extend(approved.jobs);
                }
            }
            FileStatus::Approved => {
                self.enqueue_missing_updates(s, file, followed)?;
                self.enqueue_wanted(s, file, followed)?;
            }
            FileStatus::Published => {
                self.enqueue_missing_updates(s, file, followed)?;
                // A seller who takes a product down does not want it listed again. [`Pipeline::publish`] lists it
                // again.
                let there = [PublicationState::Confirmed, PublicationState::Ended];
                self.enqueue_wanted_but(s, file, &there, followed)?;
            }
            FileStatus::Failed => {}
        }
        Ok(())
    }
}

impl Pipeline {
    /// Enqueues updates for the live listings of a file that no pending job updates. The file may have changed while it
    /// was failed, and jobs that ran meanwhile changed nothing.
    fn enqueue_missing_updates(
        &self,
        s: &mut dyn Session,
        file: &File,
        followed: &mut EventOutcome,
    ) -> Result<(), StoreError> {
        let (kind, status) = (Some(JobKind::UpdateListing), Some(JobStatus::Pending));
        let pending = all_jobs(s, &JobFilter::new().file_id(file.id).kind(kind).status(status))?;
        let mut due: BTreeSet<ListingId> = BTreeSet::new();
        for job in pending {
            let update = payload(s, &job.id)?.and_then(|payload| UpdateListing::from_json(&payload).ok());
            due.extend(update.map(|update| update.listing_id));
        }
        due.extend(self.adopting(s, file)?);
        self.enqueue_updates(s, file.id, &due, followed)
    }
}

/// Returns whether a file in this status waits for jobs of this kind.
const fn belongs_to(kind: &JobKind, status: FileStatus) -> bool {
    match status {
        FileStatus::Ingested => matches!(kind, JobKind::CreateFileRecord),
        FileStatus::Processing => {
            matches!(kind, JobKind::UpscaleImage | JobKind::UpdateImage | JobKind::GenerateMetadata)
        }
        FileStatus::Processed => matches!(kind, JobKind::UpdateImage),
        FileStatus::Approved | FileStatus::Published => matches!(
            kind,
            JobKind::UpdateImage | JobKind::CreateListing | JobKind::UpdateListing | JobKind::PublishSocial
        ),
        FileStatus::Failed => false,
    }
}

fn is_on_its_way(s: &mut dyn Session, file: &File, kind: JobKind) -> Result<bool, StoreError> {
    let filter = JobFilter::new().file_id(file.id).kind(kind);
    Ok(all_jobs(s, &filter)?.iter().any(|job| job.state.is_open()))
}
