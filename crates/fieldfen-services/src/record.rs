//! The row of an operator's action, written in the transaction of the action.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::Administered;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, OperatorAction, Subject};
use fieldfen_domain::store::{Session, StoreError};

/// Writes down what somebody did to a subject. Attempts that were refused are written down too; an action that fails
/// with an error leaves nothing behind.
pub(crate) fn record(
    s: &mut dyn Session,
    action: &Action,
    kind: ActionKind,
    subject: Subject,
    outcome: ActionOutcome,
    at: Timestamp,
) -> Result<(), StoreError> {
    s.operator_actions().record(&OperatorAction { at, action: action.clone(), kind, subject, outcome })
}

/// What an action on a job has led to.
pub(crate) const fn of_job(answer: &Administered) -> ActionOutcome {
    match answer {
        Administered::Done => ActionOutcome::Done,
        Administered::Requested => ActionOutcome::Requested,
        Administered::Refused { .. } | Administered::Met(_) => ActionOutcome::Refused,
        Administered::Gone => ActionOutcome::NotFound,
    }
}
