//! Bad values in `api_costs` and its totals, and the statements that read pages.

use diesel::connection::SimpleConnection;
use fieldfen_domain::{FileId, JobId};
use fieldfen_testkit::fixtures::{api_cost, at};

use super::*;
use crate::sqlite::columns::test_database::{database, session, text};
use crate::sqlite::keyset_page::sql;

/// The SELECT statements that read pages.
pub(super) fn page_statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    let texts = |filter: &ApiCostFilter| sql(&cost_page(filter, &FilterTexts::new(filter), &first).unwrap());
    let of_service = ApiCostFilter::new().service(String::new());
    vec![
        ("Costs", texts(&ApiCostFilter::new())),
        ("CostsOf", texts(&of_service)),
        ("CostsKnown", texts(&of_service.clone().status(CostStatus::Known))),
        ("CostsUnknown", texts(&of_service.clone().status(CostStatus::Unknown))),
        ("CostsOfJob", texts(&of_service.clone().job_id(JobId::from_random(1)))),
        ("CostsForFile", texts(&of_service.file_id(FileId::from_random(1)))),
    ]
}

fn known(micros: u64) -> CostState {
    CostState::Known { amount: Money::from_micros(micros, Currency::USD).unwrap() }
}

fn pending(micros: u64) -> CostState {
    CostState::Pending { guess: Money::from_micros(micros, Currency::USD).unwrap() }
}

#[test]
fn costs_that_cannot_be_read_are_named_and_hide_no_others() {
    for (column, value, shown) in [
        (
            "status",
            "'lost'",
            "\"lost\"; cost status \"lost\" is unknown; it must be one of pending, known, unknown, free",
        ),
        ("amount_micros", "NULL", "NULL; a cost that is known must have one"),
        ("amount_micros", "-1", "-1; it must not be negative"),
        ("amount_micros", "'much'", "a text; it must be a whole number"),
        ("amount_micros", "0.5", "a real number; it must be a whole number"),
        ("guess_micros", "7", "7; it must be NULL in a cost that is known"),
        ("currency", "NULL", "NULL; a cost that is known must have one"),
        ("currency", "'usd'", "\"usd\"; currency \"usd\": it must be three letters from A to Z, for example \"USD\""),
        ("amounts_json", "'[]'", "\"[]\"; it must be a JSON object of whole numbers of 0 or more: "),
        ("service", "x'657473'", "the blob \"ets\"; it must be a text"),
        ("at", "'soon'", "\"soon\"; "),
        ("settled_at", "'soon'", "\"soon\"; "),
        ("job_id", "'no id'", "\"no id\"; "),
    ] {
        let mut conn = database();
        for number in 1..=3 {
            session(&mut conn).record(&api_cost("etsy", number, known(5), at(0))).unwrap();
        }
        conn.batch_execute(&format!("UPDATE api_costs SET {column} = {value} WHERE id = 2")).unwrap();
        let page = session(&mut conn).page(&ApiCostFilter::new(), &PageRequest::first(9)).unwrap();
        assert_eq!(page.items.len(), 2, "{column} = {value}");
        let unreadable: Vec<_> = page.unreadable.iter().map(ToString::to_string).collect();
        let named = format!("api_costs 2: column {column} holds {shown}");
        assert!(unreadable.len() == 1 && unreadable[0].starts_with(&named), "{named}\n{unreadable:?}");
    }
}

#[test]
fn totals_that_cannot_be_read_are_named() {
    for (column, value) in
        [("known_micros", "-1"), ("items", "'many'"), ("guessed_micros", "1.5"), ("currency", "'usd'")]
    {
        let mut conn = database();
        session(&mut conn).record(&api_cost("etsy", 1, known(5), at(0))).unwrap();
        session(&mut conn).record(&api_cost("ebay", 1, known(5), at(0))).unwrap();
        for table in ["api_cost_daily", "api_cost_monthly"] {
            conn.batch_execute(&format!("UPDATE {table} SET {column} = {value} WHERE service = 'etsy'")).unwrap();
        }
        let day = at(0).date_naive();
        let days = session(&mut conn).days(&(day..=day)).unwrap();
        assert_eq!((days.days.len(), days.unreadable.len()), (1, 1), "{column} = {value}");
        assert_eq!((days.unreadable[0].row.as_str(), days.unreadable[0].column), ("etsy of 2026-01-01", column));
        use fieldfen_domain::api_cost::BudgetPeriod::{Day, Month};
        for (length, named) in
            [(Day, "api_cost_daily etsy of 2026-01-01: "), (Month, "api_cost_monthly etsy of 2026-01: ")]
        {
            let error = session(&mut conn).spend(length.of(at(0)), &SpendScope::new()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{named}column {column} holds ")), "{error}");
            let others = session(&mut conn).spend(length.of(at(0)), &SpendScope::new().service("ebay")).unwrap();
            assert_eq!(others[0].known.micros(), 5, "{column} = {value}");
        }
    }
}

#[test]
fn a_bad_amount_does_not_make_the_dearest_cost() {
    let mut conn = database();
    for (number, micros) in [(1, 5), (2, 7), (3, 6)] {
        session(&mut conn).record(&api_cost("etsy", number, known(micros), at(0))).unwrap();
    }
    for (value, dearest) in [("'much'", 6), ("x'00'", 6), ("7.5", 6), ("NULL", 6), ("8", 8)] {
        conn.batch_execute(&format!("UPDATE api_costs SET amount_micros = {value} WHERE id = 2")).unwrap();
        let found = session(&mut conn).dearest("etsy", Some("predictions"), Currency::USD).unwrap();
        assert_eq!(found.map(Money::micros), Some(dearest), "{value}");
    }
}

#[test]
fn columns_of_an_unsettled_cost_say_no_amount() {
    let mut conn = database();
    session(&mut conn).record(&api_cost("etsy", 1, pending(5), at(0))).unwrap();
    session(&mut conn).record(&api_cost("etsy", 2, CostState::Free, at(0))).unwrap();
    let columns = "SELECT group_concat(status || ' ' || coalesce(amount_micros, '-') || ' ' || coalesce(guess_micros, '-')
                   || ' ' || coalesce(currency, '-') || ' ' || at || ' ' || coalesce(settled_at, '-'), '; ') FROM api_costs";
    assert_eq!(
        text(&mut conn, columns),
        "pending - 5 USD 2026-01-01 00:00:00.000000 -; free 0 - - 2026-01-01 00:00:00.000000 2026-01-01 00:00:00.000000"
    );
}
