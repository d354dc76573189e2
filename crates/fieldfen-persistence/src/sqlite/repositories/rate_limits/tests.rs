//! Rows that another program has changed.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use fieldfen_domain::PermitId;
use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, CallAnswer, CallScope, ConfiguredLimit, LimitRule, PausesOfBudgets, PermitRequest,
    RateLimitKey, SettleOutcome, Settlement,
};
use fieldfen_domain::store::{RateLimitReads as _, RateLimits as _};
use fieldfen_testkit::fixtures::at;

use crate::sqlite::columns::test_database::{database, session};

fn request(number: u128, service: &str) -> AcquireRequest {
    let rule = LimitRule::Window { units: 100, window: Duration::from_secs(60) };
    AcquireRequest::new(PermitId::from_random(number), PermitRequest::new(service), at(0))
        .configured(vec![ConfiguredLimit::new(RateLimitKey::new(service, "minute"), rule)])
}

#[test]
fn limits_that_cannot_be_read_are_named_and_hide_no_others() {
    for (column, value) in [
        ("kind", "'steady'"),
        ("limit_units", "NULL"),
        ("window_ms", "'long'"),
        ("used_units", "-1"),
        ("permitted_units", "x'00'"),
        ("throttles", "4294967296"),
        ("blocked_until", "'tomorrow'"),
    ] {
        let mut conn = database();
        for service in ["ebay", "etsy"] {
            session(&mut conn).acquire(&request(u128::from(service == "etsy"), service)).unwrap();
        }
        let since = "blocked_since = '2026-01-01 00:00:00.000000'";
        conn.batch_execute(&format!("UPDATE rate_limits SET {since}, {column} = {value} WHERE service = 'ebay'"))
            .unwrap();
        let (read, unreadable): (Vec<_>, Vec<_>) =
            session(&mut conn).list(None, at(0)).unwrap().into_iter().partition(Result::is_ok);
        assert_eq!(read[0].as_ref().unwrap().key.service, "etsy");
        let said = unreadable[0].as_ref().unwrap_err().to_string();
        assert!(said.starts_with(&format!("rate_limits 1: column {column} holds ")), "{said}");
        let error = session(&mut conn).acquire(&request(7, "ebay")).unwrap_err().to_string();
        assert_eq!(error, said);
        assert!(session(&mut conn).look(&CallScope::new("ebay"), PausesOfBudgets::Refuse, at(0)).is_err(), "{column}");
        assert!(matches!(session(&mut conn).acquire(&request(8, "etsy")).unwrap(), AcquireOutcome::Acquired(_)));
    }
}

#[test]
fn a_limit_that_another_program_deletes_takes_no_permit_with_it() {
    let mut conn = database();
    let permit = session(&mut conn).acquire(&request(1, "etsy")).unwrap().permit().unwrap();
    conn.batch_execute("DELETE FROM rate_limits").unwrap();
    let settlement = Settlement::new(permit, CallAnswer::silent(), at(1));
    assert_eq!(session(&mut conn).settle(&settlement).unwrap(), SettleOutcome::Settled);
    assert_eq!(session(&mut conn).list(None, at(1)).unwrap(), []);
}
