//! Rate limits of external services, and permits for calls to them.
//!
//! The decisions are those of `fieldfen_domain::store::rate_limit_decisions`; this module reads and writes the rows.

mod permits;
mod row;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::api_cost::{Currency, SpendScope};
use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, Availability, CallScope, InFlightTotal, LimitRule, PausesOfBudgets, PermitInFlight,
    RateLimit, RateLimitId, RateLimitKey, SettleOutcome, Settlement, UsageCell,
};
use fieldfen_domain::store::rate_limit_decisions;
use fieldfen_domain::store::rate_limit_rows::{PassedUnits, RateLimitRowReads, RateLimitRows};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{ApiCosts, RateLimitReads, RateLimits, StoreError};
use fieldfen_domain::{PermitId, Timestamp, UnreadableRow};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredNumber, StoredTime, least_text};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use row::{Columns, LimitRow, RuleColumns, of_option, units, whole};

macro_rules! columns {
    () => {
        "SELECT id, service, account, endpoint, bucket, kind, limit_units, window_ms, refill_micros_per_s, said_units, \
         said_refill_micros_per_s, used_units, permitted_units, settled_units, level_micros, level_at, other_units, \
         other_until, left_units, left_until, used_basis_points, blocked_since, blocked_until, blocked_reason, throttles, \
         tightened_at, said_at FROM rate_limits "
    };
}

statement! {
    /// The limits in which a call counts. An empty text stands for an account or endpoint that is not known.
    LimitsOfCall<'a> {
        service: &'a str as Text,
        account: &'a str as Text,
        endpoint: &'a str as Text,
    } -> Columns = concat!(
        columns!(), "INDEXED BY idx_rate_limits_key WHERE service = ? AND account IN ('', ?) AND endpoint IN ('', ?)"
    )
}
statement! {
    LimitWithId { id: i64 as BigInt } -> Columns = concat!(columns!(), "WHERE id = ?")
}
statement! {
    /// The limits of a service by their keys.
    LimitsOfService<'a> { service: &'a str as Text } -> Columns = concat!(
        columns!(), "INDEXED BY idx_rate_limits_key WHERE service = ? ORDER BY account, endpoint, bucket"
    )
}
statement! {
    /// All limits by their keys.
    AllLimits {} -> Columns = concat!(
        columns!(), "INDEXED BY idx_rate_limits_key WHERE service >= '' ORDER BY service, account, endpoint, bucket"
    )
}
statement! {
    InsertLimit<'a> {
        service: &'a str as Text,
        account: &'a str as Text,
        endpoint: &'a str as Text,
        bucket: &'a str as Text,
        kind: &'a str as Text,
        limit_units: Option<i64> as Nullable<BigInt>,
        window_ms: Option<i64> as Nullable<BigInt>,
        refill: Option<i64> as Nullable<BigInt>,
    } -> (BigInt,) =
        "INSERT INTO rate_limits (service, account, endpoint, bucket, kind, limit_units, window_ms, refill_micros_per_s) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
}
statement! {
    /// Writes everything but the key.
    SaveLimit<'a> {
        kind: &'a str as Text,
        limit_units: Option<i64> as Nullable<BigInt>,
        window_ms: Option<i64> as Nullable<BigInt>,
        refill: Option<i64> as Nullable<BigInt>,
        said_units: Option<i64> as Nullable<BigInt>,
        said_refill: Option<i64> as Nullable<BigInt>,
        used: i64 as BigInt,
        permitted: i64 as BigInt,
        settled: i64 as BigInt,
        level_micros: Option<i64> as Nullable<BigInt>,
        level_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        other_units: Option<i64> as Nullable<BigInt>,
        other_until: Option<SqlTime> as Nullable<SqlTimestamp>,
        left_units: Option<i64> as Nullable<BigInt>,
        left_until: Option<SqlTime> as Nullable<SqlTimestamp>,
        used_basis_points: Option<i64> as Nullable<BigInt>,
        blocked_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        blocked_until: Option<SqlTime> as Nullable<SqlTimestamp>,
        blocked_reason: Option<&'a str> as Nullable<Text>,
        throttles: i64 as BigInt,
        tightened_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        said_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        id: i64 as BigInt,
    } =
        "UPDATE rate_limits SET kind = ?, limit_units = ?, window_ms = ?, refill_micros_per_s = ?, said_units = ?, \
         said_refill_micros_per_s = ?, used_units = ?, permitted_units = ?, settled_units = ?, level_micros = ?, \
         level_at = ?, other_units = ?, other_until = ?, left_units = ?, left_until = ?, used_basis_points = ?, \
         blocked_since = ?, blocked_until = ?, blocked_reason = ?, throttles = ?, tightened_at = ?, said_at = ? \
         WHERE id = ?"
}
statement! {
    DeleteLimit { id: i64 as BigInt } = "DELETE FROM rate_limits WHERE id = ?"
}
statement! {
    /// Limits that only answers have named, none of them since a time. The table is small, so that all rows are read.
    OldSaidLimits<'a> { before: &'a str as Text, before_block: &'a str as Text, limit: i64 as BigInt } -> (BigInt,) =
        "SELECT id FROM rate_limits INDEXED BY idx_rate_limits_key WHERE service >= '' AND kind = 'said' \
         AND permitted_units = 0 AND coalesce(said_at, '') < ? AND coalesce(blocked_since, '') < ? LIMIT ?"
}
statement! {
    DeleteCells { id: i64 as BigInt } = "DELETE FROM rate_limit_usage WHERE limit_id = ?"
}
statement! {
    /// The cells that end after a time.
    CellsAfter { limit: i64 as BigInt, after: SqlTime as SqlTimestamp } -> (SqlTimestamp, BigInt) =
        "SELECT frees_at, units FROM rate_limit_usage WHERE limit_id = ? AND frees_at > ? ORDER BY frees_at"
}
statement! {
    /// The units of the cells that end by a time, and of those that end after another.
    PassedCells {
        limit: i64 as BigInt,
        now: SqlTime as SqlTimestamp,
        same: i64 as BigInt,
        last_possible: SqlTime as SqlTimestamp,
    } -> (BigInt, BigInt) =
        "SELECT (SELECT coalesce(sum(units), 0) FROM rate_limit_usage WHERE limit_id = ? AND frees_at <= ?), \
         (SELECT coalesce(sum(units), 0) FROM rate_limit_usage WHERE limit_id = ? AND frees_at > ?)"
}
statement! {
    DeleteExpired { limit: i64 as BigInt, now: SqlTime as SqlTimestamp } =
        "DELETE FROM rate_limit_usage WHERE limit_id = ? AND frees_at <= ?"
}
statement! {
    DeleteAhead { limit: i64 as BigInt, last_possible: SqlTime as SqlTimestamp } =
        "DELETE FROM rate_limit_usage WHERE limit_id = ? AND frees_at > ?"
}
statement! {
    AddCell { limit: i64 as BigInt, frees_at: SqlTime as SqlTimestamp, units: i64 as BigInt } =
        "INSERT INTO rate_limit_usage (limit_id, frees_at, units) VALUES (?, ?, ?) \
         ON CONFLICT (limit_id, frees_at) DO UPDATE SET units = units + excluded.units"
}

