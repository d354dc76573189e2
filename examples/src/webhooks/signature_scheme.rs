//! The signature scheme of each sender, and the position of id and event in its deliveries.

use axum::http::HeaderMap;
use fieldfen_domain::Timestamp;
use fieldfen_services::webhooks::signature::{
    HmacSha256, InvalidKey, SignatureError, Slack, StandardHeaders, StandardWebhooks, Stripe,
};
use serde_json::Value;

use super::form::unwrap_form;

/// The names of the supported signature schemes.
pub(super) const SCHEMES: [&str; 5] = ["github", "shopify", "slack", "standard-webhooks", "stripe"];

/// Senders that sign by Standard Webhooks: [Etsy](https://developers.etsy.com/documentation/essentials/webhooks),
/// [Replicate](https://replicate.com/docs/topics/webhooks/verify-webhook), and the users of
/// [Svix](https://docs.svix.com/receiving/verifying-payloads/how-manual), for example
/// [Clerk](https://clerk.com/docs/webhooks/sync-data) and
/// [Resend](https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests).
pub(super) const STANDARD_SENDERS: [&str; 5] = ["clerk", "etsy", "replicate", "resend", "svix"];

/// A signature scheme with its keys.
#[derive(Debug, Clone)]
pub(super) enum Scheme {
    /// GitHub sends [JSON, or a form whose field `payload` is the
    /// JSON](https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks); the API's default is the form. The
    /// signature covers the body as it is sent.
    GitHub(HmacSha256),
    /// `X-Shopify-Webhook-Id` identifies the delivery and is the same in its repetitions. `X-Shopify-Event-Id`
    /// identifies the event, and [Shopify recommends it against
    /// duplicates](https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates). It is the same for all
    /// subscriptions to the event, and the server accepts the delivery of each subscription, so the server does not use
    /// it.
    Shopify(HmacSha256),
    /// Stripe identifies the event [in the body](https://docs.stripe.com/api/events/object): `id` is the same in
    /// repetitions, while `pending_webhooks` may change.
    Stripe(Stripe),
    /// Slack sends [events](https://docs.slack.dev/apis/events-api/) as JSON and users' interactions [as
    /// forms](https://docs.slack.dev/interactivity/handling-user-interaction).
    Slack(Slack),
    /// Standard Webhooks, which Etsy and others use.
    Standard(StandardWebhooks),
}

/// A genuine delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The sender's id of the delivery.
    pub id: Option<String>,
    /// The name of the event, if the sender gives one.
    pub event: Option<String>,
    /// The JSON of the body; `null` for an empty body.
    pub json: String,
    /// The challenge that Slack sends when a user enters the server's address. The server must send it back. Such a
    /// delivery is not an event.
    pub challenge: Option<String>,
}

/// The reason why a delivery is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefuseReason {
    /// The signature is missing or wrong.
    #[error(transparent)]
    Signature(SignatureError),
    /// The header with the sender's id or event is not printable ASCII.
    #[error("the header {name} must be printable ASCII")]
    Header {
        /// The name of the header.
        name: &'static str,
    },
    /// The body is not UTF-8 text.
    #[error("the body must be JSON in UTF-8, without a byte order mark: {found}")]
    Encoding {
        /// The description of the body.
        found: &'static str,
    },
}

impl Scheme {
    /// Creates the scheme with this name, one of [`SCHEMES`]; `None` for any other name.
    pub(super) fn new(name: &str, keys: &[&str]) -> Option<Result<Self, InvalidKey>> {
        Some(match name {
            "github" => HmacSha256::github(keys).map(Self::GitHub),
            "shopify" => HmacSha256::shopify(keys).map(Self::Shopify),
            "slack" => Slack::new(keys).map(Self::Slack),
            "stripe" => Stripe::new(keys).map(Self::Stripe),
            "standard-webhooks" => StandardWebhooks::new(keys).map(Self::Standard),
            _ => return None,
        })
    }

