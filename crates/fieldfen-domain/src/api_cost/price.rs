//! One price of a service.

use super::amounts::MeasuredAmounts;
use super::money::{Currency, MAX_MONEY_MICROS};
use crate::OptionalText;
use crate::api_usage::Day;
use crate::text_enum::text_enum;

text_enum! {
    /// The thing that a price is for.
    pub enum PriceUnit as "price unit" {
        /// One call, or one thing with its own external id.
        Call = "call",
        /// A second, by a measured amount such as `predict_time`.
        Second = "second",
        /// One output, for example a picture or a token, by a measured amount.
        Output = "output",
    }
}

/// One step of a price with tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PriceTier {
    /// The last amount of this tier, in millionths, inclusive; `None` for the last tier, which has no end.
    pub up_to: Option<u64>,
    /// The price in this tier, in millionths of the currency.
    pub micros: u64,
}

impl PriceTier {
    /// A tier that ends at this amount, in millionths; `None` for the last tier.
    #[must_use]
    pub const fn new(up_to: Option<u64>, micros: u64) -> Self {
        Self { up_to, micros }
    }
}

/// A price that holds from a day on, until another price of the same service, item, endpoint, unit and amount holds.
///
/// A charge costs the sum of the prices with different amounts, for example one for input tokens and one for output
/// tokens.
///
/// # Tiers
/// The tiers of a price per second or output share the amount of one charge: the first 10 outputs at one price, the
/// further ones at another. The tiers of a price per call have an amount too: the whole call costs the price of the
/// tier that contains the amount. Tiers do not add up the amounts of several charges.
///
/// # Rounding
/// Each price is calculated exactly and then rounded up to a millionth, once for each charge. A price above 0 is thus
/// never a cost of 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Price {
    /// The service, for example `replicate`.
    pub service: String,
    /// Only for this item, for example a model; `None` for all.
    pub item: Option<String>,
    /// Only for this endpoint; `None` for all.
    pub endpoint: Option<String>,
    /// The thing that the price is for: a call, a second or an output.
    pub unit: PriceUnit,
    /// The name of the measured amount. A price per second or output needs one, and so do tiers.
    pub amount: Option<String>,
    /// The number of units that the price is for: 1,000,000 for a price per million tokens.
    pub per: u64,
    /// The currency.
    pub currency: Currency,
    /// The first day, in UTC, on which the price holds; `None` for all days.
    pub from: Option<Day>,
    /// The tiers, the smallest first. A price without tiers is one tier without end.
    pub tiers: Vec<PriceTier>,
}

/// The error of a price that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} of a price is {value}: {rule}")]
pub struct InvalidPrice {
    /// The name of the field.
    pub field: &'static str,
    /// The given value.
    pub value: String,
    /// The rule for the value.
    pub rule: &'static str,
}

impl Price {
    fn new(
        service: impl Into<String>,
        unit: PriceUnit,
        amount: Option<String>,
        micros: u64,
        currency: Currency,
    ) -> Self {
        Self {
            service: service.into(),
            item: None,
            endpoint: None,
            unit,
            amount,
            per: 1,
            currency,
            from: None,
            tiers: vec![PriceTier::new(None, micros)],
        }
    }

    /// A price of each call of a service, in millionths of the currency.
    #[must_use]
    pub fn per_call(service: impl Into<String>, micros: u64, currency: Currency) -> Self {
        Self::new(service, PriceUnit::Call, None, micros, currency)
    }

    /// A price of each second of this measured amount, in millionths of the currency.
    #[must_use]
    pub fn per_second(service: impl Into<String>, amount: impl Into<String>, micros: u64, currency: Currency) -> Self {
        Self::new(service, PriceUnit::Second, Some(amount.into()), micros, currency)
    }

    /// A price of each output of this measured amount, in millionths of the currency.
    #[must_use]
    pub fn per_output(service: impl Into<String>, amount: impl Into<String>, micros: u64, currency: Currency) -> Self {
        Self::new(service, PriceUnit::Output, Some(amount.into()), micros, currency)
    }

    /// Restricts the price to an item, for example a model.
    #[must_use]
    pub fn item(mut self, item: impl Into<OptionalText>) -> Self {
        self.item = item.into().0;
        self
    }

