//! Signatures of webhooks, over the raw body and in constant time.
//!
//! A check may hold several keys, so that a key can be exchanged: the new one is added before the sender uses it, the
//! old one is taken away when the sender does not use it any more.
//!
//! [`HmacSha256`] signs the body alone: whoever has caught a genuine request of such a sender can send it again under
//! another delivery id, and it is new. [`StandardWebhooks`] signs the id and the time with it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use fieldfen_domain::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How far the time of a signed delivery may be from ours, either way, unless the program says otherwise.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// Senders and their dashboards pad base64 or do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How the digest is written in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Two hex digits for each byte, lower or upper case.
    Hex,
    /// Base64 with the standard alphabet, padded or not.
    Base64,
}

/// Keys, of which nothing is ever printed.
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

    /// Whether one of the digests was made of these parts with one of the keys. How long that takes tells nothing about
    /// which, nor how nearly: every digest is compared with every key's in full.
    fn match_any(&self, parts: &[&[u8]], digests: &[Vec<u8>]) -> bool {
        let mut matched = false;
        for key in &self.0 {
            // A key of any length is taken.
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

/// The common scheme: HMAC-SHA256 of the body in one header.
///
/// ```
/// use fieldfen_services::intake::signature::HmacSha256;
///
/// // The example of GitHub's documentation.
/// let check = HmacSha256::github(["It's a Secret to Everybody"])?;
/// let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
/// check.verify(b"Hello, World!", Some(header))?;
/// assert!(check.verify(b"Hello, World", Some(header)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HmacSha256 {
    keys: Keys,
    encoding: Encoding,
    prefix: String,
}

impl HmacSha256 {
    /// A check of headers that hold `prefix` and the digest in this encoding.
    ///
    /// # Errors
    /// [`InvalidKey`] when there is no key, or an empty one.
    pub fn new<K: AsRef<[u8]>>(
        keys: impl IntoIterator<Item = K>,
        encoding: Encoding,
        prefix: impl Into<String>,
    ) -> Result<Self, InvalidKey> {
        let keys = Keys::new(keys.into_iter().map(|key| key.as_ref().to_vec()).collect())?;
        Ok(Self { keys, encoding, prefix: prefix.into() })
    }

    /// GitHub's [`X-Hub-Signature-256`](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries):
    /// `sha256=` and hex.
    ///
    /// # Errors
    /// As [`HmacSha256::new`].
    pub fn github<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, InvalidKey> {
        Self::new(keys, Encoding::Hex, "sha256=")
    }

    /// Shopify's [`X-Shopify-Hmac-Sha256`](https://shopify.dev/docs/apps/build/webhooks/subscribe/https): base64.
    ///
    /// # Errors
    /// As [`HmacSha256::new`].
    pub fn shopify<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, InvalidKey> {
        Self::new(keys, Encoding::Base64, "")
    }

    /// Checks a body against the header that came with it; `None` when none came.
    ///
    /// # Errors
    /// [`SignatureError`] when the header is missing, malformed, or not this body's.
    pub fn verify(&self, body: &[u8], header: Option<&str>) -> Result<(), SignatureError> {
        let header = header.ok_or(SignatureError::Missing { what: "signature" })?.trim();
        let malformed = |rule| SignatureError::Malformed { what: "signature", rule };
        let text =
            header.strip_prefix(self.prefix.as_str()).ok_or_else(|| malformed("it lacks the prefix of its scheme"))?;
        let digest = match self.encoding {
            Encoding::Hex => from_hex(text).ok_or_else(|| malformed("it must be hex digits"))?,
            Encoding::Base64 => BASE64.decode(text).map_err(|_| malformed("it must be base64"))?,
        };
        if self.keys.match_any(&[body], &[digest]) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

/// The scheme of [Standard Webhooks](https://www.standardwebhooks.com), which Etsy and many others use: id, time and
/// body are signed together, so that neither can be exchanged.
#[derive(Debug, Clone)]
pub struct StandardWebhooks {
    keys: Keys,
    tolerance: Duration,
}

/// The three headers of a Standard Webhooks delivery, as they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StandardHeaders<'a> {
    /// `webhook-id`: the same for every try of one delivery.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`: when this try was made, in seconds since 1970.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`: a list of signatures.
    pub signature: Option<&'a str>,
}

impl StandardWebhooks {
    /// A check with these secrets, as senders show them: base64, with or without `whsec_` before it.
    ///
    /// # Errors
    /// [`InvalidKey`] when there is no secret, an empty one, or one that is not base64.
    pub fn new<T: AsRef<str>>(secrets: impl IntoIterator<Item = T>) -> Result<Self, InvalidKey> {
        let decode = |secret: T| {
            let secret = secret.as_ref().trim();
            BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| InvalidKey::Encoding)
        };
        let keys = Keys::new(secrets.into_iter().map(decode).collect::<Result<_, _>>()?)?;
        Ok(Self { keys, tolerance: DEFAULT_TOLERANCE })
    }

    /// The same check, for deliveries whose time is at most so far from ours, either way.
    #[must_use]
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks a body against the headers that came with it, at this time. Signatures of other schemes in the list, and
    /// what is no signature at all, are passed over: one good signature is enough.
    ///
    /// # Errors
    /// [`SignatureError`] when a header is missing or malformed, the delivery too old or from the future, or no
    /// signature is this delivery's.
    pub fn verify(&self, body: &[u8], headers: &StandardHeaders<'_>, now: Timestamp) -> Result<(), SignatureError> {
        let id = headers.id.ok_or(SignatureError::Missing { what: "webhook-id" })?;
        let timestamp = headers.timestamp.ok_or(SignatureError::Missing { what: "webhook-timestamp" })?;
        let signatures = headers.signature.ok_or(SignatureError::Missing { what: "webhook-signature" })?;
        // The parts are joined by full stops; one inside of the id would let parts change places.
        if id.is_empty() || id.contains('.') {
            let rule = "it must not be empty nor hold a full stop";
            return Err(SignatureError::Malformed { what: "webhook-id", rule });
        }
        let seconds: i64 = timestamp.parse().map_err(|_| SignatureError::Malformed {
            what: "webhook-timestamp",
            rule: "it must be a whole number of seconds",
        })?;
        let distance = now.timestamp().abs_diff(seconds);
        if distance > self.tolerance.as_secs() {
            return Err(SignatureError::Time { distance: Duration::from_secs(distance), tolerance: self.tolerance });
        }
        let of_scheme = |signature: &str| signature.strip_prefix("v1,").and_then(|digest| BASE64.decode(digest).ok());
        let digests: Vec<_> = signatures.split_ascii_whitespace().filter_map(of_scheme).collect();
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        if self.keys.match_any(&parts, &digests) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// A key that nothing can be checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// There is none.
    #[error("a signature check needs at least one key")]
    None,
    /// It is empty: anybody could sign with it.
    #[error("a key is empty")]
    Empty,
    /// It is not as Standard Webhooks writes secrets.
    #[error("a secret is not base64, with or without whsec_ before it")]
    Encoding,
}

/// Why a delivery is not taken for genuine. Tell the sender no more than that it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A header did not come.
    #[error("the header {what} is missing")]
    Missing {
        /// Which.
        what: &'static str,
    },
    /// A header is not of its form.
    #[error("the header {what} is malformed: {rule}")]
    Malformed {
        /// Which.
        what: &'static str,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// It was signed too long ago, or its sender's clock or ours is wrong.
    #[error("it was signed {} s from now, more than the {} s that are tolerated", distance.as_secs(), tolerance.as_secs())]
    Time {
        /// How far its time is from ours.
        distance: Duration,
        /// How far it may be.
        tolerance: Duration,
    },
    /// No signature is this delivery's.
    #[error("no signature matches")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn sign(secret: &str, seconds: i64) -> String {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{ID}.{seconds}.").as_bytes());
        mac.update(BODY);
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }

    fn verify(check: &StandardWebhooks, seconds: &str, signature: &str, now: i64) -> Result<(), SignatureError> {
        let headers = StandardHeaders { id: Some(ID), timestamp: Some(seconds), signature: Some(signature) };
        check.verify(BODY, &headers, at(now))
    }

    #[test]
    fn a_known_standard_signature_is_recognised() {
        let check = StandardWebhooks::new([SECRET]).unwrap();
        let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(SECRET, 1_614_265_330), known);
        assert_eq!(verify(&check, "1614265330", known, 1_614_265_330), Ok(()));
    }

    #[test]
    fn one_good_signature_in_a_list_is_enough_whatever_stands_beside_it() {
        let old = "whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQ=";
        let check = StandardWebhooks::new([SECRET, old]).unwrap();
        for good in [sign(SECRET, 100), sign(old, 100)] {
            let list = format!("v1a,AAAA v2,%%% v1,AAAA v1,%%% v1 {good}");
            assert_eq!(verify(&check, "100", &list, 100), Ok(()));
        }
        let other = sign("whsec_bmV2ZXIgaGVhcmQgb2YgdGhpcyBvbmU=", 100);
        assert_eq!(verify(&check, "100", &other, 100), Err(SignatureError::Mismatch));
        for none in ["v1a,AAAA", "", "v1", "v1,", "v1,not base64!", "v1,é"] {
            assert_eq!(verify(&check, "100", none, 100), Err(SignatureError::Mismatch), "{none:?}");
        }
    }

    #[test]
    fn the_time_is_tolerated_up_to_the_second() {
        let check = StandardWebhooks::new([SECRET]).unwrap();
        let good = sign(SECRET, 1000);
        for (now, tolerated) in [(699, false), (700, true), (1000, true), (1300, true), (1301, false)] {
            assert_eq!(verify(&check, "1000", &good, now).is_ok(), tolerated, "at {now}");
        }
        let strict = check.tolerance(Duration::from_secs(1));
        assert!(matches!(verify(&strict, "1000", &good, 1002), Err(SignatureError::Time { .. })));
        assert_eq!(verify(&strict, "1001", &good, 1002), Err(SignatureError::Mismatch), "the time is signed");
    }

    #[test]
    fn malformed_headers_are_errors_that_name_the_header() {
        let check = StandardWebhooks::new([SECRET]).unwrap();
        let good = sign(SECRET, 100);
        for timestamp in ["", "1e2", "99999999999999999999"] {
            match verify(&check, timestamp, &good, 100) {
                Err(SignatureError::Malformed { what, .. }) => assert_eq!(what, "webhook-timestamp", "{timestamp:?}"),
                other => panic!("{timestamp:?}: {other:?}"),
            }
        }
        let extreme = verify(&check, &i64::MIN.to_string(), &good, 100);
        assert!(matches!(extreme, Err(SignatureError::Time { .. })), "{extreme:?}");
        for id in ["", "msg.1"] {
            let headers = StandardHeaders { id: Some(id), timestamp: Some("100"), signature: Some(&good) };
            assert!(matches!(check.verify(BODY, &headers, at(100)), Err(SignatureError::Malformed { .. })));
        }
        let nothing = check.verify(BODY, &StandardHeaders::default(), at(100));
        assert_eq!(nothing, Err(SignatureError::Missing { what: "webhook-id" }));
    }

    #[test]
    fn hex_and_base64_digests_are_the_same_digest() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        mac.update(BODY);
        let digest = mac.finalize().into_bytes();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let github = HmacSha256::github(["old key", "key"]).unwrap();
        assert_eq!(github.verify(BODY, Some(&format!("sha256={hex}"))), Ok(()));
        assert_eq!(github.verify(BODY, Some(&format!("sha256={}", hex.to_uppercase()))), Ok(()));
        let shopify = HmacSha256::shopify(["key"]).unwrap();
        let base64 = BASE64.encode(digest);
        assert_eq!(shopify.verify(BODY, Some(&base64)), Ok(()));
        assert_eq!(shopify.verify(BODY, Some(base64.trim_end_matches('='))), Ok(()));
        assert_eq!(shopify.verify(b"", Some(&base64)), Err(SignatureError::Mismatch));
        for broken in ["", "sha256=", &hex, "sha1=00", &format!("sha256={}", &hex[1..]), "sha256=zz", "sha256=é0"] {
            assert!(github.verify(BODY, Some(broken)).is_err(), "{broken}");
        }
        assert_eq!(github.verify(BODY, Some(&format!("sha256={}", &hex[2..]))), Err(SignatureError::Mismatch));
        assert_eq!(github.verify(BODY, None), Err(SignatureError::Missing { what: "signature" }));
    }

    #[test]
    fn keys_are_checked_and_never_printed() {
        assert_eq!(HmacSha256::github::<&str>([]).unwrap_err(), InvalidKey::None);
        assert_eq!(HmacSha256::github([""]).unwrap_err(), InvalidKey::Empty);
        assert_eq!(StandardWebhooks::new(["whsec_"]).unwrap_err(), InvalidKey::Empty);
        assert_eq!(StandardWebhooks::new(["whsec_!"]).unwrap_err(), InvalidKey::Encoding);
        let printed =
            format!("{:?} {:?}", HmacSha256::github(["hush"]).unwrap(), StandardWebhooks::new([SECRET]).unwrap());
        assert!(!printed.contains("hush") && !printed.contains("104"), "{printed}");
    }
}
