//! The prices of services.

use std::collections::BTreeMap;

use super::amounts::MeasuredAmounts;
use super::money::{Currency, Money};
use super::price::{InvalidPrice, Price, PriceUnit};
use crate::api_usage::Day;

/// The prices that a program knows.
///
/// A price of an item is chosen before a price of an endpoint, and a price of an endpoint before a price of the whole
/// service. Of several prices with the same unit and amount, the one with the latest first day that is not in the
/// future holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTable(Vec<Price>);

impl PriceTable {
    /// A table without prices: every cost is unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table of these prices.
    ///
    /// # Errors
    /// The position of the first price that breaks a rule, from 0, with the rule. Two prices for the same thing from
    /// the same day break one too, and so do two currencies for the same thing.
    pub fn of(prices: impl IntoIterator<Item = Price>) -> Result<Self, (usize, InvalidPrice)> {
        let prices: Vec<Price> = prices.into_iter().collect();
        for (index, price) in prices.iter().enumerate() {
            price.check().map_err(|error| (index, error))?;
            let earlier = || prices[..index].iter().filter(|other| scope(other) == scope(price));
            let same = |other: &&Price| (other.unit, &other.amount) == (price.unit, &price.amount);
            if earlier().filter(same).any(|other| other.from == price.from) {
                let value = price.from.map_or_else(|| "missing".to_owned(), |day| day.to_string());
                let rule = "an earlier price is for the same from this day on";
                return Err((index, InvalidPrice { field: "from", value, rule }));
            }
            if earlier().any(|other| other.currency != price.currency) {
                let (value, rule) = (price.currency.to_string(), "the prices of one thing must have one currency");
                return Err((index, InvalidPrice { field: "currency", value, rule }));
            }
        }
        Ok(Self(prices))
    }

    /// All prices, in the order in which they were given.
    #[must_use]
    pub fn prices(&self) -> &[Price] {
        &self.0
    }

    /// The prices that hold on a day, in the order in which they were given. A price does not hold before its first
    /// day, nor after a later price for the same thing has begun to hold.
    pub fn in_force(&self, day: Day) -> impl Iterator<Item = &Price> {
        let begun = move |price: &&Price| price.from.is_none_or(|from| from <= day);
        self.0.iter().filter(begun).filter(move |price| {
            let same =
                |other: &Price| (scope(other), other.unit, &other.amount) == (scope(price), price.unit, &price.amount);
            !self.0.iter().filter(begun).any(|other| same(other) && other.from > price.from)
        })
    }

    /// The cost of one charge on a day. `None` if the price is unknown: no price matches, or an amount is missing.
    #[must_use]
    pub fn cost(
        &self,
        service: &str,
        endpoint: Option<&str>,
        item: Option<&str>,
        amounts: &MeasuredAmounts,
        day: Day,
    ) -> Option<Money> {
        let prices = self.holding(service, endpoint, item, day);
        let currency = prices.first()?.currency;
        let mut costs = prices.iter().map(|price| price.cost_micros(amounts));
        let micros = costs.try_fold(0_u64, |sum, cost| sum.checked_add(cost?))?;
        Money::from_micros(micros, currency).ok()
    }

    /// The cost of a call whose amounts are not known yet. `None` if the price depends on amounts, or is unknown.
    #[must_use]
    pub fn cost_of_call(&self, service: &str, endpoint: Option<&str>, item: Option<&str>, day: Day) -> Option<Money> {
        self.cost(service, endpoint, item, &MeasuredAmounts::new(), day)
    }

    /// The currency of the first price of a service.
    #[must_use]
    pub fn currency(&self, service: &str) -> Option<Currency> {
        self.0.iter().find(|price| price.service == service).map(|price| price.currency)
    }

    /// The prices of a charge: of the narrowest scope that has any on this day, one for each unit and amount.
    fn holding(&self, service: &str, endpoint: Option<&str>, item: Option<&str>, day: Day) -> Vec<&Price> {
        let matches = |price: &&Price| {
            price.service == service
                && price.item.as_deref().is_none_or(|own| item == Some(own))
                && price.endpoint.as_deref().is_none_or(|own| endpoint == Some(own))
                && price.from.is_none_or(|from| from <= day)
        };
        let narrowness = |price: &Price| (price.item.is_some(), price.endpoint.is_some());
        let narrowest = self.0.iter().filter(matches).map(narrowness).max();
        let mut holding: BTreeMap<(PriceUnit, Option<&str>), &Price> = BTreeMap::new();
        for price in self.0.iter().filter(matches).filter(|price| Some(narrowness(price)) == narrowest) {
            let held = holding.entry((price.unit, price.amount.as_deref())).or_insert(price);
            if price.from > held.from {
                *held = price;
            }
        }
        holding.into_values().collect()
    }
}

