//! The numbers of jobs whose outcomes a worker has applied, by outcome.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fieldfen_domain::job::Job;
use fieldfen_domain::store::{MaintenanceReport, StoreError};
use fieldfen_services::overview::QueueFigures;
use fieldfen_services::prometheus::PrometheusMetrics;
use fieldfen_services::worker::{AppliedOutcome, Metrics};
use serde::Serialize;

/// Counts the ends of attempts, and passes all figures on to a file of metrics if there is one.
#[derive(Clone)]
pub(super) struct EndedJobs {
    counts: Arc<Mutex<JobCounts>>,
    file: Option<PrometheusMetrics>,
}

/// The numbers of attempts by their ends. A job that was tried several times counts with each attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct JobCounts {
    completed: u64,
    /// The jobs that failed for good.
    failed: u64,
    /// The attempts after which the job waits for its next attempt.
    retried_later: u64,
    /// The jobs that wait for an event, for example an approval.
    parked: u64,
    /// The attempts that were throttled, declined or lost, or whose worker stopped.
    others: u64,
}

impl EndedJobs {
    pub(super) fn new(file: Option<PrometheusMetrics>) -> Self {
        Self { counts: Arc::default(), file }
    }

    /// The numbers so far.
    pub(super) fn counts(&self) -> JobCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, tell: impl FnOnce(&PrometheusMetrics)) {
        if let Some(file) = &self.file {
            tell(file);
        }
    }
}

impl Metrics for EndedJobs {
    fn job_started(&self, job: &Job, waited: Duration) {
        self.tell(|file| file.job_started(job, waited));
    }

    fn job_ended(&self, job: &Job, applied: AppliedOutcome, took: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match applied {
            AppliedOutcome::Completed => &mut counts.completed,
            AppliedOutcome::Failed => &mut counts.failed,
            AppliedOutcome::Retrying => &mut counts.retried_later,
            AppliedOutcome::Parked => &mut counts.parked,
            _ => &mut counts.others,
        };
        *count = count.saturating_add(1);
        drop(counts);
        self.tell(|file| file.job_ended(job, applied, took));
    }

    fn handler_timed_out(&self, job: &Job, timeout: Duration) {
        self.tell(|file| file.handler_timed_out(job, timeout));
    }

    fn completed_late(&self, job: &Job, took: Duration) {
        self.tell(|file| file.completed_late(job, took));
    }

    fn handler_stuck(&self, job: &Job, ran: Duration) {
        self.tell(|file| file.handler_stuck(job, ran));
    }

    fn jobs_reclaimed(&self, jobs: usize) {
        self.tell(|file| file.jobs_reclaimed(jobs));
    }

    fn store_failed(&self, error: &StoreError) {
        self.tell(|file| file.store_failed(error));
    }

    fn store_maintained(&self, report: &MaintenanceReport) {
        self.tell(|file| file.store_maintained(report));
    }

    fn queue(&self, figures: &QueueFigures) {
        self.tell(|file| file.queue(figures));
    }

    fn queue_interval(&self) -> Option<Duration> {
        self.file.as_ref().and_then(Metrics::queue_interval)
    }
}

/// `3 jobs completed, 1 failed`, with the other ends if there are any.
impl fmt::Display for JobCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { completed, failed, retried_later, parked, others } = self;
        write!(f, "{completed} {} completed, {failed} failed", if *completed == 1 { "job" } else { "jobs" })?;
        for (number, end) in [(retried_later, "retried later"), (parked, "parked"), (others, "neither")] {
            if *number > 0 {
                write!(f, ", {number} {end}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_named_in_a_sentence() {
        let counts = JobCounts { completed: 1, ..JobCounts::default() };
        assert_eq!(counts.to_string(), "1 job completed, 0 failed");
        let counts = JobCounts { completed: 3, failed: 1, retried_later: 2, parked: 4, others: 5 };
        assert_eq!(counts.to_string(), "3 jobs completed, 1 failed, 2 retried later, 4 parked, 5 neither");
    }
}
