//! The limits that the answer to a call states, and the correction of the count by them.

use std::time::Duration;

use super::limit::{RateLimit, micros_of};
use super::limit_values::{Block, BucketLevel, MAX_REPORTED_SPAN, UnitsUntil};
use super::permit::Permit;
use super::rule::MAX_UNITS;
use crate::OptionalText;
use crate::time::{Timestamp, is_ahead, later};

/// The time for which a statement holds if the answer does not state it and no window is known.
const USUAL_SPAN: Duration = Duration::from_secs(60);

/// All of a limit, in hundredths of one per cent.
const ALL: u32 = 10_000;

/// One limit as an answer states it. A value that the answer does not state is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportedLimit {
    /// The service's name for the limit.
    pub bucket: Option<String>,
    /// The endpoint whose calls the limit counts, if it is not that of the call.
    pub endpoint: Option<String>,
    /// The units that the service allows in a window, or that its bucket holds.
    pub limit: Option<u64>,
    /// The units that are left.
    pub remaining: Option<u64>,
    /// The share that is used, in hundredths of one per cent.
    pub used_basis_points: Option<u32>,
    /// The time at which the service allows more.
    pub resets_at: Option<Timestamp>,
    /// The length of the window.
    pub window: Option<Duration>,
    /// The speed at which the bucket refills, in millionths of a unit per second.
    pub refill_micros_per_second: Option<u64>,
}

impl ReportedLimit {
    /// A limit without any statement.
    #[must_use]
    pub fn new(bucket: impl Into<OptionalText>) -> Self {
        Self { bucket: bucket.into().0, ..Self::default() }
    }

    /// The same limit of an endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.endpoint = endpoint.into().0;
        self
    }

    /// The same limit, of this many units.
    #[must_use]
    pub fn limit(mut self, limit: impl Into<Option<u64>>) -> Self {
        self.limit = limit.into();
        self
    }

    /// The same limit, of which this many units are left.
    #[must_use]
    pub fn remaining(mut self, remaining: impl Into<Option<u64>>) -> Self {
        self.remaining = remaining.into();
        self
    }

    /// The same limit, of which this share is used, in hundredths of one per cent.
    #[must_use]
    pub fn used_basis_points(mut self, used: impl Into<Option<u32>>) -> Self {
        self.used_basis_points = used.into();
        self
    }

    /// The same limit, which is reset at this time.
    #[must_use]
    pub fn resets_at(mut self, resets_at: impl Into<Option<Timestamp>>) -> Self {
        self.resets_at = resets_at.into();
        self
    }

    /// The same limit with a window of this length.
    #[must_use]
    pub fn window(mut self, window: impl Into<Option<Duration>>) -> Self {
        self.window = window.into();
        self
    }

    /// The same limit, whose bucket refills at this speed, in millionths of a unit per second.
    #[must_use]
    pub fn refill_micros_per_second(mut self, micros: impl Into<Option<u64>>) -> Self {
        self.refill_micros_per_second = micros.into();
        self
    }
}

/// The end of a call, as far as limits are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallAnswer {
    /// The call never left: its units are given back.
    NotSent,
    /// No answer arrived. The service may count the call at any time until the permit lapses.
    NoAnswer,
    /// An answer arrived.
    Answered {
        /// The limits that it states.
        limits: Vec<ReportedLimit>,
        /// Whether the service refused the call because of a limit.
        throttled: bool,
        /// The time at which the service takes the next call, if it refused this one or says that it is blocked.
        retry_at: Option<Timestamp>,
        /// The limit that refuses, by the service's name for it.
        blocked_bucket: Option<String>,
    },
}

impl CallAnswer {
    /// An answer that states no limits.
    #[must_use]
    pub const fn silent() -> Self {
        Self::Answered { limits: Vec::new(), throttled: false, retry_at: None, blocked_bucket: None }
    }

    /// Whether the answer can block a limit: the service refused the call or says that it is blocked, or all of a limit
    /// is used.
    #[must_use]
    pub fn may_block(&self) -> bool {
        match self {
            Self::NotSent | Self::NoAnswer => false,
            Self::Answered { limits, throttled, retry_at, .. } => {
                let is_used_up = |said: &ReportedLimit| said.used_basis_points.is_some_and(|used| used >= ALL);
                *throttled || retry_at.is_some() || limits.iter().any(is_used_up)
            }
        }
    }

    /// An answer to a call that the service took, with the limits that it states.
    #[must_use]
    pub const fn reported(limits: Vec<ReportedLimit>) -> Self {
        Self::Answered { limits, throttled: false, retry_at: None, blocked_bucket: None }
    }

    /// An answer to a call that the service refused because of a limit, with the limits that it states and the time at
    /// which the service takes the next call.
    #[must_use]
    pub fn throttled(limits: Vec<ReportedLimit>, retry_at: impl Into<Option<Timestamp>>) -> Self {
        Self::Answered { limits, throttled: true, retry_at: retry_at.into(), blocked_bucket: None }
    }
}

