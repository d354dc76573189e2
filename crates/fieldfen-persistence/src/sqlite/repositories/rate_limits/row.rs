//! A row of `rate_limits`.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::rate_limit::{Block, BucketLevel, LimitRule, RateLimit, RateLimitId, RateLimitKey, UnitsUntil};
use fieldfen_domain::store::StoreError;

use crate::sqlite::columns::{RowRef, StoredNumber, StoredText, StoredTime};

/// `rate_limits.kind` of [`LimitRule::Window`].
pub(super) const WINDOW: &str = "window";
/// `rate_limits.kind` of [`LimitRule::Refill`].
pub(super) const REFILL: &str = "refill";
/// `rate_limits.kind` of [`LimitRule::Reported`].
pub(super) const REPORTED: &str = "said";

/// The SQL types of the columns.
pub(super) type Columns = (
    BigInt,
    Text,
    Text,
    Text,
    Text,
    Text,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    BigInt,
    BigInt,
    BigInt,
    Nullable<BigInt>,
    Nullable<SqlTimestamp>,
    Nullable<BigInt>,
    Nullable<SqlTimestamp>,
    Nullable<BigInt>,
    Nullable<SqlTimestamp>,
    Nullable<BigInt>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
    Nullable<Text>,
    BigInt,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
);

#[derive(Debug, Queryable)]
pub(super) struct LimitRow {
    id: i64,
    service: StoredText,
    account: StoredText,
    endpoint: StoredText,
    bucket: StoredText,
    kind: StoredText,
    limit_units: Option<StoredNumber>,
    window_ms: Option<StoredNumber>,
    refill_micros_per_s: Option<StoredNumber>,
    said_units: Option<StoredNumber>,
    said_refill_micros_per_s: Option<StoredNumber>,
    used_units: StoredNumber,
    permitted_units: StoredNumber,
    settled_units: StoredNumber,
    level_micros: Option<StoredNumber>,
    level_at: Option<StoredTime>,
    other_units: Option<StoredNumber>,
    other_until: Option<StoredTime>,
    left_units: Option<StoredNumber>,
    left_until: Option<StoredTime>,
    used_basis_points: Option<StoredNumber>,
    blocked_since: Option<StoredTime>,
    blocked_until: Option<StoredTime>,
    blocked_reason: Option<StoredText>,
    throttles: StoredNumber,
    tightened_at: Option<StoredTime>,
    said_at: Option<StoredTime>,
}

impl LimitRow {
    /// The number of the row, if it is the limit of this account, endpoint and bucket.
    pub(super) fn id_if_named(&self, account: &str, endpoint: &str, bucket: &str) -> Option<i64> {
        let names = [(&self.account, account), (&self.endpoint, endpoint), (&self.bucket, bucket)];
        names.iter().all(|(stored, name)| stored.as_str() == Some(name)).then_some(self.id)
    }

    pub(super) fn read(self) -> Result<RateLimit, StoreError> {
        let name = self.id.to_string();
        let row = RowRef::known("rate_limits", &name);
        let rule = self.rule(row)?;
        let key = RateLimitKey::new(row.text("service", self.service)?, row.text("bucket", self.bucket)?)
            .account(named(row.text("account", self.account)?))
            .endpoint(named(row.text("endpoint", self.endpoint)?));
        let optional =
            |column, number: Option<StoredNumber>| number.map(|number| units(row, column, number)).transpose();
        let mut limit = RateLimit::new(RateLimitId::new(self.id), key, rule);
        limit.reported_units = optional("said_units", self.said_units)?;
        limit.reported_refill = optional("said_refill_micros_per_s", self.said_refill_micros_per_s)?;
        limit.used = units(row, "used_units", self.used_units)?;
        limit.permitted = units(row, "permitted_units", self.permitted_units)?;
        limit.settled = units(row, "settled_units", self.settled_units)?;
        let level = optional("level_micros", self.level_micros)?.zip(row.nullable_time("level_at", self.level_at)?);
        limit.level = level.map(|(micros, at)| BucketLevel::new(micros, at));
        let others =
            optional("other_units", self.other_units)?.zip(row.nullable_time("other_until", self.other_until)?);
        limit.others = others.map(|(units, until)| UnitsUntil::new(units, until));
        let left = optional("left_units", self.left_units)?.zip(row.nullable_time("left_until", self.left_until)?);
        limit.left = left.map(|(units, until)| UnitsUntil::new(units, until));
        let used = self.used_basis_points.map(|used| row.number("used_basis_points", used)).transpose()?;
        limit.used_basis_points = used.map(|used| row.count("used_basis_points", used)).transpose()?;
        let since = row.nullable_time("blocked_since", self.blocked_since)?;
        let block = since.zip(row.nullable_time("blocked_until", self.blocked_until)?);
        let reason = self.blocked_reason.map(StoredText::into_prose).unwrap_or_default();
        limit.blocked = block.map(|(since, until)| Block::new(since, until, reason));
        limit.throttles = row.count("throttles", row.number("throttles", self.throttles)?)?;
        limit.tightened_at = row.nullable_time("tightened_at", self.tightened_at)?;
        limit.reported_at = row.nullable_time("said_at", self.said_at)?;
        Ok(limit)
    }

    fn rule(&self, row: RowRef<'_>) -> Result<LimitRule, StoreError> {
        let needed = |column, number: Option<StoredNumber>| match number {
            Some(number) => units(row, column, number),
            None => Err(row.bad(column, "NULL", "a limit of this kind has a number here")),
        };
        match self.kind.as_str() {
            Some(WINDOW) => Ok(LimitRule::Window {
                units: needed("limit_units", self.limit_units)?,
                window: Duration::from_millis(needed("window_ms", self.window_ms)?),
            }),
            Some(REFILL) => Ok(LimitRule::Refill {
                burst: needed("limit_units", self.limit_units)?,
                micros_per_second: needed("refill_micros_per_s", self.refill_micros_per_s)?,
            }),
            Some(REPORTED) => Ok(LimitRule::Reported),
            _ => Err(row.bad("kind", &self.kind, "it must be window, refill or said")),
        }
    }
}

/// An empty text stands for all accounts or endpoints.
pub(super) fn named(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Reads a number of units.
pub(super) fn units(row: RowRef<'_>, column: &'static str, number: StoredNumber) -> Result<u64, StoreError> {
    let number = row.number(column, number)?;
    u64::try_from(number).map_err(|_| row.bad(column, number, "it must be a whole number of 0 or more"))
}

/// A number of units as SQLite keeps it; more than it can keep is the most that it can keep.
pub(super) fn whole(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

/// The text of an account or endpoint in its column, which is empty for all of them.
pub(super) fn of_option(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// A rule as columns.
pub(super) struct RuleColumns {
    pub(super) kind: &'static str,
    pub(super) limit_units: Option<i64>,
    pub(super) window_ms: Option<i64>,
    pub(super) refill: Option<i64>,
}

impl RuleColumns {
    pub(super) fn of(rule: LimitRule) -> Self {
        let none = Self { kind: REPORTED, limit_units: None, window_ms: None, refill: None };
        match rule {
            LimitRule::Window { units, window } => {
                let window_ms = i64::try_from(window.as_millis()).ok();
                Self { kind: WINDOW, limit_units: Some(whole(units)), window_ms, ..none }
            }
            LimitRule::Refill { burst, micros_per_second } => {
                let refill = Some(whole(micros_per_second));
                Self { kind: REFILL, limit_units: Some(whole(burst)), refill, ..none }
            }
            _ => none,
        }
    }
}
