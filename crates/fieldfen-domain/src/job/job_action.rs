//! The actions of operators on jobs, and the states in which each is possible.

use super::{JobFilter, JobState, JobStatus, Priority};
use crate::operator::ActionKind;
use crate::time::Timestamp;

/// An action of an operator on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobAction {
    /// Makes a failed or parked job pending at once, with all its retries.
    Retry,
    /// Cancels a job: a pending or parked job fails, and a running one is asked to stop.
    Cancel,
    /// Fails a running job at once.
    Kill,
    /// Gives a running job back to the queue. Its claim is lost. No retry is spent.
    Release,
    /// Deletes a job that is not running.
    Delete,
    /// Sets the due time of a pending job.
    Reschedule(Timestamp),
    /// Makes a pending job due at once.
    RunNow,
    /// Enqueues a new job with the kind, payload, file, account, priority, number of retries and dedup key of an ended
    /// one. The ended job stays as it is.
    Requeue,
    /// Sets the priority of a job that has not completed.
    SetPriority(Priority),
}

impl JobAction {
    /// Returns whether the action is possible in this state. A store decides again when it carries the action out.
    ///
    /// A parked job is retried and not requeued, because its event would otherwise make both jobs run.
    #[must_use]
    pub const fn is_possible_in(self, state: &JobState) -> bool {
        use JobState::{Completed, Failed, Parked, Pending, Running};
        match self {
            Self::Retry => matches!(state, Failed { .. } | Parked { .. }),
            Self::Cancel => matches!(state, Pending | Running { .. } | Parked { .. }),
            Self::Kill | Self::Release => matches!(state, Running { .. }),
            Self::Delete => !matches!(state, Running { .. }),
            Self::Reschedule(_) | Self::RunNow => matches!(state, Pending),
            Self::Requeue => matches!(state, Completed { .. } | Failed { .. }),
            Self::SetPriority(_) => !matches!(state, Completed { .. }),
        }
    }

    /// A filter, restricted to the one status in which the action is possible, if there is only one. Jobs in other
    /// statuses are then not read.
    #[must_use]
    pub fn effective_filter(self, filter: &JobFilter) -> JobFilter {
        let status = match self {
            Self::Retry => JobStatus::Failed,
            Self::Kill | Self::Release => JobStatus::Running,
            Self::Reschedule(_) | Self::RunNow => JobStatus::Pending,
            Self::Cancel | Self::Delete | Self::Requeue | Self::SetPriority(_) => return filter.clone(),
        };
        match (filter.status, filter.failed) {
            (None, None) => filter.clone().status(status),
            _ => filter.clone(),
        }
    }

    /// The kind of the action in `operator_actions`.
    #[must_use]
    pub const fn kind(self) -> ActionKind {
        match self {
            Self::Retry => ActionKind::Retry,
            Self::Cancel => ActionKind::Cancel,
            Self::Kill => ActionKind::Kill,
            Self::Release => ActionKind::Release,
            Self::Delete => ActionKind::Delete,
            Self::Reschedule(_) => ActionKind::Reschedule,
            Self::RunNow => ActionKind::RunNow,
            Self::Requeue => ActionKind::Requeue,
            Self::SetPriority(_) => ActionKind::SetPriority,
        }
    }

    /// The argument of the action as a text: the due time in RFC 3339, or the number of the priority. `None` for an
    /// action without argument.
    #[must_use]
    pub fn argument(self) -> Option<String> {
        match self {
            Self::Reschedule(at) => Some(at.to_rfc3339()),
            Self::SetPriority(priority) => Some(priority.number().to_string()),
            _ => None,
        }
    }

