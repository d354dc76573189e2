//! The row of an operator's action, written in the transaction of the action.

use fieldfen_domain::job::Administered;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, OperatorAction, OperatorActionFilter, Subject};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{PageRequest, Timestamp};

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

/// How many of the newest actions on a subject are looked through.
const NEWEST: u32 = 20;

/// Whether this has been written down since a time: then an attempt at the action, whose outcome is unknown, has taken
/// effect.
pub(crate) fn is_recorded(
    s: &mut dyn Session,
    action: &Action,
    kind: ActionKind,
    subject: &Subject,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let filter = OperatorActionFilter::of(subject.clone());
    let newest = s.operator_actions().page(&filter, &PageRequest::first(NEWEST).newest_first())?;
    Ok(newest.items.iter().any(|row| row.action == *action && row.kind == kind && row.at >= since))
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
