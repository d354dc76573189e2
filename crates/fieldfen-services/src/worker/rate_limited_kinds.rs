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
    /// The closed kinds, each with the time at which it opens.
    closed: BTreeMap<JobKind, Timestamp>,
}

impl<S> Default for RateLimitedKinds<S> {
    fn default() -> Self {
        Self { limiter: None, calls: BTreeMap::new(), answer: Mutex::default() }
    }
}

impl<S: Store> RateLimitedKinds<S> {
    /// Asks the rate limiter, unless its last answer is recent, and returns the closed kinds, each with the time at which it
    /// opens.
    ///
    /// # Errors
    /// [`StoreError`] when a limit cannot be read. The kinds that were closed before stay closed.
    pub(super) fn closed(&self, now: Instant) -> Result<BTreeMap<JobKind, Timestamp>, StoreError> {
        let Some(limiter) = &self.limiter else { return Ok(BTreeMap::new()) };
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.asked_at.is_some_and(|asked_at| now.saturating_duration_since(asked_at) < ASK_EVERY) {
            return Ok(answer.closed.clone());
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
        Ok(answer.closed.clone())
    }
}
