//! Waiting for a permit.

use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::rate_limit::{AcquireOutcome, Availability, Closed, PermitRequest};
use fieldfen_domain::store::{Store, StoreError};

use super::RateLimiter;

/// An answer to another call, or a person, may open a service earlier than was foreseen. A wait looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The shortest wait, so that a thread does not spin when the time to wait for is now.
const SHORTEST: Duration = Duration::from_micros(200);

impl<S: Store> RateLimiter<S> {
    /// A permit for this call, for which the thread waits this long at most. [`AcquireOutcome::NotBefore`] is the last
    /// refusal, and comes at once if the call may not be made within that time.
    ///
    /// # Errors
    /// As [`RateLimiter::acquire`].
    pub fn acquire_within(&self, request: &PermitRequest, longest: Duration) -> Result<AcquireOutcome, StoreError> {
        let began = Instant::now();
        loop {
            let mut closed = match self.acquire(request)? {
                AcquireOutcome::NotBefore(closed) => closed,
                other => return Ok(other),
            };
            loop {
                let left = longest.saturating_sub(began.elapsed());
                let wait = self.time_until(&closed);
                if wait > left {
                    return Ok(AcquireOutcome::NotBefore(closed));
                }
                thread::sleep(wait.clamp(SHORTEST, LOOK_EVERY));
                // Only a thread that may find a permit takes the write lock.
                match self.look_at(&request.call)? {
                    Availability::Closed(still) if self.time_until(&still) > Duration::ZERO => closed = still,
                    _ => break,
                }
            }
        }
    }

    fn time_until(&self, closed: &Closed) -> Duration {
        (closed.until - self.environment.now()).to_std().unwrap_or_default()
    }
}
