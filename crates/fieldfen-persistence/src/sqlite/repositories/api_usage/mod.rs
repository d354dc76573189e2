//! Calls of external APIs.

mod daily;
#[cfg(test)]
mod daily_test;
#[cfg(test)]
mod tests;
mod totals;

use std::ops::RangeInclusive;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::api_cost::{SpendPeriod, SpendScope};
use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, ApiUsageDays, ApiUsageTotals, CallOutcome, Day};
use fieldfen_domain::store::{ApiUsage, ApiUsageReads, StoreError};
use fieldfen_domain::{Page, PageRequest, Timestamp, cut_reason};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredNumber, StoredText, StoredTime, least_text};
use crate::sqlite::error::Classify;
use crate::sqlite::keyset_page::TablePage;
use crate::sqlite::session::SqliteSession;

statement! {
    Record<'a> {
        service: &'a str as Text,
        account: Option<&'a str> as Nullable<Text>,
        endpoint: Option<&'a str> as Nullable<Text>,
        request_count: i64 as BigInt,
        rate_limit_remaining: Option<i64> as Nullable<BigInt>,
        rate_limit_reset_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        outcome: Option<&'a str> as Nullable<Text>,
        http_status: Option<i64> as Nullable<BigInt>,
        error: Option<&'a str> as Nullable<Text>,
        duration_ms: Option<i64> as Nullable<BigInt>,
        job_id: Option<&'a str> as Nullable<Text>,
        file_id: Option<&'a str> as Nullable<Text>,
        external_id: Option<&'a str> as Nullable<Text>,
        recorded_at: SqlTime as SqlTimestamp,
    } = "INSERT INTO api_usage (service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, \
         outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// Deletes rolled-up rows of calls before a time, the oldest first. SQLite sorts numbers before all texts.
    Prune<'a> { before: &'a str as Text, limit: i64 as BigInt } =
        "DELETE FROM api_usage WHERE id IN (SELECT id FROM api_usage INDEXED BY idx_api_usage_recorded_at \
         WHERE recorded_at >= '' AND recorded_at < ? AND id <= (SELECT rolled_up_to FROM api_usage_rollup WHERE id = 1) \
         ORDER BY recorded_at LIMIT ?)"
}

/// The columns of [`CallRow`], in its order.
macro_rules! call_columns {
    () => {
        "SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, \
         http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage"
    };
}

/// The SQL types of [`call_columns`].
type CallColumns = (
    BigInt,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<SqlTimestamp>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<SqlTimestamp>,
);

/// The texts of the values in a filter.
#[derive(Debug, Default)]
struct FilterTexts {
    job_id: Option<String>,
    file_id: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

impl FilterTexts {
    fn new(filter: &ApiCallFilter) -> Self {
        Self {
            job_id: filter.job_id.as_ref().map(ToString::to_string),
            file_id: filter.file_id.as_ref().map(ToString::to_string),
            since: filter.since.map(least_text),
            until: filter.until.map(least_text),
        }
    }
}

/// A page of the calls that match a filter. The index of the narrowest condition leads to the rows.
fn call_page<'a>(
    filter: &'a ApiCallFilter,
    texts: &'a FilterTexts,
    request: &PageRequest,
) -> Result<TablePage<'a, CallColumns>, StoreError> {
    let columns = [
        (" AND job_id = ", texts.job_id.as_deref(), concat!(call_columns!(), " INDEXED BY idx_api_usage_job_id")),
        (" AND file_id = ", texts.file_id.as_deref(), concat!(call_columns!(), " INDEXED BY idx_api_usage_file_id")),
        (
            " AND outcome <> 'ok' AND outcome = ",
            filter.outcome.filter(|outcome| !outcome.is_ok()).map(CallOutcome::as_str),
            concat!(call_columns!(), " INDEXED BY idx_api_usage_failures"),
        ),
        (" AND service = ", filter.service.as_deref(), concat!(call_columns!(), " INDEXED BY idx_api_usage_service")),
        (" AND outcome = ", filter.outcome.filter(|outcome| outcome.is_ok()).map(CallOutcome::as_str), ""),
        (" AND account = ", filter.account.as_deref(), ""),
        (" AND endpoint = ", filter.endpoint.as_deref(), ""),
        (" AND recorded_at >= ", texts.since.as_deref(), ""),
        (" AND recorded_at < ", texts.until.as_deref(), ""),
    ];
    let indexed = columns.iter().position(|(_, value, select)| value.is_some() && !select.is_empty());
    let select = indexed.map_or(call_columns!(), |at| columns[at].2);
    let page = TablePage::new("calls", select, request)?;
    Ok(columns.into_iter().enumerate().fold(page, |page, (at, (condition, value, _))| match indexed {
        Some(indexed) if indexed == at => page.with(condition, value),
        _ => page.and_beyond_the_index(condition, value),
    }))
}