fn scope(price: &Price) -> (&str, Option<&str>, Option<&str>) {
    (&price.service, price.item.as_deref(), price.endpoint.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USD: Currency = Currency::USD;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_narrowest_price_that_holds_is_chosen() {
        let table = PriceTable::of([
            Price::per_call("s", 1, USD),
            Price::per_call("s", 2, USD).endpoint(some("e")),
            Price::per_call("s", 3, USD).item(some("i")),
            Price::per_call("s", 4, USD).item(some("i")).endpoint(some("e")),
            Price::per_call("s", 5, USD).item(some("new")).from(day("2026-06-01")),
            Price::per_call("s", 7, USD).item(some("new")).from(day("2026-08-01")),
            Price::per_call("s", 6, USD).item(some("new")).from(day("2026-07-01")),
        ])
        .unwrap();
        let cost = |endpoint, item, on| table.cost_of_call("s", endpoint, item, day(on)).map(Money::micros);
        for (endpoint, item, on, micros) in [
            (None, None, "2026-01-01", 1),
            (Some("e"), None, "2026-01-01", 2),
            (Some("e"), Some("other"), "2026-01-01", 2),
            (None, Some("i"), "2026-01-01", 3),
            (Some("f"), Some("i"), "2026-01-01", 3),
            (Some("e"), Some("i"), "2026-01-01", 4),
            (None, Some("new"), "2026-05-31", 1),
            (None, Some("new"), "2026-06-01", 5),
            (None, Some("new"), "2026-07-31", 6),
            (None, Some("new"), "2027-01-01", 7),
        ] {
            assert_eq!(cost(endpoint, item, on), Some(micros), "{endpoint:?} {item:?} {on}");
        }
        assert_eq!(table.cost_of_call("t", None, None, day("2026-01-01")), None, "an unknown price is not 0");
    }

    #[test]
    fn a_price_is_in_force_from_its_first_day_until_the_next_price_for_the_same() {
        let table = PriceTable::of([
            Price::per_call("s", 1, USD),
            Price::per_call("s", 2, USD).from(day("2026-06-01")),
            Price::per_call("s", 3, USD).from(day("2026-07-01")),
            Price::per_call("s", 4, USD).endpoint(some("e")).from(day("2026-07-01")),
            Price::per_second("t", "n", 5, USD),
        ])
        .unwrap();
        let in_force = |on| table.in_force(day(on)).map(|price| price.tiers[0].micros).collect::<Vec<_>>();
        assert_eq!(in_force("2026-05-31"), [1, 5]);
        assert_eq!(in_force("2026-06-30"), [2, 5]);
        assert_eq!(in_force("2026-07-01"), [3, 4, 5]);
    }

    #[test]
    fn the_prices_of_different_amounts_add_up_and_all_must_be_known() {
        let table = PriceTable::of([
            Price::per_call("s", 100, USD),
            Price::per_output("s", "input", 3, USD),
            Price::per_output("s", "output", 5, USD),
        ])
        .unwrap();
        let cost =
            |amounts: &MeasuredAmounts| table.cost("s", None, None, amounts, day("2026-01-01")).map(Money::micros);
        let input = MeasuredAmounts::new().with("input", 2_000_000);
        assert_eq!(cost(&input.clone().with("output", 1_000_000)), Some(111));
        assert_eq!(cost(&input), None);
        assert_eq!(table.cost_of_call("s", None, None, day("2026-01-01")), None);
    }

    #[test]
    fn contradictions_are_errors_that_name_the_price() {
        let price = || Price::per_call("s", 1, USD);
        let other = Price::per_output("s", "n", 1, Currency::EUR);
        for (second, message) in [
            (price(), "from of a price is missing: an earlier price is for the same from this day on"),
            (other, "currency of a price is EUR: the prices of one thing must have one currency"),
            (price().per(7), "per of a price is 7: it must be 1 for a price per call"),
        ] {
            let (index, error) = PriceTable::of([price(), second]).unwrap_err();
            assert_eq!((index, error.to_string().as_str()), (1, message));
        }
    }
}
