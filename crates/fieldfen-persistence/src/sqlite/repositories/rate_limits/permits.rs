//! Permits in flight.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::api_cost::{Currency, Money, SpendScope};
use fieldfen_domain::rate_limit::{
    CallScope, InFlightTotal, Permit, PermitInFlight, PermitLimit, RateLimitId, last_possible_lapse,
};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{PermitId, Timestamp};

use super::of_option;
use super::row::{named, units, whole};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredNumber, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

macro_rules! columns {
    () => {
        "SELECT id, service, account, endpoint, worker, acquired_at, start_by, lapses_at, guess_micros, currency \
         FROM api_permits "
    };
}
type Columns =
    (Text, Text, Text, Text, Text, SqlTimestamp, SqlTimestamp, SqlTimestamp, Nullable<BigInt>, Nullable<Text>);

statement! {
    InsertPermit<'a> {
        id: &'a str as Text,
        service: &'a str as Text,
        account: &'a str as Text,
        endpoint: &'a str as Text,
        units: i64 as BigInt,
        worker: &'a str as Text,
        acquired_at: SqlTime as SqlTimestamp,
        start_by: SqlTime as SqlTimestamp,
        lapses_at: SqlTime as SqlTimestamp,
        guess_micros: Option<i64> as Nullable<BigInt>,
        currency: Option<&'a str> as Nullable<Text>,
    } =
        "INSERT INTO api_permits (id, service, account, endpoint, units, worker, acquired_at, start_by, lapses_at, \
         guess_micros, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    InsertPermitLimit<'a> {
        permit: &'a str as Text,
        limit: i64 as BigInt,
        units: i64 as BigInt,
        settled: i64 as BigInt,
    } = "INSERT INTO api_permit_limits (permit_id, limit_id, units, settled_units_then) VALUES (?, ?, ?, ?)"
}
statement! {
    DeletePermit<'a> { id: &'a str as Text } = "DELETE FROM api_permits WHERE id = ?"
}
statement! {
    RemoveGuess<'a> { id: &'a str as Text } =
        "UPDATE api_permits SET guess_micros = NULL, currency = NULL WHERE id = ?"
}
statement! {
    DeletePermitLimits<'a> { id: &'a str as Text } = "DELETE FROM api_permit_limits WHERE permit_id = ?"
}
statement! {
    PermitWithId<'a> { id: &'a str as Text } -> Columns = concat!(columns!(), "WHERE id = ?")
}
statement! {
    LimitsOfPermit<'a> { id: &'a str as Text } -> (BigInt, BigInt, BigInt) =
        "SELECT limit_id, units, settled_units_then FROM api_permit_limits WHERE permit_id = ?"
}
statement! {
    /// The permits that lapse by a time, the earliest first.
    LapsedPermits { now: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> Columns = concat!(
        columns!(), "INDEXED BY idx_api_permits_lapses_at WHERE lapses_at <= ? ORDER BY lapses_at, rowid LIMIT ?"
    )
}
statement! {
    /// The permits that lapse later than any permit can, the latest first.
    PermitsAhead { last_possible: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> Columns = concat!(
        columns!(), "INDEXED BY idx_api_permits_lapses_at WHERE lapses_at > ? ORDER BY lapses_at DESC LIMIT ?"
    )
}
statement! {
    /// The units of a service's permits. The table has only the calls that are being made, so that all are read.
    UnitsOfService<'a> { service: &'a str as Text } -> (BigInt,) =
        "SELECT coalesce(sum(units), 0) FROM api_permits INDEXED BY idx_api_permits_lapses_at \
         WHERE lapses_at >= '' AND service = ?"
}

statement! {
    /// The permits in flight that a budget covers: their units, their guesses in its currency, and the first lapse. The
    /// guesses are added as real numbers, so that no sum overflows, and exactly up to 2^53.
    PermitsOfScope<'a> {
        currency: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        last_possible: SqlTime as SqlTimestamp,
        service: Option<&'a str> as Nullable<Text>,
        account: Option<&'a str> as Nullable<Text>,
    } -> (BigInt, BigInt, Nullable<SqlTimestamp>) =
        "SELECT coalesce(sum(units), 0), CAST(total(CASE WHEN currency = ? THEN guess_micros END) AS INTEGER), \
         min(lapses_at) FROM api_permits INDEXED BY idx_api_permits_lapses_at \
         WHERE lapses_at > ? AND lapses_at <= ? AND service = coalesce(?, service) AND account = coalesce(?, account)"
}

