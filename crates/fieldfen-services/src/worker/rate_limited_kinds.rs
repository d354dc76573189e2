//! The kinds whose handlers call a service that takes no call now.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::JobKind;
use fieldfen_domain::rate_limit::{Availability, CallScope};
use fieldfen_domain::store::{Store, StoreError};

use crate::rate_limiter::RateLimiter;

/// The interval at which the rate limiter is asked. Each call acquires a permit for itself, so that a stale answer costs one
/// claim and no call.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The services that the handlers of some kinds call, and the kinds that are closed.
pub(super) struct RateLimitedKinds<S> {
    pub(super) limiter: Option<RateLimiter<S>>,
    /// A kind is closed if one of its services is.
    pub(super) calls: BTreeMap<JobKind, Vec<CallScope>>,
    answer: Mutex<LimiterAnswer>,
}

/// The last answer of the rate limiter.
#[derive(Debug, Default)]
struct LimiterAnswer {
    asked_at: Option<Instant>,
    closed: BTreeMap<JobKind, Timestamp>,
}

/// The kinds that are closed.
#[derive(Debug, Default)]
pub(super) struct ClosedKinds {
    /// Each closed kind, with the time at which it opens.
    pub(super) opens_at: BTreeMap<JobKind, Timestamp>,
    /// The time after which the rate limiter can be asked again, if this is an earlier answer: a commit since then may have
    /// opened a kind.
    pub(super) ask_again: Option<Duration>,
}

impl<S> Default for RateLimitedKinds<S> {
    fn default() -> Self {
        Self { limiter: None, calls: BTreeMap::new(), answer: Mutex::default() }
    }
}

impl<S: Store> RateLimitedKinds<S> {
    /// Lifts the pauses of budgets that are no longer spent.
    pub(super) fn lift_pauses_of_budgets(&self) -> Result<(), StoreError> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        for pause in limiter.lift_pauses_of_budgets()? {
            log!(INFO, scope = %pause.scope, by = pause.by, "pause of a budget lifted");
        }
        Ok(())
    }

    /// The closed kinds. Asks the rate limiter unless its last answer is recent.
    ///
    /// # Errors
    /// [`StoreError`] when a limit or a pause cannot be read. The kinds that were closed before stay closed.
    pub(super) fn closed(&self, now: Instant) -> Result<ClosedKinds, StoreError> {
        let Some(limiter) = &self.limiter else { return Ok(ClosedKinds::default()) };
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let age = answer.asked_at.map(|asked_at| now.saturating_duration_since(asked_at));
        if let Some(left) = age.and_then(|age| ASK_EVERY.checked_sub(age)).filter(|left| !left.is_zero()) {
            let opens_at = answer.closed.clone();
            let ask_again = (!opens_at.is_empty()).then_some(left);
            return Ok(ClosedKinds { opens_at, ask_again });
        }
        let mut closed = BTreeMap::new();
        for (kind, services) in &self.calls {
            for service in services {
                if let Availability::Closed(until) = limiter.look_at(service)? {
                    let opens_at = closed.entry(kind.clone()).or_insert(until.until);
                    *opens_at = until.until.max(*opens_at);
                }
            }
        }
        *answer = LimiterAnswer { asked_at: Some(now), closed };
        Ok(ClosedKinds { opens_at: answer.closed.clone(), ask_again: None })
    }
}
