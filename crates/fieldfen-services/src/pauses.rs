//! Pauses of kinds, services and accounts.
//!
//! A pause is a row of the database. Each claim of each process honours it: no claim takes the jobs of its scope, no
//! retry is spent on them, and they keep their places in the queue. Running jobs go on.
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
//! let scope = PauseScope::account("etsy", "main")?;
//! let ann = Action::new(Actor::new("ann", Via::Console)?, "Etsy reviews the account")?;
//! pauses.pause(&scope, Some(environment.now() + TimeDelta::days(1)), &ann)?;
//! assert_eq!(pauses.list()?[0].reason, "Etsy reviews the account");
//! assert!(pauses.lift(&scope, &ann)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use fieldfen_domain::api_usage::ApiCallFilter;
use fieldfen_domain::job::{JobFilter, JobKind, Pause, PauseScope};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{Platform, PublicationFilter, SocialPlatform};
use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};
use fieldfen_domain::worker::SILENT_AFTER;
use fieldfen_domain::{Page, PageRequest, Timestamp};

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

    /// Whether anything of this name is known to the store: a job, a kind that a living worker handles, a call, a rate
    /// limit, a concurrency limit or a publication. A pause of an unknown name may be a typing error.
    pub fn is_known(&self, scope: &PauseScope) -> Result<bool, StoreError> {
        let (one, now) = (PageRequest::first(1), self.environment.now());
        self.store.read(|s| match scope {
            PauseScope::Kind(kind) => {
                let is_specified = JobKind::SPECIFIED.contains(kind);
                let workers = s.workers().seen_since(now - SILENT_AFTER)?;
                let mut handled = workers.iter().flatten().flat_map(|worker| &worker.kinds);
                Ok(is_specified
                    || handled.any(|handled| handled == kind)
                    || s.concurrency_limits().list()?.iter().any(|limit| limit.kind == *kind)
                    || has_rows(&s.jobs().page(&JobFilter::new().kind(kind.clone()), &one)?))
            }
            PauseScope::Account(account) => {
                let (service, its) = (account.service(), account.account().map(str::to_owned));
                let calls = ApiCallFilter::new().service(service.to_owned()).account(its.clone());
                Ok(has_rows(&s.jobs().page(&JobFilter::new().account(account.clone()), &one)?)
                    || has_rows(&s.api_usage().page(&calls, &one)?)
                    || s.rate_limits()
                        .list(Some(service), now)?
                        .into_iter()
                        .flatten()
                        .any(|limit| its.is_none() || limit.key.account.is_none() || limit.key.account == its)
                    || is_published_at(s, service, its.as_deref())?)
            }
        })
    }

    /// Pauses a scope until this time, or until somebody resumes it. The reason is that of the action. A pause of the
    /// scope that lasts at least as long stays as it is, and the answer is `false`. The pause of a
    /// [budget](crate::rate_limiter::RateLimiter::budgets) is replaced, however long it lasts: it may be lifted at any
    /// time.
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

/// Whether a page shows that there are rows.
fn has_rows<T>(page: &Page<T>) -> bool {
    !page.items.is_empty() || !page.unreadable.is_empty() || page.next.is_some()
}

/// Whether there is a publication at a platform or network of this name, and at this account.
fn is_published_at(s: &mut dyn ReadSession, service: &str, account: Option<&str>) -> Result<bool, StoreError> {
    let filters = [
        service.parse().ok().map(|platform: Platform| PublicationFilter::new().platform(platform)),
        service.parse().ok().map(|network: SocialPlatform| PublicationFilter::new().network(network)),
    ];
    for filter in filters.into_iter().flatten() {
        let filter = filter.account(account.map(str::to_owned));
        if has_rows(&s.publications().page(&filter, &PageRequest::first(1))?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn subject(scope: &PauseScope) -> Subject {
    match scope {
        PauseScope::Account(account) => Subject::Account(account.clone()),
        PauseScope::Kind(kind) => Subject::Kind(kind.clone()),
    }
}
