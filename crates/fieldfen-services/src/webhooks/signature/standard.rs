//! Signatures of Standard Webhooks.

use std::time::Duration;

use base64::Engine as _;
use fieldfen_domain::Timestamp;

use super::{BASE64, DEFAULT_TOLERANCE, InvalidKey, Keys, SignatureError, check_time};

/// The scheme of [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md),
/// which Etsy and many others use. Id, time and body are signed together, so that none of them can be exchanged.
///
/// [Svix](https://docs.svix.com/receiving/verifying-payloads/how-manual), and with it Clerk, Resend and others, sends
/// the same headers under the names `svix-id`, `svix-timestamp` and `svix-signature`.
#[derive(Debug, Clone)]
pub struct StandardWebhooks {
    keys: Keys,
    tolerance: Duration,
}

/// The three headers of a Standard Webhooks delivery, as they were received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StandardHeaders<'a> {
    /// `webhook-id`: the same for every attempt of one delivery.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`: the time of this attempt, in seconds since 1970.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`: a list of signatures with spaces between them. If the header came on several lines, join
    /// the lines with a space.
    pub signature: Option<&'a str>,
}

impl StandardWebhooks {
    /// A check with these secrets, in the form in which senders show them: base64, with or without `whsec_` before it.
    ///
    /// # Errors
    /// [`InvalidKey`] if there is no secret, an empty one, or one that is not base64.
    pub fn new<T: AsRef<str>>(secrets: impl IntoIterator<Item = T>) -> Result<Self, InvalidKey> {
        let decode = |secret: T| {
            let secret = secret.as_ref().trim();
            BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| InvalidKey::Encoding)
        };
        let keys = Keys::new(secrets.into_iter().map(decode).collect::<Result<_, _>>()?)?;
        Ok(Self { keys, tolerance: DEFAULT_TOLERANCE })
    }

    /// Sets the largest difference between the time of a delivery and the present time, either way.
    #[must_use]
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks a body against its headers. `now` is the present time. One valid signature is enough: signatures of other
    /// schemes in the list, and texts that are no signature, are ignored.
    ///
    /// # Errors
    /// [`SignatureError`] if a header is missing or malformed, the delivery is too old or from the future, or no
    /// signature matches.
    pub fn verify(&self, body: &[u8], headers: &StandardHeaders<'_>, now: Timestamp) -> Result<(), SignatureError> {
        let id = headers.id.ok_or(SignatureError::Missing { what: "webhook-id" })?;
        let timestamp = headers.timestamp.ok_or(SignatureError::Missing { what: "webhook-timestamp" })?;
        let signatures = headers.signature.ok_or(SignatureError::Missing { what: "webhook-signature" })?;
        // Full stops join the parts. With a full stop inside the id, two parts could be exchanged.
        if id.is_empty() || id.contains('.') {
            let rule = "it must not be empty or contain a full stop";
            return Err(SignatureError::Malformed { what: "webhook-id", rule });
        }
        check_time(timestamp, "webhook-timestamp", now, self.tolerance)?;
        // A signature is its version, a comma and base64. A space separates two signatures. If a proxy has joined two
        // lines of the header, a comma does, with or without a space.
        let words: Vec<_> = signatures.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
        let pairs = words.windows(2).filter(|pair| pair[0] == "v1");
        let digests: Vec<_> = pairs.filter_map(|pair| BASE64.decode(pair[1]).ok()).collect();
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        if self.keys.match_any(&parts, &digests) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::Sha256;

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
    fn an_unpadded_secret_is_taken_whatever_its_length() {
        // Secrets from the tests of Standard Webhooks' library for Python; the signatures were made with Python's hmac.
        for (secret, signature) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "v1,LVOXivKoo4FWasi/IaHvzhE/u+7/cu2AME+zS/nXqzk="),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr", "v1,yK2tMbA6BHPrMEJ1lLv7UlJJbgFoqGenJkiajZ29evg="),
        ] {
            let check = StandardWebhooks::new([secret]).unwrap();
            assert_eq!(verify(&check, "1614265330", signature, 1_614_265_330), Ok(()), "{secret}");
        }
    }

    #[test]
    fn signatures_of_joined_lines_are_a_list() {
        let check = StandardWebhooks::new([SECRET]).unwrap();
        let (other, good) = (sign("whsec_bmV2ZXIgaGVhcmQgb2YgdGhpcyBvbmU=", 100), sign(SECRET, 100));
        let separators = [" ", ", ", ",", "\t", " , "];
        let lists = separators.map(|between| [format!("{other}{between}{good}"), format!("{good}{between}{other}")]);
        for joined in lists.as_flattened() {
            assert_eq!(verify(&check, "100", joined, 100), Ok(()), "{joined}");
        }
    }

    #[test]
    fn the_time_is_signed_and_tolerated() {
        let check = StandardWebhooks::new([SECRET]).unwrap();
        let good = sign(SECRET, 1000);
        assert!(matches!(verify(&check, "1000", &good, 1301), Err(SignatureError::Time { .. })));
        let strict = check.tolerance(Duration::from_secs(1));
        assert!(matches!(verify(&strict, "1000", &good, 1002), Err(SignatureError::Time { .. })));
        assert_eq!(verify(&strict, "1001", &good, 1002), Err(SignatureError::Mismatch), "the time is signed");
    }

    #[test]
    fn malformed_headers_are_errors_that_name_the_header() {
        let check = StandardWebhooks::new([SECRET]).unwrap();
        let good = sign(SECRET, 100);
        match verify(&check, "1e2", &good, 100) {
            Err(SignatureError::Malformed { what, .. }) => assert_eq!(what, "webhook-timestamp"),
            other => panic!("{other:?}"),
        }
        for id in ["", "msg.1"] {
            let headers = StandardHeaders { id: Some(id), timestamp: Some("100"), signature: Some(&good) };
            assert!(matches!(check.verify(BODY, &headers, at(100)), Err(SignatureError::Malformed { .. })));
        }
        let nothing = check.verify(BODY, &StandardHeaders::default(), at(100));
        assert_eq!(nothing, Err(SignatureError::Missing { what: "webhook-id" }));
    }
}