impl RateLimitReads for SqliteSession<'_> {
    fn look(
        &mut self,
        call: &CallScope,
        pauses_of_budgets: PausesOfBudgets,
        now: Timestamp,
    ) -> Result<Availability, StoreError> {
        rate_limit_decisions::look(self, call, pauses_of_budgets, now)
    }

    fn list(
        &mut self,
        service: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Result<RateLimit, UnreadableRow>>, StoreError> {
        let rows: Vec<LimitRow> = match service {
            Some(service) => LimitsOfService { service }.load(self.conn).store()?,
            None => AllLimits {}.load(self.conn).store()?,
        };
        let mut limits = Vec::with_capacity(rows.len());
        for row in rows {
            limits.push(match split_bad_row(row.read())? {
                Ok(limit) => {
                    let current = rate_limit_decisions::as_they_are(self, vec![limit], now);
                    split_bad_row(current.map(|limits| limits.into_iter().map(|(limit, _)| limit)))?
                        .map(|mut limits| limits.next())
                        .transpose()
                }
                Err(unreadable) => Some(Err(unreadable)),
            });
        }
        Ok(limits.into_iter().flatten().collect())
    }

    fn permit(&mut self, id: &PermitId) -> Result<Option<PermitInFlight>, StoreError> {
        self.permit_in_flight(id)
    }

    fn in_flight(
        &mut self,
        scope: &SpendScope,
        currency: Option<Currency>,
        now: Timestamp,
    ) -> Result<InFlightTotal, StoreError> {
        self.permits_of_scope(scope, currency, now)
    }
}

