//! Amounts of money: whole millionths of a currency's unit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The largest amount, in millionths: 9.2 million million units.
pub const MAX_MONEY_MICROS: u64 = i64::MAX as u64;

/// The code of a currency by ISO 4217, for example `USD`: three letters from A to Z. The list of codes is not checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// The currencies of ISO 4217 without minor units, and those with three digits of them.
const DIGITS_OF_OTHERS: [(&str, u32); 22] = [
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("OMR", 3),
    ("TND", 3),
];

/// The error of a text that is no currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("currency {value:?}: it must be three letters from A to Z, for example \"USD\"")]
pub struct InvalidCurrency {
    /// The given text.
    pub value: String,
}

impl Currency {
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Millionths of the currency's unit in its minor units, rounded down: cents for dollars, yen for yen. A currency that
    /// ISO 4217 does not list has two digits of minor units.
    #[must_use]
    pub fn minor_units(self, micros: u64) -> u64 {
        let known = DIGITS_OF_OTHERS.iter().find(|(code, _)| *code == self.as_str());
        micros / 10_u64.pow(6 - known.map_or(2, |(_, digits)| *digits))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(InvalidCurrency { value: text.to_owned() }),
        }
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of money, never negative, in millionths of the currency's unit.
///
/// There is no conversion between currencies: sums are kept for each currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Money {
    micros: u64,
    currency: Currency,
}

/// The error of an invalid amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("amount {value:?}: {rule}")]
pub struct InvalidMoney {
    /// The given amount.
    pub value: String,
    /// The rule for amounts.
    pub rule: &'static str,
}

impl Money {
    /// No money.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { micros: 0, currency }
    }

    /// An amount in millionths.
    ///
    /// # Errors
    /// [`InvalidMoney`] beyond [`MAX_MONEY_MICROS`].
    pub fn from_micros(micros: u64, currency: Currency) -> Result<Self, InvalidMoney> {
        if micros > MAX_MONEY_MICROS {
            return Err(InvalidMoney { value: micros.to_string(), rule: TOO_LARGE });
        }
        Ok(Self { micros, currency })
    }

    /// An amount from a decimal text, for example `0.000225`. See [`parse_micros`].
    ///
    /// # Errors
    /// As [`parse_micros`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, InvalidMoney> {
        Ok(Self { micros: parse_micros(text)?, currency })
    }

    /// The amount in millionths.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.micros
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum; `None` for another currency, or beyond [`MAX_MONEY_MICROS`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let micros = self.micros.checked_add(other.micros).filter(|micros| *micros <= MAX_MONEY_MICROS)?;
        (self.currency == other.currency).then_some(Self { micros, ..self })
    }

    /// The sum, at most [`MAX_MONEY_MICROS`].
    #[must_use]
    pub const fn saturating_add_micros(self, micros: u64) -> Self {
        let sum = self.micros.saturating_add(micros);
        Self { micros: if sum > MAX_MONEY_MICROS { MAX_MONEY_MICROS } else { sum }, currency: self.currency }
    }

    /// The difference; `None` for another currency, or below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let micros = self.micros.checked_sub(other.micros)?;
        (self.currency == other.currency).then_some(Self { micros, ..self })
    }
}

impl fmt::Display for Money {
    /// Writes at least two decimals: `0.50 USD`, `0.000225 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:06}", self.micros % 1_000_000);
        let shown = decimals.trim_end_matches('0').len().max(2);
        f.pad(&format!("{}.{} {}", self.micros / 1_000_000, &decimals[..shown], self.currency))
    }
}

const TOO_LARGE: &str = "it must be at most 9223372036854.775807";

/// Reads a decimal number, for example `12`, `0.5` or `0.000225`, as millionths. The number has at most six decimals,
/// so that nothing is rounded.
///
/// # Errors
/// [`InvalidMoney`] for any other text, and beyond [`MAX_MONEY_MICROS`].
pub fn parse_micros(text: &str) -> Result<u64, InvalidMoney> {
    let invalid = |rule| InvalidMoney { value: text.to_owned(), rule };
    let form =
        || invalid("it must be a decimal number of 0 or more with at most six decimals, for example \"0.000225\"");
    let (units, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(units) || !digits(decimals) || decimals.len() > 6 {
        return Err(form());
    }
    let units = units.parse::<u64>().map_err(|_| invalid(TOO_LARGE))?;
    let micros = format!("{decimals:0<6}").parse::<u64>().map_err(|_| form())?;
    let sum = units.checked_mul(1_000_000).and_then(|units| units.checked_add(micros));
    sum.filter(|sum| *sum <= MAX_MONEY_MICROS).ok_or_else(|| invalid(TOO_LARGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_those_of_the_currency() {
        for (currency, minor) in [("USD", 1234), ("EUR", 1234), ("JPY", 12), ("KWD", 12_345), ("ZZZ", 1234)] {
            assert_eq!(currency.parse::<Currency>().unwrap().minor_units(12_345_678), minor, "{currency}");
        }
    }

    #[test]
    fn decimal_numbers_are_read_exactly() {
        for (text, micros) in [
            ("0", 0),
            ("12", 12_000_000),
            ("0.5", 500_000),
            ("0.000225", 225),
            ("007.10", 7_100_000),
            ("9223372036854.775807", MAX_MONEY_MICROS),
        ] {
            assert_eq!(parse_micros(text), Ok(micros), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            " 1",
            "0.0000001",
            "9223372036854.775808",
            "18446744073710",
            "99999999999999999999",
        ] {
            let error = parse_micros(text).unwrap_err();
            assert!(error.to_string().starts_with(&format!("amount {text:?}: it must be ")), "{error}");
        }
    }

    #[test]
    fn sums_keep_their_currency_and_do_not_overflow() {
        let usd = |micros| Money::from_micros(micros, Currency::USD).unwrap();
        let eur = Money::from_micros(1, Currency::EUR).unwrap();
        assert_eq!(usd(2).checked_add(usd(3)), Some(usd(5)));
        assert_eq!((usd(2).checked_add(eur), usd(2).checked_sub(eur)), (None, None));
        assert_eq!((usd(2).checked_sub(usd(2)), usd(2).checked_sub(usd(3))), (Some(usd(0)), None));
        assert_eq!(usd(MAX_MONEY_MICROS).checked_add(usd(1)), None);
        assert_eq!(usd(MAX_MONEY_MICROS).saturating_add_micros(u64::MAX), usd(MAX_MONEY_MICROS));
        assert!(Money::from_micros(MAX_MONEY_MICROS + 1, Currency::USD).is_err());
    }

    #[test]
    fn money_is_written_with_at_least_two_decimals() {
        for (micros, text) in
            [(0, "0.00 USD"), (500_000, "0.50 USD"), (225, "0.000225 USD"), (12_345_600, "12.3456 USD")]
        {
            assert_eq!(Money::from_micros(micros, Currency::USD).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!("USD".parse(), Ok(Currency::USD));
        for text in ["", "usd", "US", "USDT", "U D", "ÄU"] {
            let message = format!("currency {text:?}: it must be three letters from A to Z, for example \"USD\"");
            assert_eq!(text.parse::<Currency>().unwrap_err().to_string(), message);
        }
    }
}
