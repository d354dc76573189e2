//! The configured senders of webhooks and their keys.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use fieldfen_domain::Timestamp;
use fieldfen_services::webhooks::Retention;
use fieldfen_services::webhooks::signature::InvalidKey;

use super::signature_scheme::{Delivery, RefuseReason, SCHEMES, STANDARD_SENDERS, Scheme};

/// The configured senders. Names are in lower case.
#[derive(Debug, Clone)]
pub struct Senders(BTreeMap<String, Scheme>);

impl Senders {
    /// Reads `NAME=KEY` and `NAME:SCHEME=KEY` arguments.
    ///
    /// A name alone must be one of the built-in senders, whose signature scheme is known: `github`, `shopify`, `slack`,
    /// `stripe`, and the senders that use Standard Webhooks. Any other name needs a scheme:
    /// `stripe-live:stripe=whsec_…`. A name may occur several times, so that its key can be rotated. Case does not
    /// matter.
    ///
    /// # Errors
    /// [`InvalidSecret`], which never repeats a key.
    pub fn parse<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidSecret> {
        let mut keys: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
        for secret in secrets {
            let (sender, key) = secret.split_once('=').ok_or(InvalidSecret::Form)?;
            let (name, scheme) = match sender.split_once(':') {
                Some((name, scheme)) => (name, scheme.to_ascii_lowercase()),
                None => (sender, scheme_of(&sender.to_ascii_lowercase()).to_owned()),
            };
            // A base64 key without a name ends in "=" and would be parsed as a name with an empty key. The other errors
            // repeat the name, so this one must not.
            if key.bytes().all(|byte| byte == b'=') && !SCHEMES.contains(&scheme.as_str()) {
                return Err(InvalidSecret::Form);
            }
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
                return Err(InvalidSecret::Name { name: name.to_owned() });
            }
            keys.entry((name.to_ascii_lowercase(), scheme)).or_default().push(key);
        }
        let mut senders = BTreeMap::new();
        for ((name, scheme), keys) in keys {
            let Some(sender) = Scheme::new(&scheme, &keys) else {
                return Err(InvalidSecret::Unknown { name, scheme });
            };
            let sender = sender.map_err(|source| InvalidSecret::Key { name: name.clone(), source })?;
            if senders.contains_key(&name) {
                return Err(InvalidSecret::TwoSchemes { name });
            }
            senders.insert(name, sender);
        }
        if senders.is_empty() { Err(InvalidSecret::None) } else { Ok(Self(senders)) }
    }

    /// The configured name of a sender; `None` if the sender is not configured.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<&str> {
        self.0.get_key_value(&name.to_ascii_lowercase()).map(|(name, _)| name.as_str())
    }

    /// The retention of deliveries by sender. It is at least the period in which the sender's scheme repeats a
    /// delivery.
    #[must_use]
    pub fn retention(&self) -> Retention {
        self.0.iter().fold(Retention::default(), |retention, (name, scheme)| {
            let span = retention.of(name).max(retention.of(scheme.name()));
            retention.with(name, span)
        })
    }

    /// Verifies the signature of a delivery and reads the delivery; `None` if the sender is not
    /// [configured](Senders::known).
    #[must_use]
    pub fn check(
        &self,
        name: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Result<Delivery, RefuseReason>> {
        let scheme = self.0.get(name)?;
        let verified = scheme.verify(headers, body, now).map_err(RefuseReason::Signature);
        Some(verified.and_then(|()| scheme.read(headers, body)))
    }
}