impl RateLimits for SqliteSession<'_> {
    fn acquire(&mut self, request: &AcquireRequest) -> Result<AcquireOutcome, StoreError> {
        rate_limit_decisions::acquire(self, request)
    }

    fn settle(&mut self, settlement: &Settlement) -> Result<SettleOutcome, StoreError> {
        rate_limit_decisions::settle(self, settlement)
    }

    fn settle_lapsed(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        rate_limit_decisions::settle_lapsed(self, now)
    }

    fn remove(&mut self, key: &RateLimitKey) -> Result<bool, StoreError> {
        let (account, endpoint) = (of_option(key.account.as_ref()), of_option(key.endpoint.as_ref()));
        let rows: Vec<LimitRow> = LimitsOfCall { service: &key.service, account, endpoint }.load(self.conn).store()?;
        let Some(id) = rows.into_iter().find_map(|row| row.id_if_named(account, endpoint, &key.bucket)) else {
            return Ok(false);
        };
        DeleteCells { id }.execute(self.conn).store()?;
        Ok(DeleteLimit { id }.execute(self.conn).store()? > 0)
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = least_text(before);
        let old = OldSaidLimits { before: &before, before_block: &before, limit: limit.into() };
        let mut pruned = 0;
        for (id,) in old.load::<(i64,)>(self.conn).store()? {
            DeleteCells { id }.execute(self.conn).store()?;
            pruned += DeleteLimit { id }.execute(self.conn).store()? as u64;
        }
        Ok(pruned)
    }
}

impl RateLimitRowReads for SqliteSession<'_> {
    fn limits_of(&mut self, call: &CallScope) -> Result<Vec<RateLimit>, StoreError> {
        let limits = LimitsOfCall {
            service: &call.service,
            account: of_option(call.account.as_ref()),
            endpoint: of_option(call.endpoint.as_ref()),
        };
        let rows: Vec<LimitRow> = limits.load(self.conn).store()?;
        rows.into_iter().map(LimitRow::read).collect()
    }

    fn cells(&mut self, limit: RateLimitId, after: Timestamp) -> Result<Vec<UsageCell>, StoreError> {
        let cells = CellsAfter { limit: limit.number(), after: SqlTime(after) };
        let rows: Vec<(StoredTime, StoredNumber)> = cells.load(self.conn).store()?;
        let name = limit.number().to_string();
        let row = RowRef::known("rate_limit_usage", &name);
        let read =
            |(frees_at, number)| Ok(UsageCell::new(row.time("frees_at", frees_at)?, units(row, "units", number)?));
        rows.into_iter().map(read).collect()
    }

    fn passed_units(
        &mut self,
        limit: RateLimitId,
        now: Timestamp,
        last_possible: Timestamp,
    ) -> Result<PassedUnits, StoreError> {
        let id = limit.number();
        let passed = PassedCells { limit: id, now: SqlTime(now), same: id, last_possible: SqlTime(last_possible) };
        let (expired, ahead) = passed.get_result::<(StoredNumber, StoredNumber)>(self.conn).store()?;
        let name = id.to_string();
        let row = RowRef::known("rate_limit_usage", &name);
        Ok(PassedUnits { expired: units(row, "units", expired)?, ahead: units(row, "units", ahead)? })
    }

    fn lapsed(
        &mut self,
        now: Timestamp,
        last_possible: Timestamp,
        limit: u32,
    ) -> Result<Vec<PermitInFlight>, StoreError> {
        self.lapsed_permits(now, last_possible, limit)
    }
}

