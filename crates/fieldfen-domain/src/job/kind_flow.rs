//! The jobs of one kind that wait, run and end.

use serde::Serialize;

use crate::capped_count::CappedCount;
use crate::ids::JobId;
use crate::time::Timestamp;

/// The jobs of one kind: those that wait and run now, and those that have ended since a time.
///
/// Every count has a bound, and a store looks at a bounded number of rows. A count that is capped is a lower bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KindFlow {
    /// The kind, as the rows have it. Other programs may have written any text.
    pub kind: String,
    /// The pending jobs that are due. A pending job whose kind is a blob is not counted: no claim finds it, and it fails
    /// at the next reclaim, which every worker makes every 5 seconds. Then it counts as dead.
    pub waiting: CappedCount,
    /// The due time of the job that has waited longest; `None` if none waits, or if it has no due time.
    pub waiting_since: Option<Timestamp>,
    /// The running jobs, those of other programs included.
    pub running: CappedCount,
    /// The parked jobs, whatever they wait for.
    pub parked: CappedCount,
    /// The parked jobs that wait for a person.
    pub for_person: StoppedJobs,
    /// The dead letters.
    pub dead: StoppedJobs,
    /// The jobs that were completed since the time in the question.
    pub completed: CappedCount,
}

/// Jobs that do not go on by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoppedJobs {
    /// The number of jobs.
    pub count: CappedCount,
    /// The time at which the first of them stopped; `None` if there is none, or if no row has the time.
    pub since: Option<Timestamp>,
    /// That job.
    pub example: Option<JobId>,
}

impl StoppedJobs {
    /// Takes a job as the example if it is the first, or the first with a time.
    pub fn see(&mut self, id: Option<JobId>, since: Option<Timestamp>) {
        if self.example.is_none() || self.since.is_none() && since.is_some() {
            (self.example, self.since) = (id, since);
        }
    }
}

impl KindFlow {
    /// A kind without any job.
    #[must_use]
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }
}
