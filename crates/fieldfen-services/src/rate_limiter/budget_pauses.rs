//! The pauses that spent budgets write, so that no process claims the jobs whose calls they would refuse.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::Pause;
use fieldfen_domain::rate_limit::CallScope;
use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};

use super::RateLimiter;
use crate::api_costs::ApiCosts;
use crate::write_retry::write_once;

impl<S: Store> RateLimiter<S> {
    /// Lifts the pauses of budgets that are no longer spent, or that this limiter does not have any more. Returns the
    /// lifted pauses. Without [budgets](RateLimiter::budgets), no pause is lifted.
    ///
    /// A worker with this limiter does so at its start and every 5 seconds. Each [acquisition](RateLimiter::acquire)
    /// does so for the pauses of its service and account.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a row breaks a rule of a pause.
    pub fn lift_pauses_of_budgets(&self) -> Result<Vec<Pause>, StoreError> {
        let Some(budgets) = &self.budgets else { return Ok(Vec::new()) };
        let now = self.environment.now();
        if self.store.read(|s| over(s, budgets, now))?.is_empty() {
            return Ok(Vec::new());
        }
        write_once(&self.store, |s, before: Option<&Vec<Pause>>| {
            let over = over(s.reads(), budgets, now)?;
            if over.is_empty() && before.is_some() {
                return Ok(None);
            }
            over.iter().try_for_each(|pause| s.pauses().lift_own(&pause.scope, &pause.by, now).map(drop))?;
            Ok(Some(over))
        })
    }
}

fn over<S: Store>(
    reads: &mut dyn ReadSession,
    budgets: &ApiCosts<S>,
    now: Timestamp,
) -> Result<Vec<Pause>, StoreError> {
    let mut over = Vec::new();
    for pause in reads.pauses().list(now)? {
        if budgets.has_ended(reads, &pause, now)? {
            over.push(pause);
        }
    }
    Ok(over)
}

/// Lifts the pauses of a call's service and account whose budgets are no longer spent.
pub(super) fn lift_of_call<S: Store>(
    s: &mut dyn Session,
    budgets: &ApiCosts<S>,
    call: &CallScope,
    now: Timestamp,
) -> Result<(), StoreError> {
    for scope in call.pause_scopes() {
        if let Some(pause) = s.pauses().find(&scope, now)?
            && budgets.has_ended(s.reads(), &pause, now)?
        {
            s.pauses().lift_own(&scope, &pause.by, now)?;
        }
    }
    Ok(())
}

/// Writes the pauses of budgets that have refused a call, and returns those that were written. The pause of a person
/// stays as it is, however long it lasts: a lifted pause of a budget must not end it.
pub(super) fn pause(s: &mut dyn Session, pauses: Vec<Pause>) -> Result<Vec<Pause>, StoreError> {
    let mut written = Vec::new();
    for pause in pauses {
        let known = s.pauses().find(&pause.scope, pause.since)?;
        if known.is_none_or(|known| known.is_by_program()) && s.pauses().pause(&pause)? {
            written.push(pause);
        }
    }
    Ok(written)
}