/// The secrets in the text of a file, one a line, for [`Senders::parse`]. Blank lines and lines that begin with `#` are
/// skipped.
pub fn secrets_of(file: &str) -> impl Iterator<Item = &str> {
    file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The signature scheme of a built-in sender; for any other name, the name itself.
fn scheme_of(name: &str) -> &str {
    if STANDARD_SENDERS.contains(&name) { "standard-webhooks" } else { name }
}

/// The error of a secret that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// No secret was given.
    #[error("no secrets were given: name at least one sender, with --secrets FILE or --secret NAME=KEY")]
    None,
    /// A secret does not have the form `NAME=KEY` or `NAME:SCHEME=KEY`.
    #[error("a secret is not of the form NAME=KEY or NAME:SCHEME=KEY")]
    Form,
    /// A name contains characters that the server's path does not allow.
    #[error("the name {name:?}: it must be ASCII letters, digits, '_', '-' or '.'")]
    Name {
        /// The invalid name.
        name: String,
    },
    /// The signature scheme is unknown.
    #[error(
        "the secret of {name:?}: the signature scheme {scheme:?} is unknown; known senders are {}, {}; \
         give any other name a scheme, NAME:SCHEME=KEY, which is one of {}",
        SCHEMES.join(", "), STANDARD_SENDERS.join(", "), SCHEMES.join(", ")
    )]
    Unknown {
        /// The name of the sender.
        name: String,
        /// The unknown scheme, or the name if no scheme was given.
        scheme: String,
    },
    /// One name has secrets with two schemes.
    #[error("the secrets of {name:?} have different schemes: give each scheme a name of its own")]
    TwoSchemes {
        /// The name of the sender.
        name: String,
    },
    /// A key is not valid for its scheme.
    #[error("the secret of {name:?}")]
    Key {
        /// The name of the sender.
        name: String,
        /// The rule that the key breaks.
        source: InvalidKey,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refused(secret: &str) -> InvalidSecret {
        Senders::parse([secret]).unwrap_err()
    }

    #[test]
    fn secrets_are_read_and_never_repeated() {
        let senders = Senders::parse(["github=old", "GitHub=n=w", "shopify=s", "etsy=whsec_c2VjcmV0"]).unwrap();
        assert_eq!(
            ["github", "GITHUB", "etsy"].map(|name| senders.known(name)),
            [Some("github"), Some("github"), Some("etsy")]
        );
        assert_eq!(senders.known("ebay"), None);
        assert_eq!(Senders::parse([]).unwrap_err(), InvalidSecret::None);
        assert_eq!(refused("hush"), InvalidSecret::Form);
        for name in ["", "a/b", "ä", "a b"] {
            assert_eq!(refused(&format!("{name}=hush")), InvalidSecret::Name { name: name.to_owned() });
        }
        for wrong in ["github=", "etsy=whsec_hush!", "stripe=sk_live_hush", "shop:stripe=hush"] {
            let error = refused(wrong);
            assert!(matches!(error, InvalidSecret::Key { .. }) && !error.to_string().contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_key_without_a_name_is_not_taken_for_a_name() {
        // A base64 text ends in "=", which also separates a name from its key.
        for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=", "whsec_Mf/Q9r8GKYqrTwjUPD8ILPZIo2LaLQ==", "github:MfKQ="] {
            assert_eq!(refused(secret), InvalidSecret::Form);
        }
    }

    #[test]
    fn a_file_has_a_secret_on_each_line() {
        let file = "# of the shop\r\ngithub=old\r\n\n  GitHub = n=w \n";
        assert_eq!(secrets_of(file).collect::<Vec<_>>(), ["github=old", "GitHub = n=w"]);
        let error = Senders::parse(secrets_of(file)).unwrap_err();
        assert_eq!(error, InvalidSecret::Name { name: "GitHub ".to_owned() });
    }

    #[test]
    fn a_sender_signs_in_its_own_way_whatever_the_case_of_its_name() {
        for (secret, scheme) in [
            ("Stripe=whsec_x", "stripe"),
            ("SLACK=x", "slack"),
            ("GitHub=x", "github"),
            ("Etsy=whsec_c2VjcmV0", "standard-webhooks"),
            ("stripe-live:Stripe=whsec_x", "stripe"),
            ("hooks:standard-webhooks=whsec_c2VjcmV0", "standard-webhooks"),
        ] {
            let senders = Senders::parse([secret]).unwrap();
            assert_eq!(senders.0.values().map(Scheme::name).collect::<Vec<_>>(), [scheme], "{secret}");
        }
    }

    #[test]
    fn an_unknown_sender_is_refused_with_a_list() {
        for secret in ["stripe-live=whsec_c2VjcmV0", "amazon=whsec_c2VjcmV0", "eBay=x", "shop:paypal=x", "shop:=x"] {
            let error = refused(secret).to_string();
            assert!(error.contains("github, shopify, slack, standard-webhooks, stripe"), "{error}");
            assert!(error.contains("etsy") && !error.contains("c2VjcmV0"), "{error}");
        }
        let error = Senders::parse(["shop:stripe=whsec_x", "shop:slack=x"]).unwrap_err();
        assert_eq!(error, InvalidSecret::TwoSchemes { name: "shop".to_owned() });
    }

    #[test]
    fn deliveries_of_a_named_sender_are_remembered_as_those_of_its_scheme() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let senders = Senders::parse(["live:stripe=whsec_x", "etsy=whsec_c2VjcmV0", "shopify=x"]).unwrap();
        let retention = senders.retention();
        let names = ["live", "etsy", "shopify", "unheard-of"];
        assert_eq!(names.map(|name| retention.of(name)), [hours(721), hours(77), hours(24), hours(24)]);
    }
}
