//! The reading of an answer: limits, refusals and charges.

use std::time::Duration;

use crate::Timestamp;

/// If an answer has more limits, the first ones are kept. An answer of eBay lists each resource of each API.
pub const MAX_LIMITS: usize = 512;

/// If an answer has more charges, the first ones are kept.
pub const MAX_CHARGES: usize = 512;

/// A name that is longer or has control characters is not kept; a limit or charge of such a name is skipped.
pub const MAX_NAME_BYTES: usize = 128;

/// The limits, refusals and charges that an answer tells of. The reading of an answer that tells of none is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reading {
    /// The limits that the answer tells of, at most [`MAX_LIMITS`]. Several can hold for one call.
    pub limits: Vec<LimitReading>,
    /// `true` if the service refused this call because of a limit, by HTTP status 429 or by the service's own sign.
    pub throttled: bool,
    /// A refusal of further calls, and its end.
    pub blocked: Option<Block>,
    /// The service's own code for the error, such as `THROTTLED`, `QuotaExceeded` or `80002`.
    pub error_code: Option<String>,
    /// The points that the call took of a limit that does not count calls.
    pub cost: Option<CallCost>,
    /// The things with a price that the answer tells of, at most [`MAX_CHARGES`].
    pub charges: Vec<Charge>,
    /// The things that have begun and that the service may charge for when they end, at most [`MAX_CHARGES`].
    pub pending_charges: Vec<PendingCharge>,
}

/// One limit. A value that the answer does not state is `None`, never 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LimitReading {
    /// The service's own name for the limit: of a policy, a window, a resource. It tells the limits of one service
    /// apart.
    pub bucket: Option<String>,
    /// The key of the partition that the limit counts for, in hexadecimal: a service can keep one count for each
    /// client.
    pub partition: Option<String>,
    /// The unit in which the limit counts.
    pub unit: Unit,
    /// The units that the service allows in a window, or that the bucket holds.
    pub limit: Option<u64>,
    /// The units that are left.
    pub remaining: Option<u64>,
    /// The units that are used.
    pub used: Option<u64>,
    /// The used share of the limit in hundredths of one per cent. 10,000 is all of it, and a service can report more.
    pub used_basis_points: Option<u32>,
    /// The end of a fixed window, after which the service allows more. It is never before the answer was received.
    pub resets_at: Option<Timestamp>,
    /// The length of the window.
    pub window: Option<Duration>,
    /// The rate at which a token bucket refills. Such a limit has no window.
    pub refill: Option<Refill>,
}

/// The unit in which a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Unit {
    /// Requests.
    #[default]
    Requests,
    /// The points that a query costs.
    Points,
    /// Published posts.
    Posts,
    /// Bytes of content.
    ContentBytes,
    /// Requests that run at the same time.
    ConcurrentRequests,
    /// A unit that this version does not know.
    Other,
}

/// The rate at which a token bucket refills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Refill {
    /// Millionths of a unit per second: 0.0083 requests per second are 8,300. It is never 0.
    pub micros_per_second: u64,
}

impl Refill {
    /// A rate in millionths of a unit per second, unless it is 0.
    #[must_use]
    pub fn new(micros_per_second: u64) -> Option<Self> {
        (micros_per_second > 0).then_some(Self { micros_per_second })
    }

    /// The time in which the bucket refills by this amount, rounded up to a microsecond.
    #[must_use]
    pub fn time_for(self, amount: u64) -> Duration {
        let micros = (u128::from(amount) * 1_000_000_000_000).div_ceil(u128::from(self.micros_per_second.max(1)));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// A refusal with an end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// The service refuses calls until then.
    pub until: Timestamp,
    /// The limit that refuses, by its [name](LimitReading::bucket), if the answer tells.
    pub bucket: Option<String>,
    /// The source of the time `until`.
    pub source: BlockSource,
}

impl Block {
    /// A refusal until this time, of no limit that is known by name.
    #[must_use]
    pub const fn new(until: Timestamp, source: BlockSource) -> Self {
        Self { until, bucket: None, source }
    }
}

/// The source of a refusal's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockSource {
    /// The header field `Retry-After`.
    RetryAfter,
    /// Another field of the service's own, or the body.
    Stated,
    /// The answer has an error code without a time. The service's documentation has the window of the limit that the
    /// code is about, and the refusal ends with the window at the latest.
    Documented,
}

/// The points that a call took of a limit in [`Unit::Points`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct CallCost {
    /// The service's estimate before the call. It refuses a call if fewer points than this are left.
    pub requested: Option<u64>,
    /// The points that the call took in the end.
    pub actual: Option<u64>,
}

/// Something that the service charges for, or says that it does not.
///
/// A charge is read only once its amount is final. The same charge comes with every later answer that tells of the same
/// thing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// The service's id of the thing that it charges for, such as a prediction.
    pub external_id: String,
    /// `false` if the service says that this costs nothing.
    pub billable: bool,
    /// The thing that was bought, such as the name of a model.
    pub item: Option<String>,
    /// The amounts by which a price is reckoned. An amount that is not here is unknown.
    pub amounts: Vec<ChargedAmount>,
}

