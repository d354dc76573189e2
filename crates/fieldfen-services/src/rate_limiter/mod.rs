//! The durable rate limiter, which all processes on a database share: may a call go now, or when?
//!
//! A program acquires a permit before a call and settles it afterwards. All processes together keep to the limits that
//! the program has configured, and to what the answers of the service say:
//!
//! ```
//! use std::time::Duration;
//!
//! use fieldfen_domain::rate_limit::{AcquireOutcome, ApiLimit, CallAnswer, PermitRequest, ReportedLimit};
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
//!         let left = ReportedLimit::new(None).remaining(599);
//!         limiter.settle(permit, CallAnswer::reported(vec![left]))?;
//!     }
//!     AcquireOutcome::NotBefore(closed) => println!("{closed}"),
//!     _ => {}
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`RateLimiter::budgets`] also holds calls back that the budgets do not allow. If a budget that has less than one hundredth
//! left refuses a call, the limiter pauses the service or the account of the budget until the end of its period, by
//! `budget NAME`. A budget of all services, or of calls without an account, pauses nothing, since no pause has its
//! scope.
//!
//! A [pause](crate::pauses::Pauses) of the service or the account refuses the call too. If an answer closes a service
//! or an account for longer than [a minute](fieldfen_domain::rate_limit::PAUSED_BEYOND), the limiter itself pauses it
//! until then, so that no process claims its jobs. A person may lift that pause. It is written again when the service
//! refuses another call.
//!
//! If a process dies between the two, or drops its permit, the permit lapses when the call must have ended, and counts
//! for one more window. Its guess becomes an unknown cost, so that no budget loses the money of a call that was perhaps
//! made.

mod budget_pauses;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::job::Pause;
use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, ApiLimit, Availability, CallAnswer, CallScope, ConfiguredLimit, PAUSED_BY_LIMITER,
    PausesOfBudgets, Permit, PermitRequest, RateLimit, RateLimitKey, SettleOutcome, Settlement, StartTooLate,
};
use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};
use fieldfen_domain::{Timestamp, UnreadableRow, truncate_to_micros};

use crate::Environment;
use crate::api_costs::ApiCosts;
use crate::write_retry::{write, write_once};

/// The longest time of a call if the program does not say it.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The number of rows of `api_usage` that an acquisition adds to the totals of their days before it counts the calls of
/// a budget. If there are more, the next transaction goes on, so that other processes can write in between.
const ROLL_UP: u32 = 1000;

/// The end of one transaction that acquires a permit.
enum Attempt {
    /// The outcome, and the pauses that were written.
    Decided(AcquireOutcome, Vec<Pause>),
    /// The calls or the lapsed permits of a budget are not all counted yet.
    MoreToCount,
}

/// The limits that a program has configured, on the store that its processes share. Clones are the same handle.
#[derive(Clone)]
pub struct RateLimiter<S> {
    store: S,
    environment: Environment,
    limits: Arc<Vec<ApiLimit>>,
    budgets: Option<ApiCosts<S>>,
    call_timeout: Duration,
    worker: Arc<str>,
}

impl<S: std::fmt::Debug> std::fmt::Debug for RateLimiter<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter")
            .field("store", &self.store)
            .field("limits", &self.limits)
            .field("budgets", &self.budgets)
            .field("call_timeout", &self.call_timeout)
            .finish_non_exhaustive()
    }
}

