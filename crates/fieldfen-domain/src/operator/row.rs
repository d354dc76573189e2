//! The rows of `operator_actions`, and the filter for pages of them.

use super::{Action, Subject};
use crate::ids::OperatorActionId;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// The kinds of actions, as `operator_actions.action` has them.
    #[non_exhaustive]
    pub enum ActionKind as "kind of action" {
        /// A file was approved.
        Approve = "approve",
        /// A file was rejected.
        Reject = "reject",
        /// A file was failed.
        Fail = "fail",
        /// A failed file or job was retried.
        Retry = "retry",
        /// The details of a file were changed.
        Edit = "edit",
        /// A file or job was deleted.
        Delete = "delete",
        /// The publications of a file were enqueued.
        Publish = "publish",
        /// A job was stopped.
        Cancel = "cancel",
        /// A running job was failed without its worker.
        Kill = "kill",
        /// An unknown publication was confirmed with a product or post that its platform has.
        Resolve = "resolve",
        /// An unknown publication was released, because its platform has nothing with its key.
        NothingIsThere = "nothing_is_there",
        /// A listing or post without a publication was given one.
        Adopt = "adopt",
        /// The row of a listing or post of a person or another program was inserted.
        WriteDown = "write_down",
        /// Recurring work or a concurrency limit was defined or changed.
        Define = "define",
        /// Recurring work, a kind of job, a service or an account was paused.
        Pause = "pause",
        /// Paused recurring work, or a paused kind, service or account, was resumed.
        Resume = "resume",
        /// Recurring work or a job was run before its time.
        RunNow = "run_now",
        /// Recurring work or a concurrency limit was removed.
        Remove = "remove",
        /// A running job was given back to the queue.
        Release = "release",
        /// The due time of a job was changed.
        Reschedule = "reschedule",
        /// A new job was enqueued with the payload of an ended one.
        Requeue = "requeue",
        /// The priority of a job was changed.
        SetPriority = "set_priority",
        /// A product or post was taken down at its platform.
        Withdraw = "withdraw",
        /// A webhook's delivery was forgotten, so that it counts as new when it comes again.
        Forget = "forget",
    }
}

text_enum! {
    /// The result of the action.
    #[non_exhaustive]
    pub enum ActionOutcome as "outcome of an action" {
        /// The action took effect.
        Done = "done",
        /// The running job was asked to stop, or the bulk action was started.
        Requested = "requested",
        /// The subject already had the requested state.
        Unchanged = "unchanged",
        /// The state of the subject, or a rule, does not allow the action.
        Refused = "refused",
        /// The subject does not exist.
        NotFound = "not_found",
    }
}

/// A row of `operator_actions`. The row outlives its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperatorAction {
    /// The id, which identifies the action without a clock. If the outcome of its transaction is unknown, the action is
    /// looked up by it.
    pub id: OperatorActionId,
    /// The time of the action, by the clock of the program that did it.
    pub at: Timestamp,
    /// The actor and the reason.
    pub action: Action,
    /// The kind of action.
    pub kind: ActionKind,
    /// The row that the action concerned.
    pub subject: Subject,
    /// Whether the action took effect, and if not, why.
    pub outcome: ActionOutcome,
}

impl OperatorAction {
    /// An action on a subject at this time, with its outcome.
    #[must_use]
    pub const fn new(
        id: OperatorActionId,
        at: Timestamp,
        action: Action,
        kind: ActionKind,
        subject: Subject,
        outcome: ActionOutcome,
    ) -> Self {
        Self { id, at, action, kind, subject, outcome }
    }
}

/// A filter of actions. An action passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperatorActionFilter {
    /// Only actions on this subject.
    pub subject: Option<Subject>,
    /// Only actions of the actors with this name.
    pub by: Option<String>,
    /// Only actions of this kind.
    pub kind: Option<ActionKind>,
    /// Only actions at this time or later.
    pub since: Option<Timestamp>,
    /// Only actions before this time.
    pub until: Option<Timestamp>,
}

impl OperatorActionFilter {
    /// A filter that every action passes.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Only actions on this subject.
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    /// Only actions of the actors with this name.
    #[must_use]
    pub fn by(self, name: impl Into<String>) -> Self {
        Self { by: Some(name.into()), ..self }
    }

    /// Only actions of this kind; `None` for any.
    #[must_use]
    pub fn kind(self, kind: impl Into<Option<ActionKind>>) -> Self {
        Self { kind: kind.into(), ..self }
    }

    /// Only actions at this time or later; `None` for any time.
    #[must_use]
    pub fn since(self, since: impl Into<Option<Timestamp>>) -> Self {
        Self { since: since.into(), ..self }
    }

    /// Only actions before this time; `None` for any time.
    #[must_use]
    pub fn until(self, until: impl Into<Option<Timestamp>>) -> Self {
        Self { until: until.into(), ..self }
    }
}
