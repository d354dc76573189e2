//! Ends many claimed jobs in one transaction.

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{ClaimRef, FailOutcome, FencedResult};
use fieldfen_domain::store::{Session, Store};

use super::completion::complete;
use super::fail::{TryEnding, has_gone_back};
use super::{ClaimedJob, Completion, Queue, QueueError};
use crate::Transaction;
use crate::write_retry::{unless_done_before, write_once};

/// The way in which a claimed job ends.
#[derive(Debug)]
pub(crate) enum JobEnding<'e> {
    /// With success.
    Complete(&'e mut Completion),
    /// Without success.
    WithoutSuccess(TryEnding<'e>),
}

/// The state of a claimed job after it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndOutcome {
    /// The job has completed.
    Completed,
    /// The job has not succeeded.
    Failed(FailOutcome),
}

/// The answer for one job of a batch.
pub(crate) type EndResult = FencedResult<EndOutcome>;

impl<S: Store> Queue<S> {
    /// Ends jobs in one transaction. The answers are in the order of the jobs.
    ///
    /// The jobs whose completions only have a result are completed first, together. The other jobs are ended one after
    /// the other, each with its writes, so that no write sees a completed job whose own writes are missing.
    ///
    /// # Errors
    /// The error of the first job that is refused. No job has ended then.
    pub(crate) fn end_many(&self, jobs: &mut [(&ClaimedJob, JobEnding<'_>)]) -> Result<Vec<EndResult>, QueueError> {
        write_once(&self.store, |s, before: Option<&Vec<EndResult>>| {
            for ((claimed, ending), before) in jobs.iter().zip(before.into_iter().flatten()) {
                if matches!(ending, JobEnding::WithoutSuccess(_))
                    && let Some(before) = failed(*before)
                    && has_gone_back(s, claimed, &before)?
                {
                    return Ok(None);
                }
            }
            let mut plain = self.complete_plain(s, jobs)?.into_iter();
            let mut answers = Vec::with_capacity(jobs.len());
            for (position, (claimed, ending)) in jobs.iter_mut().enumerate() {
                let answer = match ending {
                    JobEnding::Complete(completion) => {
                        let completed = if completion.is_plain() { plain.next() } else { None };
                        let completed = match completed {
                            Some(completed) => completed,
                            None => {
                                let mut transaction = Transaction::new(s);
                                complete(&mut transaction, &claimed.claim, completion, self.environment.now())?
                            }
                        };
                        with(completed, |()| EndOutcome::Completed)
                    }
                    JobEnding::WithoutSuccess(ending) => with(self.end_try_in(s, claimed, ending)?, EndOutcome::Failed),
                };
                // If one job has ended before, the whole batch has.
                match unless_done_before(before.and_then(|before| before.get(position)), answer) {
                    Some(answer) => answers.push(answer),
                    None => return Ok(None),
                }
            }
            Ok(Some(answers))
        })
    }

    /// Completes the jobs whose completions only have a result, with as few statements as possible. The answers are in
    /// the order of these jobs.
    fn complete_plain(
        &self,
        s: &mut dyn Session,
        jobs: &[(&ClaimedJob, JobEnding<'_>)],
    ) -> Result<Vec<FencedResult<()>>, QueueError> {
        let mut completions: Vec<(ClaimRef, Option<RawJson>)> = Vec::new();
        for (claimed, ending) in jobs {
            if let JobEnding::Complete(completion) = ending
                && completion.is_plain()
            {
                completions.push((claimed.claim, completion.result_json()?.cloned()));
            }
        }
        Ok(s.jobs().complete_many(&completions, self.environment.now())?)
    }
}

/// The answer for a job that has not succeeded.
const fn failed(answer: EndResult) -> Option<FencedResult<FailOutcome>> {
    match answer {
        FencedResult::Done(EndOutcome::Failed(outcome)) => Some(FencedResult::Done(outcome)),
        _ => None,
    }
}

fn with<T>(answer: FencedResult<T>, end: impl FnOnce(T) -> EndOutcome) -> EndResult {
    match answer {
        FencedResult::Done(done) => FencedResult::Done(end(done)),
        FencedResult::AlreadyDone { at } => FencedResult::AlreadyDone { at },
        FencedResult::LeaseLost => FencedResult::LeaseLost,
        FencedResult::NotFound => FencedResult::NotFound,
    }
}
