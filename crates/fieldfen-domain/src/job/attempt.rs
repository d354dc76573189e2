//! The attempts of a job that ended without completing it.

use crate::text_enum::text_enum;
use crate::time::Timestamp;

/// The most attempts that a store keeps for a job: the [first ones](FIRST_ATTEMPTS) and the latest ones.
pub const MAX_ATTEMPTS_KEPT: u32 = 50;

/// The number of a job's first attempts that are kept however many follow.
pub const FIRST_ATTEMPTS: u32 = 5;

/// The end of a claim without a completion. An operator's retry deletes no attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobAttempt {
    /// The first attempt of the job has number 1, each later one the next number. A retry does not begin anew.
    pub number: u32,
    /// The time of the claim; `None` if the row does not hold a readable time.
    pub claimed_at: Option<Timestamp>,
    /// The time at which the attempt ended.
    pub ended_at: Timestamp,
    /// The name of the worker; `None` if the job's row had none.
    pub worker: Option<String>,
    /// The end of the attempt.
    pub outcome: AttemptOutcome,
    /// The error or the reason; `None` for a throttled attempt.
    pub error: Option<String>,
}

impl JobAttempt {
    /// An attempt with this number and end. The other columns are unknown.
    #[must_use]
    pub const fn new(number: u32, outcome: AttemptOutcome, ended_at: Timestamp) -> Self {
        Self { number, claimed_at: None, ended_at, worker: None, outcome, error: None }
    }
}

text_enum! {
    /// The end of an attempt.
    ///
    /// A completed attempt is not recorded, because the job's own row describes it. Neither is a claim that its
    /// worker has [released](crate::store::JobQueue::release): it gives back jobs that no handler has received, and jobs
    /// whose handlers failed because the worker stops.
    pub enum AttemptOutcome as "outcome of an attempt" {
        /// The handler has reported an error.
        Failed = "failed",
        /// The handler took longer than its timeout.
        TimedOut = "timed out",
        /// The worker died, or did not extend its lease in time.
        LeaseLost = "lease lost",
        /// An operator has failed the job while it ran.
        Killed = "killed",
        /// An operator has given the job back to the queue while it ran.
        Released = "released",
        /// The handler has ended without success after an operator had requested the cancellation.
        Cancelled = "cancelled",
        /// The worker could not run the job, but another one may.
        Declined = "declined",
        /// The job waits for an event.
        Parked = "parked",
        /// A rate limit has delayed the job.
        Throttled = "throttled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_outcomes_are_read_back() {
        for outcome in AttemptOutcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(*outcome));
        }
        let error = "lost".parse::<AttemptOutcome>().unwrap_err().to_string();
        assert!(error.starts_with("outcome of an attempt \"lost\" is unknown"), "{error}");
    }
}
