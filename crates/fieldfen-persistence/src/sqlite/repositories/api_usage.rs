//! Calls of external APIs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, ApiUsageTotal, ApiUsageTotals};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{ApiUsage, ApiUsageReads, StoreError};
use fieldfen_domain::{Page, PageRequest, Timestamp};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredNumber, StoredText, StoredTime, least_text};
use crate::sqlite::error::Classify;
use crate::sqlite::keyset_page::TablePage;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::schema::api_usage;
use crate::sqlite::session::SqliteSession;

statement! {
    /// The sums of each service, and the first row that cannot be counted. A row without a time is in no period. The
    /// query adds the halves of each number separately, so that no sum overflows.
    Totals<'a> { since: &'a str as Text }
        -> (Text, Nullable<BigInt>, Nullable<BigInt>, BigInt, BigInt, Nullable<BigInt>) =
        "SELECT service, sum(n >> 32), sum(n & 4294967295), count(n), min(id), min(CASE WHEN n IS NULL THEN id END) \
         FROM (SELECT id, service, CASE WHEN request_count IS NULL THEN 1 \
         WHEN typeof(request_count) = 'integer' AND request_count >= 0 THEN request_count END AS n FROM api_usage \
         INDEXED BY idx_api_usage_recorded_at WHERE recorded_at >= ?) GROUP BY service ORDER BY service"
}
statement! {
    /// The stored number of requests of one row, whatever its type.
    RequestCount { id: i64 as BigInt } -> (BigInt,) = "SELECT request_count FROM api_usage WHERE id = ?"
}

/// The columns of [`CallRow`], in its order.
macro_rules! call_columns {
    () => {
        "SELECT id, service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at FROM api_usage"
    };
}

/// The SQL types of [`call_columns`].
type CallColumns =
    (BigInt, Text, Nullable<Text>, Nullable<BigInt>, Nullable<BigInt>, Nullable<SqlTimestamp>, Nullable<SqlTimestamp>);

/// A page of the calls that match a filter; `since` and `until` are the texts of its times.
fn call_page<'a>(
    filter: &'a ApiCallFilter,
    since: Option<&'a str>,
    until: Option<&'a str>,
    request: &PageRequest,
) -> Result<TablePage<'a, CallColumns>, StoreError> {
    let service = filter.service.as_deref();
    let select = match service {
        Some(_) => concat!(call_columns!(), " INDEXED BY idx_api_usage_service"),
        None => call_columns!(),
    };
    Ok(TablePage::new("calls", select, request)?
        .with(" AND service = ", service)
        .and_beyond_the_index(" AND recorded_at >= ", since)
        .and_beyond_the_index(" AND recorded_at < ", until))
}

/// A row of `api_usage`.
#[derive(Debug, Queryable)]
struct CallRow {
    id: i64,
    service: StoredText,
    endpoint: Option<StoredText>,
    request_count: Option<StoredNumber>,
    rate_limit_remaining: Option<StoredNumber>,
    rate_limit_reset_at: Option<StoredTime>,
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
        Ok(ApiCall::new(row.text("service", self.service)?, row.time("recorded_at", recorded_at)?)
            .endpoint(row.nullable_text("endpoint", self.endpoint)?)
            .request_count(row.count("request_count", request_count)?)
            .rate_limit_remaining(
                self.rate_limit_remaining.map(|remaining| row.number("rate_limit_remaining", remaining)).transpose()?,
            )
            .rate_limit_reset_at(row.nullable_time("rate_limit_reset_at", self.rate_limit_reset_at)?))
    }
}

/// The sums of one service.
#[derive(Debug, Queryable)]
struct ServiceRow {
    service: StoredText,
    high: Option<i64>,
    low: Option<i64>,
    calls: i64,
    first: i64,
    first_uncounted: Option<i64>,
}