    /// Restricts the price to an endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.endpoint = endpoint.into().0;
        self
    }

    /// Sets the number of units that the price is for.
    #[must_use]
    pub const fn per(mut self, per: u64) -> Self {
        self.per = per;
        self
    }

    /// Sets the first day on which the price holds.
    #[must_use]
    pub fn from(mut self, from: impl Into<Option<Day>>) -> Self {
        self.from = from.into();
        self
    }

    /// Sets the tiers. `amount` is the name of the measured amount.
    #[must_use]
    pub fn tiers(mut self, amount: impl Into<String>, tiers: impl IntoIterator<Item = PriceTier>) -> Self {
        self.amount = Some(amount.into());
        self.tiers = tiers.into_iter().collect();
        self
    }

    /// Checks the values.
    ///
    /// # Errors
    /// [`InvalidPrice`] for the first value that breaks a rule.
    pub fn check(&self) -> Result<(), InvalidPrice> {
        let invalid = |field, value: String, rule| Err(InvalidPrice { field, value, rule });
        let names = [("service", Some(&self.service)), ("item", self.item.as_ref())];
        let names = names.into_iter().chain([("endpoint", self.endpoint.as_ref()), ("amount", self.amount.as_ref())]);
        for (field, name) in names {
            if name.is_some_and(|name| name.trim().is_empty()) {
                return invalid(field, format!("{:?}", name.map_or("", String::as_str)), "it must not be blank");
            }
        }
        if self.unit != PriceUnit::Call && self.amount.is_none() {
            let rule = "a price per second or output needs the name of the amount that the service measures";
            return invalid("amount", "missing".to_owned(), rule);
        }
        if self.unit == PriceUnit::Call && self.per != 1 {
            return invalid("per", self.per.to_string(), "it must be 1 for a price per call");
        }
        if !(1..=1_000_000_000).contains(&self.per) {
            return invalid("per", self.per.to_string(), "it must be 1 to 1000000000");
        }
        self.check_tiers()
    }

    fn check_tiers(&self) -> Result<(), InvalidPrice> {
        let invalid = |value: String, rule| Err(InvalidPrice { field: "tiers", value, rule });
        let (Some(last), ends) = (self.tiers.last(), &self.tiers[..self.tiers.len().saturating_sub(1)]) else {
            return invalid("empty".to_owned(), "there must be at least one tier");
        };
        if self.unit == PriceUnit::Call && self.amount.is_some() != (self.tiers.len() > 1 || last.up_to.is_some()) {
            return invalid(
                self.tiers.len().to_string(),
                "a price per call has tiers if it names an amount, and no amount without tiers",
            );
        }
        if ends.iter().any(|tier| tier.up_to.is_none()) {
            return invalid("without up_to".to_owned(), "only the last tier may have no up_to");
        }
        let mut ends = self.tiers.iter().filter_map(|tier| tier.up_to);
        let mut before = 0;
        if let Some(end) = ends.find(|end| std::mem::replace(&mut before, *end) >= *end) {
            return invalid(format!("up_to {}", Millionths(end)), "each up_to must be greater than the one before it");
        }
        match self.tiers.iter().find(|tier| tier.micros > MAX_MONEY_MICROS) {
            Some(tier) => invalid(tier.micros.to_string(), "a price must be at most 9223372036854775807 millionths"),
            None => Ok(()),
        }
    }

    /// The cost of a charge with these amounts, in millionths of the currency, rounded up. `None` if the amount of the
    /// price is unknown, beyond the last tier, or the cost is beyond [`MAX_MONEY_MICROS`].
    #[must_use]
    pub fn cost_micros(&self, amounts: &MeasuredAmounts) -> Option<u64> {
        let amount = match &self.amount {
            Some(name) => amounts.get(name)?,
            None => 1_000_000,
        };
        let exact = match self.unit {
            PriceUnit::Call => self.tiers.iter().find(|tier| tier.contains(amount))?.micros.into(),
            PriceUnit::Second | PriceUnit::Output => {
                let (mut below, mut sum) = (0, 0_u128);
                for tier in &self.tiers {
                    let end = tier.up_to.map_or(amount, |end| end.min(amount));
                    let share = u128::from(end.saturating_sub(below)) * u128::from(tier.micros);
                    sum = sum.checked_add(share)?;
                    below = end.max(below);
                }
                if below < amount {
                    return None;
                }
                sum.div_ceil(u128::from(self.per.max(1)) * 1_000_000)
            }
        };
        u64::try_from(exact).ok().filter(|micros| *micros <= MAX_MONEY_MICROS)
    }
}

