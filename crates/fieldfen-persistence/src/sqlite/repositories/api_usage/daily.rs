//! The totals of each day, and the requests of each month. `api_usage_daily` and `api_usage_monthly` hold the totals of
//! the rows that have been rolled up; a read adds the other rows.
//!
//! The roll-up follows the ids. `AUTOINCREMENT` never gives an id twice, and SQLite has one writer at a time. So no new
//! row gets an id below the last id that is rolled up, and rows of other programs are counted like all others.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::api_cost::{BudgetPeriod, SpendPeriod, SpendScope};
use fieldfen_domain::api_usage::{ApiUsageDays, CallOutcome, DailyApiUsage, Day};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows::split_bad_row;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, StoredNumber, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The condition that a row can be counted. Other programs may store a value of any type in each column.
macro_rules! countable {
    () => {
        "(typeof(service) = 'text' AND typeof(recorded_at) = 'text' \
         AND date(substr(recorded_at, 1, 10)) IS substr(recorded_at, 1, 10) \
         AND typeof(account) IN ('null', 'text') AND typeof(endpoint) IN ('null', 'text') \
         AND coalesce(outcome, 'ok') IN ('ok', 'refused', 'throttled', 'not_sent', 'no_answer') \
         AND typeof(coalesce(request_count, 1)) = 'integer' AND coalesce(request_count, 1) BETWEEN 0 AND 4294967295 \
         AND typeof(coalesce(duration_ms, 0)) = 'integer' AND coalesce(duration_ms, 0) BETWEEN 0 AND 4294967295)"
    };
}

/// The totals of rows by day, service, account, endpoint and outcome.
macro_rules! totals {
    () => {
        "SELECT substr(recorded_at, 1, 10), service, coalesce(account, ''), coalesce(endpoint, ''), \
         coalesce(outcome, ''), count(*), sum(coalesce(request_count, 1)), sum(coalesce(duration_ms, 0)) FROM api_usage"
    };
}

type TotalColumns = (Text, Text, Text, Text, Text, BigInt, BigInt, BigInt);

statement! {
    /// The state of the roll-up.
    RolledUp {} -> (BigInt, BigInt, Nullable<BigInt>) =
        "SELECT rolled_up_to, uncounted, first_uncounted FROM api_usage_rollup WHERE id = 1"
}
statement! {
    /// The id of the last row that is rolled up next, and the number of rows to roll up.
    NextRows { after: i64 as BigInt, limit: i64 as BigInt } -> (Nullable<BigInt>, BigInt) =
        "SELECT max(id), count(*) FROM (SELECT id FROM api_usage WHERE id > ? ORDER BY id LIMIT ?)"
}
statement! {
    /// Adds rows to the totals of their days.
    RollUp { after: i64 as BigInt, up_to: i64 as BigInt } = concat!(
        "INSERT INTO api_usage_daily (day, service, account, endpoint, outcome, calls, requests, duration_ms) ", totals!(),
        " WHERE id > ? AND id <= ? AND ", countable!(), " GROUP BY 1, 2, 3, 4, 5 ON CONFLICT DO UPDATE SET \
         calls = calls + excluded.calls, requests = requests + excluded.requests, \
         duration_ms = duration_ms + excluded.duration_ms"
    )
}
statement! {
    /// Adds the requests of rows to the totals of their months.
    RollUpMonths { after: i64 as BigInt, up_to: i64 as BigInt } = concat!(
        "INSERT INTO api_usage_monthly (month, service, account, requests) \
         SELECT substr(recorded_at, 1, 7), service, coalesce(account, ''), sum(coalesce(request_count, 1)) FROM api_usage \
         WHERE id > ? AND id <= ? AND ", countable!(), " GROUP BY 1, 2, 3 \
         ON CONFLICT DO UPDATE SET requests = requests + excluded.requests"
    )
}
statement! {
    /// The number of rows that cannot be counted, and the first of them.
    Uncounted { after: i64 as BigInt, up_to: i64 as BigInt } -> (BigInt, Nullable<BigInt>) = concat!(
        "SELECT count(*), min(id) FROM api_usage WHERE id > ? AND id <= ? AND NOT ", countable!()
    )
}
statement! {
    /// Stores the new state of the roll-up.
    SetRolledUp { up_to: i64 as BigInt, uncounted: i64 as BigInt, first: Option<i64> as Nullable<BigInt> } =
        "UPDATE api_usage_rollup SET rolled_up_to = ?, uncounted = uncounted + ?, \
         first_uncounted = coalesce(first_uncounted, ?) WHERE id = 1"
}
statement! {
    /// The stored totals of a span of days.
    StoredDays<'a> { first: &'a str as Text, last: &'a str as Text } -> TotalColumns =
        "SELECT day, service, account, endpoint, outcome, calls, requests, duration_ms FROM api_usage_daily \
         WHERE day >= ? AND day <= ?"
}
statement! {
    /// The totals of the rows of a span of days that have not been rolled up.
    RecentDays<'a> { after: i64 as BigInt, first: &'a str as Text, last: &'a str as Text } -> TotalColumns = concat!(
        totals!(), " WHERE id > ? AND substr(recorded_at, 1, 10) BETWEEN ? AND ? AND ", countable!(), " GROUP BY 1, 2, 3, 4, 5"
    )
}

