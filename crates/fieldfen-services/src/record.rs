//! The row of an operator's action, written in the transaction of the action.

use fieldfen_domain::job::JobActionOutcome;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, OperatorAction, OperatorActionFilter, Subject};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{PageRequest, Timestamp};

use crate::write_retry::{OfStore, write_once};
use crate::{Environment, Transaction};

/// Runs an operator's action in a transaction of its own. `act_in` records the action. After an attempt whose outcome is
/// unknown, a repetition sees by one more such row that the attempt has taken effect.
pub(crate) fn act<S, T, E>(
    store: &S,
    environment: &Environment,
    (action, kind, subject): (&Action, ActionKind, Subject),
    mut act_in: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
) -> Result<T, E>
where
    S: Store,
    E: OfStore,
{
    let since = environment.now();
    let mut known = 0;
    write_once(store, |s, before| {
        // The same may have been done by the same operator at the same time before.
        let recorded = count_recorded(s, action, kind, &subject, since)?;
        if before.is_some() && recorded > known {
            return Ok(None);
        }
        known = recorded;
        act_in(&mut Transaction::new(s)).map(Some)
    })
}

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
    s.operator_actions().record(&OperatorAction::new(at, action.clone(), kind, subject, outcome))
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
    Ok(count_recorded(s, action, kind, subject, since)? > 0)
}

/// How often this has been written down since a time, as far as the newest actions on the subject tell.
fn count_recorded(
    s: &mut dyn Session,
    action: &Action,
    kind: ActionKind,
    subject: &Subject,
    since: Timestamp,
) -> Result<usize, StoreError> {
    let filter = OperatorActionFilter::of(subject.clone());
    let newest = s.operator_actions().page(&filter, &PageRequest::first(NEWEST).newest_first())?;
    Ok(newest.items.iter().filter(|row| row.action == *action && row.kind == kind && row.at >= since).count())
}

/// What an action on a job has led to.
pub(crate) const fn of_job(answer: &JobActionOutcome) -> ActionOutcome {
    match answer {
        JobActionOutcome::Done => ActionOutcome::Done,
        JobActionOutcome::CancelRequested => ActionOutcome::Requested,
        JobActionOutcome::Refused { .. } | JobActionOutcome::Duplicate(_) => ActionOutcome::Refused,
        JobActionOutcome::NotFound => ActionOutcome::NotFound,
    }
}
