//! The amounts that a service measured for a charge.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Amounts by the service's name of each, in millionths: `predict_time` of 3.8 seconds is 3,800,000.
///
/// The text of this type is a JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeasuredAmounts(BTreeMap<String, u64>);

/// The error of a text that holds no amounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be a JSON object of whole numbers of 0 or more: {reason}")]
pub struct InvalidAmounts {
    /// The reason.
    pub reason: String,
}

impl MeasuredAmounts {
    /// No amount is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an amount in millionths.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, micros: u64) -> Self {
        self.0.insert(name.into(), micros);
        self
    }

    /// The amount of this name in millionths; `None` if it is unknown.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// Returns whether no amount is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names and amounts, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, micros)| (name.as_str(), *micros))
    }
}

impl<N: Into<String>> FromIterator<(N, u64)> for MeasuredAmounts {
    fn from_iter<I: IntoIterator<Item = (N, u64)>>(amounts: I) -> Self {
        Self(amounts.into_iter().map(|(name, micros)| (name.into(), micros)).collect())
    }
}

impl fmt::Display for MeasuredAmounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for MeasuredAmounts {
    type Err = InvalidAmounts;

    fn from_str(text: &str) -> Result<Self, InvalidAmounts> {
        serde_json::from_str(text).map(Self).map_err(|error| InvalidAmounts { reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_survive_their_text() {
        let amounts = MeasuredAmounts::new().with("predict_time", 3_800_000).with("a \"name\"", u64::MAX);
        let text = amounts.to_string();
        assert_eq!(text, r#"{"a \"name\"":18446744073709551615,"predict_time":3800000}"#);
        assert_eq!(text.parse(), Ok(amounts));
        for text in ["", "[]", "{\"a\":-1}", "{\"a\":1.5}", "{\"a\":\"1\"}"] {
            assert!(text.parse::<MeasuredAmounts>().is_err(), "{text}");
        }
    }
}
