//! JSON in bodies and header fields. A value of another type than the documented one says nothing. JSON nested deeper
//! than 128 levels is not read, where a reader looks at the nested part.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::number::MAX_NUMBER;
use crate::{Answer, MAX_NAME_BYTES};

/// The body, if it is JSON of this form.
pub(crate) fn body<T: DeserializeOwned>(answer: &Answer<'_>) -> Option<T> {
    serde_json::from_slice(answer.readable_body()?).ok()
}

/// A count, rounded down.
pub(crate) fn count(value: &Value) -> Option<u64> {
    let number = value.as_u64().or_else(|| Some(value.as_f64()?.floor()).and_then(to_integer))?;
    (number <= MAX_NUMBER).then_some(number)
}

/// A count, rounded up.
pub(crate) fn count_rounded_up(value: &Value) -> Option<u64> {
    let number = value.as_u64().or_else(|| Some(value.as_f64()?.ceil()).and_then(to_integer))?;
    (number <= MAX_NUMBER).then_some(number)
}

/// A number in millionths, rounded.
pub(crate) fn micros(value: &Value) -> Option<u64> {
    match value.as_u64() {
        Some(whole) => whole.checked_mul(1_000_000),
        None => to_integer((value.as_f64()? * 1e6).round()),
    }
}

/// An integer that a floating-point number holds exactly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the bounds are checked, and the larger one is a power of two"
)]
fn to_integer(number: f64) -> Option<u64> {
    const EXACT: f64 = (1u64 << 53) as f64;
    (number.is_sign_positive() && number <= EXACT).then_some(number as u64)
}

/// A name of the service's, unless it is empty, too long or has control characters.
pub(crate) fn name(text: &str) -> Option<String> {
    let is_name = !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control);
    is_name.then(|| text.to_owned())
}

/// An error code, which is a text or a number.
pub(crate) fn code(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => name(text),
        Value::Number(number) if number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_up_to_fifteen_digits_are_counts() {
        let counts = [
            ("0", Some((0, 0))),
            ("988.0", Some((988, 988))),
            ("1.5", Some((1, 2))),
            ("1e3", Some((1000, 1000))),
            ("999999999999999", Some((MAX_NUMBER, MAX_NUMBER))),
            ("1000000000000000", None),
            ("18446744073709551616", None),
            ("1e300", None),
            ("-1", None),
            ("-0.5", None),
            ("\"7\"", None),
            ("null", None),
            ("true", None),
            ("[7]", None),
        ];
        for (json, expected) in counts {
            let value: Value = serde_json::from_str(json).unwrap();
            let read = (count(&value), count_rounded_up(&value));
            let expected = expected.map_or((None, None), |(down, up)| (Some(down), Some(up)));
            assert_eq!(read, expected, "{json}");
        }
    }

    #[test]
    fn millionths_are_rounded() {
        let amounts = [
            ("3.804328", Some(3_804_328)),
            ("3e-06", Some(3)),
            ("3.000000e-06", Some(3)),
            ("0.0000004", Some(0)),
            ("50", Some(50_000_000)),
            ("1e12", None),
            ("-3.8", None),
            ("20000000000000", None),
        ];
        for (json, expected) in amounts {
            assert_eq!(micros(&serde_json::from_str(json).unwrap()), expected, "{json}");
        }
    }

    #[test]
    fn a_name_is_short_and_printable() {
        assert_eq!(name("buy.browse").as_deref(), Some("buy.browse"));
        assert_eq!(name(&"x".repeat(MAX_NAME_BYTES)).map(|name| name.len()), Some(MAX_NAME_BYTES));
        for text in ["", "a\nb", "\u{1b}[2J", "\u{85}", &"x".repeat(MAX_NAME_BYTES + 1)] {
            assert_eq!(name(text), None, "{text:?}");
        }
    }
}
