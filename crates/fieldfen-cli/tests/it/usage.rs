//! The calls of external services: their list, and the report with costs and budgets.

use std::fs;

use fieldfen_domain::api_cost::{Currency, Money};
use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::rate_limit::{AcquireOutcome, PermitRequest};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::api_usage::ApiUsage;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_services::shop::ShopFile;

use crate::shop_harness::Shop;

const RULES: &str = r#"
[[price]]
service = "etsy"
unit = "call"
price = "0.20"
currency = "USD"

[[budget]]
name = "etsy"
service = "etsy"
per = "month"
money = "1.00"
currency = "USD"
"#;

/// Writes the price and the budget of Etsy to the shop's rules, and records one listing of 20 cents.
pub(crate) fn charge_listing(shop: &Shop) {
    fs::write(shop.folder().join("fieldfen.toml"), RULES).unwrap();
    let rules = ShopFile::read(shop.folder().join("fieldfen.toml")).unwrap().shop().unwrap();
    let costs = ApiCosts::new(shop.store(), Environment::system()).prices(rules.prices().unwrap());
    costs.record(&NewCost::charged("etsy", "listing 1")).unwrap();
}

/// A shop with two calls to Etsy, of which one was throttled, and one listing of 20 cents.
fn shop() -> Shop {
    let shop = Shop::new();
    let environment = Environment::system();
    let usage = ApiUsage::new(shop.store(), environment.clone());
    for (outcome, status) in [(CallOutcome::Ok, 201), (CallOutcome::Throttled, 429)] {
        let call = ApiCall::new("etsy", environment.now()).endpoint("createListing").outcome(outcome);
        let id = (status == 201).then(|| "listing 1".to_owned());
        usage.record(&call.http_status(status).external_id(id)).unwrap();
    }
    charge_listing(&shop);
    shop
}