#[derive(Debug, Queryable)]
struct PermitRow {
    id: StoredText,
    service: StoredText,
    account: StoredText,
    endpoint: StoredText,
    worker: StoredText,
    acquired_at: StoredTime,
    start_by: StoredTime,
    lapses_at: StoredTime,
    guess_micros: Option<StoredNumber>,
    currency: Option<StoredText>,
}

impl PermitRow {
    fn read(self, s: &mut SqliteSession<'_>) -> Result<PermitInFlight, StoreError> {
        let name = self.id.name();
        let row = RowRef::known("api_permits", &name);
        let call = CallScope::new(row.text("service", self.service)?)
            .account(named(row.text("account", self.account)?))
            .endpoint(named(row.text("endpoint", self.endpoint)?));
        let id: PermitId = row.parse("id", &self.id)?;
        let acquired_at = row.time("acquired_at", self.acquired_at)?;
        let mut permit = Permit::new(id, call, acquired_at, std::time::Duration::ZERO);
        permit.start_by = row.time("start_by", self.start_by)?;
        permit.lapses_at = row.time("lapses_at", self.lapses_at)?;
        permit.limits = s.taken_by(&self.id.name())?;
        let mut in_flight = PermitInFlight::new(permit, self.worker.into_prose());
        let currency = self.currency.map(|currency| row.parse::<Currency>("currency", &currency)).transpose()?;
        let micros = self.guess_micros.map(|guess| units(row, "guess_micros", guess)).transpose()?;
        in_flight.guess = match (micros, currency) {
            (Some(micros), Some(currency)) => Some(Money::zero(currency).saturating_add_micros(micros)),
            (None, None) => None,
            (Some(micros), None) => return Err(row.bad("currency", "NULL", format!("the guess is {micros}"))),
            (None, Some(currency)) => {
                return Err(row.bad("guess_micros", "NULL", format!("the currency is {currency}")));
            }
        };
        Ok(in_flight)
    }
}