impl RateLimitRows for SqliteSession<'_> {
    fn limit(&mut self, id: RateLimitId) -> Result<Option<RateLimit>, StoreError> {
        let row = LimitWithId { id: id.number() }.get_result::<LimitRow>(self.conn);
        row.optional().store()?.map(LimitRow::read).transpose()
    }

    fn insert_limit(&mut self, key: &RateLimitKey, rule: LimitRule) -> Result<RateLimitId, StoreError> {
        let columns = RuleColumns::of(rule);
        let insert = InsertLimit {
            service: &key.service,
            account: of_option(key.account.as_ref()),
            endpoint: of_option(key.endpoint.as_ref()),
            bucket: &key.bucket,
            kind: columns.kind,
            limit_units: columns.limit_units,
            window_ms: columns.window_ms,
            refill: columns.refill,
        };
        let (id,) = insert.get_result::<(i64,)>(self.conn).writing(|| format!("rate limit {key}"))?;
        Ok(RateLimitId::new(id))
    }

    fn save_limit(&mut self, limit: &RateLimit) -> Result<(), StoreError> {
        let rule = RuleColumns::of(limit.rule);
        let (level, others, left) = (limit.level, limit.others, limit.left);
        let blocked = limit.blocked.as_ref();
        let save = SaveLimit {
            kind: rule.kind,
            limit_units: rule.limit_units,
            window_ms: rule.window_ms,
            refill: rule.refill,
            said_units: limit.reported_units.map(whole),
            said_refill: limit.reported_refill.map(whole),
            used: whole(limit.used),
            permitted: whole(limit.permitted),
            settled: whole(limit.settled),
            level_micros: level.map(|level| whole(level.micros)),
            level_at: level.map(|level| SqlTime(level.at)),
            other_units: others.map(|others| whole(others.units)),
            other_until: others.map(|others| SqlTime(others.until)),
            left_units: left.map(|left| whole(left.units)),
            left_until: left.map(|left| SqlTime(left.until)),
            used_basis_points: limit.used_basis_points.map(i64::from),
            blocked_since: blocked.map(|block| SqlTime(block.since)),
            blocked_until: blocked.map(|block| SqlTime(block.until)),
            blocked_reason: blocked.map(|block| block.reason.as_str()),
            throttles: limit.throttles.into(),
            tightened_at: limit.tightened_at.map(SqlTime),
            said_at: limit.reported_at.map(SqlTime),
            id: limit.id.number(),
        };
        save.execute(self.conn).writing(|| format!("rate limit {}", limit.key))?;
        Ok(())
    }

    fn add_cell(&mut self, limit: RateLimitId, cell: UsageCell) -> Result<(), StoreError> {
        let add = AddCell { limit: limit.number(), frees_at: SqlTime(cell.frees_at), units: whole(cell.units) };
        add.execute(self.conn).store()?;
        Ok(())
    }

    fn delete_passed(
        &mut self,
        limit: RateLimitId,
        now: Timestamp,
        last_possible: Timestamp,
    ) -> Result<(), StoreError> {
        DeleteExpired { limit: limit.number(), now: SqlTime(now) }.execute(self.conn).store()?;
        let ahead = DeleteAhead { limit: limit.number(), last_possible: SqlTime(last_possible) };
        ahead.execute(self.conn).store()?;
        Ok(())
    }

    fn insert_permit(&mut self, permit: &PermitInFlight, units: u64) -> Result<(), StoreError> {
        self.write_permit(permit, units)
    }

    fn delete_permit(&mut self, id: &PermitId) -> Result<bool, StoreError> {
        self.remove_permit(id)
    }

    fn permit_with_id(&mut self, id: &PermitId) -> Result<Option<PermitInFlight>, StoreError> {
        self.permit_in_flight(id)
    }

    fn remove_guess(&mut self, id: &PermitId) -> Result<bool, StoreError> {
        self.remove_guess_of(id)
    }

    fn units_in_flight(&mut self, service: &str) -> Result<u64, StoreError> {
        self.permitted_units_of(service)
    }

    fn costs(&mut self) -> &mut dyn ApiCosts {
        self
    }
}

/// The statements of this folder with their names, for the test of query plans.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let mut statements = [
        ("LimitsOfCall", LimitsOfCall::SQL),
        ("LimitWithId", LimitWithId::SQL),
        ("LimitsOfService", LimitsOfService::SQL),
        ("AllLimits", AllLimits::SQL),
        ("SaveLimit", SaveLimit::SQL),
        ("OldSaidLimits", OldSaidLimits::SQL),
        ("DeleteLimit", DeleteLimit::SQL),
        ("DeleteCells", DeleteCells::SQL),
        ("CellsAfter", CellsAfter::SQL),
        ("PassedCells", PassedCells::SQL),
        ("DeleteExpired", DeleteExpired::SQL),
        ("DeleteAhead", DeleteAhead::SQL),
    ]
    .map(|(name, sql)| (name, sql.to_owned()))
    .to_vec();
    statements.extend(permits::statements());
    statements
}
