//! Calls to external APIs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use fieldfen_domain::Timestamp;
use fieldfen_domain::api_usage::{ApiCall, ApiUsageTotal};
use fieldfen_domain::store::{ApiUsage, ApiUsageReads, StoreError};

use super::error::Classify;
use super::session::SqliteSession;
use super::statement::statement;
use crate::rows::{RowRef, SqlTime, limit};
use crate::schema::api_usage;

statement! {
    /// What was used of each service. Rows that do not say when are in no span of time.
    Totals<'a> { since: &'a str as Text } -> (Text, BigInt, BigInt) =
        "SELECT service, sum(coalesce(request_count, 1)), count(*) FROM api_usage \
         INDEXED BY idx_api_usage_recorded_at WHERE recorded_at >= ? GROUP BY service ORDER BY service"
}

impl ApiUsageReads for SqliteSession<'_> {
    fn totals(&mut self, since: Timestamp) -> Result<Vec<ApiUsageTotal>, StoreError> {
        let rows = Totals { since: &limit(since) }.load::<(String, i64, i64)>(self.conn).store()?;
        let total = |(service, requests, calls): (String, i64, i64)| {
            let name = format!("of {service}");
            let row = RowRef { table: "api_usage", key: &name };
            let requests = u64::try_from(requests)
                .map_err(|_| row.bad("request_count", format_args!("{requests} in all"), "it must not be negative"))?;
            Ok(ApiUsageTotal { service, requests, calls: u64::try_from(calls).unwrap_or_default() })
        };
        rows.into_iter().map(total).collect()
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

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::{api_call, at};

    use super::*;
    use crate::rows::fresh::{database, session, text};

    #[test]
    fn rows_of_baseline_programs_count_by_the_specified_defaults() {
        let mut conn = database();
        conn.batch_execute(
            "INSERT INTO api_usage (service, request_count, recorded_at) VALUES
             ('etsy', NULL, '2026-01-01 00:00:10'), ('etsy', 4, '2026-01-01 00:00:10.5'),
             ('etsy', 8, '2026-01-01 00:00:09'), ('etsy', 16, NULL)",
        )
        .unwrap();
        let mut s = session(&mut conn);
        s.record(&api_call("ebay", 3, at(11))).unwrap();
        let total = |service: &str, requests, calls| ApiUsageTotal { service: service.to_owned(), requests, calls };
        assert_eq!(s.totals(at(10)).unwrap(), [total("ebay", 3, 1), total("etsy", 5, 2)]);
        assert_eq!(s.totals(Timestamp::MIN_UTC).unwrap()[1], total("etsy", 13, 3));
        assert_eq!(s.totals(Timestamp::MAX_UTC).unwrap(), []);
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
    fn negative_counts_are_named() {
        let mut conn = database();
        conn.batch_execute("INSERT INTO api_usage (service, request_count) VALUES ('etsy', -4)").unwrap();
        let error = session(&mut conn).totals(Timestamp::MIN_UTC).unwrap_err().to_string();
        assert!(error.starts_with("api_usage of etsy: column request_count holds -4 in all"), "{error}");
    }
}
