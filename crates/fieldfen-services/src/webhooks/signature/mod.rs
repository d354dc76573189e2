//! Checks the signatures of webhooks, over the raw body and in constant time.
//!
//! A check may have several keys, so that a key can be exchanged: add the new key before the sender uses it, and remove
//! the old key when the sender no longer uses it.
//!
//! [`HmacSha256`] signs the body alone: an attacker who has a genuine request of such a sender can send it again under
//! another delivery id, and it counts as new. [`Stripe`] and [`Slack`] also sign the time. [`StandardWebhooks`] signs
//! the time and the id.

mod hmac_body;
mod slack;
mod standard;
mod stripe;

use std::fmt;
use std::time::Duration;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use fieldfen_domain::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub use hmac_body::{Encoding, HmacSha256};
pub use slack::Slack;
pub use standard::{StandardHeaders, StandardWebhooks};
pub use stripe::Stripe;

/// The largest difference between the time of a signed delivery and the present time, either way, unless the program
/// sets another one.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// Some senders and dashboards pad base64, others do not. A text that was cut to length may end in bits that encode no
/// byte, as in the secrets of the tests of Standard Webhooks.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Secret keys. They are never printed.
#[derive(Clone)]
struct Keys(Vec<Vec<u8>>);

impl Keys {
    fn new(keys: Vec<Vec<u8>>) -> Result<Self, InvalidKey> {
        if keys.is_empty() {
            return Err(InvalidKey::None);
        }
        if keys.iter().any(Vec::is_empty) {
            return Err(InvalidKey::Empty);
        }
        Ok(Self(keys))
    }

    /// Returns whether one of the digests was made of these parts with one of the keys. The run time reveals neither
    /// the matching key nor the length of a partial match: every digest is compared in full with that of every key.
    fn match_any(&self, parts: &[&[u8]], digests: &[Vec<u8>]) -> bool {
        let mut matched = false;
        for key in &self.0 {
            // HMAC accepts a key of any length.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { continue };
            for part in parts {
                mac.update(part);
            }
            for digest in digests {
                matched |= mac.clone().verify_slice(digest).is_ok();
            }
        }
        matched
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secret keys", self.0.len())
    }
}

/// Checks that a delivery was signed at most `tolerance` from now, either way. `what` names the header with the time.
fn check_time(text: &str, what: &'static str, now: Timestamp, tolerance: Duration) -> Result<(), SignatureError> {
    let rule = "it must hold the time as a whole number of seconds";
    let seconds: i64 = text.parse().map_err(|_| SignatureError::Malformed { what, rule })?;
    let distance = now.timestamp().abs_diff(seconds);
    if distance > tolerance.as_secs() {
        return Err(SignatureError::Time { distance: Duration::from_secs(distance), tolerance });
    }
    Ok(())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// The error of a key that cannot check anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// No key was given.
    #[error("a signature check needs at least one key")]
    None,
    /// The key is empty: anybody could sign with it.
    #[error("a key is empty: give a secret of at least one byte")]
    Empty,
    /// The secret is not in the format of Standard Webhooks.
    #[error("a secret is not base64, with or without whsec_ before it")]
    Encoding,
    /// The secret is not in the format of its sender.
    #[error("a secret does not begin with {prefix}")]
    Prefix {
        /// The required prefix.
        prefix: &'static str,
    },
}

/// The reason why a delivery does not count as genuine. Do not send it to the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A header is missing.
    #[error("the header {what} is missing")]
    Missing {
        /// The name of the header.
        what: &'static str,
    },
    /// A header is malformed.
    #[error("the header {what} is malformed: {rule}")]
    Malformed {
        /// The name of the header.
        what: &'static str,
        /// The rule that the header breaks.
        rule: &'static str,
    },
    /// The delivery was signed too long ago, or one of the two clocks is wrong.
    #[error("it was signed {} s from now, more than the {} s that are tolerated", distance.as_secs(), tolerance.as_secs())]
    Time {
        /// The difference between its time and the present time.
        distance: Duration,
        /// The largest difference that is accepted.
        tolerance: Duration,
    },
    /// No signature matches the delivery.
    #[error("no signature matches")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_may_be_off_either_way_and_is_refused_with_its_header() {
        let check = |text: &str, now| {
            let now = Timestamp::from_timestamp(now, 0).unwrap();
            check_time(text, "x-time", now, DEFAULT_TOLERANCE)
        };
        for (now, tolerated) in [(699, false), (700, true), (1000, true), (1300, true), (1301, false)] {
            assert_eq!(check("1000", now).is_ok(), tolerated, "at {now}");
        }
        for text in ["", "1e2", "99999999999999999999", "1000.5"] {
            let error = check(text, 1000).unwrap_err();
            assert!(matches!(error, SignatureError::Malformed { what: "x-time", .. }), "{text:?}: {error}");
        }
        let extreme = check(&i64::MIN.to_string(), 100);
        assert!(matches!(extreme, Err(SignatureError::Time { .. })), "{extreme:?}");
    }

    #[test]
    fn keys_are_checked_and_never_printed() {
        const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(HmacSha256::github::<&str>([]).unwrap_err(), InvalidKey::None);
        assert_eq!(HmacSha256::github([""]).unwrap_err(), InvalidKey::Empty);
        assert_eq!(Slack::new([""]).unwrap_err(), InvalidKey::Empty);
        assert_eq!(StandardWebhooks::new(["whsec_"]).unwrap_err(), InvalidKey::Empty);
        assert_eq!(StandardWebhooks::new(["whsec_!"]).unwrap_err(), InvalidKey::Encoding);
        assert_eq!(Stripe::new(["sk_live_hush"]).unwrap_err(), InvalidKey::Prefix { prefix: "whsec_" });
        let checks = (HmacSha256::github(["hush"]), StandardWebhooks::new([SECRET]), Stripe::new([SECRET]));
        let printed = format!("{checks:?} {:?}", Slack::new(["hush"]));
        assert!(!printed.contains("hush") && !printed.contains("104") && !printed.contains("MfKQ"), "{printed}");
    }
}
