//! The state of one limit, and the decision whether it lets a call pass.

use std::time::Duration;

use super::closed::{ClosedBy, Refusal};
use super::key::RateLimitKey;
use super::limit_values::{Block, BucketLevel, MAX_REPORTED_SPAN, RateLimitId, UnitsUntil};
use super::permit::PermitLimit;
use super::rule::{LimitRule, MAX_UNITS};
use super::usage::{UsageCell, last_possible_cell};
use crate::time::{Timestamp, is_ahead, later};

/// Millionths in one unit.
pub(super) const MICROS: u64 = 1_000_000;

/// A row of `rate_limits`: one limit and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of the row.
    pub id: RateLimitId,
    /// The calls that count in the limit.
    pub key: RateLimitKey,
    /// The configured rule.
    pub rule: LimitRule,
    /// The units that the service allows in a window, or that its bucket holds, by its last statement.
    pub reported_units: Option<u64>,
    /// The speed at which the bucket refills, in millionths of a unit per second, by the service's last statement.
    pub reported_refill: Option<u64>,
    /// Units of settled calls that still count in the window.
    pub used: u64,
    /// Units of permits in flight: acquired, and neither settled nor lapsed.
    pub permitted: u64,
    /// The units of all calls that were ever settled. The difference of two readings is the units settled in between.
    pub settled: u64,
    /// The content of the bucket when its last call was settled; `None` if it is full. The units of permits in flight
    /// are still in it.
    pub level: Option<BucketLevel>,
    /// Units that others have used, as far as the answers show.
    pub others: Option<UnitsUntil>,
    /// The units that are left, if the service states only this number. The units of permits in flight are subtracted.
    pub left: Option<UnitsUntil>,
    /// The used share, in hundredths of one per cent, by the service's last statement.
    pub used_basis_points: Option<u32>,
    /// The time in which no call is made.
    pub blocked: Option<Block>,
    /// The number of refusals in a row, each of a call that was acquired after the refusal before.
    pub throttles: u32,
    /// The time of the last answer that lowered the count of free units. An answer to a call that was acquired earlier
    /// may be older, and does not raise the count.
    pub tightened_at: Option<Timestamp>,
    /// The time of the last answer that named the limit.
    pub reported_at: Option<Timestamp>,
}

impl RateLimit {
    /// A limit without used units and without a statement of the service.
    #[must_use]
    pub const fn new(id: RateLimitId, key: RateLimitKey, rule: LimitRule) -> Self {
        Self {
            id,
            key,
            rule,
            reported_units: None,
            reported_refill: None,
            used: 0,
            permitted: 0,
            settled: 0,
            level: None,
            others: None,
            left: None,
            used_basis_points: None,
            blocked: None,
            throttles: 0,
            tightened_at: None,
            reported_at: None,
        }
    }

    /// The length of the window; `None` if the limit has none, or if it is not known.
    #[must_use]
    pub const fn window(&self) -> Option<Duration> {
        match self.rule {
            LimitRule::Window { window, .. } => Some(window),
            LimitRule::Refill { .. } | LimitRule::Reported => None,
        }
    }

