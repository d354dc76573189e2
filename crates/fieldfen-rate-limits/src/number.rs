//! Numbers as services write them: decimal digits, perhaps with a fraction. Signs, exponents, `NaN` and numbers of more
//! than 15 digits say nothing; 15 digits are what structured fields allow (RFC 9651, section 3.3.1).

/// The largest number that is read.
pub(crate) const MAX_NUMBER: u64 = 999_999_999_999_999;

/// A count, rounded down.
pub(crate) fn count(text: &str) -> Option<u64> {
    parts(text).map(|(whole, _)| whole)
}

/// A number in millionths, rounded down.
pub(crate) fn micros_rounded_down(text: &str) -> Option<u64> {
    let (whole, fraction) = parts(text)?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = digits.fold(0, |micros, digit| micros * 10 + u64::from(digit - b'0'));
    whole.checked_mul(1_000_000)?.checked_add(micros)
}

/// A number in millionths, rounded up.
pub(crate) fn micros_rounded_up(text: &str) -> Option<u64> {
    let (_, fraction) = parts(text)?;
    let more = fraction.bytes().skip(6).any(|digit| digit != b'0');
    micros_rounded_down(text)?.checked_add(u64::from(more))
}

/// The whole number and the digits of the fraction.
fn parts(text: &str) -> Option<(u64, &str)> {
    let text = text.trim_matches([' ', '\t']);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = is_digits(whole).then(|| whole.parse().ok())??;
    (whole <= MAX_NUMBER && is_digits(fraction)).then_some((whole, fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimal_numbers_are_read() {
        let numbers = [
            ("0", Some((0, 0, 0))),
            (" 7\t", Some((7, 7_000_000, 7_000_000))),
            ("2.0", Some((2, 2_000_000, 2_000_000))),
            ("0.0083", Some((0, 8_300, 8_300))),
            ("0.0166666666666", Some((0, 16_666, 16_667))),
            ("0.00000000000000000000", Some((0, 0, 0))),
            ("0.00000000000000000001", Some((0, 0, 1))),
            ("599.999999999", Some((599, 599_999_999, 600_000_000))),
            ("007", Some((7, 7_000_000, 7_000_000))),
        ];
        for (text, expected) in numbers {
            let read = (count(text), micros_rounded_down(text), micros_rounded_up(text));
            let expected = expected.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
            assert_eq!(read, expected, "{text:?}");
        }
        let nonsense = [
            "",
            " ",
            "-1",
            "-0",
            "+1",
            "1.",
            ".5",
            "1e3",
            "NaN",
            "inf",
            "Infinity",
            "0x10",
            "1_000",
            "1,000",
            "1 0",
            "1.5.0",
            "1.-5",
            "٣",
            "１",
            "99999999999999999999",
            "1000000000000000",
            "1\u{0}",
            "1\r\n",
        ];
        for text in nonsense {
            assert_eq!(
                (count(text), micros_rounded_down(text), micros_rounded_up(text)),
                (None, None, None),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_largest_number_has_fifteen_digits() {
        let largest = "999999999999999";
        assert_eq!(count(largest), Some(MAX_NUMBER));
        assert_eq!(micros_rounded_down(largest), None, "millionths of it do not fit");
    }
}