statement! {
    /// The requests of a day, by the stored totals.
    RequestsOfDay<'a> {
        day: &'a str as Text,
        service: Option<&'a str> as Nullable<Text>,
        account: Option<&'a str> as Nullable<Text>,
    } -> (BigInt,) =
        "SELECT coalesce(sum(requests), 0) FROM api_usage_daily WHERE day = ? \
         AND service = coalesce(?, service) AND account = coalesce(?, account)"
}
statement! {
    /// The requests of a month, by the stored totals.
    RequestsOfMonth<'a> {
        month: &'a str as Text,
        service: Option<&'a str> as Nullable<Text>,
        account: Option<&'a str> as Nullable<Text>,
    } -> (BigInt,) =
        "SELECT coalesce(sum(requests), 0) FROM api_usage_monthly WHERE month = ? \
         AND service = coalesce(?, service) AND account = coalesce(?, account)"
}
statement! {
    /// The requests of a span of days, by the rows that have not been rolled up.
    RecentRequests<'a> {
        after: i64 as BigInt,
        first: &'a str as Text,
        last: &'a str as Text,
        service: Option<&'a str> as Nullable<Text>,
        account: Option<&'a str> as Nullable<Text>,
    } -> (BigInt,) = concat!(
        "SELECT coalesce(sum(coalesce(request_count, 1)), 0) FROM api_usage WHERE id > ? \
         AND substr(recorded_at, 1, 10) BETWEEN ? AND ? AND service = coalesce(?, service) \
         AND coalesce(account, '') = coalesce(?, account, '') AND ", countable!()
    )
}

/// The totals of one day, service, account, endpoint and outcome.
#[derive(Debug, Queryable)]
struct DailyRow {
    day: StoredText,
    service: StoredText,
    account: StoredText,
    endpoint: StoredText,
    outcome: StoredText,
    calls: StoredNumber,
    requests: StoredNumber,
    duration_ms: StoredNumber,
}

impl DailyRow {
    fn read(self) -> Result<DailyApiUsage, StoreError> {
        let key = format!("{} of {}", self.service.name(), self.day.name());
        let row = RowRef::known("api_usage_daily", &key);
        let number = |column, number| {
            let number = row.number(column, number)?;
            u64::try_from(number).map_err(|_| row.bad(column, number, "it must not be negative"))
        };
        let mut total = DailyApiUsage::new(row.parse("day", &self.day)?, row.text("service", self.service)?);
        total.account = row.text("account", self.account)?;
        total.endpoint = row.text("endpoint", self.endpoint)?;
        total.outcome = match self.outcome.as_str() {
            Some("") => None,
            _ => Some(row.parse("outcome", &self.outcome)?),
        };
        total.calls = number("calls", self.calls)?;
        total.requests = number("requests", self.requests)?;
        total.duration = Duration::from_millis(number("duration_ms", self.duration_ms)?);
        Ok(total)
    }
}

/// The order of the totals.
type DailyKey = (Day, String, String, String, Option<CallOutcome>);

