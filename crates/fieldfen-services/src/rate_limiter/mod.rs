//! The durable rate limiter, which all processes on a database share: may a call go now, or when?
//!
//! A program acquires a permit before a call and settles it afterwards. All processes together keep to the limits that the
//! program has configured, and to what the answers of the service say:
//!
//! ```
//! use std::time::Duration;
//!
//! use fieldfen_domain::rate_limit::{AcquireOutcome, ApiLimit, CallAnswer, PermitRequest, SaidLimit};
//! use fieldfen_services::{Environment, rate_limiter::RateLimiter};
//! use fieldfen_testkit::ModelStore;
//!
//! let limiter = RateLimiter::new(ModelStore::new(), Environment::system())
//!     .limit(ApiLimit::new("replicate", "predictions", 600, Duration::from_secs(60))?)
//!     .call_timeout(Duration::from_secs(30));
//!
//! match limiter.acquire(&PermitRequest::new("replicate"))? {
//!     AcquireOutcome::Acquired(permit) => {
//!         limiter.start(&permit)?;
//!         // Make the call, which ends within 30 seconds.
//!         let left = SaidLimit::new(None).remaining(599);
//!         limiter.settle(permit, CallAnswer::said(vec![left]))?;
//!     }
//!     AcquireOutcome::NotBefore(closed) => println!("{closed}"),
//!     _ => {}
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! If a process dies between the two, or drops its permit, the permit lapses when the call must have ended, and counts for
//! one more window.

mod check;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, ApiLimit, Availability, CallAnswer, CallScope, ConfiguredLimit, Permit,
    PermitRequest, RateLimit, RateLimitKey, SettleOutcome, Settlement, StartTooLate,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Timestamp, UnreadableRow};

use crate::Environment;
use crate::write_retry::{write, write_once};

pub use check::AcquireCheck;

/// How long a call may take if the program does not say it.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The limits that a program has configured, on the store that its processes share. Clones are the same handle.
#[derive(Clone)]
pub struct RateLimiter<S> {
    store: S,
    environment: Environment,
    limits: Arc<Vec<ApiLimit>>,
    checks: Arc<Vec<Arc<dyn AcquireCheck>>>,
    call_timeout: Duration,
    worker: Arc<str>,
}

impl<S: std::fmt::Debug> std::fmt::Debug for RateLimiter<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter")
            .field("store", &self.store)
            .field("limits", &self.limits)
            .field("checks", &self.checks.len())
            .field("call_timeout", &self.call_timeout)
            .finish_non_exhaustive()
    }
}

