//! Rows of other programs in `api_usage`, and the statements that read pages.

use diesel::connection::SimpleConnection;
use fieldfen_domain::api_usage::ApiUsageTotal;
use fieldfen_domain::{FileId, JobId};
use fieldfen_testkit::fixtures::{api_call, at};

use super::*;
use crate::sqlite::columns::test_database::{database, session, text};
use crate::sqlite::keyset_page::sql;

/// The SELECT statements that read pages.
pub(super) fn page_statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    let all = ApiCallFilter::new();
    let of_service = all.clone().service(String::new());
    let in_time = |filter: &ApiCallFilter| filter.clone().since(at(0)).until(at(1));
    let texts = |filter: &ApiCallFilter, request: &PageRequest| {
        sql(&call_page(filter, &FilterTexts::new(filter), request).unwrap())
    };
    let last_examined = in_time(&of_service);
    vec![
        ("Calls", texts(&all, &first)),
        ("CallsIn", texts(&in_time(&all), &first)),
        ("CallsOf", texts(&of_service, &first)),
        ("CallsOf, newest first", texts(&of_service, &first.clone().newest_first())),
        ("CallsOfIn", texts(&in_time(&of_service), &first)),
        ("CallsOfIn, last examined", {
            let filter = FilterTexts::new(&last_examined);
            sql(&call_page(&last_examined, &filter, &first).unwrap().last_examined().unwrap())
        }),
        ("CallsOfJob", texts(&of_service.clone().job_id(JobId::from_random(1)), &first)),
        ("CallsForFile", texts(&of_service.clone().file_id(FileId::from_random(1)), &first)),
        ("CallsThrottled", texts(&of_service.clone().outcome(CallOutcome::Throttled), &first)),
        ("CallsOk", texts(&of_service.outcome(CallOutcome::Ok), &first)),
    ]
}

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