/// A row of `api_usage`.
#[derive(Debug, Queryable)]
struct CallRow {
    id: i64,
    service: StoredText,
    account: Option<StoredText>,
    endpoint: Option<StoredText>,
    request_count: Option<StoredNumber>,
    rate_limit_remaining: Option<StoredNumber>,
    rate_limit_reset_at: Option<StoredTime>,
    outcome: Option<StoredText>,
    http_status: Option<StoredNumber>,
    error: Option<StoredText>,
    duration_ms: Option<StoredNumber>,
    job_id: Option<StoredText>,
    file_id: Option<StoredText>,
    external_id: Option<StoredText>,
    recorded_at: Option<StoredTime>,
}

impl CallRow {
    fn read(self) -> Result<ApiCall, StoreError> {
        let id = self.id.to_string();
        let row = RowRef::known("api_usage", &id);
        // The specification's default.
        let request_count = self.request_count.map_or(Ok(1), |count| row.number("request_count", count))?;
        let Some(recorded_at) = self.recorded_at else {
            return Err(row.bad("recorded_at", "NULL", "it must not be NULL"));
        };
        let number = |column, number: Option<StoredNumber>| number.map(|number| row.number(column, number)).transpose();
        let http_status = match number("http_status", self.http_status)? {
            Some(status) => Some(
                u16::try_from(status)
                    .map_err(|_| row.bad("http_status", status, "it must be a whole number from 0 to 65535"))?,
            ),
            None => None,
        };
        let duration = match number("duration_ms", self.duration_ms)? {
            Some(millis) => Some(Duration::from_millis(row.count("duration_ms", millis)?.into())),
            None => None,
        };
        Ok(ApiCall::new(row.text("service", self.service)?, row.time("recorded_at", recorded_at)?)
            .account(row.nullable_text("account", self.account)?)
            .endpoint(row.nullable_text("endpoint", self.endpoint)?)
            .request_count(row.count("request_count", request_count)?)
            .rate_limit_remaining(number("rate_limit_remaining", self.rate_limit_remaining)?)
            .rate_limit_reset_at(row.nullable_time("rate_limit_reset_at", self.rate_limit_reset_at)?)
            .outcome(row.parse_nullable("outcome", self.outcome.as_ref())?)
            .http_status(http_status)
            .error(row.nullable_text("error", self.error)?)
            .duration(duration)
            .job_id(row.parse_nullable("job_id", self.job_id.as_ref())?)
            .file_id(row.parse_nullable("file_id", self.file_id.as_ref())?)
            .external_id(row.nullable_text("external_id", self.external_id)?))
    }
}

impl ApiUsageReads for SqliteSession<'_> {
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError> {
        self.totals_of_services(since)
    }

    fn days(&mut self, days: &RangeInclusive<Day>) -> Result<ApiUsageDays, StoreError> {
        self.daily_totals(days)
    }

    fn requests(&mut self, period: SpendPeriod, scope: &SpendScope) -> Result<u64, StoreError> {
        self.requests_of_period(period, scope)
    }

    fn page(&mut self, filter: &ApiCallFilter, request: &PageRequest) -> Result<Page<ApiCall>, StoreError> {
        let texts = FilterTexts::new(filter);
        call_page(filter, &texts, request)?.read(self.conn, request, |row: CallRow| (row.id, row.read()))
    }
}

impl ApiUsage for SqliteSession<'_> {
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError> {
        let error = call.error.as_deref().map(cut_reason);
        let (job_id, file_id) = (call.job_id.map(|id| id.to_string()), call.file_id.map(|id| id.to_string()));
        let record = Record {
            service: &call.service,
            account: call.account.as_deref(),
            endpoint: call.endpoint.as_deref(),
            request_count: call.request_count.into(),
            rate_limit_remaining: call.rate_limit_remaining,
            rate_limit_reset_at: call.rate_limit_reset_at.map(SqlTime),
            outcome: call.outcome.map(CallOutcome::as_str),
            http_status: call.http_status.map(i64::from),
            error: error.as_deref(),
            duration_ms: call.duration.map(|duration| millis(duration).into()),
            job_id: job_id.as_deref(),
            file_id: file_id.as_deref(),
            external_id: call.external_id.as_deref(),
            recorded_at: SqlTime(call.at),
        };
        record.execute(self.conn).store()?;
        Ok(())
    }

    fn roll_up(&mut self, limit: u32) -> Result<u64, StoreError> {
        self.roll_up_calls(limit)
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let pruned = Prune { before: &least_text(before), limit: limit.into() }.execute(self.conn).store()?;
        Ok(pruned as u64)
    }
}

/// A duration in whole milliseconds, at most 49 days.
fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// The statements of these files, for the test of query plans.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let mut statements = tests::page_statements();
    statements.push(("PruneCalls", Prune::SQL.to_owned()));
    statements.extend(daily::statements());
    statements
}