    /// The action of this kind with this [argument](Self::argument).
    ///
    /// # Errors
    /// [`InvalidJobAction`] if jobs have no action of this kind, or if the argument is missing, superfluous or not
    /// readable.
    pub fn parse(kind: ActionKind, argument: Option<&str>) -> Result<Self, InvalidJobAction> {
        let action = match (kind, argument) {
            (ActionKind::Retry, None) => Some(Self::Retry),
            (ActionKind::Cancel, None) => Some(Self::Cancel),
            (ActionKind::Kill, None) => Some(Self::Kill),
            (ActionKind::Release, None) => Some(Self::Release),
            (ActionKind::Delete, None) => Some(Self::Delete),
            (ActionKind::RunNow, None) => Some(Self::RunNow),
            (ActionKind::Requeue, None) => Some(Self::Requeue),
            (ActionKind::Reschedule, Some(at)) => at.parse().ok().map(Self::Reschedule),
            (ActionKind::SetPriority, Some(number)) => {
                number.parse().ok().and_then(Priority::from_number).map(Self::SetPriority)
            }
            _ => None,
        };
        action.ok_or_else(|| InvalidJobAction { kind, argument: argument.map(str::to_owned) })
    }
}

/// The error of a kind and an argument that are no action on jobs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "action {kind} with argument {argument:?}: it must be an action on jobs; reschedule needs a time, set_priority a \
     number from 0 to 3, and the others no argument"
)]
pub struct InvalidJobAction {
    /// The kind of action.
    pub kind: ActionKind,
    /// The argument.
    pub argument: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ParkedFor;

    const ALL: [JobAction; 9] = [
        JobAction::Retry,
        JobAction::Cancel,
        JobAction::Kill,
        JobAction::Release,
        JobAction::Delete,
        JobAction::Reschedule(Timestamp::UNIX_EPOCH),
        JobAction::RunNow,
        JobAction::Requeue,
        JobAction::SetPriority(Priority::Low),
    ];

    /// Whether each action is possible for pending, running, completed, failed and parked jobs. Written by hand.
    const TABLE: [[bool; 5]; 9] = [
        [false, false, false, true, true],
        [true, true, false, false, true],
        [false, true, false, false, false],
        [false, true, false, false, false],
        [true, false, true, true, true],
        [true, false, false, false, false],
        [true, false, false, false, false],
        [false, false, true, true, false],
        [true, true, false, true, true],
    ];

    #[test]
    fn every_action_in_every_state_is_as_the_table_says() {
        let states = [
            JobState::Pending,
            JobState::Running { started_at: None, lease: None },
            JobState::Completed { at: None },
            JobState::Failed { at: None },
            JobState::Parked { at: None, parked_for: ParkedFor::Person },
        ];
        for (action, row) in ALL.into_iter().zip(TABLE) {
            for (state, expected) in states.iter().zip(row) {
                assert_eq!(action.is_possible_in(state), expected, "{action:?} while {state:?}");
            }
        }
    }

    #[test]
    fn jobs_for_which_the_action_is_impossible_are_left_out_where_the_status_tells() {
        for (action, filter, status) in [
            (JobAction::Retry, JobFilter::new(), Some(JobStatus::Failed)),
            (JobAction::RunNow, JobFilter::new(), Some(JobStatus::Pending)),
            (JobAction::Kill, JobFilter::new(), Some(JobStatus::Running)),
            (JobAction::Delete, JobFilter::new(), None),
            (JobAction::Retry, JobFilter::new().status(JobStatus::Pending), Some(JobStatus::Pending)),
            (JobAction::Retry, JobFilter::new().dead_letters(), None),
        ] {
            assert_eq!(action.effective_filter(&filter), filter.clone().status(status), "{action:?}");
        }
    }

    #[test]
    fn actions_survive_their_texts() {
        for action in ALL {
            assert_eq!(JobAction::parse(action.kind(), action.argument().as_deref()), Ok(action));
        }
        for (kind, argument) in [
            (ActionKind::Approve, None),
            (ActionKind::Retry, Some("1")),
            (ActionKind::Reschedule, None),
            (ActionKind::Reschedule, Some("soon")),
            (ActionKind::SetPriority, Some("4")),
        ] {
            let error = JobAction::parse(kind, argument).unwrap_err().to_string();
            assert!(error.contains(kind.as_str()) && error.contains(&format!("{argument:?}")), "{error}");
        }
    }
}