#[test]
fn calls_are_filtered_by_outcome() {
    let shop = shop();
    let throttled = shop.run(&["usage", "calls", "--outcome", "throttled", "--since", "1h", "--json"]).document(0);
    assert_eq!(throttled["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&throttled["items"][0]["http_status"], &throttled["items"][0]["service"]),
        (&429.into(), &"etsy".into())
    );
}

#[test]
fn a_call_has_the_exact_cost_of_what_it_created() {
    let shop = shop();
    let costs = ApiCosts::new(shop.store(), Environment::system());
    let usage = ApiUsage::new(shop.store(), Environment::system());
    let most = Money::from_micros(fieldfen_domain::api_cost::MAX_MONEY_MICROS, Currency::EUR).unwrap();
    costs.record(&NewCost::charged("bank", "gold").price(most)).unwrap();
    costs
        .record(&NewCost::started("bank", "silver").guess(Some(Money::from_micros(225, Currency::USD).unwrap())))
        .unwrap();
    for id in ["gold", "silver"] {
        usage.record(&ApiCall::new("bank", Environment::system().now()).external_id(id.to_owned())).unwrap();
    }
    let calls = shop.run(&["usage", "calls"]).out;
    for cost in ["0.20 USD", "9223372036854.775807 EUR", "0.000225 USD guessed"] {
        assert!(calls.contains(cost), "{cost}: {calls}");
    }
    let document = shop.run(&["usage", "calls", "--json"]);
    let items = document.document(0)["items"].clone();
    assert!(document.out.contains("\"micros\": 9223372036854775807"), "{}", document.out);
    let known: Vec<_> = items.as_array().unwrap().iter().map(|call| &call["cost"]["status"]).collect();
    assert_eq!(
        known,
        ["pending".into(), "known".into(), serde_json::Value::Null, "known".into()].each_ref(),
        "{items}"
    );
}

#[test]
fn the_report_names_calls_errors_costs_and_the_rest_of_the_budget() {
    let shop = shop();
    let report = shop.run(&["usage", "report", "--json"]).document(0);
    assert_eq!((&report["services"][0]["calls"], &report["services"][0]["errors"]), (&2.into(), &1.into()), "{report}");
    assert_eq!((&report["budgets"][0]["used"], &report["budgets"][0]["limit"]), (&200_000.into(), &1_000_000.into()));
    let text = shop.run(&["usage", "report", "--details"]);
    text.ends_with(0);
    for part in ["etsy createListing", "0.20 USD", "budget etsy: 0.20 USD of 1.00 USD used (20.00 %)"] {
        assert!(text.out.contains(part), "{part}: {}", text.out);
    }
}

#[test]
fn days_in_the_wrong_order_are_refused() {
    let shop = shop();
    let refused = shop.run(&["usage", "report", "--since", "2026-11-02", "--until", "2026-11-01"]);
    refused.ends_with(2);
    assert!(refused.err.contains("2026-11-02"), "{}", refused.err);
}

#[test]
fn a_call_made_by_hand_is_recorded_once_with_its_cost() {
    let shop = shop();
    let record = ["usage", "record", "--service", "etsy", "--endpoint", "createListing", "--external-id", "listing 2"];
    let priced = shop.run(&[&record[..], &["--http-status", "201"]].concat());
    priced.ends_with(0);
    assert!(priced.out.contains("recorded, at 0.20 USD"), "{}", priced.out);
    let again = shop.run(&[&record[..], &["--cost", "0.30 USD", "--json"]].concat()).document(0);
    assert_eq!(again["outcome"], "unchanged");
    assert!(again["message"].as_str().unwrap().contains("at 0.20 USD"), "{again}");
    let calls = shop.run(&["usage", "calls", "--json"]).document(0);
    assert_eq!(calls["items"].as_array().unwrap().len(), 3, "two of the shop and one by hand");
    assert_eq!((&calls["items"][0]["external_id"], &calls["items"][0]["outcome"]), (&"listing 2".into(), &"ok".into()));
}

#[test]
fn a_call_made_by_hand_names_the_value_that_breaks_a_rule() {
    let shop = shop();
    let record = ["usage", "record", "--service", "etsy", "--endpoint", "createListing"];
    for (arguments, part) in [
        (&["--cost", "0.30"][..], "0.20 USD"),
        (&["--at", "2199-01-01"][..], "2199-01-01"),
        (&["--http-status", "20"][..], "20"),
        (&["--service", " ", "--external-id", "1"][..], "service"),
        (&["--external-id", " "][..], "external"),
    ] {
        let record = if arguments[0] == "--service" { &record[..2] } else { &record[..] };
        let endpoint: &[&str] = if record.len() == 2 { &["--endpoint", "x"] } else { &[] };
        let refused = shop.run(&[record, endpoint, arguments].concat());
        refused.ends_with(2);
        assert!(refused.err.contains(part), "{arguments:?}: {}", refused.err);
    }
    assert_eq!(shop.run(&["usage", "calls", "--json"]).document(0)["items"].as_array().unwrap().len(), 2);
}

#[test]
fn budgets_show_known_costs_guesses_and_calls_in_flight_apart() {
    let shop = shop();
    let record = ["usage", "record", "--service", "etsy", "--endpoint", "createListing", "--external-id", "lost"];
    shop.run(&[&record[..], &["--outcome", "no_answer"]].concat()).ends_with(0);
    let limiter = RateLimiter::new(shop.store(), Environment::system());
    let guess = Money::parse("0.15", Currency::USD).unwrap();
    let acquired = limiter.acquire(&PermitRequest::new("etsy").guess(guess)).unwrap();
    assert!(matches!(acquired, AcquireOutcome::Acquired(_)), "{acquired:?}");
    let document = shop.run(&["usage", "budget", "--json"]).document(0);
    let budget = &document["items"][0];
    for (key, micros) in [("used", 400_000), ("known", 200_000), ("guessed", 200_000), ("in_flight", 150_000)] {
        assert_eq!(budget[key], micros, "{key}: {budget}");
    }
    assert_eq!((&budget["per"], &budget["state"]), (&"month".into(), &"ok".into()));
    assert_eq!(document["prices"][0]["tiers"][0]["price"], 200_000);
    let text = shop.run(&["usage", "budget"]);
    text.ends_with(0);
    for part in ["budget etsy", "0.40 USD of 1.00 USD (40.00 %)", "0.20 USD of it", "0.15 USD", "0.20 USD per call"] {
        assert!(text.out.contains(part), "{part}: {}", text.out);
    }
}
