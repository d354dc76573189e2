//! Recognises a request that waits already, so that asking twice does not act twice.
//!
//! Two requests are the same if they have the same kind and content, for any person and reason. Another request about
//! the same file, publication or row may wait between them, and its order counts: `approve`, `reject`, `approve` are
//! then three jobs.

use std::collections::BTreeMap;

use fieldfen_domain::file::ContentHash;
use fieldfen_domain::job::{DedupKey, EnqueueOutcome, JobFilter, JobKind, JobStatus, NewJob, Payload};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{JobId, PageRequest};
use serde_json::value::RawValue;

use super::jobs::{
    ApproveRequest, DeleteRequest, EditRequest, FailRequest, PublishRequest, RejectRequest, ResolveKeyRequest,
    ResolveRowRequest, ResolveUnknownRequest, RetryRequest,
};
use super::withdrawal::WithdrawRequest;
use crate::queue::{Queue, QueueError};

/// The kinds of all requests.
fn kinds() -> [JobKind; 11] {
    [
        ApproveRequest::kind(),
        RejectRequest::kind(),
        FailRequest::kind(),
        RetryRequest::kind(),
        EditRequest::kind(),
        DeleteRequest::kind(),
        PublishRequest::kind(),
        ResolveRowRequest::kind(),
        ResolveKeyRequest::kind(),
        ResolveUnknownRequest::kind(),
        WithdrawRequest::kind(),
    ]
}

/// The job of a request, with the dedup key of its content.
pub(super) fn with_key(job: NewJob) -> NewJob {
    let Some(mut content) = content(&job) else { return job };
    content.remove("action");
    let content: String = content.iter().map(|(name, value)| format!("{name}:{}\n", value.get())).collect();
    let key = DedupKey::new(format!("{} {}", job.kind, ContentHash::of(content.as_bytes())));
    job.dedup_key(key.ok())
}

/// Enqueues the job of a request. If the same request waits, and no other one about the same subject, its job is the
/// answer.
pub(super) fn enqueue<S: Store>(queue: &Queue<S>, job: &NewJob) -> Result<EnqueueOutcome, QueueError> {
    match queue.enqueue(job)? {
        EnqueueOutcome::Duplicate(first) if first != job.id && !is_only(queue, job, &first)? => {
            queue.enqueue(&job.clone().dedup_key(None))
        }
        enqueued => Ok(enqueued),
    }
}

/// Whether no request about the subject of this job waits or runs, except `first`.
fn is_only<S: Store>(queue: &Queue<S>, job: &NewJob, first: &JobId) -> Result<bool, StoreError> {
    let Some(content) = content(job) else { return Ok(false) };
    let subject = ["file_id", "publication_id", "row"].iter().find_map(|name| content.get(*name));
    let Some(subject) = subject else { return Ok(false) };
    for kind in kinds() {
        for status in [JobStatus::Pending, JobStatus::Running] {
            let filter = JobFilter::new().kind(kind.clone()).status(status).payload(subject.get().to_owned());
            let found = queue.list(&filter, &PageRequest::first(2))?;
            if found.items.iter().any(|other| other.id != *first) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The fields of the payload, with their exact texts.
fn content(job: &NewJob) -> Option<BTreeMap<String, Box<RawValue>>> {
    job.payload.as_ref()?.read().ok()
}
