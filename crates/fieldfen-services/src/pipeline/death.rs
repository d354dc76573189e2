//! What the death of a job means for its file.

use std::collections::BTreeSet;

use fieldfen_domain::file::{File, FileEvent, FileMoved, FileStatus, IllegalFileTransition};
use fieldfen_domain::job::{Job, JobFilter, JobKind, JobStatus, JobSummary};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId, PageRequest, RawJson, Timestamp};

/// How many jobs of a file are read at once.
const JOBS_AT_ONCE: u32 = 200;

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

/// Moves the file of a job that has failed for good, in the transaction in which the job failed.
///
/// A processing job takes its file with it. A listing job does so only when it was the last hope: the file is approved,
/// no other listing job of it is on its way, and none of its listings is live. No other job moves a file.
///
/// A publishing job that has met a file without an approval runs again at once if the approval has come since.
///
/// # Errors
/// [`StoreError`]s as the store has them.
pub fn job_died(s: &mut dyn Session, job: &Job, reason: &str, at: Timestamp) -> Result<(), StoreError> {
    let Some(file_id) = job.file_id else { return Ok(()) };
    work_died(s, file_id, &job.kind, Some(job.id), reason, at)
}

/// The same for a job of which only its kind and file may be known.
pub(crate) fn work_died(
    s: &mut dyn Session,
    file_id: FileId,
    kind: &JobKind,
    id: Option<JobId>,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(file) = s.files().find(&file_id)? else { return Ok(()) };
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
    let filter = JobFilter { file_id: Some(file_id), kind: Some(JobKind::CreateListing), status: None };
    let jobs = all_jobs(s, &filter)?;
    Ok(jobs.iter().any(|other| Some(other.id) != than && !other.state.status().is_final()))
}

/// Whether a product of the file is at a platform now.
pub(super) fn has_live_listing(s: &mut dyn Session, file_id: &FileId) -> Result<bool, StoreError> {
    Ok(s.listings().of_file(file_id)?.iter().any(|listing| listing.status.is_live()))
}

/// All jobs that a filter names, in the order of insertion. Meant for filters that name a file. Rows that no job can be
/// read from are left out: they fail as soon as they come up, and must not keep their file where it is.
pub(super) fn all_jobs(s: &mut dyn Session, filter: &JobFilter) -> Result<Vec<JobSummary>, StoreError> {
    let mut request = PageRequest::first(JOBS_AT_ONCE);
    let mut jobs = Vec::new();
    loop {
        let page = s.jobs().page(filter, request)?;
        jobs.extend(page.items);
        match page.next {
            Some(next) => request = request.following(next),
            None => return Ok(jobs),
        }
    }
}

/// The dead jobs of a file that nothing has come after: a job of the same kind and key, or of the same kind and payload
/// where it has no key, that was made later stands for it.
pub(super) fn dead_jobs(s: &mut dyn Session, file_id: &FileId) -> Result<Vec<JobSummary>, StoreError> {
    let filter = JobFilter { file_id: Some(*file_id), ..JobFilter::default() };
    let (mut seen, mut dead) = (BTreeSet::new(), Vec::new());
    for job in all_jobs(s, &filter)?.into_iter().rev() {
        let subject = match &job.dedup_key {
            Some(key) => key.as_str().to_owned(),
            None => payload(s, &job.id)?.map_or_else(String::new, |payload| payload.as_str().to_owned()),
        };
        if seen.insert((job.kind.clone(), subject)) && job.state.status() == JobStatus::Failed {
            dead.push(job);
        }
    }
    dead.reverse();
    Ok(dead)
}

/// The payload of a job, which pages leave out.
pub(super) fn payload(s: &mut dyn Session, id: &JobId) -> Result<Option<RawJson>, StoreError> {
    Ok(s.jobs().find(id)?.and_then(|job| job.payload))
}

/// Whether a processing job of the file lies dead: then that is what the file has failed with.
pub(super) fn processing_is_dead(s: &mut dyn Session, file_id: &FileId) -> Result<bool, StoreError> {
    Ok(dead_jobs(s, file_id)?.iter().any(|job| job.kind.fails_its_file()))
}

/// Moves a file that was read in the same transaction, and returns it as it is then.
///
/// Where the database let somebody else move it in between, the whole transaction is given up: what it was about to do
/// followed from a status that the file no longer has.
pub(super) fn move_file(
    s: &mut dyn Session,
    mut file: File,
    event: FileEvent,
    reason: impl Into<String>,
    at: Timestamp,
) -> Result<File, StoreError> {
    let change = file.after(event, reason, at)?;
    match s.files().change(&change)? {
        FileMoved::Moved | FileMoved::AlreadyThere | FileMoved::Gone => {
            file.state = change.to().clone();
            Ok(file)
        }
        FileMoved::Lost { now } => Err(IllegalFileTransition { status: now, event }.into()),
    }
}
