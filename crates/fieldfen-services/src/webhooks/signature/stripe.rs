//! Signatures of Stripe.

use std::time::Duration;

use fieldfen_domain::Timestamp;

use super::{DEFAULT_TOLERANCE, InvalidKey, Keys, SignatureError, check_time, from_hex};

/// The prefix of every signing secret of Stripe. It is part of the key.
const PREFIX: &str = "whsec_";

/// Stripe's [`Stripe-Signature`](https://docs.stripe.com/webhooks#verify-manually): `t=`, the time in seconds, and one or more
/// `v1=`, each HMAC-SHA256 of time, full stop and body in hex. While a secret is rolled, Stripe signs with both.
///
/// ```
/// use fieldfen_services::webhooks::signature::Stripe;
///
/// let check = Stripe::new(["whsec_test_secret"])?;
/// let body = br#"{"id": "evt_test_webhook", "object": "event"}"#;
/// let header = "t=1492774577,v1=c137b1b62277d523cf8fed4dfbd0170a9a5b8a380e00cc3711d4bf0652f2ce7a,v0=00";
/// check.verify(body, Some(header), "2017-04-21T11:37:00Z".parse()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Stripe {
    keys: Keys,
    tolerance: Duration,
}

impl Stripe {
    /// A check with these signing secrets, in the form in which Stripe shows them for an endpoint.
    ///
    /// # Errors
    /// [`InvalidKey`] if there is no secret, or one that does not begin with `whsec_`. Stripe's API keys do not sign
    /// webhooks.
    pub fn new<T: AsRef<str>>(secrets: impl IntoIterator<Item = T>) -> Result<Self, InvalidKey> {
        let key = |secret: T| match secret.as_ref().trim().strip_prefix(PREFIX) {
            None => Err(InvalidKey::Prefix { prefix: PREFIX }),
            Some("") => Err(InvalidKey::Empty),
            Some(_) => Ok(secret.as_ref().trim().as_bytes().to_vec()),
        };
        let keys = Keys::new(secrets.into_iter().map(key).collect::<Result<_, _>>()?)?;
        Ok(Self { keys, tolerance: DEFAULT_TOLERANCE })
    }

    /// Sets the largest difference between the time of a delivery and the present time, either way.
    #[must_use]
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks a body against its header. `now` is the present time. Signatures of other schemes are ignored.
    ///
    /// # Errors
    /// [`SignatureError`] if the header is missing or malformed, the delivery is too old or from the future, or no
    /// signature matches.
    pub fn verify(&self, body: &[u8], header: Option<&str>, now: Timestamp) -> Result<(), SignatureError> {
        let what = "stripe-signature";
        let parts = header.ok_or(SignatureError::Missing { what })?.split(',');
        let (mut time, mut digests) = (None, Vec::new());
        for (name, value) in parts.filter_map(|part| part.trim().split_once('=')) {
            match name {
                "t" if time.is_some_and(|time| time != value) => {
                    return Err(SignatureError::Malformed { what, rule: "it must contain one time" });
                }
                "t" => time = Some(value),
                "v1" => digests.extend(from_hex(value)),
                _ => {}
            }
        }
        let time = time.ok_or(SignatureError::Malformed { what, rule: "it must contain the time as t=" })?;
        check_time(time, what, now, self.tolerance)?;
        if self.keys.match_any(&[time.as_bytes(), b".", body], &digests) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id": "evt_test_webhook", "object": "event"}"#;
    const GOOD: &str = "c137b1b62277d523cf8fed4dfbd0170a9a5b8a380e00cc3711d4bf0652f2ce7a";
    const AT: i64 = 1_492_774_577;

    fn verify(header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        let check = Stripe::new(["whsec_old", "whsec_test_secret"]).unwrap();
        check.verify(body, Some(header), Timestamp::from_timestamp(now, 0).unwrap())
    }

    #[test]
    fn one_good_signature_is_enough_whatever_stands_beside_it() {
        for header in [
            format!("t={AT},v1={GOOD}"),
            format!("t={AT},v1={},v1={GOOD},v0=nonsense,,x", "00".repeat(32)),
            format!("v1={GOOD}, t={AT}"),
            // Two lines of the header, joined by a proxy.
            format!("t={AT},v1=00, t={AT},v1={GOOD}"),
        ] {
            assert_eq!(verify(&header, BODY, AT + 300), Ok(()), "{header}");
        }
    }

    #[test]
    fn another_time_body_scheme_or_key_is_refused() {
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(verify(&format!("t={},v1={GOOD}", AT + 1), BODY, AT), mismatch, "the time is signed");
        assert_eq!(verify(&format!("t={AT},v1={GOOD}"), b"{}", AT), mismatch);
        assert_eq!(verify(&format!("t={AT},v0={GOOD}"), BODY, AT), mismatch);
        assert_eq!(verify(&format!("t={AT}"), BODY, AT), mismatch);
        for now in [AT - 301, AT + 301] {
            let refused = verify(&format!("t={AT},v1={GOOD}"), BODY, now);
            assert!(matches!(refused, Err(SignatureError::Time { .. })), "{refused:?}");
        }
        for malformed in ["", "t=", "t=soon,v1=00", &format!("v1={GOOD}"), &format!("t={AT},t=1,v1={GOOD}")] {
            let refused = verify(malformed, BODY, AT);
            assert!(matches!(refused, Err(SignatureError::Malformed { .. })), "{malformed}: {refused:?}");
        }
        let check = Stripe::new(["whsec_test_secret"]).unwrap();
        let missing = check.verify(BODY, None, Timestamp::from_timestamp(AT, 0).unwrap());
        assert_eq!(missing, Err(SignatureError::Missing { what: "stripe-signature" }));
    }
}
