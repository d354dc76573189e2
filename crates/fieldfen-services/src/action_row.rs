//! The row of an operator's action, written in the transaction of the action.

use fieldfen_domain::job::JobActionOutcome;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, OperatorAction, OperatorActionFilter, Subject};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{OperatorActionId, PageRequest};

use crate::write_retry::{OfStore, write_once};
use crate::{Environment, Transaction};

/// Runs an operator's action in its own transaction; `act_in` records the action. If the outcome of an attempt is
/// unknown, the next attempt looks for the row of that attempt by its id, so that no clock decides whether it took
/// effect.
pub(crate) fn act<S, T, E>(
    store: &S,
    (action, kind, subject): (&Action, ActionKind, Subject),
    mut act_in: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
) -> Result<T, E>
where
    S: Store,
    E: OfStore,
{
    let filter = OperatorActionFilter::of(subject).by(action.by().name()).kind(kind);
    let acted = write_once(store, |s, before: Option<&(T, OperatorActionId)>| {
        if let Some((_, id)) = before
            && is_recorded(s, id)?
        {
            return Ok(None);
        }
        let answer = act_in(&mut Transaction::new(s))?;
        // Only this transaction writes now: the newest such row is the row of `act_in`.
        let newest = s.operator_actions().page(&filter, &PageRequest::first(1).newest_first())?;
        let id = newest.items.first().map(|row| row.id).ok_or_else(not_recorded)?;
        Ok::<_, E>(Some((answer, id)))
    });
    acted.map(|(answer, _)| answer)
}

fn not_recorded() -> StoreError {
    StoreError::Database("an operator's action has written no row of operator_actions".into())
}

/// Inserts the row of an operator's action, under a new id. A refused action gets a row too. An action that fails with
/// an error gets none.
pub(crate) fn record(
    s: &mut dyn Session,
    action: &Action,
    kind: ActionKind,
    subject: Subject,
    outcome: ActionOutcome,
    environment: &Environment,
) -> Result<OperatorActionId, StoreError> {
    let (id, at) = (environment.operator_action_id(), environment.now());
    s.operator_actions().record(&OperatorAction::new(id, at, action.clone(), kind, subject, outcome))?;
    Ok(id)
}

/// Returns whether the attempt that wrote this row took effect.
pub(crate) fn is_recorded(s: &mut dyn Session, id: &OperatorActionId) -> Result<bool, StoreError> {
    Ok(s.operator_actions().find(id)?.is_some())
}

/// The outcome of an action on a job, as the row records it.
pub(crate) const fn of_job(answer: &JobActionOutcome) -> ActionOutcome {
    match answer {
        JobActionOutcome::Done | JobActionOutcome::Requeued(_) => ActionOutcome::Done,
        JobActionOutcome::CancelRequested => ActionOutcome::Requested,
        JobActionOutcome::Refused { .. } | JobActionOutcome::Duplicate(_) => ActionOutcome::Refused,
        JobActionOutcome::NotFound => ActionOutcome::NotFound,
    }
}
