//! An action on all jobs that match a filter.

use super::{JobAction, JobFilter, JobState, JobSummary};
use crate::ids::BulkActionId;
use crate::operator::Action;
use crate::page::Cursor;
use crate::time::Timestamp;

/// An action on all jobs that match a filter, as an operator has ordered it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewBulkAction {
    /// The id of the new row.
    pub id: BulkActionId,
    /// The action on each job.
    pub action: JobAction,
    /// The conditions that a job meets.
    pub filter: JobFilter,
    /// The operator, and the reason for the action on each job.
    pub ordered: Action,
    /// The time of the order. The action takes only jobs that matched before it.
    pub started_at: Timestamp,
}

impl NewBulkAction {
    /// The order of an action on all jobs that match this filter.
    #[must_use]
    pub const fn new(
        id: BulkActionId,
        filter: JobFilter,
        action: JobAction,
        ordered: Action,
        started_at: Timestamp,
    ) -> Self {
        Self { id, filter, action, ordered, started_at }
    }

    /// Returns whether a job was in its present state before the action was ordered.
    ///
    /// An ended or parked job counts with the time at which it ended, and any other job with the time at which it was
    /// enqueued. A job that the action has retried and that fails again is therefore not taken a second time. A job
    /// whose time is unknown counts as earlier.
    #[must_use]
    pub fn is_earlier(&self, job: &JobSummary) -> bool {
        let since = match job.state {
            JobState::Pending | JobState::Running { .. } => job.created_at,
            JobState::Completed { at } | JobState::Failed { at } | JobState::Parked { at, .. } => at.or(job.created_at),
        };
        since.is_none_or(|since| since < self.started_at)
    }
}

/// A row of `bulk_actions`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkAction {
    /// The order.
    pub order: NewBulkAction,
    /// The position after the last job that was there at the start. Later jobs are not taken.
    pub until: Cursor,
    /// The part that is done.
    pub progress: BulkProgress,
}

impl BulkAction {
    /// A row with this order, end and progress.
    #[must_use]
    pub const fn new(order: NewBulkAction, until: Cursor, progress: BulkProgress) -> Self {
        Self { order, until, progress }
    }

    /// Returns whether no job is left.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.progress.finished_at.is_some()
    }
}

/// The part of a bulk action that is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkProgress {
    /// The position after the last job that was examined; `None` before the first batch.
    pub cursor: Option<Cursor>,
    /// The number of jobs on which the action took effect, or that were asked to stop.
    pub done: u64,
    /// The number of jobs that matched and whose state, or a rule, did not allow the action.
    pub refused: u64,
    /// The time at which the last job was examined; `None` while jobs are left.
    pub finished_at: Option<Timestamp>,
}

impl BulkProgress {
    /// The progress of an action that examined the jobs up to this cursor.
    #[must_use]
    pub const fn new(cursor: Option<Cursor>, done: u64, refused: u64, finished_at: Option<Timestamp>) -> Self {
        Self { cursor, done, refused, finished_at }
    }

    /// The number of jobs that matched so far.
    #[must_use]
    pub const fn matched(&self) -> u64 {
        self.done.saturating_add(self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::JobId;
    use crate::job::{Job, JobKind, ParkedFor};
    use crate::operator::{Actor, Via};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    fn order(action: JobAction, filter: JobFilter) -> NewBulkAction {
        let ordered = Action::new(Actor::new("ann", Via::Tool).unwrap(), "the service is back").unwrap();
        NewBulkAction::new(BulkActionId::from_random(1), filter, action, ordered, at(10))
    }

    #[test]
    fn a_job_counts_with_the_time_at_which_it_ended_or_else_was_enqueued() {
        let order = order(JobAction::Retry, JobFilter::new());
        let ended = |at| JobState::Failed { at };
        for (state, created_at, expected) in [
            (ended(Some(at(9))), Some(at(1)), true),
            (ended(Some(at(10))), Some(at(1)), false),
            (ended(None), Some(at(9)), true),
            (ended(None), Some(at(10)), false),
            (ended(None), None, true),
            (JobState::Completed { at: Some(at(11)) }, None, false),
            (JobState::Parked { at: Some(at(11)), parked_for: ParkedFor::Person }, None, false),
            (JobState::Pending, Some(at(9)), true),
            (JobState::Pending, Some(at(10)), false),
            (JobState::Running { started_at: Some(at(11)), lease: None }, Some(at(9)), true),
        ] {
            let kind: JobKind = "test.work".parse().unwrap();
            let job = Job { created_at, ..Job::new(JobId::from_random(1), kind, state.clone(), at(1)) };
            assert_eq!(order.is_earlier(&job.into()), expected, "{state:?} {created_at:?}");
        }
    }
}
