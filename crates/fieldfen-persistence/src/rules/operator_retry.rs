//! The due time of a failed job that an operator retries.

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
}
