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
    /// `X-Shopify-Webhook-Id` names the delivery and stays the same in its repetitions. `X-Shopify-Event-Id`, by which
    /// [Shopify tells duplicates apart](https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates), names what has
    /// happened: it is the same in the deliveries of all subscriptions to it, of which each is taken here.
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
    /// `shopify` sign in their own ways, all others as Standard Webhooks. `stripe` and `ebay`, whose ways are not known
    /// here, are refused, so that it is not found out by their first delivery.
    ///
    /// # Errors
    /// [`InvalidSecret`], which never repeats a key.
    pub fn parse<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidSecret> {
        let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for secret in secrets {
            let (name, key) = secret.split_once('=').ok_or(InvalidSecret::Form)?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte)) {
                return Err(InvalidSecret::Name { name: name.to_owned() });
            }
            if ["stripe", "ebay"].contains(&name) {
                return Err(InvalidSecret::Scheme { name: name.to_owned() });
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

    /// The names of those that sign as Standard Webhooks.
    pub fn standard_webhooks(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, sender)| matches!(sender, Sender::Standard(_))).map(|(name, _)| name.as_str())
    }

    /// Checks the signature of a delivery and reads its labels; `None` for a sender that is not known.
    #[must_use]
    pub fn check<'h>(
        &self,
        name: &str,
        headers: &'h HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Result<Labels<'h>, Refused>> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (verified, id, event) = match self.0.get(name)? {
            Sender::GitHub(check) => {
                (check.verify(body, header("x-hub-signature-256")), "x-github-delivery", header("x-github-event"))
            }
            Sender::Shopify(check) => {
                (check.verify(body, header("x-shopify-hmac-sha256")), "x-shopify-webhook-id", header("x-shopify-topic"))
            }
            Sender::Standard(check) => {
                let (timestamp, signature) = (header("webhook-timestamp"), header("webhook-signature"));
                let headers = StandardHeaders { id: header("webhook-id"), timestamp, signature };
                (check.verify(body, &headers, now), "webhook-id", None)
            }
        };
        let labels = |()| match (header(id), headers.contains_key(id)) {
            (None, true) => Err(Refused::Header { name: id }),
            (delivery_id, _) => Ok(Labels { delivery_id, event }),
        };
        Some(verified.map_err(Refused::Signature).and_then(labels))
    }
}

/// Why a delivery is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It is not known to be genuine.
    #[error(transparent)]
    Signature(SignatureError),
    /// The sender's id for it cannot be read.
    #[error("the header {name} must be printable ASCII")]
    Header {
        /// The header it came in.
        name: &'static str,
    },
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
    /// A name cannot be part of the address that is sent to.
    #[error("the name {name:?}: it must be ASCII letters, digits, '_', '-', '.' or ':'")]
    Name {
        /// The name.
        name: String,
    },
    /// A sender's way of signing is not known here.
    #[error("{name} signs in a way of its own, which is not known here")]
    Scheme {
        /// Whose.
        name: String,
    },
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
        assert_eq!(senders.standard_webhooks().collect::<Vec<_>>(), ["etsy"]);
        assert_eq!(Senders::parse([]).unwrap_err(), InvalidSecret::None);
        assert_eq!(Senders::parse(["hush"]).unwrap_err(), InvalidSecret::Form);
        for name in ["", "a/b", "ä", "a b"] {
            let error = Senders::parse([format!("{name}=hush").as_str()]).unwrap_err();
            assert_eq!(error, InvalidSecret::Name { name: name.to_owned() });
        }
        for name in ["stripe", "ebay"] {
            let error = Senders::parse([format!("{name}=whsec_c2VjcmV0").as_str()]).unwrap_err();
            assert_eq!(error, InvalidSecret::Scheme { name: name.to_owned() });
        }
        for wrong in ["github=", "etsy=whsec_hush!"] {
            let error = Senders::parse([wrong]).unwrap_err();
            assert!(matches!(error, InvalidSecret::Key { .. }) && !error.to_string().contains("hush"), "{error}");
        }
    }
}