impl ServiceRow {
    fn read(self) -> Result<ApiUsageTotal, StoreError> {
        let requests = (i128::from(self.high.unwrap_or(0)) << 32) + i128::from(self.low.unwrap_or(0));
        let first = self.first.to_string();
        Ok(ApiUsageTotal::new(
            RowRef::known("api_usage", &first).text("service", self.service)?,
            u64::try_from(requests).unwrap_or(u64::MAX),
            u64::try_from(self.calls).unwrap_or_default(),
        ))
    }
}

impl SqliteSession<'_> {
    /// The error for a row whose number of requests cannot be counted.
    fn uncounted(&mut self, id: i64) -> Result<StoreError, StoreError> {
        let (requests,) = RequestCount { id }.get_result::<(StoredNumber,)>(self.conn).store()?;
        let id = id.to_string();
        let row = RowRef::known("api_usage", &id);
        Ok(match row.number("request_count", requests) {
            Ok(negative) => row.bad("request_count", negative, "it must not be negative"),
            Err(error) => error,
        })
    }
}

impl ApiUsageReads for SqliteSession<'_> {
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError> {
        let mut totals = ApiUsageTotals::default();
        for row in (Totals { since: &least_text(since) }).load::<ServiceRow>(self.conn).store()? {
            if let Some(id) = row.first_uncounted {
                let uncounted = self.uncounted(id)?;
                totals.unreadable.extend(split_bad_row::<()>(Err(uncounted))?.err());
            }
            if row.calls > 0 {
                match split_bad_row(row.read())? {
                    Ok(total) => totals.services.push(total),
                    Err(row) => totals.unreadable.push(row),
                }
            }
        }
        Ok(totals)
    }

    fn page(&mut self, filter: &ApiCallFilter, request: &PageRequest) -> Result<Page<ApiCall>, StoreError> {
        let (since, until) = (filter.since.map(least_text), filter.until.map(least_text));
        call_page(filter, since.as_deref(), until.as_deref(), request)?
            .read(self.conn, request, |row: CallRow| (row.id, row.read()))
    }
}

impl ApiUsage for SqliteSession<'_> {
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError> {
        let row = (
            api_usage::service.eq(&call.service),
            api_usage::endpoint.eq(&call.endpoint),
            api_usage::request_count.eq(i64::from(call.request_count)),
            api_usage::rate_limit_remaining.eq(call.rate_limit_remaining),
            api_usage::rate_limit_reset_at.eq(call.rate_limit_reset_at.map(SqlTime)),
            api_usage::recorded_at.eq(SqlTime(call.at)),
        );
        diesel::insert_into(api_usage::table).values(row).execute(self.conn).store()?;
        Ok(())
    }
}

