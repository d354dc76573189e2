//! Who sends webhooks, in which headers, and how each signs.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use fieldfen_domain::Timestamp;
use fieldfen_services::intake::signature::{HmacSha256, InvalidKey, SignatureError, StandardHeaders, StandardWebhooks};

/// The senders that are known, each with its keys.
#[derive(Debug, Clone)]
pub struct Senders(BTreeMap<String, Sender>);

/// A sender's way of signing, and its headers.
#[derive(Debug, Clone)]
enum Sender {
    GitHub(HmacSha256),
    Shopify(HmacSha256),
    /// Etsy, for example, and many others.
    Standard(StandardWebhooks),
}

/// What a delivery's headers say beside its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labels<'h> {
    /// The sender's own id for it.
    pub delivery_id: Option<&'h str>,
    /// What it is about, where a header says so.
    pub event: Option<&'h str>,
}

impl Senders {
    /// Reads `NAME=KEY` arguments. A name may come several times, so that its key can be exchanged. `github` and
    /// `shopify` sign in their own ways, all others as Standard Webhooks.
    ///
    /// # Errors
    /// [`InvalidSecret`], which never repeats a key.
    pub fn parse<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidSecret> {
        let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for secret in secrets {
            let (name, key) = secret.split_once('=').ok_or(InvalidSecret::Form)?;
            if name.is_empty() {
                return Err(InvalidSecret::Form);
            }
            keys.entry(name).or_default().push(key);
        }
        if keys.is_empty() {
            return Err(InvalidSecret::None);
        }
        let with_keys = |(name, keys): (&str, Vec<&str>)| {
            let sender = match name {
                "github" => HmacSha256::github(keys).map(Sender::GitHub),
                "shopify" => HmacSha256::shopify(keys).map(Sender::Shopify),
                _ => StandardWebhooks::new(keys).map(Sender::Standard),
            };
            let sender = sender.map_err(|source| InvalidSecret::Key { name: name.to_owned(), source })?;
            Ok((name.to_owned(), sender))
        };
        keys.into_iter().map(with_keys).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a sender of this name is known.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Checks the signature of a delivery and reads its labels; `None` for a sender that is not known.
    #[must_use]
    pub fn check<'h>(
        &self,
        name: &str,
        headers: &'h HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Result<Labels<'h>, SignatureError>> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (verified, labels) = match self.0.get(name)? {
            Sender::GitHub(check) => (
                check.verify(body, header("x-hub-signature-256")),
                Labels { delivery_id: header("x-github-delivery"), event: header("x-github-event") },
            ),
            Sender::Shopify(check) => (
                check.verify(body, header("x-shopify-hmac-sha256")),
                Labels { delivery_id: header("x-shopify-webhook-id"), event: header("x-shopify-topic") },
            ),
            Sender::Standard(check) => {
                let delivery_id = header("webhook-id");
                let signature = header("webhook-signature");
                let headers = StandardHeaders { id: delivery_id, timestamp: header("webhook-timestamp"), signature };
                (check.verify(body, &headers, now), Labels { delivery_id, event: None })
            }
        };
        Some(verified.map(|()| labels))
    }
}

/// Secrets that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// There are none.
    #[error("no secrets were given: without --secret NAME=KEY there is nobody to listen to")]
    None,
    /// One is not of the form.
    #[error("a secret is not of the form NAME=KEY")]
    Form,
    /// A key cannot be used.
    #[error("the secret of {name}")]
    Key {
        /// Whose.
        name: String,
        /// Why.
        source: InvalidKey,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_and_never_repeated() {
        let senders = Senders::parse(["github=old", "github=n=w", "shopify=s", "etsy=whsec_c2VjcmV0"]).unwrap();
        assert!(senders.knows("github") && senders.knows("shopify") && senders.knows("etsy"));
        assert!(!senders.knows("ebay"));
        assert_eq!(Senders::parse([]).unwrap_err(), InvalidSecret::None);
        for wrong in ["hush", "=hush"] {
            assert_eq!(Senders::parse([wrong]).unwrap_err(), InvalidSecret::Form);
        }
        for wrong in ["github=", "etsy=whsec_hush!"] {
            let error = Senders::parse([wrong]).unwrap_err();
            assert!(matches!(error, InvalidSecret::Key { .. }) && !error.to_string().contains("hush"), "{error}");
        }
    }
}
