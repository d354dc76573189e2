//! Numbers and days in texts, which are read without rounding.

use std::fmt;

use fieldfen_domain::api_cost::parse_micros;
use fieldfen_domain::api_usage::Day;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// A decimal number in millionths. A floating-point number of TOML is refused, since it is not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal(pub(super) u64);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number in quotes, for example \"0.000225\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                parse_micros(text).map(Decimal).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DayText(pub(super) Day);

impl<'de> Deserialize<'de> for DayText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = DayText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a day in quotes, for example \"2026-11-26\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<DayText, E> {
                let day = Day::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| day.to_string() == text);
                day.map(DayText).ok_or_else(|| E::custom(format!("{text:?}: it must be a day like \"2026-11-26\"")))
            }
        }

        deserializer.deserialize_str(Text)
    }
}
