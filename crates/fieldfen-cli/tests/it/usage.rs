//! The calls of external services: their list, and the report with costs and budgets.

use std::fs;

use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::api_usage::ApiUsage;
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

/// A shop with two calls to Etsy, of which one was throttled, and one listing of 20 cents.
fn shop() -> Shop {
    let shop = Shop::new();
    fs::write(shop.folder().join("fieldfen.toml"), RULES).unwrap();
    let environment = Environment::system();
    let usage = ApiUsage::new(shop.store(), environment.clone());
    for (outcome, status) in [(CallOutcome::Ok, 201), (CallOutcome::Throttled, 429)] {
        let call = ApiCall::new("etsy", environment.now()).endpoint("createListing".to_owned()).outcome(outcome);
        usage.record(&call.http_status(status)).unwrap();
    }
    let rules = ShopFile::read(shop.folder().join("fieldfen.toml")).unwrap().shop().unwrap();
    let costs = ApiCosts::new(shop.store(), environment).prices(rules.prices().unwrap());
    costs.record(&NewCost::charged("etsy", "listing 1")).unwrap();
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
