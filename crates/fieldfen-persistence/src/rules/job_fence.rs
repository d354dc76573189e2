//! The answer to a claim whose fence token is not the current one.

use fieldfen_domain::job::{FencedResult, JobStatus};
use fieldfen_domain::{FenceToken, Timestamp};

/// The last claim of a job, as the row has it. A value of another program that cannot be read is `None`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastClaim {
    pub(crate) status: Option<JobStatus>,
    pub(crate) token: Option<FenceToken>,
    pub(crate) ended_at: Option<Timestamp>,
    /// Whether an operator killed the job while its handler ran.
    pub(crate) killed: bool,
}

/// The reason why nothing was changed for the claim with this token. Every row gets an answer, also one with unreadable
/// values: an error would keep the worker from learning that this claim, and each claim extended with it, is lost.
pub(crate) fn why_refused<T>(last: &LastClaim, token: FenceToken) -> FencedResult<T> {
    let ended_it = last.token == Some(token) && !last.killed && last.status.is_some_and(JobStatus::is_final);
    if ended_it { FencedResult::AlreadyDone { at: last.ended_at } } else { FencedResult::LeaseLost }
}

#[cfg(test)]
mod tests {
    use fieldfen_testkit::fixtures::at;

    use super::*;

    #[test]
    fn only_the_claim_that_ended_a_job_is_told_that_it_did() {
        use JobStatus::{Completed, Failed, Pending, Running};
        let [own, other] = [1, 2].map(FenceToken::from_random);
        for (status, token, killed, expected) in [
            (Some(Completed), Some(own), false, true),
            (Some(Failed), Some(own), false, true),
            (Some(Failed), Some(own), true, false),
            (Some(Completed), Some(other), false, false),
            (Some(Completed), None, false, false),
            (Some(Running), Some(own), false, false),
            (Some(Pending), Some(own), false, false),
            (None, Some(own), false, false),
        ] {
            let last = LastClaim { status, token, ended_at: Some(at(3)), killed };
            let done = FencedResult::<()>::AlreadyDone { at: Some(at(3)) };
            assert_eq!(why_refused(&last, own), if expected { done } else { FencedResult::LeaseLost }, "{last:?}");
        }
    }
}
