//! Pauses of kinds, services and accounts.
//!
//! A pause is a row of the database. Each claim of each process honours it: no claim takes the jobs of its scope, no retry
//! is spent on them, and they keep their places in the queue. Running jobs go on.
//!
//! ```
//! use chrono::TimeDelta;
//! use fieldfen_domain::job::PauseScope;
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_services::{Environment, pauses::Pauses};
//! use fieldfen_testkit::ModelStore;
//!
//! let environment = Environment::system();
//! let pauses = Pauses::new(ModelStore::new(), environment.clone());
//! let scope = PauseScope::Account("etsy/main".parse()?);
//! let ann = Action::new(Actor::new("ann", Via::Console)?, "Etsy reviews the account")?;
//! pauses.pause(&scope, Some(environment.now() + TimeDelta::days(1)), &ann)?;
//! assert_eq!(pauses.list()?[0].reason, "Etsy reviews the account");
//! assert!(pauses.lift(&scope, &ann)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{Pause, PauseScope};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::store::{Session, Store, StoreError};

use crate::action_row::{act, record};
use crate::{Environment, Transaction};

/// The pauses of a store; clones are the same handle.
#[derive(Debug, Clone)]
pub struct Pauses<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> Pauses<S> {
    /// The pauses of this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// The pauses that hold now, by scope.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a row breaks a rule of a pause.
    pub fn list(&self) -> Result<Vec<Pause>, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| s.pauses().list(now))
    }

    /// The pause of this scope that holds now.
    ///
    /// # Errors
    /// As [`Pauses::list`].
    pub fn find(&self, scope: &PauseScope) -> Result<Option<Pause>, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| s.pauses().find(scope, now))
    }

    /// Pauses a scope until this time, or until somebody lifts the pause. The reason is that of the action. A pause of the
    /// scope that lasts at least as long stays as it is, and the answer is `false`. The pause of a
    /// [budget](crate::rate_limiter::RateLimiter::budgets) is replaced, however long it lasts: it may be lifted at any time.
    pub fn pause(&self, scope: &PauseScope, until: Option<Timestamp>, action: &Action) -> Result<bool, StoreError> {
        act(&self.store, (action, ActionKind::Pause, subject(scope)), |t| self.pause_in(t, scope, until, action))
    }

    /// [Pauses](Self::pause) a scope in the caller's transaction.
    pub fn pause_in(
        &self,
        t: &mut Transaction<'_>,
        scope: &PauseScope,
        until: Option<Timestamp>,
        action: &Action,
    ) -> Result<bool, StoreError> {
        let s = t.session();
        let pause = Pause::new(scope.clone(), action.reason(), self.environment.now(), action.by().name()).until(until);
        if let Some(known) = s.pauses().find(scope, pause.since)?.filter(|known| known.by_budget().is_some()) {
            s.pauses().lift_own(scope, &known.by, pause.since)?;
        }
        let written = s.pauses().pause(&pause)?;
        self.record(s, scope, ActionKind::Pause, written, action)?;
        Ok(written)
    }

    /// Lifts a pause; `false` if none of this scope holds. Its jobs are due as they were before.
    pub fn lift(&self, scope: &PauseScope, action: &Action) -> Result<bool, StoreError> {
        act(&self.store, (action, ActionKind::Resume, subject(scope)), |t| self.lift_in(t, scope, action))
    }

    /// [Lifts](Self::lift) a pause in the caller's transaction.
    pub fn lift_in(&self, t: &mut Transaction<'_>, scope: &PauseScope, action: &Action) -> Result<bool, StoreError> {
        let s = t.session();
        let lifted = s.pauses().lift(scope, self.environment.now())?;
        self.record(s, scope, ActionKind::Resume, lifted, action)?;
        Ok(lifted)
    }

    fn record(
        &self,
        s: &mut dyn Session,
        scope: &PauseScope,
        kind: ActionKind,
        done: bool,
        action: &Action,
    ) -> Result<(), StoreError> {
        let outcome = if done { ActionOutcome::Done } else { ActionOutcome::Unchanged };
        record(s, action, kind, subject(scope), outcome, &self.environment).map(drop)
    }
}

fn subject(scope: &PauseScope) -> Subject {
    match scope {
        PauseScope::Account(account) => Subject::Account(account.clone()),
        PauseScope::Kind(kind) => Subject::Kind(kind.clone()),
    }
}