impl RateLimit {
    /// Corrects the count by the answer to a settled permit. `unlinked` is the number of units of permits in flight
    /// that count in this limit and were acquired before the limit was known.
    ///
    /// The service has counted the call at some time between the permit's acquisition and now. At that time it had
    /// surely counted the calls that were settled before the acquisition. It may have counted those that were settled
    /// since, and those that are in flight. See `correct_others` for what follows.
    pub fn correct(&mut self, said: &ReportedLimit, permit: &Permit, unlinked: u64, now: Timestamp) {
        self.reported_at = Some(now);
        // An answer that may be older than the count can lower the number of free units, and does not raise it.
        let may_raise = self.tightened_at.is_none_or(|at| is_ahead(at, now) || permit.acquired_at >= at);
        let mut tightened = self.correct_limit(said, may_raise);
        let (own, settled_then) = permit.taken_of(self.id).map_or((0, 0), |taken| (taken.units, taken.settled_then));
        let settled_since = self.settled.saturating_sub(settled_then).saturating_sub(own);
        if let Some(remaining) = said.remaining.map(|remaining| remaining.min(MAX_UNITS)) {
            let free = remaining.saturating_sub(settled_since).saturating_sub(unlinked);
            tightened |= if let Some(bucket) = self.bucket() {
                let (said, known) = (micros_of(free), self.refilled(bucket, now));
                if may_raise || said < known {
                    self.level = Some(BucketLevel::new(said, now));
                }
                said < known
            } else if let (Some(window), Some(limit)) = (self.window(), self.reported_units) {
                let counted = limit.saturating_sub(remaining);
                let most = counted.saturating_sub(self.used.saturating_sub(settled_since)).saturating_add(unlinked);
                let least = counted.saturating_sub(self.used.saturating_add(self.permitted));
                let reset = said.resets_at.filter(|reset| *reset > now).unwrap_or(later(now, window));
                self.correct_others(least, UnitsUntil::new(most, reset.min(later(now, window))), may_raise, now)
            } else {
                let left = free.saturating_sub(self.permitted);
                let until = self.reported_until(said, now);
                self.correct_left(UnitsUntil::new(left, until), may_raise, now)
            };
        }
        if let Some(used) = said.used_basis_points {
            self.used_basis_points = Some(used);
            if used >= ALL {
                let reason = format!("the service says that {}.{:02} % are used", used / 100, used % 100);
                self.block(Block::new(now, self.reported_until(said, now), reason), now);
            }
        }
        if tightened {
            self.tightened_at = Some(now);
        }
    }

    /// Takes the size and the speed over. Returns whether the limit is smaller than before.
    fn correct_limit(&mut self, said: &ReportedLimit, may_raise: bool) -> bool {
        let before = (self.limit(), self.reported_refill);
        let follow = |known: Option<u64>, said: Option<u64>| match (known, said) {
            (Some(known), Some(said)) if !may_raise => Some(known.min(said)),
            (known, said) => said.or(known),
        };
        self.reported_units = follow(self.reported_units, said.limit.map(|limit| limit.min(MAX_UNITS)));
        self.reported_refill = follow(self.reported_refill, said.refill_micros_per_second);
        let less =
            |before: Option<u64>, after: Option<u64>| before.zip(after).is_some_and(|(before, after)| after < before);
        less(before.0, self.limit()) || less(before.1, self.reported_refill)
    }

    /// Others have used between `least` and `most` units. Returns whether this is more than the known number.
    ///
    /// If `least` is above the known number, `most` becomes the known number. If the known number can still be true, it
    /// stays: calls in flight must not count as usage of others only because the service may have counted them already.
    fn correct_others(&mut self, least: u64, most: UnitsUntil, may_raise: bool, now: Timestamp) -> bool {
        let known = self.others_at(now).map_or(0, |others| others.units);
        if least > known {
            self.others = Some(most);
        } else if known > 0 && (most.units >= known || may_raise) {
            let units = known.min(most.units);
            self.others = (units > 0).then_some(UnitsUntil { units, ..most });
        }
        least > known
    }

    /// Takes the number of units that are left over. Returns whether it is lower than before.
    fn correct_left(&mut self, said: UnitsUntil, may_raise: bool, now: Timestamp) -> bool {
        let known = self.left_at(now).map(|left| left.units);
        let less = known.is_none_or(|known| said.units < known);
        if may_raise || less {
            self.left = Some(said);
        }
        less
    }

    /// The time until which a statement of an answer holds.
    fn reported_until(&self, said: &ReportedLimit, now: Timestamp) -> Timestamp {
        let span = said.window.or(self.window()).unwrap_or(USUAL_SPAN);
        let until = said.resets_at.filter(|reset| *reset > now).unwrap_or(later(now, span));
        until.min(later(now, MAX_REPORTED_SPAN))
    }

    /// Lengthens the block; a shorter one changes nothing.
    pub(super) fn block(&mut self, block: Block, now: Timestamp) {
        if self.blocked_at(now).is_none_or(|known| known.until < block.until) {
            self.blocked = Some(block);
        }
    }
}
