//! Removes secrets from the errors and reasons that are stored.
//!
//! An error of an HTTP client often shows the address that was called, and an API may repeat what it was sent. Both may
//! hold a key. A secret that the program names is removed wherever it stands; others are recognised by the word before
//! them or by the form that a vendor gives to its keys.

use std::borrow::Cow;
use std::iter::repeat_n;
use std::sync::{Arc, LazyLock};

use regex_lite::{Captures, Regex};

use crate::reason::{MAX_REASON_BYTES, cut_reason};

/// Stands for a secret.
const HIDDEN: &str = "***";

/// The shortest text that counts as a secret of the program: shorter ones stand in ordinary words.
const SHORTEST: usize = 6;

/// The length of the part of an error that is searched: more than is stored, so that a secret at the cut is recognised
/// as a whole.
const LOOKED_AT: usize = 4 * MAX_REASON_BYTES;

/// The words that name a secret.
macro_rules! words {
    () => {
        "(?:token|key|secret|password|passwd|passphrase|pwd|signature|sig|code|bearer|session_?id)"
    };
}

/// Parts of names behind which every value counts as a secret, also in the reason of a person.
const PASSWORDS: [&str; 3] = ["pass", "pwd", "secret"];

/// The longest text that counts as an ordinary word, in bytes.
const LONGEST_WORD: usize = 24;

/// The value after a word that names a secret, as in a query, a header, a form or JSON. A backslash stands before the
/// quotes of a text that was printed with `Debug`, and an address in an address is percent-encoded.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        "(?i)(",
        words!(),
        r#"(?:\\*["'])?\s*(?:[=:]|%3d|%3a)\s*(?:\\*["'])?)((?:[^\s"'&,;<>\\%]|%[0-9a-f]{2}){4,})"#
    ))
    .ok()
});

/// The quoted value of JSON after such a word: it may contain spaces and other marks.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(concat!("(?i)(", words!(), r#""\s*:\s*")(?:[^"\\]|\\.)+"#)).ok());

/// The rest of the line after the name of a header that holds credentials. A comma stands after a quoted name only, as
/// in a tuple that was printed with `Debug`.
static HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = "(?i)\\b((?:proxy-)?authorization|(?:set-)?cookie)";
    Regex::new(&format!(r#"{name}((?:\\*["'])?\s*[=:]\s*|\\*["']\s*,\s*)[^\r\n}}\])]{{4,}}"#)).ok()
});

/// A private key in the form of PEM, which may be cut.
static PEM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)").ok()
});

/// The credentials of an `Authorization` header.
static CREDENTIALS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(bearer|basic|token)(?:\s|%20)+([A-Za-z0-9+/=._~-]{6,})").ok());

/// User and password in an address. A password may contain an unencoded `@`.
static LOGIN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(://)[^\s/?#]+@").ok());

/// Keys that are recognised by their form: Replicate (`r8_`), Shopify (`shpat_`, `shpss_`, …), Stripe (`sk_`), Meta
/// (`EAA`), Pinterest (`pina_`), Google (`ya29.`, `AIza`), Amazon (`AKIA`, `Atza|`), JSON Web Tokens.
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
    /// These secrets and one more, also where it is percent-encoded. A text of fewer than 6 bytes is left out, since it
    /// may stand in an ordinary word.
    #[must_use]
    pub fn and(&self, secret: String) -> Self {
        let mut known = self.0.to_vec();
        if secret.len() >= SHORTEST {
            // An address contains the secret in this form.
            let encoded = percent_encoded(&secret);
            known.extend((encoded != secret).then_some(encoded));
            known.push(secret);
        }
        Self(Arc::new(known))
    }

    /// The text without secrets, cut to 32 KiB.
    #[must_use]
    pub fn remove(&self, text: &str) -> String {
        self.remove_unless(text, |_| false)
    }

    /// Removes the secrets, except for values that are harmless in this text.
    fn remove_unless(&self, text: &str, is_harmless: fn(&Captures<'_>) -> bool) -> String {
        let mut text = Cow::Borrowed(searched(text));
        for secret in self.0.iter() {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
            }
        }
        for (pattern, replacement) in
            [(&PEM, HIDDEN), (&LOGIN, "${1}***@"), (&HEADER, "${1}${2}***"), (&KNOWN_FORMS, HIDDEN)]
        {
            if let Some(pattern) = pattern.as_ref() {
                text = Cow::Owned(pattern.replace_all(&text, replacement).into_owned());
            }
        }
        for (pattern, blank) in [(&CREDENTIALS, " "), (&QUOTED, ""), (&NAMED, "")] {
            let hide = |found: &Captures<'_>| match found.get(1) {
                Some(name) if !is_harmless(found) => format!("{}{blank}{HIDDEN}", name.as_str()),
                _ => found.get(0).map_or("", |all| all.as_str()).to_owned(),
            };
            if let Some(pattern) = pattern.as_ref() {
                text = Cow::Owned(pattern.replace_all(&text, hide).into_owned());
            }
        }
        text.into_owned()
    }

    /// The text without secrets, [cut](crate::cut_reason) to the length at which errors and reasons are stored.
    ///
    /// ```
    /// use fieldfen_domain::Secrets;
    ///
    /// let secrets = Secrets::default().and("correct horse".to_owned());
    /// assert_eq!(secrets.clean("refused: correct horse, token=abcdef123"), "refused: ***, token=***");
    /// ```
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        cut(self.remove(text), text)
    }

    /// As [`clean`](Self::clean), for a reason that a person has written: an ordinary word stays, although `key:`, `token`
    /// or a similar word stands before it. Behind `password`, `secret` and `passphrase`, no word stays.
    ///
    /// ```
    /// use fieldfen_domain::Secrets;
    ///
    /// let reason = "the token expired; wrong key: another picture, token: abcdef123";
    /// assert_eq!(
    ///     Secrets::default().clean_reason(reason),
    ///     "the token expired; wrong key: another picture, token: ***"
    /// );
    /// ```
    #[must_use]
    pub fn clean_reason(&self, reason: &str) -> String {
        cut(self.remove_unless(reason, is_prose), reason)
    }
}

