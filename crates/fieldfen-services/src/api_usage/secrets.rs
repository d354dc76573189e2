//! Removes secrets from the errors that are recorded.
//!
//! An error of an HTTP client often shows the address that was called, and an API may repeat what it was sent. Both may hold
//! a key. A secret that the program names is removed wherever it stands; others are recognised by the word before them or by
//! the form that a vendor gives to its keys.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use fieldfen_domain::MAX_REASON_BYTES;
use regex_lite::Regex;

/// Stands for a secret.
const HIDDEN: &str = "***";

/// The shortest text that counts as a secret of the program: shorter ones stand in ordinary words.
const SHORTEST: usize = 6;

/// The length of the part of an error that is searched: more than is stored, so that a secret at the cut is recognised as a
/// whole.
const LOOKED_AT: usize = 4 * MAX_REASON_BYTES;

/// The value after a word that names a secret, as in a query, a header, a form or JSON.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)((?:access|refresh|id|api|auth|bearer|session|client|app)?[_-]?(?:token|key|secret|password|passwd|signature|sig|code)["']?\s*[=:]\s*["']?)[^\s"'&,;<>]{4,}"#,
    )
    .ok()
});

/// The credentials of an `Authorization` header.
static CREDENTIALS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9+/=._~-]{6,}").ok());

/// User and password in an address.
static LOGIN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(://)[^\s/@]+@").ok());

/// Keys that are recognised by their form: Replicate (`r8_`), Shopify (`shpat_`, `shpss_`, …), Stripe (`sk_`), Meta (`EAA`),
/// Pinterest (`pina_`), Google (`ya29.`, `AIza`), Amazon (`AKIA`, `Atza|`), JSON Web Tokens.
static KNOWN_FORMS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:r8_|shp[a-z]{2}_|sk_|rk_|pina_|ya29\.|AIza|AKIA|ASIA|Atz[ar]\||EAA|eyJ)[A-Za-z0-9_|.+/=-]{10,}")
        .ok()
});

/// The secrets of a program, which are removed from texts that are stored or logged. Its `Debug` shows their number.
///
/// Keys that are recognised by their form or by the word before them are removed too, even if no secret is named.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Vec<String>>);

impl Secrets {
    /// These secrets and one more. A text of fewer than 6 bytes is left out, since it may stand in an ordinary word.
    #[must_use]
    pub fn and(&self, secret: String) -> Self {
        let known = self.0.iter().cloned();
        Self(Arc::new(known.chain((secret.len() >= SHORTEST).then_some(secret)).collect()))
    }

    /// The text without secrets, cut to 32 KiB.
    #[must_use]
    pub fn remove(&self, text: &str) -> String {
        let end = (0..=LOOKED_AT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        let mut text = Cow::Borrowed(&text[..end]);
        for secret in self.0.iter() {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
            }
        }
        for (pattern, replacement) in
            [(&LOGIN, "${1}***@"), (&KNOWN_FORMS, HIDDEN), (&CREDENTIALS, "${1} ***"), (&NAMED, "${1}***")]
        {
            if let Some(pattern) = pattern.as_ref() {
                text = Cow::Owned(pattern.replace_all(&text, replacement).into_owned());
            }
        }
        text.into_owned()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in [&NAMED, &CREDENTIALS, &LOGIN, &KNOWN_FORMS] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn secrets_are_removed_and_the_rest_stays() {
        let secrets = Secrets::default().and("hunter2hunter2".to_owned()).and("shop".to_owned());
        for (text, expected) in [
            ("the shop is closed", "the shop is closed"),
            ("login hunter2hunter2 refused", "login *** refused"),
            (
                "error sending request for url (https://ann:pw@api.example.com/v1?access_token=abcdef123&page=2)",
                "error sending request for url (https://***@api.example.com/v1?access_token=***&page=2)",
            ),
            ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer ***"),
            (r#"{"client_secret":"s3cr3t-value","id":7}"#, r#"{"client_secret":"***","id":7}"#),
            ("invalid r8_AbCdEf0123456789AbCdEf for model", "invalid *** for model"),
            ("shpat_0123456789abcdef0123456789abcdef", "***"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"),
            ("X-Api-Key: 0123456789", "X-Api-Key: ***"),
            ("key: 42, status: 404", "key: 42, status: 404"),
            ("", ""),
        ] {
            assert_eq!(secrets.remove(text), expected);
        }
    }

    #[test]
    fn a_secret_at_the_cut_is_removed_and_a_huge_text_is_cut() {
        let secrets = Secrets::default().and("hunter2hunter2".to_owned());
        let text = format!("{}hunter2hunter2{}", "é".repeat(MAX_REASON_BYTES / 2 - 3), "x".repeat(10 << 20));
        let removed = secrets.remove(&text);
        assert!(!removed.contains("hunter2") && removed.len() <= LOOKED_AT, "{} bytes", removed.len());
    }

    #[test]
    fn the_secrets_are_not_shown() {
        assert_eq!(format!("{:?}", Secrets::default().and("hunter2hunter2".to_owned())), "Secrets(1)");
    }
}
