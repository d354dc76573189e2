//! Approves files for sale, and handles changes of approved files.

use std::collections::BTreeSet;

use fieldfen_domain::file::{File, FileEdit, FileEditOutcome, FileEvent, FileStatus};
use fieldfen_domain::job::{EnqueueOutcome, ParkedFor};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::Target;
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId};

use super::jobs_of_file::{has_live_listing, parked_jobs, processing_job_has_failed, retry_parked};
use super::transition::move_file;
use super::{Approval, EditOutcome, EventOutcome, FileActionOutcome, Pipeline};
use crate::Transaction;
use crate::action_row::record;

impl Pipeline {
    /// Approves a processed file for sale. The action is refused for a file in another status.
    ///
    /// An approved or published file stays as it is. If a listing of the file is already live, because the platform
    /// confirmed it before an earlier approval was withdrawn, the file is published at once and its listings are
    /// updated. The jobs that are parked for an approval run again, even if the rules do not want their targets.
    pub fn approve(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        action: &Action,
    ) -> Result<FileActionOutcome, StoreError> {
        let s = t.session();
        let outcome = self.approve_for(s, file_id, action.reason())?;
        self.record(s, action, ActionKind::Approve, file_id, &outcome)?;
        Ok(outcome)
    }

    /// Approves a file for an operator or a rule.
    pub(super) fn approve_for(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        reason: &str,
    ) -> Result<FileActionOutcome, StoreError> {
        let Some(file) = s.files().find(file_id)? else { return Ok(FileActionOutcome::NotFound) };
        let status = file.state.status();
        match status {
            FileStatus::Processed => {}
            FileStatus::Approved | FileStatus::Published => return Ok(FileActionOutcome::Unchanged { status }),
            FileStatus::Ingested | FileStatus::Processing | FileStatus::Failed => {
                return Ok(FileActionOutcome::Refused { status, rule: "only a processed file can be approved" });
            }
        }
        let at = self.environment.now();
        let file = move_file(s, file, FileEvent::Approved, reason, at)?;
        let mut followed = EventOutcome::nothing(status);
        followed.status = self.publish_what_is_listed(s, file.clone())?;
        let adopting = self.adopting(s, &file)?;
        self.enqueue_updates(s, file.id, &adopting, &mut followed)?;
        followed.jobs.extend(retry_parked(s, file_id, ParkedFor::Approval, at)?);
        self.enqueue_wanted(s, &file, &mut followed)?;
        Ok(FileActionOutcome::Done(followed))
    }

    /// Edits the details of a file. Returns `None` if the file does not exist.
    ///
    /// If the picture or the text of an approved file changes, the file needs a new approval. With automatic approval
    /// it does not, since its listing jobs read the file when they run. A file that has failed since its approval needs
    /// the new approval when it is retried. The live listings of a published file are updated now, those of a failed
    /// file when it is retried.
    ///
    /// # Errors
    /// As [`FileEdit::check`].
    pub fn edit(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        edit: &FileEdit,
        action: &Action,
    ) -> Result<EditOutcome, StoreError> {
        let s = t.session();
        let edited = self.change(s, file_id, edit, action.reason())?;
        let outcome = match &edited {
            EditOutcome::Edited(_) => ActionOutcome::Done,
            EditOutcome::Changed(_) => ActionOutcome::Refused,
            EditOutcome::NotFound => ActionOutcome::NotFound,
        };
        record(s, action, ActionKind::Edit, Subject::File(*file_id), outcome, &self.environment)?;
        Ok(edited)
    }

