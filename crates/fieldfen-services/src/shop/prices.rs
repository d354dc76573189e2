//! The prices of external APIs: `[[price]]`.

use fieldfen_domain::api_cost::{Currency, Price, PriceTable, PriceTier, PriceUnit};
use serde::Deserialize;

use super::decimal::{DayText, Decimal};
use super::setting::{InvalidShop, Setting};

/// One `[[price]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with service, item, endpoint, unit, amount, per, price, tiers, currency and from"
)]
pub(super) struct PriceRule {
    service: String,
    item: Option<String>,
    endpoint: Option<String>,
    unit: PriceUnit,
    amount: Option<String>,
    per: Option<u64>,
    price: Option<Decimal>,
    tiers: Option<Vec<TierRule>>,
    currency: Currency,
    from: Option<DayText>,
}

/// One tier of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with up_to and price")]
struct TierRule {
    up_to: Option<Decimal>,
    price: Decimal,
}

/// The price table of these rules.
pub(super) fn table(rules: &[PriceRule]) -> Result<PriceTable, InvalidShop> {
    let prices = rules.iter().enumerate().map(|(index, rule)| rule.price(&place(index)));
    let prices: Vec<Price> = prices.collect::<Result<_, _>>()?;
    PriceTable::of(prices).map_err(|(index, error)| {
        let single = rules.get(index).is_some_and(|rule| rule.price.is_some());
        let field = if error.field == "tiers" && single { "price" } else { error.field };
        InvalidShop::at(place(index).key(field), error.value, error.rule)
    })
}

fn place(index: usize) -> Setting {
    Setting::of("price").item(index)
}

impl PriceRule {
    fn price(&self, at: &Setting) -> Result<Price, InvalidShop> {
        let tiers = match (&self.price, &self.tiers) {
            (Some(price), None) => vec![PriceTier::new(None, price.0)],
            (None, Some(tiers)) => {
                tiers.iter().map(|tier| PriceTier::new(tier.up_to.map(|end| end.0), tier.price.0)).collect()
            }
            (price, _) => {
                let value = if price.is_some() { "given with tiers" } else { "missing" };
                let rule = "a price needs price or tiers, and not both";
                return Err(InvalidShop::at(at.clone().key("price"), value, rule));
            }
        };
        let mut price = Price::per_call(self.service.clone(), 0, self.currency)
            .item(self.item.clone())
            .endpoint(self.endpoint.clone())
            .per(self.per.unwrap_or(1))
            .from(self.from.map(|day| day.0));
        (price.unit, price.amount, price.tiers) = (self.unit, self.amount.clone(), tiers);
        Ok(price)
    }
}
