//! The due times of jobs that an operator retries, gives back to the queue or reschedules.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::lease_holds;

/// The due time of a retried job, and the lease that its row keeps until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryTimes {
    pub(crate) run_at: Timestamp,
    /// The end of the lease under which the job was killed; its handler may run until then. `None` if no handler runs.
    pub(crate) killed_until: Option<Timestamp>,
}

/// The times of a job that is retried now. `lease_end` is the end of the lease under which the job was killed. A lease
/// that cannot be read delays nothing.
pub(crate) fn retry_times(lease_end: Option<Timestamp>, at: Timestamp) -> RetryTimes {
    let killed_until = lease_end.filter(|end| lease_holds(*end, at));
    RetryTimes { run_at: killed_until.unwrap_or(at), killed_until }
}

/// The due time of a pending job that is rescheduled now, and the time since which it waits for that time; `None` if the
/// operator has chosen the time. `lease_end` is the end of the lease that a killed or released handler still has.
pub(crate) fn reschedule_times(
    lease_end: Option<Timestamp>,
    run_at: Timestamp,
    at: Timestamp,
) -> (Timestamp, Option<Timestamp>) {
    match lease_end.filter(|end| lease_holds(*end, at)) {
        Some(end) if end >= run_at => (end, Some(at)),
        _ => (run_at, (run_at <= at).then_some(at)),
    }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::MAX_TIMESTAMP;
    use fieldfen_testkit::fixtures::at;

    use super::*;

    #[test]
    fn a_retried_job_waits_for_the_lease_of_its_killed_handler() {
        for (lease_end, run_at, killed_until) in [
            (None, at(10), None),
            (Some(at(10)), at(10), None),
            (Some(at(11)), at(11), Some(at(11))),
            // No worker takes a lease that ends so late: a clock that was ahead has written it.
            (Some(MAX_TIMESTAMP), at(10), None),
        ] {
            assert_eq!(retry_times(lease_end, at(10)), RetryTimes { run_at, killed_until }, "{lease_end:?}");
        }
    }

    #[test]
    fn a_rescheduled_job_waits_for_the_lease_of_its_killed_handler() {
        for (lease_end, run_at, expected) in [
            (None, at(9), (at(9), Some(at(10)))),
            (None, at(11), (at(11), None)),
            (Some(at(10)), at(9), (at(9), Some(at(10)))),
            (Some(at(12)), at(9), (at(12), Some(at(10)))),
            (Some(at(12)), at(11), (at(12), Some(at(10)))),
            (Some(at(12)), at(13), (at(13), None)),
            (Some(MAX_TIMESTAMP), at(11), (at(11), None)),
        ] {
            assert_eq!(reschedule_times(lease_end, run_at, at(10)), expected, "{lease_end:?} {run_at}");
        }
    }
}