/// A text without secrets, cut to the length that is stored. The mark of the cut counts the part that was not searched
/// too.
fn cut(mut clean: String, text: &str) -> String {
    clean.extend(repeat_n(' ', text.len() - searched(text).len()));
    cut_reason(&clean).into_owned()
}

/// Returns whether the value of [`NAMED`] or [`CREDENTIALS`] is an ordinary word of a sentence, separated by a blank from
/// a name of which people write.
fn is_prose(found: &Captures<'_>) -> bool {
    let (Some(all), Some(name), Some(value)) = (found.get(0), found.get(1), found.get(2)) else { return false };
    let before = all.as_str().strip_suffix(value.as_str()).unwrap_or_default();
    let is_sentence = before.ends_with(char::is_whitespace) && !before.contains('=');
    let name = name.as_str().to_ascii_lowercase();
    is_sentence && !PASSWORDS.iter().any(|word| name.contains(word)) && is_word(value.as_str())
}

/// Returns whether a text is a word of a sentence: letters, of which only the first may be a capital, perhaps joined by
/// hyphens, and perhaps with the mark that ends a sentence.
fn is_word(text: &str) -> bool {
    let word = text.trim_end_matches(['.', '!', '?', ':', ')', '…']);
    let mut characters = word.chars();
    word.len() <= LONGEST_WORD
        && characters.next().is_some_and(char::is_alphabetic)
        && characters.all(|character| character == '-' || (character.is_alphabetic() && !character.is_uppercase()))
}

/// The part of a text that is searched for secrets, and that [`Secrets::remove`] keeps.
fn searched(text: &str) -> &str {
    let end = (0..=LOOKED_AT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    &text[..end]
}

/// The text as a part of a query: everything but letters, digits and `-._~` is encoded.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
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
        for pattern in [&PEM, &HEADER, &QUOTED, &NAMED, &CREDENTIALS, &LOGIN, &KNOWN_FORMS] {
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
            ("sent Bearer abc.def-ghi_jkl to etsy", "sent Bearer *** to etsy"),
            ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: ***"),
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
    fn the_words_of_a_reason_stay_and_its_secrets_do_not() {
        let kept = [
            "the key: wrong picture",
            "key: Wildlife.",
            "the token expired yesterday",
            "basic colours are wrong; bearer unknown",
            "sent again, error code: unknown",
            "deleted the cookie, and signed in again",
            "signature: black-and-white picture",
        ];
        for reason in kept {
            assert_eq!(Secrets::default().clean_reason(reason), reason);
        }
        for reason in [
            "the key: abcXdef",
            "key:abcdefghi",
            "key = secretly",
            "key=secretly",
            "the token abc123def",
            "token abcXdefgh",
            "password: swordfish",
            "client_secret: swordfish",
            "Authorization: Bearer swordfish",
            "key: abcdefghijklmnopqrstuvwxyz",
            "(\"authorization\", \"swordfish\")",
        ] {
            let clean = Secrets::default().clean_reason(reason);
            assert!(clean.ends_with("***") || clean.ends_with("***)"), "{reason}: {clean}");
        }
    }

    #[test]
    fn no_part_of_a_secret_stays() {
        let secrets = Secrets::default().and("hunter2 & hunter3".to_owned());
        for text in [
            "Authorization: ApiKey abcXdef",
            "authorization: AWS4-HMAC-SHA256 Credential=abcXdef/20261126, Signature=abcXdef",
            r#"headers: {"authorization": "abcXdef abcXdef"}"#,
            r#"headers: [("authorization", "abcXdef abcXdef"), ("cookie", "abcXdef")]"#,
            r#"headers: \"cookie\", \"abcXdef\""#,
            "Cookie: sid=abcXdef; theme=abcXdef",
            r#"body: "{\"access_token\":\"abcXdef\"}""#,
            r#"{"password":"ab c&abcXdef, abcXdef"}"#,
            r#"{"private_key":"abcd\nabcXdef"}"#,
            "-----BEGIN RSA PRIVATE KEY-----\nabcXdef\nabcXdef",
            "https://ann:p@abcXdef@api.example.com/v1",
            "https://x.example/login?next=https%3A%2F%2Fy.example%3Faccess_token%3Dabcd%2BabcXdef",
            "pwd=abcXdef",
            "passphrase: abcXdef",
            "bearer: abcXdef",
            "GET /?key=abcd%2FabcXdef&page=2",
            "hunter2%20%26%20hunter3",
        ] {
            let removed = secrets.remove(text);
            assert!(!removed.contains("abcX") && !removed.contains("hunter3"), "{removed}");
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
