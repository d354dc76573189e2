//! Moves the file of a failed job.

use fieldfen_domain::file::{FileEvent, FileStatus};
use fieldfen_domain::job::{Job, JobFilter, JobKind, ParkedFor};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId, Timestamp, with_causes};

use super::jobs_of_file::{all_jobs, has_live_listing};
use super::transition::move_file;
use crate::Transaction;
use crate::queue::{FailedJob, FailureHook};

/// The [`FailureHook`] of the pipeline. If a job fails for good, the hook moves the job's file in the same transaction.
///
/// The failure of a processing job fails the file. The failure of a listing job fails the file only if the file is
/// approved, no other listing job of it is live or parked, and none of its listings is live. No other job moves a file.
///
/// A parked job moves no file. A job that is parked for an approval runs again at once if the approval came while the
/// job ran.
///
/// If the file's row is damaged and the file cannot be moved, the log names the file, and the job still fails.
/// Otherwise it would run for ever.
///
/// Each [`Queue`](crate::queue::Queue) and each worker on a database with a pipeline needs the hook, in all programs.
/// [`Publisher::serve`](crate::publishing::Publisher::serve) registers it with the worker.
///
/// ```
/// use fieldfen_services::{Environment, pipeline::FileFailureHook, queue::Queue};
/// use fieldfen_testkit::ModelStore;
///
/// let queue = Queue::new(ModelStore::new(), Environment::system()).with_failure_hook(FileFailureHook);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFailureHook;

impl FailureHook for FileFailureHook {
    fn job_failed(&self, t: &mut Transaction<'_>, job: &FailedJob<'_>, at: Timestamp) -> Result<(), StoreError> {
        let s = t.session();
        let (Some(file_id), Some(kind)) = (job.file_id, job.kind) else { return Ok(()) };
        match fail_file(s, file_id, kind, job, at) {
            Err(
                error @ (StoreError::BadRow { .. }
                | StoreError::FileTransition(_)
                | StoreError::PublicationTransition(_)),
            ) => {
                log!(ERROR, job = %job.id, %kind, error = with_causes(&error), "file of failed job not moved");
                Ok(())
            }
            moved => moved,
        }
    }

    fn job_parked(
        &self,
        t: &mut Transaction<'_>,
        job: &Job,
        parked_for: ParkedFor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let s = t.session();
        let (ParkedFor::Approval, Some(file_id)) = (parked_for, job.file_id) else { return Ok(()) };
        let file = match s.files().find(&file_id) {
            Err(error @ StoreError::BadRow { .. }) => {
                log!(ERROR, job = %job.id, error = with_causes(&error), "file of parked job not readable");
                return Ok(());
            }
            file => file?,
        };
        // The approval found the running job and enqueued no other one.
        if file.is_some_and(|file| matches!(file.state.status(), FileStatus::Approved | FileStatus::Published)) {
            // If the job cannot run again, a live job with the same key does its work.
            let _ = s.job_actions().retry(&job.id, at)?;
        }
        Ok(())
    }
}

fn fail_file(
    s: &mut dyn Session,
    file_id: FileId,
    kind: &JobKind,
    job: &FailedJob<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let id: Option<JobId> = job.id.parse().ok();
    let Some(file) = s.files().find(&file_id)? else { return Ok(()) };
    let reason = job.reason;
    let failure = if file.state.status() == FileStatus::Failed {
        return Ok(());
    } else if kind.fails_its_file() {
        format!("{kind} failed for good: {reason}")
    } else if *kind == JobKind::CreateListing
        && file.state.status() == FileStatus::Approved
        && !another_listing_is_on_its_way(s, file_id, id)?
        && !has_live_listing(s, &file_id)?
    {
        format!("every wanted listing has failed for good, the last one with: {reason}")
    } else {
        return Ok(());
    };
    move_file(s, file, FileEvent::Failed, failure, at).map(drop)
}

fn another_listing_is_on_its_way(
    s: &mut dyn Session,
    file_id: FileId,
    than: Option<JobId>,
) -> Result<bool, StoreError> {
    let filter = JobFilter::new().file_id(file_id).kind(JobKind::CreateListing);
    let jobs = all_jobs(s, &filter)?;
    Ok(jobs.iter().any(|other| Some(other.id) != than && other.state.is_open()))
}
