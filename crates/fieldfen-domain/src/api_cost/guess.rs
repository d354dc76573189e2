//! The guess for a call whose cost is not known.

use super::money::{Currency, Money};

/// The guess if nothing else is known: one unit of the currency.
pub const DEFAULT_GUESS_MICROS: u64 = 1_000_000;

/// The known facts from which the cost of a call is guessed before the call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostGuess {
    /// The guess of the program.
    pub given: Option<Money>,
    /// The price of the call by the price table.
    pub price: Option<Money>,
    /// The dearest known cost of the same service and endpoint.
    pub dearest: Option<Money>,
}

impl CostGuess {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The amount to count for the call, the first of these that is more than 0: the guess of the program, the price of
    /// the call, the dearest known cost, and else one unit of this currency. A guess is never 0.
    ///
    /// A price of 0 in the price table is not a guess but a known cost, and is returned as it is.
    #[must_use]
    pub fn amount(self, currency: Currency) -> Money {
        let positive = |money: &Money| money.micros() > 0;
        let guess = self.given.filter(positive).or(self.price).or_else(|| self.dearest.filter(positive));
        guess.unwrap_or_else(|| Money::zero(currency).saturating_add_micros(DEFAULT_GUESS_MICROS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_knowledge_is_taken_and_an_unknown_cost_is_never_0() {
        let usd = |micros| Money::from_micros(micros, Currency::USD).ok();
        for (given, price, dearest, micros) in [
            (usd(1), usd(2), usd(3), 1),
            (usd(0), usd(2), usd(3), 2),
            (None, usd(2), usd(3), 2),
            (None, usd(0), usd(3), 0),
            (None, None, usd(3), 3),
            (usd(0), None, usd(0), 1_000_000),
            (None, None, None, 1_000_000),
        ] {
            let guess = CostGuess { given, price, dearest }.amount(Currency::USD);
            assert_eq!(Some(guess), usd(micros), "{given:?} {price:?} {dearest:?}");
        }
    }
}