impl<S: Store> RateLimiter<S> {
    /// A limiter on this store without limits of its own. It keeps to what the answers say, and to the limits that
    /// other programs on the store have configured.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        let worker = format!("process {}", std::process::id()).into();
        Self { store, environment, limits: Arc::default(), budgets: None, call_timeout: CALL_TIMEOUT, worker }
    }

    /// The same limiter with one more limit. All processes on a store configure the same limits. A limit with another
    /// rule than its row takes the row over.
    #[must_use]
    pub fn limit(mut self, limit: ApiLimit) -> Self {
        Arc::make_mut(&mut self.limits).push(limit);
        self
    }

    /// The same limiter for calls that end within this time after their start; 60 seconds if the program does not say
    /// it, and an hour at most. The shorter it is, the earlier the permit of a dead process is free again.
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

    /// The same limiter, which keeps to the budgets of this handle, on the same store. All processes on a store give
    /// the same budgets and prices.
    ///
    /// A permit counts in the budgets of its service and account until it is settled or lapses: in a budget in money
    /// with the guess for its call, in one in calls with its number of requests. Record the call and its cost before
    /// you settle the permit, as [`CallRecorder`](crate::api_usage::CallRecorder) does; between the two, both count.
    ///
    /// - The guess for a call is that of its [request](PermitRequest::guess), else the best that
    ///   [is known](fieldfen_domain::api_cost::CostGuess). A call of unknown cost never counts 0. Give a call that costs
    ///   nothing the price 0 in the table, so that no budget in money holds it back.
    /// - A guess in another currency than that of the budget does not count in it.
    /// - The guess of a permit that lapses, for example because its process was killed, becomes an unknown cost with the
    ///   external id [`permit:ID`](Permit::cost_id). It counts until somebody [prices it again](ApiCosts::price_again) or
    ///   records that it is free. If the call was made and its thing reports its charge later, under the service's own id, both
    ///   count: the budget counts too much, never too little. A settlement after the lapse frees the unknown cost.
    /// - A refusal by a budget with less than one hundredth left [pauses](crate::pauses) the service or the account of the
    ///   budget until the end of the period, unless a person has paused it. The next acquisition lifts the pause if more is
    ///   left, for example because the budget was raised. See also
    ///   [`lift_pauses_of_budgets`](Self::lift_pauses_of_budgets).
    /// - A budget is overrun if a call costs more than its guess, at most by the calls that are in flight together.
    #[must_use]
    pub fn budgets(mut self, costs: ApiCosts<S>) -> Self {
        self.budgets = Some(costs);
        self
    }

    /// A permit for this call, if no pause holds and every limit and budget lets it pass; otherwise the time before
    /// which no call may be made. The call starts within 1 second: see [`RateLimiter::start`].
    ///
    /// A permit whose commit was not acknowledged, and that was not found again, lapses by itself.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a limit of the call cannot be read.
    pub fn acquire(&self, request: &PermitRequest) -> Result<AcquireOutcome, StoreError> {
        let id = self.environment.permit_id();
        let configured = self.configured(&request.call);
        let attempt = |s: &mut dyn Session, before: Option<&Attempt>| -> Result<Option<Attempt>, StoreError> {
            // An attempt whose outcome was unknown has taken effect if its permit is there.
            if let Some(Attempt::Decided(AcquireOutcome::Acquired(_), _)) = before
                && s.rate_limits().permit(&id)?.is_some()
            {
                return Ok(None);
            }
            let mut request = request.clone();
            let counts_calls = self.budgets.as_ref().is_some_and(|budgets| budgets.counts_calls(&request.call));
            if counts_calls && s.api_usage().roll_up(ROLL_UP)? == u64::from(ROLL_UP) {
                return Ok(Some(Attempt::MoreToCount));
            }
            // The wait for the write lock does not count against the second in which the call starts.
            let (now, monotonic) = (self.environment.now(), self.environment.monotonic());
            if let Some(budgets) = &self.budgets {
                // The guesses of lapsed permits count in the budgets as unknown costs.
                if s.rate_limits().settle_lapsed(now)? {
                    return Ok(Some(Attempt::MoreToCount));
                }
                request.guess = budgets.guess_of_permit(s.reads(), &request, now)?;
                budget_pauses::lift_of_call(s, budgets, &request.call, now)?;
                let wanted = (request.units, request.guess);
                if let Some(refusal) = budgets.refusal(s.reads(), &request.call, wanted, now)? {
                    let pauses = budget_pauses::pause(s, refusal.pauses)?;
                    return Ok(Some(Attempt::Decided(AcquireOutcome::NotBefore(refusal.closed), pauses)));
                }
            }
            let acquire = AcquireRequest::new(id, request, now)
                .configured(configured.clone())
                .call_timeout(self.call_timeout)
                .pauses_of_budgets(self.pauses_of_budgets())
                .worker(&*self.worker);
            let mut outcome = s.rate_limits().acquire(&acquire)?;
            if let AcquireOutcome::Acquired(permit) = &mut outcome {
                permit.acquired_at_monotonic = Some(monotonic);
            }
            Ok(Some(Attempt::Decided(outcome, Vec::new())))
        };
        loop {
            if let Attempt::Decided(outcome, pauses) = write_once(&self.store, attempt)? {
                log_pauses(&pauses);
                return Ok(outcome);
            }
        }
    }

    /// Checks that the call of a permit may still start. Call it right before the request is sent. A clock that was set
    /// back does not prolong the second.
    ///
    /// # Errors
    /// [`StartTooLate`] more than 1 second after the permit was acquired. Settle it as [`CallAnswer::NotSent`] and acquire
    /// a new one.
    pub fn start(&self, permit: &Permit) -> Result<(), StartTooLate> {
        permit.start(self.environment.now(), self.environment.monotonic())
    }

    /// Settles a permit now, right after its call has ended, and corrects the limits by what the answer says.
    ///
    /// A permit that had lapsed has no row. If the outcome of the commit is unknown, its call may be counted twice
    /// then, and never too rarely.
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
        let settled: Result<_, StoreError> = write_once(&self.store, |s, before| match before {
            // The attempt before has taken effect if it found the permit, and the permit is no longer there.
            Some((SettleOutcome::Settled, _)) if s.rate_limits().permit(&settlement.permit.id)?.is_none() => Ok(None),
            _ => settle_in(s, &settlement).map(Some),
        });
        let (outcome, pauses) = settled?;
        log_pauses(&pauses);
        Ok(outcome)
    }

    /// Whether a call to this service, with this account, may be made now. The answer changes nothing and holds only
    /// until the next permit is acquired, by any process. A budget closes a service if nothing is left of it.
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
        let now = self.environment.now();
        self.store.read(|s| self.look_in(s, call, now))
    }

    /// [`RateLimiter::look_at`] in an open session.
    pub(crate) fn look_in(
        &self,
        s: &mut dyn ReadSession,
        call: &CallScope,
        now: Timestamp,
    ) -> Result<Availability, StoreError> {
        let by_limits = s.rate_limits().look(call, self.pauses_of_budgets(), now)?;
        let Some(budgets) = &self.budgets else { return Ok(by_limits) };
        let by_budget = budgets.refusal_of_all(s, call, now)?;
        Ok(match (by_limits, by_budget) {
            (Availability::Closed(one), Some(other)) => Availability::Closed(one.later(other)),
            (_, Some(closed)) => Availability::Closed(closed),
            (by_limits, None) => by_limits,
        })
    }

    /// The limits of a service, or of all services, as they are now, sorted by key. An unreadable row is an `Err` in
    /// its place. A configured limit is in the list once a permit was asked for.
    pub fn list(&self, service: Option<&str>) -> Result<Vec<Result<RateLimit, UnreadableRow>>, StoreError> {
        self.store.read(|s| s.rate_limits().list(service, self.environment.now()))
    }

    /// Removes the row of a limit that no program configures any more, or that a service no longer names. Returns
    /// whether there was one.
    pub fn remove(&self, limit: &RateLimitKey) -> Result<bool, StoreError> {
        write(&self.store, |s| s.rate_limits().remove(limit))
    }

    /// A limiter with budgets asks them itself, so that a call that costs nothing passes while its service is paused.
    const fn pauses_of_budgets(&self) -> PausesOfBudgets {
        if self.budgets.is_some() { PausesOfBudgets::Ignore } else { PausesOfBudgets::Refuse }
    }

    /// The configured limits in which a call counts.
    fn configured(&self, call: &CallScope) -> Vec<ConfiguredLimit> {
        let keyed = |limit: &ApiLimit| Some(ConfiguredLimit::new(limit.key_of(call)?, limit.rule));
        self.limits.iter().filter_map(keyed).collect()
    }
}

/// Settles a permit in an open transaction, and returns the pauses that the settlement has written.
pub(crate) fn settle_in(
    s: &mut dyn Session,
    settlement: &Settlement,
) -> Result<(SettleOutcome, Vec<Pause>), StoreError> {
    Ok((s.rate_limits().settle(settlement)?, pauses_written(s, settlement)?))
}

/// Logs the pauses that an acquisition or a settlement has written, after its commit.
pub(crate) fn log_pauses(pauses: &[Pause]) {
    for Pause { scope, until, reason, by, .. } in pauses {
        log!(WARN, %scope, ?until, reason, by, "calls and jobs paused by the rate limiter");
    }
}

/// The pauses that a settlement has just written.
fn pauses_written(s: &mut dyn Session, settlement: &Settlement) -> Result<Vec<Pause>, StoreError> {
    let at = truncate_to_micros(settlement.at);
    let mut written = Vec::new();
    if settlement.answer.may_block() {
        for scope in settlement.permit.call.pause_scopes() {
            let pause = s.pauses().find(&scope, at)?;
            written.extend(pause.filter(|pause| pause.by == PAUSED_BY_LIMITER && pause.since == at));
        }
    }
    Ok(written)
}