    /// Edits the details of a file for an operator or a job.
    pub(super) fn change(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        edit: &FileEdit,
        reason: &str,
    ) -> Result<EditOutcome, StoreError> {
        edit.check()?;
        let at = self.environment.now();
        let Some(before) = s.files().find(file_id)? else { return Ok(EditOutcome::NotFound) };
        match s.files().edit(file_id, edit, at)? {
            FileEditOutcome::Done => {}
            FileEditOutcome::Conflict(now) => return Ok(EditOutcome::Changed(now)),
            FileEditOutcome::NotFound => return Ok(EditOutcome::NotFound),
        }
        let Some(after) = s.files().find(file_id)? else { return Ok(EditOutcome::NotFound) };
        let mut followed = EventOutcome::nothing(after.state.status());
        if !shows_the_same(&before, &after) {
            let failed_from = after.state.failure().map(|failure| failure.from);
            if failed_from.unwrap_or(followed.status) == FileStatus::Approved && self.approval == Approval::Operator {
                followed.status = move_file(s, after, FileEvent::ApprovalWithdrawn, reason, at)?.state.status();
            } else if followed.status == FileStatus::Published {
                self.enqueue_updates(s, after.id, &BTreeSet::new(), &mut followed)?;
            }
        }
        Ok(EditOutcome::Edited(followed))
    }

    /// Publishes an approved or published file at one target. This lists a delisted product again, publishes at a
    /// target that the rules do not want, or repeats a post under a new post key. The action is refused for a file in
    /// another status. It changes nothing if a live job publishes at the same target.
    pub fn publish(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        target: &Target,
        action: &Action,
    ) -> Result<FileActionOutcome, StoreError> {
        let s = t.session();
        let outcome = match s.files().find(file_id)?.map(|file| file.state.status()) {
            None => FileActionOutcome::NotFound,
            Some(status @ (FileStatus::Approved | FileStatus::Published)) => {
                match self.enqueue_target(s, *file_id, target)? {
                    EnqueueOutcome::Created(job) => FileActionOutcome::Done(EventOutcome { status, jobs: vec![job] }),
                    EnqueueOutcome::Duplicate(_) => FileActionOutcome::Unchanged { status },
                }
            }
            Some(status) => {
                let rule = "only an approved or published file can be published";
                FileActionOutcome::Refused { status, rule }
            }
        };
        self.record(s, action, ActionKind::Publish, file_id, &outcome)?;
        Ok(outcome)
    }

    /// Inserts the row of an operator's action on a file.
    pub(super) fn record(
        &self,
        s: &mut dyn Session,
        action: &Action,
        kind: ActionKind,
        file_id: &FileId,
        outcome: &FileActionOutcome,
    ) -> Result<(), StoreError> {
        record(s, action, kind, Subject::File(*file_id), outcome.recorded(), &self.environment).map(drop)
    }

    /// Makes the jobs of a file pending that are parked for a person, and returns their ids. A file that has failed
    /// meanwhile is approved again.
    pub(crate) fn retry_jobs_parked_for_person(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
    ) -> Result<Vec<JobId>, StoreError> {
        let at = self.environment.now();
        let mut jobs = Vec::new();
        if !parked_jobs(s, file_id, ParkedFor::Person)?.is_empty()
            && let Some(file) = s.files().find(file_id)?
            && file.state.failure().is_some_and(|failure| failure.from == FileStatus::Approved)
            && !processing_job_has_failed(s, file_id)?
        {
            move_file(s, file, FileEvent::Retried, "a person has said what is at the platform", at)?;
            jobs = retry_parked(s, file_id, ParkedFor::Approval, at)?;
        }
        jobs.extend(retry_parked(s, file_id, ParkedFor::Person, at)?);
        Ok(jobs)
    }

    /// Moves an approved file to published if one of its listings is live, and returns the file's status.
    pub(super) fn publish_what_is_listed(&self, s: &mut dyn Session, file: File) -> Result<FileStatus, StoreError> {
        if file.state.status() == FileStatus::Approved && has_live_listing(s, &file.id)? {
            let reason = "one of its listings is live already";
            let file = move_file(s, file, FileEvent::ListingConfirmed, reason, self.environment.now())?;
            return Ok(file.state.status());
        }
        Ok(file.state.status())
    }
}

/// Returns whether both versions of a file make the same listing.
pub(crate) fn shows_the_same(a: &File, b: &File) -> bool {
    (&a.metadata, &a.processed_filename, &a.species, &a.size)
        == (&b.metadata, &b.processed_filename, &b.species, &b.size)
}
