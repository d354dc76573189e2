//! Reads the jobs and the listings of a file.

use std::collections::BTreeSet;

use fieldfen_domain::job::{AttemptOutcome, JobActionOutcome, JobFilter, JobStatus, JobSummary, ParkedFor};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId, PageRequest, RawJson, Timestamp};

/// The number of jobs that are read at once.
const JOBS_AT_ONCE: u32 = 200;

/// Returns whether a product of the file is live at a platform.
pub(super) fn has_live_listing(s: &mut dyn Session, file_id: &FileId) -> Result<bool, StoreError> {
    Ok(s.listings().list_by_file(file_id)?.iter().any(|listing| listing.status.is_live()))
}

/// All jobs that match a filter, in the order of insertion. Meant for filters with a file. Unreadable rows are left
/// out: they fail at their next claim, and must not keep their file in its status.
pub(super) fn all_jobs(s: &mut dyn Session, filter: &JobFilter) -> Result<Vec<JobSummary>, StoreError> {
    let mut request = PageRequest::first(JOBS_AT_ONCE);
    let mut jobs = Vec::new();
    loop {
        let page = s.jobs().page(filter, &request)?;
        jobs.extend(page.items);
        match page.next {
            Some(next) => request = request.after(next),
            None => return Ok(jobs),
        }
    }
}

/// The dead and parked jobs of a file that no later job replaces. A later job replaces one of the same kind and key,
/// or, without a key, of the same kind and payload.
pub(super) fn failed_jobs(s: &mut dyn Session, file_id: &FileId) -> Result<Vec<JobSummary>, StoreError> {
    let filter = JobFilter::new().file_id(*file_id);
    let (mut seen, mut failed) = (BTreeSet::new(), Vec::new());
    for job in all_jobs(s, &filter)?.into_iter().rev() {
        let subject = match &job.dedup_key {
            Some(key) => key.as_str().to_owned(),
            None => payload(s, &job.id)?.map_or_else(String::new, |payload| payload.as_str().to_owned()),
        };
        if seen.insert((job.kind.clone(), subject)) && job.state.status() == JobStatus::Failed {
            failed.push(job);
        }
    }
    failed.reverse();
    Ok(failed)
}

/// Makes all jobs of a file pending that are parked for this, and returns their ids. If a later job with the same key
/// is live, the parked job is cancelled, since the live job does its work.
pub(super) fn retry_parked(
    s: &mut dyn Session,
    file_id: &FileId,
    parked_for: ParkedFor,
    at: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let mut retried = Vec::new();
    for job in parked_jobs(s, file_id, parked_for)?.into_iter().rev() {
        match s.job_actions().retry(&job.id, at)? {
            JobActionOutcome::Done => retried.push(job.id),
            JobActionOutcome::Duplicate(other) => {
                let reason = format!("job {other} has the same key and does its work");
                let _ = s.job_actions().cancel(&job.id, &reason, at)?;
            }
            JobActionOutcome::CancelRequested
            | JobActionOutcome::Requeued(_)
            | JobActionOutcome::Refused { .. }
            | JobActionOutcome::NotFound => {}
        }
    }
    retried.reverse();
    Ok(retried)
}

/// The jobs of a file that are parked for this event, without those that are held because their workers have died. Only a
/// retry of its own runs a held job again: a person must have looked whether its work was done.
pub(super) fn parked_jobs(
    s: &mut dyn Session,
    file_id: &FileId,
    parked_for: ParkedFor,
) -> Result<Vec<JobSummary>, StoreError> {
    let mut parked = Vec::new();
    for job in all_jobs(s, &JobFilter::new().file_id(*file_id).parked_for(parked_for))? {
        let last = s.jobs().attempts(&job.id)?.pop();
        if last.is_none_or(|last| last.outcome != AttemptOutcome::LeaseLost) {
            parked.push(job);
        }
    }
    Ok(parked)
}

/// Reads the payload of a job. Pages of jobs leave payloads out.
pub(super) fn payload(s: &mut dyn Session, id: &JobId) -> Result<Option<RawJson>, StoreError> {
    Ok(s.jobs().find(id)?.and_then(|job| job.payload))
}

/// Returns whether a processing job of the file has failed for good. The file has then failed with it.
pub(super) fn processing_job_has_failed(s: &mut dyn Session, file_id: &FileId) -> Result<bool, StoreError> {
    let failed = failed_jobs(s, file_id)?;
    Ok(failed.iter().any(|job| job.kind.fails_its_file() && job.state.parked_for().is_none()))
}