    /// Verifies the signature of a delivery.
    pub(super) fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        // A header that is not ASCII counts as missing: no signature contains other characters.
        let one = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let joined = |name: &str, separator: &str| {
            let lines: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
            (!lines.is_empty()).then(|| lines.join(separator))
        };
        match self {
            Self::GitHub(check) => check.verify(body, one("x-hub-signature-256")),
            Self::Shopify(check) => check.verify(body, one("x-shopify-hmac-sha256")),
            Self::Stripe(check) => check.verify(body, joined("stripe-signature", ",").as_deref(), now),
            Self::Slack(check) => check.verify(body, one("x-slack-request-timestamp"), one("x-slack-signature"), now),
            Self::Standard(check) => {
                let [id, timestamp, signature] = standard_headers(headers);
                let signature = joined(signature, " ");
                let signed =
                    StandardHeaders { id: one(id), timestamp: one(timestamp), signature: signature.as_deref() };
                check.verify(body, &signed, now)
            }
        }
    }

    /// Reads a delivery whose signature has been verified.
    pub(super) fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Delivery, RefuseReason> {
        let json = match self {
            Self::GitHub(_) | Self::Slack(_) => unwrap_form(headers, body)?,
            Self::Shopify(_) | Self::Stripe(_) | Self::Standard(_) => None,
        };
        let json = json.map_or_else(|| text(body), Ok)?;
        let label = |name| label(headers, name);
        // A body that is not JSON has no fields here. It is refused later, when it should become a job.
        let fields = serde_json::from_str::<Value>(&json).unwrap_or_default();
        let field = |pointer| fields.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (id, event, challenge) = match self {
            Self::GitHub(_) => (label("x-github-delivery")?, label("x-github-event")?, None),
            Self::Shopify(_) => (label("x-shopify-webhook-id")?, label("x-shopify-topic")?, None),
            Self::Standard(_) => {
                let [id, ..] = standard_headers(headers);
                (label(id)?, field("/type"), None)
            }
            Self::Stripe(_) => (field("/id"), field("/type"), None),
            Self::Slack(_) => {
                let event = field("/event/type").or_else(|| field("/command")).or_else(|| field("/type"));
                let challenge = event.as_deref() == Some("url_verification");
                let id = field("/event_id").or_else(|| field("/trigger_id"));
                (id, event, challenge.then(|| field("/challenge")).flatten())
            }
        };
        Ok(Delivery { id, event, json, challenge })
    }

    /// The name under which the retention of the scheme's deliveries is looked up.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::GitHub(_) => "github",
            Self::Shopify(_) => "shopify",
            Self::Stripe(_) => "stripe",
            Self::Slack(_) => "slack",
            Self::Standard(_) => "standard-webhooks",
        }
    }
}

/// Id, time and signatures of Standard Webhooks, under the header names of this delivery.
fn standard_headers(headers: &HeaderMap) -> [&'static str; 3] {
    if headers.contains_key("svix-id") && !headers.contains_key("webhook-id") {
        ["svix-id", "svix-timestamp", "svix-signature"]
    } else {
        ["webhook-id", "webhook-timestamp", "webhook-signature"]
    }
}

fn label(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, RefuseReason> {
    let value = headers.get(name).map(|value| value.to_str().map(str::to_owned));
    value.transpose().map_err(|_| RefuseReason::Header { name })
}

/// The body as text, or the reason why it is not text.
fn text(body: &[u8]) -> Result<String, RefuseReason> {
    let found = match body {
        [] => return Ok("null".to_owned()),
        [0xEF, 0xBB, 0xBF, ..] => "it begins with one",
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, _, ..] | [_, 0, ..] => "it looks like UTF-16 or UTF-32",
        _ => match std::str::from_utf8(body) {
            Ok(text) => return Ok(text.to_owned()),
            Err(_) => "it is not UTF-8",
        },
    };
    Err(RefuseReason::Encoding { found })
}
