//! The sections `[[price]]`, `[[budget]]` and `[[concurrency]]` of a `fieldfen.toml`.

use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money, Price, PriceTier};
use fieldfen_domain::job::{ConcurrencyLimit, Partition};

use super::{Shop, ShopFile, ShopFileError};

fn shop(text: &str) -> Result<Shop, ShopFileError> {
    ShopFile::parse(text, "fieldfen.toml").shop()
}

#[test]
fn prices_and_budgets_are_read_exactly() {
    let shop = shop(
        r#"
        [[price]]
        service = "replicate"
        item = "acme/upscale"
        unit = "second"
        amount = "predict_time"
        price = "0.000225"
        currency = "USD"
        from = "2026-02-01"
        [[price]]
        service = "replicate"
        unit = "output"
        amount = "token_output_count"
        per = 1000000
        currency = "USD"
        tiers = [{ up_to = "2.5", price = "3" }, { price = "2" }]
        [[budget]]
        name = "replicate a month"
        service = "replicate"
        account = "main"
        per = "month"
        money = "50"
        currency = "USD"
        warn_at_percent = 90
        [[budget]]
        name = "etsy a day"
        service = "etsy"
        per = "day"
        calls = 10000
        "#,
    )
    .unwrap();
    let (usd, some) = (Currency::USD, |text: &str| Some(text.to_owned()));
    let prices = [
        Price::per_second("replicate", "predict_time", 225, usd)
            .item(some("acme/upscale"))
            .from(chrono::NaiveDate::from_ymd_opt(2026, 2, 1)),
        Price::per_output("replicate", "token_output_count", 0, usd)
            .per(1_000_000)
            .tiers("token_output_count", [PriceTier::new(Some(2_500_000), 3_000_000), PriceTier::new(None, 2_000_000)]),
    ];
    assert_eq!(shop.prices().unwrap().prices(), prices);
    let money = BudgetLimit::Money(Money::parse("50", usd).unwrap());
    let budgets = [
        Budget::new("replicate a month", BudgetPeriod::Month, money)
            .service(some("replicate"))
            .account(some("main"))
            .warn_at_percent(90),
        Budget::new("etsy a day", BudgetPeriod::Day, BudgetLimit::Calls(10_000)).service(some("etsy")),
    ];
    assert_eq!(shop.budgets().unwrap(), budgets);
}

#[test]
fn concurrency_limits_are_read() {
    let shop = shop(
        r#"
        [[concurrency]]
        kind = "CreateListing"
        per = "account"
        max_running = 1
        [[concurrency]]
        kind = "CreateListing"
        per = "all"
        max_running = 4
        [[concurrency]]
        kind = "acme.print"
        per = "file"
        max_running = 2
        "#,
    )
    .unwrap();
    let limit = |kind: &str, per, most| ConcurrencyLimit::new(kind.parse().unwrap(), per, most).unwrap();
    let expected = [
        limit("CreateListing", Partition::Account, 1),
        limit("CreateListing", Partition::All, 4),
        limit("acme.print", Partition::File, 2),
    ];
    assert_eq!(shop.concurrency_limits().unwrap(), expected);
}
