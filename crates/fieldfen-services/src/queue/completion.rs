//! The completion of jobs: the result, the writes and the jobs that follow.

use std::error::Error;
use std::fmt;

use fieldfen_domain::job::{ClaimRef, FencedResult, NewJob};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{InvalidJson, RawJson, Timestamp};
use serde::Serialize;

use super::claim::is_held;
use super::{ClaimedJob, Queue, QueueError};
use crate::Transaction;
use crate::write_retry::{unless_done_before, write_once};

/// A write in the transaction that completes a job.
type Write = Box<dyn FnMut(&mut Transaction<'_>) -> Result<(), QueueError> + Send>;

/// A write whose value becomes the result of the job.
type Answer = Box<dyn FnMut(&mut Transaction<'_>) -> Result<RawJson, StoreError> + Send>;

/// The completion of a job: a result, writes of the handler and the jobs that follow.
///
/// One transaction contains all of it and the end of the job. If the job has been lost meanwhile, nothing is written.
///
/// ```
/// use fieldfen_services::queue::Completion;
///
/// # let (follow_up, call): (fieldfen_domain::job::NewJob, fieldfen_domain::api_usage::ApiCall) = return;
/// let completion = Completion::new()
///     .result(&serde_json::json!({"width": 8000, "height": 6000}))
///     .writing(move |t| t.record_call(&call))
///     .then(follow_up);
/// ```
#[derive(Default)]
pub struct Completion {
    result: Option<Result<RawJson, InvalidJson>>,
    answer: Option<Answer>,
    writes: Vec<Write>,
    follow_ups: Vec<NewJob>,
}

impl Completion {
    /// A completion without result, writes and follow-up jobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores this result with the job.
    ///
    /// The job fails for good if the result is larger than [`MAX_JSON_BYTES`](fieldfen_domain::MAX_JSON_BYTES), is
    /// nested too deeply to be read back, or cannot be written as JSON: for example a map whose keys are not texts, or
    /// a float that is NaN or infinite.
    #[must_use]
    pub fn result<T: Serialize + ?Sized>(mut self, result: &T) -> Self {
        self.result = Some(RawJson::from_value(result));
        self
    }

    /// Enqueues this job in the transaction that completes the present one.
    #[must_use]
    pub fn then(mut self, job: NewJob) -> Self {
        self.follow_ups.push(job);
        self
    }

    /// Adds a write to the same transaction. Writes run in the order in which they were added.
    ///
    /// When `write` runs, the job is completed already, and the jobs that follow are not yet enqueued. The database may
    /// require `write` to run again. If it returns any error, the job is not completed, and this attempt has failed.
    ///
    /// The [`Transaction`] only reaches fieldfen's tables. To write the program's own tables too, complete the job in a
    /// transaction of the program: see [`Task::claim`](crate::worker::Task::claim).
    #[must_use]
    pub fn writing<W, E>(mut self, mut write: W) -> Self
    where
        W: FnMut(&mut Transaction<'_>) -> Result<(), E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.writes.push(Box::new(move |t| write(t).map_err(|error| QueueError::of_write(error.into()))));
        self
    }

    /// Runs a write in the same transaction, before the job is completed, and stores its value as the result. `write`
    /// runs only while the claim holds the job.
    #[must_use]
    pub(crate) fn answering<T, W>(mut self, mut write: W) -> Self
    where
        T: Serialize,
        W: FnMut(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.answer = Some(Box::new(move |t| {
            RawJson::from_value(&write(t)?).map_err(|error| StoreError::unfit_json("result of a job", &error))
        }));
        self
    }

    /// Runs the write whose value becomes the result, if this completion has one and the claim holds the job.
    fn answer(&mut self, s: &mut dyn Session, claim: &ClaimRef) -> Result<Option<RawJson>, StoreError> {
        match &mut self.answer {
            Some(answer) if is_held(s, claim)? => answer(&mut Transaction::new(s)).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns whether it writes nothing but a result.
    pub(super) const fn is_plain(&self) -> bool {
        self.answer.is_none() && self.writes.is_empty() && self.follow_ups.is_empty()
    }

    /// The length of the result, in bytes.
    pub(crate) fn result_bytes(&self) -> usize {
        match &self.result {
            Some(Ok(json)) => json.as_str().len(),
            Some(Err(_)) | None => 0,
        }
    }

    /// The writes, so that the caller can drop them one by one.
    pub(crate) fn into_writes(self) -> impl Iterator<Item = impl Send> {
        let boxed = |write| Box::new(write) as Box<dyn Send>;
        let answer = self.answer.map(|answer| Box::new(answer) as Box<dyn Send>);
        self.writes.into_iter().map(boxed).chain(answer)
    }

    /// The result as JSON.
    pub(super) fn result_json(&self) -> Result<Option<&RawJson>, StoreError> {
        match &self.result {
            None => Ok(None),
            Some(Ok(json)) => Ok(Some(json)),
            Some(Err(error)) => Err(StoreError::unfit_json("result of a job", error)),
        }
    }

    /// Runs the writes and enqueues the follow-up jobs. The result is stored elsewhere.
    fn write(&mut self, s: &mut dyn Session) -> Result<(), QueueError> {
        let mut transaction = Transaction::new(s);
        for write in &mut self.writes {
            write(&mut transaction)?;
        }
        transaction.enqueue_many(&self.follow_ups).map(drop)
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("result", &self.result)
            .field("answers", &self.answer.is_some())
            .field("writes", &self.writes.len())
            .field("follow_ups", &self.follow_ups)
            .finish()
    }
}

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
    let answer = completion.answer(s, claim)?;
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
