//! Completes jobs.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{ClaimRef, FencedResult, JobState};
use fieldfen_domain::store::{Session, Store, StoreError};

use super::{ClaimedJob, Completion, Queue, QueueError};
use crate::Transaction;
use crate::write_retry::{unless_done_before, write_once};

impl<S: Store> Queue<S> {
    /// Completes a job and runs the writes of its completion in the same transaction.
    ///
    /// With any answer but [`FencedResult::Done`], nothing was written, neither the handler's own writes nor follow-up
    /// jobs.
    ///
    /// # Errors
    /// As [`complete`].
    pub fn complete(&self, claimed: &ClaimedJob, completion: &mut Completion) -> Result<FencedResult<()>, QueueError> {
        write_once(&self.store, |s, before| {
            let completed = complete(&mut Transaction::new(s), &claimed.claim, completion, self.environment.now())?;
            Ok(unless_done_before(before, completed))
        })
    }
}

/// Completes a job inside the caller's transaction, and runs the writes of its completion.
///
/// # Errors
/// [`QueueError`] if a write or a follow-up job of the completion fails. The caller must then let the transaction fail.
pub fn complete(
    t: &mut Transaction<'_>,
    claim: &ClaimRef,
    completion: &mut Completion,
    at: Timestamp,
) -> Result<FencedResult<()>, QueueError> {
    let s = t.session();
    let answer = completion.answer(s, |s| is_held(s, claim))?;
    let result = match &answer {
        Some(answer) => Some(answer),
        None => completion.result_json()?,
    };
    let fenced = s.jobs().complete(claim, result, at)?;
    match (fenced.is_done(), answer) {
        (true, _) => completion.write(s)?,
        // The transaction must fail, because the closure of the answer has written.
        (false, Some(_)) => return Err(QueueError::Write("the job was lost while its answer was written".into())),
        (false, None) => {}
    }
    Ok(fenced)
}

/// Returns whether a job runs under this claim.
fn is_held(s: &mut dyn Session, claim: &ClaimRef) -> Result<bool, StoreError> {
    let job = match s.jobs().find(&claim.id) {
        // The completion reads the row and reports what is wrong with it.
        Err(StoreError::BadRow { .. }) => None,
        found => found?,
    };
    Ok(job.is_some_and(
        |job| matches!(job.state, JobState::Running { lease: Some(lease), .. } if lease.token == claim.token),
    ))
}
