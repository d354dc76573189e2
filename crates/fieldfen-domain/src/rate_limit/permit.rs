//! The right to make one call.

use std::time::Duration;

use super::key::CallScope;
use super::limit_values::RateLimitId;
use crate::api_cost::{ApiCost, CostState, Money};
use crate::ids::PermitId;
use crate::time::{CLOCK_TOLERANCE, Timestamp, later};

/// A call starts within this time after its permit was acquired, or acquires a new one.
pub const START_WITHIN: Duration = Duration::from_secs(1);

/// The longest time that a call can be given to end. A longer one counts as this one.
pub const MAX_CALL_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The right to make one call, acquired before it and settled after it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permit {
    /// The id of its row.
    pub id: PermitId,
    /// The call that it is for.
    pub call: CallScope,
    /// When it was acquired.
    pub acquired_at: Timestamp,
    /// The call starts at this time at the latest.
    pub start_by: Timestamp,
    /// The call has ended by this time. A permit that is not settled by then counts as one whose call was made then.
    pub lapses_at: Timestamp,
    /// The monotonic time of the process at which it was acquired. No row has it: stores set `None`.
    pub acquired_at_monotonic: Option<Duration>,
    /// The limits in which the call counts.
    pub limits: Vec<PermitLimit>,
}

impl Permit {
    /// A permit acquired now, for a call that ends within this time after its start.
    #[must_use]
    pub fn new(id: PermitId, call: CallScope, now: Timestamp, call_timeout: Duration) -> Self {
        let start_by = later(now, START_WITHIN);
        let lapses_at = later(start_by, call_timeout.min(MAX_CALL_TIMEOUT));
        Self { id, call, acquired_at: now, start_by, lapses_at, acquired_at_monotonic: None, limits: Vec::new() }
    }

    /// Checks that the call may start at this time, which is also this monotonic time of the process.
    ///
    /// # Errors
    /// [`StartTooLate`] after [`start_by`](Self::start_by), more than [`START_WITHIN`] after the permit was acquired by
    /// the monotonic time, and before it was acquired: the clock was set back. The caller gives the permit back and
    /// acquires a new one.
    pub fn start(&self, now: Timestamp, monotonic: Duration) -> Result<(), StartTooLate> {
        let in_time = self.acquired_at_monotonic.is_none_or(|at| monotonic.saturating_sub(at) <= START_WITHIN);
        if in_time && (self.acquired_at..=self.start_by).contains(&now) {
            return Ok(());
        }
        Err(StartTooLate { service: self.call.service.clone(), acquired_at: self.acquired_at, now })
    }

    /// The external id of the cost that a store records if the cost of the permit's call is not on record otherwise:
    /// `permit:` and the permit's id.
    #[must_use]
    pub fn cost_id(&self) -> String {
        format!("permit:{}", self.id)
    }

    /// The units that the permit has taken of a limit.
    #[must_use]
    pub fn taken_of(&self, limit: RateLimitId) -> Option<&PermitLimit> {
        self.limits.iter().find(|taken| taken.limit == limit)
    }
}

/// The units that a permit has taken of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermitLimit {
    /// The limit.
    pub limit: RateLimitId,
    /// The number of units.
    pub units: u64,
    /// The limit's [`settled`](super::RateLimit::settled) when the permit was acquired.
    pub settled_then: u64,
}

impl PermitLimit {
    /// This many units of this limit, which had settled `settled_then` units in all at that time.
    #[must_use]
    pub const fn new(limit: RateLimitId, units: u64, settled_then: u64) -> Self {
        Self { limit, units, settled_then }
    }
}

/// A row of `api_permits`: a permit that is neither settled nor lapsed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermitInFlight {
    /// The permit.
    pub permit: Permit,
    /// The name of the process that holds it, for people.
    pub worker: String,
    /// The guess for the cost of the call; `None` if no budget counts it.
    pub guess: Option<Money>,
}

impl PermitInFlight {
    /// A permit of this worker, without a guess.
    #[must_use]
    pub fn new(permit: Permit, worker: impl Into<String>) -> Self {
        Self { permit, worker: worker.into(), guess: None }
    }

    /// The cost of a call that may have been charged and whose cost is not on record: unknown, with the guess of the
    /// permit, on the day on which the permit was acquired. `None` if the permit has no guess above 0.
    #[must_use]
    pub fn unknown_cost(&self, now: Timestamp) -> Option<ApiCost> {
        let guess = self.guess.filter(|guess| guess.micros() > 0)?;
        let (call, at) = (&self.permit.call, self.permit.acquired_at.min(now));
        let cost = ApiCost::new(&call.service, self.permit.cost_id(), CostState::Unknown { guess }, at)
            .account(call.account.clone())
            .endpoint(call.endpoint.clone());
        // No store records a cost without a service.
        cost.check().is_ok().then_some(cost)
    }
}

/// The sums of the permits in flight of some services and accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InFlightTotal {
    /// The number of requests.
    pub units: u64,
    /// The guesses in one currency, in its millionths.
    pub guess_micros: u64,
    /// When the first of the permits lapses; `None` if there is none.
    pub first_lapse: Option<Timestamp>,
}

impl InFlightTotal {
    /// The sums over these permits.
    #[must_use]
    pub const fn new(units: u64, guess_micros: u64, first_lapse: Option<Timestamp>) -> Self {
        Self { units, guess_micros, first_lapse }
    }
}

/// The latest time at which a permit acquired now can lapse. One that lapses later was acquired by a clock that was
/// ahead, and counts as lapsed.
#[must_use]
pub fn last_possible_lapse(now: Timestamp) -> Timestamp {
    let tolerance = CLOCK_TOLERANCE.to_std().unwrap_or_default();
    later(now, START_WITHIN + MAX_CALL_TIMEOUT + tolerance)
}

/// A permit whose call may not start any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the permit for a call to {service} was acquired at {acquired_at}, and it is {now}: a call starts within 1 s after its permit was acquired"
)]
pub struct StartTooLate {
    /// The service.
    pub service: String,
    /// The time at which the permit was acquired.
    pub acquired_at: Timestamp,
    /// The time of the start that was refused.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_starts_within_a_second_or_needs_a_new_permit() {
        let at = |millis| Timestamp::from_timestamp_millis(millis).unwrap();
        let permit = Permit::new(PermitId::from_random(1), CallScope::new("etsy"), at(5000), Duration::from_secs(30));
        assert_eq!((permit.start_by, permit.lapses_at), (at(6000), at(36_000)));
        for (millis, starts) in [(4999, false), (5000, true), (6000, true), (6001, false)] {
            assert_eq!(permit.start(at(millis), Duration::ZERO).is_ok(), starts, "{millis}");
        }
        let set_back = Permit { acquired_at_monotonic: Some(Duration::from_secs(3)), ..permit.clone() };
        for (millis, starts) in [(3000, true), (4000, true), (4001, false)] {
            assert_eq!(set_back.start(at(5500), Duration::from_millis(millis)).is_ok(), starts, "{millis}");
        }
        let error = permit.start(at(7000), Duration::ZERO).unwrap_err().to_string();
        assert!(error.starts_with("the permit for a call to etsy was acquired at 1970-01-01 00:00:05 UTC"), "{error}");
    }

    #[test]
    fn a_call_has_at_most_an_hour() {
        let now = Timestamp::from_timestamp(0, 0).unwrap();
        let permit = Permit::new(PermitId::from_random(1), CallScope::new("etsy"), now, Duration::MAX);
        assert_eq!(permit.lapses_at.timestamp(), 3601);
        assert!(permit.lapses_at <= last_possible_lapse(now));
    }
}