/// Something that has begun, and that the service may charge for. A later answer has the [`Charge`] with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingCharge {
    /// The service's id of it, such as that of a prediction.
    pub external_id: String,
    /// The thing that is bought, such as the name of a model.
    pub item: Option<String>,
}

/// An amount by which a price is reckoned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChargedAmount {
    /// The service's own name for it, such as `predict_time`.
    pub name: String,
    /// The amount in millionths: 3.8 seconds are 3,800,000.
    pub micros: u64,
}

impl Charge {
    /// A charge without an amount. `external_id` is the service's id of the thing that it charges for.
    #[must_use]
    pub fn new(external_id: impl Into<String>, billable: bool) -> Self {
        Self { external_id: external_id.into(), billable, item: None, amounts: Vec::new() }
    }

    /// Adds an amount in millionths.
    #[must_use]
    pub fn amount(mut self, name: impl Into<String>, micros: u64) -> Self {
        self.amounts.push(ChargedAmount { name: name.into(), micros });
        self
    }

    /// The amount of this name, in millionths.
    #[must_use]
    pub fn micros(&self, name: &str) -> Option<u64> {
        self.amounts.iter().find(|amount| amount.name == name).map(|amount| amount.micros)
    }
}

impl PendingCharge {
    /// Something that has begun. `external_id` is the service's id of it.
    #[must_use]
    pub fn new(external_id: impl Into<String>) -> Self {
        Self { external_id: external_id.into(), item: None }
    }
}

impl LimitReading {
    /// `true` if the answer says that nothing is left.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.remaining == Some(0) || self.used_basis_points.is_some_and(|used| used >= 10_000)
    }
}

impl Reading {
    /// The earliest time at which the service may take another call: the end of the [block](Self::blocked), or, if the
    /// service refused this call without telling a time, the latest reset of the limits of which nothing is known to be
    /// left.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        let without_rest = || self.limits.iter().filter(|limit| limit.remaining.is_none_or(|remaining| remaining == 0));
        match &self.blocked {
            Some(block) => Some(block.until),
            None if self.throttled => without_rest().filter_map(|limit| limit.resets_at).max(),
            None => None,
        }
    }

    /// Keeps the later of this block and the one that is known.
    pub(crate) fn block(&mut self, block: Block) {
        if self.blocked.as_ref().is_none_or(|known| known.until < block.until) {
            self.blocked = Some(block);
        }
    }

    /// `true` if the answer tells of no limit, refusal or charge.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(remaining: impl Into<Option<u64>>, resets_at: i64) -> LimitReading {
        let resets_at = Timestamp::from_timestamp(resets_at, 0);
        LimitReading { remaining: remaining.into(), resets_at, ..LimitReading::default() }
    }

    #[test]
    fn a_refusal_lasts_until_its_end_or_the_reset_of_what_is_used_up() {
        let at = |seconds| Timestamp::from_timestamp(seconds, 0).unwrap();
        let block = Some(Block::new(at(5), BlockSource::RetryAfter));
        let cases = [
            (false, None, vec![limit(0, 9)], None),
            (true, None, vec![], None),
            (true, None, vec![limit(0, 9), limit(0, 20), limit(1, 30)], Some(at(20))),
            (true, None, vec![limit(None, 9)], Some(at(9))),
            (true, block.clone(), vec![limit(0, 9)], Some(at(5))),
            (false, block, vec![], Some(at(5))),
        ];
        for (throttled, blocked, limits, expected) in cases {
            let reading = Reading { throttled, blocked, limits, ..Reading::default() };
            assert_eq!(reading.retry_at(), expected, "{reading:?}");
        }
    }

    #[test]
    fn the_later_of_two_blocks_is_kept() {
        let at = |seconds| Timestamp::from_timestamp(seconds, 0).unwrap();
        let mut reading = Reading::default();
        for seconds in [5, 9, 7] {
            reading.block(Block::new(at(seconds), BlockSource::Stated));
        }
        assert_eq!(reading.retry_at(), Some(at(9)));
    }

    #[test]
    fn a_bucket_refills_at_its_rate() {
        let rate = |micros| Refill::new(micros).unwrap();
        assert_eq!(Refill::new(0), None);
        assert_eq!(rate(50_000_000).time_for(86), Duration::from_millis(1_720));
        assert_eq!(rate(8_300).time_for(1), Duration::from_micros(120_481_928), "rounded up");
        assert_eq!(rate(1).time_for(0), Duration::ZERO);
        assert_eq!(rate(1).time_for(u64::MAX), Duration::from_micros(u64::MAX), "as far as a duration goes");
    }

    #[test]
    fn a_limit_is_exhausted_at_a_hundred_per_cent() {
        assert!(limit(0, 0).is_exhausted() && !limit(1, 0).is_exhausted() && !limit(None, 0).is_exhausted());
        let used = |used| LimitReading { used_basis_points: Some(used), ..LimitReading::default() };
        assert!(!used(9_999).is_exhausted() && used(10_000).is_exhausted() && used(12_300).is_exhausted());
    }

    #[test]
    fn an_amount_is_found_by_its_name() {
        let charge = Charge::new("a1", true).amount("predict_time", 3).amount("image_count", 2_000_000);
        assert_eq!((charge.micros("image_count"), charge.micros("audio")), (Some(2_000_000), None));
    }
}