impl<S: Store> RateLimiter<S> {
    /// A limiter on this store without limits of its own. It keeps to what the answers say, and to the limits that other
    /// programs on the store have configured.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        let worker = format!("process {}", std::process::id()).into();
        let (limits, checks) = (Arc::default(), Arc::default());
        Self { store, environment, limits, checks, call_timeout: CALL_TIMEOUT, worker }
    }

    /// The same limiter with one more limit. All processes on a store configure the same limits. A limit with another rule
    /// than its row takes the row over.
    #[must_use]
    pub fn limit(mut self, limit: ApiLimit) -> Self {
        Arc::make_mut(&mut self.limits).push(limit);
        self
    }

    /// The same limiter for calls that end within this time after their start; 60 seconds if the program does not say it,
    /// and an hour at most. The shorter it is, the earlier the permit of a dead process is free again.
    #[must_use]
    pub const fn call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    /// The same limiter, whose permits show this name to people.
    #[must_use]
    pub fn worker(mut self, worker: &str) -> Self {
        self.worker = worker.into();
        self
    }

    /// The same limiter with one more condition for each permit.
    #[must_use]
    pub fn check(mut self, check: impl AcquireCheck + 'static) -> Self {
        Arc::make_mut(&mut self.checks).push(Arc::new(check));
        self
    }

    /// A permit for this call, if every limit and every check lets it pass; otherwise the time before which no call may be
    /// made. The call starts within 1 second: see [`RateLimiter::start`].
    ///
    /// A permit whose commit was not acknowledged, and that was not found again, lapses by itself.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a limit of the call cannot be read.
    pub fn acquire(&self, request: &PermitRequest) -> Result<AcquireOutcome, StoreError> {
        let id = self.environment.permit_id();
        let configured = self.configured(&request.call);
        write_once(&self.store, |s, before| {
            // An attempt whose outcome was unknown has taken effect if its permit is there.
            if let Some(AcquireOutcome::Acquired(_)) = before
                && s.rate_limits().permit(&id)?.is_some()
            {
                return Ok(None);
            }
            // The wait for the write lock does not count against the second in which the call starts.
            let now = self.environment.now();
            for check in self.checks.iter() {
                if let Some(closed) = check.closed(s, request, now)? {
                    return Ok(Some(AcquireOutcome::NotBefore(closed)));
                }
            }
            let acquire = AcquireRequest::new(id, request.clone(), now)
                .configured(configured.clone())
                .call_timeout(self.call_timeout)
                .worker(&*self.worker);
            s.rate_limits().acquire(&acquire).map(Some)
        })
    }

    /// Checks that the call of a permit may still start. Call it right before the request is sent.
    ///
    /// # Errors
    /// [`StartTooLate`] more than 1 second after the permit was acquired. Settle it as [`CallAnswer::NotSent`] and acquire
    /// a new one.
    pub fn start(&self, permit: &Permit) -> Result<(), StartTooLate> {
        permit.start(self.environment.now())
    }

    /// Settles a permit now, right after its call has ended, and corrects the limits by what the answer says.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a limit of the call cannot be read. The permit then lapses.
    pub fn settle(&self, permit: Permit, answer: CallAnswer) -> Result<SettleOutcome, StoreError> {
        self.settle_at(permit, answer, self.environment.now())
    }

    /// [`RateLimiter::settle`] of a call that ended at this time, for a program that settles later.
    ///
    /// # Errors
    /// As [`RateLimiter::settle`].
    pub fn settle_at(
        &self,
        permit: Permit,
        answer: CallAnswer,
        ended_at: Timestamp,
    ) -> Result<SettleOutcome, StoreError> {
        let settlement = Settlement::new(permit, answer, ended_at);
        write_once(&self.store, |s, before| match before {
            // The attempt before has taken effect if it found the permit, and the permit is no longer there.
            Some(SettleOutcome::Settled) if s.rate_limits().permit(&settlement.permit.id)?.is_none() => Ok(None),
            _ => s.rate_limits().settle(&settlement).map(Some),
        })
    }

    /// Whether a call to this service, with this account, may be made now. The answer changes nothing and holds only until
    /// the next permit is acquired, by any process. Checks are not asked.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a limit of the call cannot be read.
    pub fn look(&self, service: &str, account: Option<&str>) -> Result<Availability, StoreError> {
        self.look_at(&CallScope::new(service).account(account.map(str::to_owned)))
    }

    /// [`RateLimiter::look`] for a call to an endpoint.
    ///
    /// # Errors
    /// As [`RateLimiter::look`].
    pub fn look_at(&self, call: &CallScope) -> Result<Availability, StoreError> {
        self.store.read(|s| s.rate_limits().look(call, self.environment.now()))
    }

    /// The limits of a service, or of all services, as they are now, sorted by key. An unreadable row is an `Err` in its
    /// place. A configured limit is in the list once a permit was asked for.
    pub fn list(&self, service: Option<&str>) -> Result<Vec<Result<RateLimit, UnreadableRow>>, StoreError> {
        self.store.read(|s| s.rate_limits().list(service, self.environment.now()))
    }

    /// Removes the row of a limit that no program configures any more, or that a service no longer names. Returns whether
    /// there was one.
    pub fn remove(&self, limit: &RateLimitKey) -> Result<bool, StoreError> {
        write(&self.store, |s| s.rate_limits().remove(limit))
    }

    /// The configured limits in which a call counts.
    fn configured(&self, call: &CallScope) -> Vec<ConfiguredLimit> {
        let keyed = |limit: &ApiLimit| Some(ConfiguredLimit::new(limit.key_of(call)?, limit.rule));
        self.limits.iter().filter_map(keyed).collect()
    }
}