impl SqliteSession<'_> {
    pub(super) fn daily_totals(&mut self, days: &RangeInclusive<Day>) -> Result<ApiUsageDays, StoreError> {
        let (first, last) = (days.start().to_string(), days.end().to_string());
        let (rolled_up_to, uncounted, first_uncounted): (i64, i64, Option<i64>) =
            RolledUp {}.get_result(self.conn).store()?;
        let (more, first_of_more): (i64, Option<i64>) =
            Uncounted { after: rolled_up_to, up_to: i64::MAX }.get_result(self.conn).store()?;
        let mut rows: Vec<DailyRow> = StoredDays { first: &first, last: &last }.load(self.conn).store()?;
        rows.extend(
            RecentDays { after: rolled_up_to, first: &first, last: &last }.load::<DailyRow>(self.conn).store()?,
        );
        let mut answer = ApiUsageDays::default();
        let mut totals: BTreeMap<DailyKey, DailyApiUsage> = BTreeMap::new();
        for row in rows {
            match split_bad_row(row.read())? {
                Ok(total) => add(&mut totals, total),
                Err(row) => answer.unreadable.push(row),
            }
        }
        answer.days = totals.into_values().collect();
        answer.uncounted = u64::try_from(uncounted.saturating_add(more)).unwrap_or_default();
        answer.first_uncounted = first_uncounted.or(first_of_more);
        Ok(answer)
    }

    pub(super) fn requests_of_period(&mut self, period: SpendPeriod, scope: &SpendScope) -> Result<u64, StoreError> {
        let (days, service, account) = (period.days(), scope.service.as_deref(), scope.account.as_deref());
        let (first, last) = (days.start().to_string(), days.end().to_string());
        let (after, ..): (i64, i64, Option<i64>) = RolledUp {}.get_result(self.conn).store()?;
        let name = period.to_string();
        let (table, (stored,)): (_, (StoredNumber,)) = match period.length() {
            BudgetPeriod::Day => {
                ("api_usage_daily", RequestsOfDay { day: &name, service, account }.get_result(self.conn).store()?)
            }
            BudgetPeriod::Month => {
                ("api_usage_monthly", RequestsOfMonth { month: &name, service, account }.get_result(self.conn).store()?)
            }
        };
        let recent = RecentRequests { after, first: &first, last: &last, service, account };
        let (recent,) = recent.get_result::<(StoredNumber,)>(self.conn).store()?;
        let number = |row: RowRef<'_>, column, number| {
            let number = row.number(column, number)?;
            u64::try_from(number).map_err(|_| row.bad(column, number, "it must not be negative"))
        };
        let stored = number(RowRef::known(table, &name), "requests", stored)?;
        let recent = number(RowRef::known("api_usage", &name), "request_count", recent)?;
        Ok(stored.saturating_add(recent))
    }

    pub(super) fn roll_up_calls(&mut self, limit: u32) -> Result<u64, StoreError> {
        let (after, ..): (i64, i64, Option<i64>) = RolledUp {}.get_result(self.conn).store()?;
        let next: (Option<i64>, i64) = NextRows { after, limit: limit.into() }.get_result(self.conn).store()?;
        let (Some(up_to), rows) = next else { return Ok(0) };
        RollUp { after, up_to }.execute(self.conn).store()?;
        RollUpMonths { after, up_to }.execute(self.conn).store()?;
        let (uncounted, first): (i64, Option<i64>) = Uncounted { after, up_to }.get_result(self.conn).store()?;
        SetRolledUp { up_to, uncounted, first }.execute(self.conn).store()?;
        Ok(u64::try_from(rows).unwrap_or_default())
    }
}

fn add(totals: &mut BTreeMap<DailyKey, DailyApiUsage>, total: DailyApiUsage) {
    let key = (total.day, total.service.clone(), total.account.clone(), total.endpoint.clone(), total.outcome);
    match totals.get_mut(&key) {
        Some(sum) => {
            sum.calls = sum.calls.saturating_add(total.calls);
            sum.requests = sum.requests.saturating_add(total.requests);
            sum.duration = sum.duration.saturating_add(total.duration);
        }
        None => drop(totals.insert(key, total)),
    }
}

/// The statements of this file, for the test of query plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    [
        ("RolledUp", RolledUp::SQL),
        ("NextRows", NextRows::SQL),
        ("RollUp, grouped", RollUp::SQL),
        ("RollUpMonths, grouped", RollUpMonths::SQL),
        ("Uncounted", Uncounted::SQL),
        ("StoredDays", StoredDays::SQL),
        ("RecentDays, grouped", RecentDays::SQL),
        ("RequestsOfDay", RequestsOfDay::SQL),
        ("RequestsOfMonth", RequestsOfMonth::SQL),
        ("RecentRequests", RecentRequests::SQL),
    ]
    .map(|(name, sql)| (name, sql.to_owned()))
    .to_vec()
}
