//! Signatures of Slack.

use std::time::Duration;

use fieldfen_domain::Timestamp;

use super::{DEFAULT_TOLERANCE, InvalidKey, Keys, SignatureError, check_time, from_hex};

/// Slack's [`X-Slack-Signature`](https://docs.slack.dev/authentication/verifying-requests-from-slack): `v0=` and
/// HMAC-SHA256 in hex of `v0:`, the time of `X-Slack-Request-Timestamp`, a colon and the body.
#[derive(Debug, Clone)]
pub struct Slack {
    keys: Keys,
    tolerance: Duration,
}

impl Slack {
    /// A check with these signing secrets, in the form in which Slack shows them for an app.
    ///
    /// # Errors
    /// [`InvalidKey`] if there is no secret, or an empty one.
    pub fn new<T: AsRef<str>>(secrets: impl IntoIterator<Item = T>) -> Result<Self, InvalidKey> {
        let keys = secrets.into_iter().map(|secret| secret.as_ref().trim().as_bytes().to_vec()).collect();
        Ok(Self { keys: Keys::new(keys)?, tolerance: DEFAULT_TOLERANCE })
    }

    /// Sets the largest difference between the time of a delivery and the present time, either way.
    #[must_use]
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks a body against the time and the signature in its headers. `now` is the present time.
    ///
    /// # Errors
    /// [`SignatureError`] if a header is missing or malformed, the delivery is too old or from the future, or the
    /// signature does not match.
    pub fn verify(
        &self,
        body: &[u8],
        timestamp: Option<&str>,
        signature: Option<&str>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let timestamp = timestamp.ok_or(SignatureError::Missing { what: "x-slack-request-timestamp" })?;
        let signature = signature.ok_or(SignatureError::Missing { what: "x-slack-signature" })?;
        let rule = "it must be v0= and hex digits";
        let digest = signature.strip_prefix("v0=").and_then(from_hex);
        let digest = digest.ok_or(SignatureError::Malformed { what: "x-slack-signature", rule })?;
        check_time(timestamp, "x-slack-request-timestamp", now, self.tolerance)?;
        if self.keys.match_any(&[b"v0:", timestamp.as_bytes(), b":", body], &[digest]) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
        &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
        &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const AT: i64 = 1_531_420_618;

    fn verify(body: &str, time: &str, signature: &str, now: i64) -> Result<(), SignatureError> {
        let check = Slack::new(["an older one", SECRET]).unwrap();
        check.verify(body.as_bytes(), Some(time), Some(signature), Timestamp::from_timestamp(now, 0).unwrap())
    }

    #[test]
    fn the_documented_signature_is_recognised() {
        assert_eq!(verify(BODY, "1531420618", SIGNATURE, AT + 300), Ok(()));
    }

    #[test]
    fn another_time_body_or_form_is_refused() {
        assert_eq!(verify(BODY, "1531420619", SIGNATURE, AT), Err(SignatureError::Mismatch), "the time is signed");
        assert_eq!(verify("", "1531420618", SIGNATURE, AT), Err(SignatureError::Mismatch));
        for now in [AT - 301, AT + 301] {
            let refused = verify(BODY, "1531420618", SIGNATURE, now);
            assert!(matches!(refused, Err(SignatureError::Time { .. })), "{refused:?}");
        }
        for malformed in ["", "v0=", "v0=zz", "v1=00", &SIGNATURE[3..]] {
            let refused = verify(BODY, "1531420618", malformed, AT);
            assert!(refused.is_err(), "{malformed}");
        }
        let check = Slack::new([SECRET]).unwrap();
        let now = Timestamp::from_timestamp(AT, 0).unwrap();
        let missing = check.verify(b"", None, Some(SIGNATURE), now);
        assert_eq!(missing, Err(SignatureError::Missing { what: "x-slack-request-timestamp" }));
    }
}
