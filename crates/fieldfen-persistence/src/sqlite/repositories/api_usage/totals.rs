//! The totals of each service, from the rows that have not been pruned.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::Timestamp;
use fieldfen_domain::api_usage::{ApiUsageTotal, ApiUsageTotals};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows::split_bad_row;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, StoredNumber, StoredText, least_text};
use crate::sqlite::error::Classify;
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
    pub(super) fn totals_of_services(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError> {
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