impl SqliteSession<'_> {
    pub(super) fn permit_in_flight(&mut self, id: &PermitId) -> Result<Option<PermitInFlight>, StoreError> {
        let row = PermitWithId { id: &id.to_string() }.get_result::<PermitRow>(self.conn).optional().store()?;
        row.map(|row| row.read(self)).transpose()
    }

    /// The permits that have lapsed, and those that a clock ahead has written.
    pub(super) fn lapsed_permits(
        &mut self,
        now: Timestamp,
        last_possible: Timestamp,
        limit: u32,
    ) -> Result<Vec<PermitInFlight>, StoreError> {
        let limit = i64::from(limit);
        let mut rows: Vec<PermitRow> = LapsedPermits { now: SqlTime(now), limit }.load(self.conn).store()?;
        let ahead = PermitsAhead { last_possible: SqlTime(last_possible), limit };
        rows.extend(ahead.load::<PermitRow>(self.conn).store()?);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rows.into_iter().map(|row| row.read(self)).collect()
    }

    pub(super) fn write_permit(&mut self, in_flight: &PermitInFlight, units: u64) -> Result<(), StoreError> {
        let (permit, id) = (&in_flight.permit, in_flight.permit.id.to_string());
        let (guess, currency) = (in_flight.guess, in_flight.guess.map(|guess| guess.currency()));
        let insert = InsertPermit {
            id: &id,
            service: &permit.call.service,
            account: of_option(permit.call.account.as_ref()),
            endpoint: of_option(permit.call.endpoint.as_ref()),
            units: whole(units),
            worker: &in_flight.worker,
            acquired_at: SqlTime(permit.acquired_at),
            start_by: SqlTime(permit.start_by),
            lapses_at: SqlTime(permit.lapses_at),
            guess_micros: guess.map(|guess| whole(guess.micros())),
            currency: currency.as_ref().map(Currency::as_str),
        };
        insert.execute(self.conn).writing(|| format!("permit {id}"))?;
        for taken in &permit.limits {
            let insert = InsertPermitLimit {
                permit: &id,
                limit: taken.limit.number(),
                units: whole(taken.units),
                settled: whole(taken.settled_then),
            };
            insert.execute(self.conn).writing(|| format!("permit {id} of limit {}", taken.limit.number()))?;
        }
        Ok(())
    }

    pub(super) fn remove_permit(&mut self, id: &PermitId) -> Result<bool, StoreError> {
        let id = id.to_string();
        let deleted = DeletePermit { id: &id }.execute(self.conn).store()? > 0;
        if deleted {
            DeletePermitLimits { id: &id }.execute(self.conn).store()?;
        }
        Ok(deleted)
    }

    pub(super) fn remove_guess_of(&mut self, id: &PermitId) -> Result<bool, StoreError> {
        Ok(RemoveGuess { id: &id.to_string() }.execute(self.conn).store()? > 0)
    }

    pub(super) fn permitted_units_of(&mut self, service: &str) -> Result<u64, StoreError> {
        let (sum,) = UnitsOfService { service }.get_result::<(StoredNumber,)>(self.conn).store()?;
        units(RowRef::known("api_permits", service), "units", sum)
    }

    pub(super) fn permits_of_scope(
        &mut self,
        scope: &SpendScope,
        currency: Option<Currency>,
        now: Timestamp,
    ) -> Result<InFlightTotal, StoreError> {
        let permits = PermitsOfScope {
            currency: currency.as_ref().map_or("", Currency::as_str),
            now: SqlTime(now),
            last_possible: SqlTime(last_possible_lapse(now)),
            service: scope.service.as_deref(),
            account: scope.account.as_deref(),
        };
        let (sum, guesses, first_lapse) =
            permits.get_result::<(StoredNumber, StoredNumber, Option<StoredTime>)>(self.conn).store()?;
        let row = RowRef::known("api_permits", "in flight");
        let first_lapse = first_lapse.map(|lapse| row.time("lapses_at", lapse)).transpose()?;
        Ok(InFlightTotal::new(units(row, "units", sum)?, units(row, "guess_micros", guesses)?, first_lapse))
    }

    fn taken_by(&mut self, permit: &str) -> Result<Vec<PermitLimit>, StoreError> {
        let rows: Vec<(i64, StoredNumber, StoredNumber)> = LimitsOfPermit { id: permit }.load(self.conn).store()?;
        let row = RowRef::known("api_permit_limits", permit);
        let read = |(limit, taken, settled)| {
            let (taken, settled) = (units(row, "units", taken)?, units(row, "settled_units_then", settled)?);
            Ok(PermitLimit::new(RateLimitId::new(limit), taken, settled))
        };
        rows.into_iter().map(read).collect()
    }
}

/// The statements of this file with their names, for the test of query plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    [
        ("DeletePermit", DeletePermit::SQL),
        ("RemoveGuess", RemoveGuess::SQL),
        ("DeletePermitLimits", DeletePermitLimits::SQL),
        ("PermitWithId", PermitWithId::SQL),
        ("LimitsOfPermit", LimitsOfPermit::SQL),
        ("LapsedPermits", LapsedPermits::SQL),
        ("PermitsAhead", PermitsAhead::SQL),
        ("UnitsOfService", UnitsOfService::SQL),
        ("PermitsOfScope", PermitsOfScope::SQL),
    ]
    .map(|(name, sql)| (name, sql.to_owned()))
    .to_vec()
}