    /// The units that a window allows, or that a bucket holds: the smaller of the configured and the stated number.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        let configured = match self.rule {
            LimitRule::Window { units, .. } => Some(units),
            LimitRule::Refill { burst, .. } => Some(burst),
            LimitRule::Reported => None,
        };
        configured.into_iter().chain(self.reported_units).min()
    }

    /// The units that are in use at this time: of settled calls, of permits in flight, and of others.
    #[must_use]
    pub fn in_use(&self, now: Timestamp) -> u64 {
        self.used.saturating_add(self.permitted).saturating_add(self.others_at(now).map_or(0, |others| others.units))
    }

    /// The units that can still be acquired at this time; `None` if the limit is unknown.
    #[must_use]
    pub fn available(&self, now: Timestamp) -> Option<u64> {
        if self.blocked_at(now).is_some() {
            return Some(0);
        }
        let own = match (self.bucket(), self.window(), self.limit()) {
            (Some(bucket), ..) => Some(self.bucket_micros(bucket, now) / MICROS),
            (None, Some(_), Some(limit)) => Some(limit.saturating_sub(self.in_use(now))),
            _ => None,
        };
        own.into_iter().chain(self.left_at(now).map(|left| left.units)).min()
    }

    /// The reason for which the limit lets no call of this many units pass; `None` if it lets the call pass. A call
    /// that takes more units than the limit has passes when no other unit is in use.
    #[must_use]
    pub fn refusal(&self, wanted: u64, now: Timestamp) -> Option<Refusal> {
        let key = || self.key.clone();
        let blocked = self.blocked_at(now).map(|block| {
            let by = ClosedBy::Blocked { limit: key(), reason: block.reason.clone() };
            Refusal::until(block.until, by)
        });
        let left = self.left_at(now).filter(|left| left.units < wanted);
        let left = left.map(|left| Refusal::until(left.until, ClosedBy::Left { limit: key(), left: left.units }));
        let counted = match (self.bucket(), self.window(), self.limit()) {
            (Some(bucket), ..) => self.bucket_refusal(bucket, wanted, now),
            (None, Some(window), Some(limit)) => self.window_refusal(window, limit, wanted, now),
            _ => None,
        };
        [blocked, left, counted].into_iter().flatten().reduce(Refusal::later)
    }

    fn window_refusal(&self, window: Duration, limit: u64, wanted: u64, now: Timestamp) -> Option<Refusal> {
        let in_use = self.in_use(now);
        let excess = in_use.saturating_add(wanted).saturating_sub(limit).min(in_use);
        let by = || ClosedBy::Window { limit: self.key.clone(), in_use, units: limit };
        (excess > 0).then(|| Refusal::until_freed(excess, self.others_at(now), later(now, window), by()))
    }

    fn bucket_refusal(&self, bucket: Bucket, wanted: u64, now: Timestamp) -> Option<Refusal> {
        let available = self.bucket_micros(bucket, now);
        let wanted = match self.permitted {
            0 => micros_of(wanted).min(bucket.full()),
            _ => micros_of(wanted),
        };
        let missing = wanted.checked_sub(available).filter(|missing| *missing > 0)?;
        let by = ClosedBy::Bucket { limit: self.key.clone(), available: available / MICROS, burst: bucket.burst };
        Some(Refusal::until(later(now, bucket.time_for(missing)), by))
    }

    /// Counts a permit for this many units.
    pub fn take(&mut self, units: u64, now: Timestamp) -> PermitLimit {
        let taken = PermitLimit::new(self.id, units, self.settled);
        self.permitted = self.permitted.saturating_add(units);
        if let Some(left) = self.left_at(now) {
            self.left = Some(UnitsUntil { units: left.units.saturating_sub(units), ..left });
        }
        taken
    }

    /// Takes units that no longer count out of those in use.
    pub fn free(&mut self, units: u64) {
        self.used = self.used.saturating_sub(units);
    }

    /// Gives back the units of a permit whose call was never sent.
    pub fn give_back(&mut self, taken: &PermitLimit, now: Timestamp) {
        self.permitted = self.permitted.saturating_sub(taken.units);
        if let Some(left) = self.left_at(now) {
            self.left = Some(UnitsUntil { units: left.units.saturating_add(taken.units), ..left });
        }
    }

    /// Settles a permit whose call the service has counted at this time or before. Returns the units that count in the
    /// window, if there is one and it has not passed.
    pub fn settle(&mut self, taken: &PermitLimit, counted_by: Timestamp, now: Timestamp) -> Option<UsageCell> {
        self.permitted = self.permitted.saturating_sub(taken.units);
        self.count(taken.units, counted_by, now)
    }

    /// Counts a call that has no permit any more, because it was answered after the permit had lapsed.
    pub fn count(&mut self, units: u64, counted_by: Timestamp, now: Timestamp) -> Option<UsageCell> {
        self.settled = self.settled.saturating_add(units);
        if let Some(bucket) = self.bucket() {
            // Answers are settled in another order than they arrive. The bucket must not refill twice in the same time.
            let at = self
                .level
                .filter(|level| !is_ahead(level.at, now))
                .map_or(counted_by, |level| level.at.max(counted_by));
            let level = self.refilled(bucket, at).saturating_sub(micros_of(units));
            self.level = Some(BucketLevel::new(level, at));
        }
        let cell = UsageCell::of_window(counted_by, self.window()?, units);
        let counts = cell.frees_at > now;
        self.used = self.used.saturating_add(if counts { units } else { 0 });
        counts.then_some(cell)
    }

    /// The latest time until which a cell of this limit can count. Cells beyond it were written by a clock that was
    /// ahead; a store moves them to this time.
    #[must_use]
    pub fn last_possible_cell(&self, now: Timestamp) -> Timestamp {
        last_possible_cell(self.window().unwrap_or_default(), now)
    }

    /// The units that others have used, if their number still holds.
    #[must_use]
    pub fn others_at(&self, now: Timestamp) -> Option<UnitsUntil> {
        self.others.filter(|others| self.holds(others.until, now))
    }

    /// The units that are left, if their number still holds.
    #[must_use]
    pub fn left_at(&self, now: Timestamp) -> Option<UnitsUntil> {
        self.left.filter(|left| self.holds(left.until, now))
    }

    /// The block, if it is not over.
    #[must_use]
    pub fn blocked_at(&self, now: Timestamp) -> Option<&Block> {
        self.blocked.as_ref().filter(|block| self.holds(block.until, now))
    }

    /// Whether a statement of an answer that ends at `until` still holds. A clock that was ahead has written an end
    /// that is later than any answer can state; such a statement does not hold.
    fn holds(&self, until: Timestamp, now: Timestamp) -> bool {
        let longest = self.window().unwrap_or_default().max(MAX_REPORTED_SPAN);
        until > now && until <= later(now, longest)
    }

    /// Size and speed of the bucket, if the limit is one.
    pub(super) fn bucket(&self) -> Option<Bucket> {
        let (burst, micros_per_second) = match self.rule {
            LimitRule::Refill { burst, micros_per_second } => {
                let burst = burst.min(self.reported_units.unwrap_or(burst));
                let said = self.reported_refill.map_or(micros_per_second, |said| said.max(slowest_reported(burst)));
                (burst, said.min(micros_per_second))
            }
            LimitRule::Reported => {
                let burst = self.reported_units?;
                (burst, self.reported_refill?.max(slowest_reported(burst)))
            }
            LimitRule::Window { .. } => return None,
        };
        Some(Bucket { burst, micros_per_second })
    }

    /// The content of the bucket without the units of the permits in flight.
    fn bucket_micros(&self, bucket: Bucket, now: Timestamp) -> u64 {
        self.refilled(bucket, now).saturating_sub(micros_of(self.permitted))
    }

    /// The content of the bucket with the units of the permits in flight. These units leave the bucket as late as
    /// possible, because a bucket that is full meanwhile does not refill.
    pub(super) fn refilled(&self, bucket: Bucket, now: Timestamp) -> u64 {
        match self.level {
            Some(level) if !is_ahead(level.at, now) => {
                let micros = (now - level.at).num_microseconds().unwrap_or(i64::MAX).max(0).unsigned_abs();
                let refill = u128::from(micros) * u128::from(bucket.micros_per_second) / u128::from(MICROS);
                let refill = u64::try_from(refill).unwrap_or(u64::MAX);
                level.micros.saturating_add(refill).min(bucket.full())
            }
            _ => bucket.full(),
        }
    }
}

/// Size and speed of a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    pub(super) burst: u64,
    micros_per_second: u64,
}

impl Bucket {
    fn full(self) -> u64 {
        micros_of(self.burst)
    }

    /// The time in which this many millionths of a unit flow in, rounded up. A bucket that does not refill counts
    /// as one that refills by a millionth of a unit per second.
    fn time_for(self, micros: u64) -> Duration {
        let span = (u128::from(micros) * u128::from(MICROS)).div_ceil(u128::from(self.micros_per_second.max(1)));
        Duration::from_micros(u64::try_from(span).unwrap_or(u64::MAX))
    }
}

/// The slowest speed that a service can state for a bucket of this size, in millionths of a unit per second. At a
/// slower one, or at 0, an empty bucket would close the service for longer than any other statement.
fn slowest_reported(burst: u64) -> u64 {
    micros_of(burst).div_ceil(MAX_REPORTED_SPAN.as_secs()).max(1)
}

pub(super) fn micros_of(units: u64) -> u64 {
    units.min(MAX_UNITS).saturating_mul(MICROS)
}