/// The SELECT statements of this file that read pages, for the test of query plans.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    let (all, of_one) = (ApiCallFilter::new(), ApiCallFilter::new().service(String::new()));
    let page = |filter, time, request: &PageRequest| sql(&call_page(filter, time, time, request).unwrap());
    vec![
        ("Calls", page(&all, None, &first)),
        ("CallsIn", page(&all, Some(""), &first)),
        ("CallsOf", page(&of_one, None, &first)),
        ("CallsOf, newest first", page(&of_one, None, &first.clone().newest_first())),
        ("CallsOfIn", page(&of_one, Some(""), &first)),
        ("CallsOfIn, last examined", {
            sql(&call_page(&of_one, Some(""), None, &first).unwrap().last_examined().unwrap())
        }),
    ]
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::{api_call, at};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session, text};

    #[test]
    fn rows_of_other_programs_count_by_the_specified_defaults() {
        let mut conn = database();
        conn.batch_execute(
            "INSERT INTO api_usage (service, request_count, recorded_at) VALUES
             ('etsy', NULL, '2026-01-01 00:00:10'), ('etsy', 4, '2026-01-01 00:00:10.5'),
             ('etsy', 8, '2026-01-01 00:00:09'), ('etsy', 16, NULL)",
        )
        .unwrap();
        let mut s = session(&mut conn);
        s.record(&api_call("ebay", 3, at(11))).unwrap();
        let total = |service: &str, requests, calls| ApiUsageTotal::new(service.to_owned(), requests, calls);
        assert_eq!(s.totals(at(10)).unwrap().services, [total("ebay", 3, 1), total("etsy", 5, 2)]);
        assert_eq!(s.totals(Timestamp::MIN_UTC).unwrap().services[1], total("etsy", 13, 3));
        assert_eq!(s.totals(Timestamp::MAX_UTC).unwrap(), ApiUsageTotals::default());
    }

    #[test]
    fn what_a_response_did_not_say_is_null() {
        let mut conn = database();
        session(&mut conn).record(&api_call("ebay", 3, at(11))).unwrap();
        let nulls = "SELECT (rate_limit_remaining IS NULL) || (rate_limit_reset_at IS NULL) FROM api_usage";
        assert_eq!(text(&mut conn, nulls), "11");
        assert_eq!(text(&mut conn, "SELECT recorded_at FROM api_usage"), "2026-01-01 00:00:11.000000");
    }

    #[test]
    fn calls_that_cannot_be_counted_are_named_and_hide_no_others() {
        for (column, value, shown) in [
            ("request_count", "-4", "-4; it must not be negative"),
            ("request_count", "'many'", "a text; it must be a whole number"),
            ("request_count", "1.5", "a real number; it must be a whole number"),
            ("service", "x'657473'", "the blob \"ets\"; it must be a text"),
            ("service", "CAST(x'e9' AS TEXT)", "\"\\xe9\"; it must be UTF-8"),
        ] {
            let mut conn = database();
            for service in ["ebay", "etsy", "etsy"] {
                session(&mut conn).record(&api_call(service, 3, at(0))).unwrap();
            }
            conn.batch_execute(&format!("UPDATE api_usage SET {column} = {value} WHERE id = 2")).unwrap();
            let totals = session(&mut conn).totals(at(0)).unwrap();
            let used: Vec<_> = totals.services.iter().map(|total| (total.service.as_str(), total.requests)).collect();
            assert_eq!(used, [("ebay", 3), ("etsy", 3)], "{column} = {value}");
            let unreadable: Vec<_> = totals.unreadable.iter().map(ToString::to_string).collect();
            assert_eq!(unreadable, [format!("api_usage 2: column {column} holds {shown}")]);
        }
    }

    #[test]
    fn calls_of_other_programs_are_listed_and_bad_rows_are_named() {
        let mut conn = database();
        conn.batch_execute(
            "INSERT INTO api_usage (service, request_count, recorded_at) VALUES
             ('etsy', NULL, '2026-01-01 00:00:10'), ('etsy', -4, '2026-01-01 00:00:10'),
             ('etsy', 4294967296, '2026-01-01 00:00:10'), ('etsy', 1, NULL), ('etsy', 2, 'soon'),
             (x'00', 2, '2026-01-01 00:00:10')",
        )
        .unwrap();
        let page = session(&mut conn).page(&ApiCallFilter::new(), &PageRequest::first(9)).unwrap();
        let known = api_call("etsy", 1, at(10)).endpoint(None);
        assert_eq!(page.items, [known]);
        let columns: Vec<_> = page.unreadable.iter().map(|row| (row.row.as_str(), row.column)).collect();
        let count = "request_count";
        assert_eq!(columns, [("2", count), ("3", count), ("4", "recorded_at"), ("5", "recorded_at"), ("6", "service")]);
    }

    #[test]
    fn sums_beyond_all_numbers_are_the_largest_one() {
        let mut conn = database();
        let used = |conn: &mut SqliteConnection| session(conn).totals(Timestamp::MIN_UTC).unwrap().services[0].requests;
        for sum in [i64::MAX as u64, 2 * i64::MAX as u64, u64::MAX] {
            let row = format!("INSERT INTO api_usage (service, request_count) VALUES ('etsy', {})", i64::MAX);
            conn.batch_execute(&row).unwrap();
            assert_eq!(used(&mut conn), sum);
        }
    }
}
