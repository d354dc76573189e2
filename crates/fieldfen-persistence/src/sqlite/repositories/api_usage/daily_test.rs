//! Rows of other programs in the totals of days.

use diesel::connection::SimpleConnection;
use fieldfen_domain::store::{ApiUsage, ApiUsageReads};
use fieldfen_testkit::fixtures::{api_call, at};

use super::*;
use crate::sqlite::columns::test_database::{database, session};

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
