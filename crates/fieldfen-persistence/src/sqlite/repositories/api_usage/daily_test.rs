//! Rows of other programs in the totals of days and months.

use diesel::connection::SimpleConnection;
use fieldfen_domain::api_cost::BudgetPeriod;
use fieldfen_domain::store::{ApiUsage, ApiUsageReads};
use fieldfen_testkit::fixtures::{api_call, at};

use super::*;
use crate::sqlite::columns::test_database::{database, session, text};

fn days(conn: &mut SqliteConnection) -> ApiUsageDays {
    let day = at(0).date_naive();
    session(conn).days(&(day..=day)).unwrap()
}

#[test]
fn rows_of_other_programs_count_before_and_after_the_roll_up() {
    let mut conn = database();
    conn.batch_execute(
        "INSERT INTO api_usage (service, request_count, recorded_at) VALUES
         ('etsy', NULL, '2026-01-01 00:00:10'), ('etsy', 4, '2026-01-01T00:00:10.5Z'), ('etsy', 8, '2026-01-02 00:00:00')",
    )
    .unwrap();
    session(&mut conn).record(&api_call("etsy", 16, at(0)).endpoint(None)).unwrap();
    for rolled_up in [0, 2, 2] {
        assert_eq!(session(&mut conn).roll_up(rolled_up).unwrap(), u64::from(rolled_up));
        let days = days(&mut conn);
        let totals: Vec<_> =
            days.days.iter().map(|total| (total.service.as_str(), total.calls, total.requests)).collect();
        assert_eq!((totals, days.uncounted), (vec![("etsy", 3, 21)], 0));
    }
}

#[test]
fn rows_that_cannot_be_counted_are_numbered_and_hide_no_others() {
    for (column, value) in [
        ("request_count", "-4"),
        ("request_count", "'many'"),
        ("request_count", "1.5"),
        ("request_count", "4294967296"),
        ("duration_ms", "-1"),
        ("duration_ms", "'long'"),
        ("outcome", "'perhaps'"),
        ("outcome", "x'6f6b'"),
        ("account", "x'00'"),
        ("endpoint", "x'00'"),
        ("service", "x'657473'"),
        ("recorded_at", "NULL"),
        ("recorded_at", "'soon'"),
        ("recorded_at", "17"),
        ("recorded_at", "'2026-02-31 00:00:00'"),
        ("recorded_at", "x'00'"),
    ] {
        let mut conn = database();
        for _ in 0..3 {
            session(&mut conn).record(&api_call("etsy", 3, at(0))).unwrap();
        }
        conn.batch_execute(&format!("UPDATE api_usage SET {column} = {value} WHERE id = 2")).unwrap();
        for _ in 0..3 {
            let days = days(&mut conn);
            let counted: Vec<_> = days.days.iter().map(|total| (total.calls, total.requests)).collect();
            assert_eq!(counted, [(2, 6)], "{column} = {value}");
            assert_eq!((days.uncounted, days.first_uncounted), (1, Some(2)), "{column} = {value}");
            assert_eq!(days.unreadable, []);
            session(&mut conn).roll_up(2).unwrap();
        }
    }
}

#[test]
fn a_total_that_cannot_be_read_is_named_and_hides_no_others() {
    let mut conn = database();
    for service in ["ebay", "etsy"] {
        session(&mut conn).record(&api_call(service, 3, at(0))).unwrap();
    }
    // The SQL type is text, but the bytes are not UTF-8.
    conn.batch_execute("UPDATE api_usage SET service = CAST(x'e9' AS TEXT) WHERE id = 1").unwrap();
    for _ in 0..2 {
        let days = days(&mut conn);
        assert_eq!(days.days.iter().map(|total| total.service.as_str()).collect::<Vec<_>>(), ["etsy"]);
        let unreadable: Vec<_> = days.unreadable.iter().map(|row| (row.table, row.column)).collect();
        assert_eq!(unreadable, [("api_usage_daily", "service")]);
        session(&mut conn).roll_up(9).unwrap();
    }
}

#[test]
fn the_requests_of_months_are_those_of_their_days_as_the_migration_adds_them_up() {
    const MONTHS: &str = "SELECT group_concat(month || ' ' || service || ' ' || account || ' ' || requests, ', ') FROM api_usage_monthly";
    let mut conn = database();
    conn.batch_execute(
        "INSERT INTO api_usage (service, account, endpoint, outcome, request_count, recorded_at) VALUES
         ('etsy', NULL, 'a', 'ok', 1, '2026-01-01 00:00:10'), ('etsy', '', 'b', NULL, 2, '2026-01-31 23:59:59.9'),
         ('etsy', 'main', 'a', 'ok', NULL, '2026-01-02 00:00:00'), ('etsy', NULL, 'a', 'ok', 8, '2026-02-01 00:00:00'),
         ('ebay', NULL, 'a', 'perhaps', 16, '2026-02-01 00:00:00'), ('ebay', NULL, 'a', 'ok', 32, '2025-12-31 23:59:59')",
    )
    .unwrap();
    let expected = "2025-12 ebay  32, 2026-01 etsy  3, 2026-01 etsy main 1, 2026-02 etsy  8";
    for rows in [2, 9] {
        session(&mut conn).roll_up(rows).unwrap();
    }
    assert_eq!(text(&mut conn, MONTHS), expected);
    for sql in [
        include_str!("../../../../migrations/sqlite/0015_api_usage_monthly/down.sql"),
        include_str!("../../../../migrations/sqlite/0015_api_usage_monthly/up.sql"),
    ] {
        conn.batch_execute(sql).unwrap();
    }
    assert_eq!(text(&mut conn, MONTHS), expected);
}

#[test]
fn a_total_of_a_month_that_cannot_be_read_is_named() {
    let mut conn = database();
    session(&mut conn).record(&api_call("etsy", 1, at(0))).unwrap();
    session(&mut conn).roll_up(1).unwrap();
    for table in ["api_usage_daily", "api_usage_monthly"] {
        conn.batch_execute(&format!("UPDATE {table} SET requests = -1")).unwrap();
    }
    for (length, named) in
        [(BudgetPeriod::Day, "api_usage_daily 2026-01-01: "), (BudgetPeriod::Month, "api_usage_monthly 2026-01: ")]
    {
        let error = session(&mut conn).requests(length.of(at(0)), &SpendScope::new()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{named}column requests holds -1; ")), "{error}");
    }
}
