//! What the failure of a job means for its file.

use fieldfen_domain::file::{FileEvent, FileStatus};
use fieldfen_domain::job::{JobFilter, JobKind, JobSummary};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId, Timestamp};

use super::jobs_of_file::{all_jobs, has_live_listing};
use super::transition::move_file;
use crate::queue::{FailedJob, FailureHook};

/// How the error of a publishing job begins that has met a file without an approval.
const WAITS: &str = "waits for an approval";

/// How the error of a publishing job begins that has met what only a person can tell.
const WAITS_FOR_PERSON: &str = "waits for a person";

/// The error of a publishing job that has met what only a person can tell: it lies among the dead until that is said.
pub(crate) fn waits_for_person(reason: &str) -> String {
    format!("{WAITS_FOR_PERSON}: {reason}")
}

/// The reason of an error that [`waits_for_person`] has made.
pub(crate) fn told_to_wait_for_person(error: &str) -> Option<&str> {
    error.strip_prefix(WAITS_FOR_PERSON)?.strip_prefix(": ")
}

/// Whether a dead job waits for a person's word.
pub(super) fn is_waiting_for_person(job: &JobSummary) -> bool {
    job.last_error.as_deref().and_then(told_to_wait_for_person).is_some()
}

/// The error of a publishing job that has met a file without an approval: it lies among the dead until there is one.
pub(crate) fn waits_for_approval(status: FileStatus) -> String {
    format!("{WAITS}: the file is {status}")
}

/// Whether an approval lets a dead job run again.
pub(super) fn is_waiting_for_approval(job: &JobSummary) -> bool {
    job.last_error.as_ref().is_some_and(|error| error.starts_with(WAITS))
}

/// The [`FailureHook`] of the pipeline: it moves the file of a job that has failed for good, in the transaction in which
/// the job fails.
///
/// A processing job takes its file with it. A listing job does so only when it was the last hope: the file is approved,
/// no other listing job of it is on its way, and none of its listings is live. No other job moves a file.
///
/// A publishing job that has met a file without an approval runs again at once if the approval has come since.
///
/// A file that cannot be moved, because its row is damaged, stays where it is and is named in the log: the job must not
/// run for ever because of it.
///
/// Each [`Queue`](crate::queue::Queue) and worker on a database with a pipeline needs the hook, whichever program they
/// are in: [`Publisher::serve`](crate::publishing::Publisher::serve) gives it to the worker.
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
    fn job_failed(&self, s: &mut dyn Session, job: &FailedJob<'_>, at: Timestamp) -> Result<(), StoreError> {
        let (Some(file_id), Some(kind)) = (job.file_id, job.kind) else { return Ok(()) };
        match fail_file(s, file_id, kind, job, at) {
            Err(
                error @ (StoreError::BadRow { .. }
                | StoreError::FileTransition(_)
                | StoreError::PublicationTransition(_)),
            ) => {
                log!(ERROR, job = %job.id, %kind, %error, "the file of a failed job could not be moved");
                Ok(())
            }
            moved => moved,
        }
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
    if reason.starts_with(WAITS) {
        // The approval has met the job that ran, instead of enqueueing another.
        if matches!(file.state.status(), FileStatus::Approved | FileStatus::Published)
            && let Some(id) = id
        {
            // Where it cannot run again, another job with its key is there to do so.
            let _ = s.job_admin().retry(&id, at)?;
        }
        return Ok(());
    }
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
    Ok(jobs.iter().any(|other| Some(other.id) != than && !other.state.status().is_final()))
}