impl PriceTier {
    fn contains(self, amount: u64) -> bool {
        self.up_to.is_none_or(|end| amount <= end)
    }
}

/// A number of millionths as a decimal number.
struct Millionths(u64);

impl std::fmt::Display for Millionths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = format!("{:06}", self.0 % 1_000_000);
        let decimals = decimals.trim_end_matches('0');
        write!(f, "{}{}{decimals}", self.0 / 1_000_000, if decimals.is_empty() { "" } else { "." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USD: Currency = Currency::USD;

    fn amounts(micros: u64) -> MeasuredAmounts {
        MeasuredAmounts::new().with("n", micros)
    }

    #[test]
    fn costs_are_exact_and_rounded_up() {
        let second = Price::per_second("s", "n", 225, USD);
        let tokens = Price::per_output("s", "n", 50_000, USD).per(1_000_000);
        for (price, amount, cost) in [
            (&second, 0, 0),
            (&second, 3_800_000, 855),
            (&second, 1_000_001, 226),
            (&second, 1, 1),
            (&tokens, 1_000_000, 1),
            (&tokens, 1_000_000_000_000, 50_000),
            (&tokens, 20_000_000, 1),
            (&tokens, 20_000_001, 2),
            (&Price::per_call("s", 7, USD), 5_000_000, 7),
        ] {
            assert_eq!(price.cost_micros(&amounts(amount)), Some(cost), "{price:?} × {amount}");
        }
        assert_eq!(second.cost_micros(&MeasuredAmounts::new().with("m", 1)), None, "the amount is unknown");
        let dear = Price::per_second("s", "n", MAX_MONEY_MICROS, USD);
        assert_eq!((dear.cost_micros(&amounts(u64::MAX)), dear.cost_micros(&amounts(1_000_001))), (None, None));
    }

    #[test]
    fn tiers_share_an_amount_and_choose_the_price_of_a_call() {
        let tiers =
            [PriceTier::new(Some(10_000_000), 100), PriceTier::new(Some(20_000_000), 50), PriceTier::new(None, 10)];
        let output = Price::per_output("s", "n", 0, USD).tiers("n", tiers);
        let call = Price::per_call("s", 0, USD).tiers("n", tiers);
        for (amount, of_output, of_call) in [
            (0, 0, 100),
            (10_000_000, 1000, 100),
            (10_000_001, 1001, 50),
            (20_000_000, 1500, 50),
            (25_000_000, 1550, 10),
        ] {
            assert_eq!(output.cost_micros(&amounts(amount)), Some(of_output), "{amount}");
            assert_eq!(call.cost_micros(&amounts(amount)), Some(of_call), "{amount}");
        }
        let ending = Price::per_output("s", "n", 0, USD).tiers("n", tiers[..2].to_vec());
        assert_eq!((ending.check(), ending.cost_micros(&amounts(20_000_001))), (Ok(()), None), "beyond the last tier");
    }

    #[test]
    fn every_error_names_field_value_and_rule() {
        let tier = PriceTier::new;
        let with = |tiers: Vec<PriceTier>| Price::per_output("s", "n", 1, USD).tiers("n", tiers);
        for (price, message) in [
            (Price::per_call(" ", 1, USD), "service of a price is \" \": it must not be blank"),
            (Price::per_call("s", 1, USD).item(String::new()), "item of a price is \"\": it must not be blank"),
            (
                Price { amount: None, ..Price::per_second("s", "n", 1, USD) },
                "amount of a price is missing: a price per second",
            ),
            (Price::per_second("s", "n", 1, USD).per(0), "per of a price is 0: it must be 1 to"),
            (Price::per_call("s", 1, USD).per(2), "per of a price is 2: it must be 1 for a price per call"),
            (with(vec![]), "tiers of a price is empty"),
            (with(vec![tier(None, 1), tier(None, 2)]), "tiers of a price is without up_to: only the last"),
            (
                with(vec![tier(Some(2_500_000), 1), tier(Some(2_500_000), 2)]),
                "tiers of a price is up_to 2.5: each up_to",
            ),
            (with(vec![tier(Some(0), 1)]), "tiers of a price is up_to 0: each up_to"),
            (Price::per_call("s", u64::MAX, USD), "tiers of a price is 18446744073709551615: a price must be"),
            (
                Price { amount: Some("n".to_owned()), ..Price::per_call("s", 1, USD) },
                "tiers of a price is 1: a price per call",
            ),
        ] {
            let error = price.check().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
