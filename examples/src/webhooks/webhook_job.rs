//! The job of a received webhook.

use std::collections::BTreeMap;

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::Payload;
use fieldfen_rate_limits::{Answer, Dialect, Reading};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The positions of ids in the senders' bodies: a name and a JSON pointer for each.
const IDS: [(&str, &str); 9] = [
    ("id", "/id"),
    ("action", "/action"),
    ("repository", "/repository/full_name"),
    ("number", "/number"),
    ("object", "/data/object/id"),
    ("data", "/data/id"),
    ("resource", "/resource_url"),
    ("shop", "/shop_id"),
    ("team", "/team_id"),
];

/// The longest text that counts as an id or as the name of an event, in bytes.
const MAX_ID: usize = 255;

/// A received webhook, as the payload of its job. The server writes the payload, and the worker reads it.
#[derive(Debug, Serialize, Deserialize)]
pub struct WebhookReceived {
    /// The configured name of the sender.
    pub source: String,
    /// The sender's id of the delivery.
    pub delivery_id: Option<String>,
    /// The name of the event, if the sender gives one.
    pub event: Option<String>,
    /// The received JSON, unchanged; `null` for an empty body.
    pub body: Box<RawValue>,
}

impl Payload for WebhookReceived {
    const KIND: &'static str = "webhook.received";
}

impl WebhookReceived {
    /// Extracts the event of the webhook and the ids in its body.
    ///
    /// # Errors
    /// An error if the body is not JSON. The server refuses such bodies.
    pub fn summary(&self) -> serde_json::Result<Summary<'_>> {
        let body: Value = serde_json::from_str(self.body.get())?;
        let id = |(name, pointer)| Some((name, text(body.pointer(pointer)?)?));
        let ids = IDS.into_iter().filter_map(id).collect();
        Ok(Summary {
            source: &self.source,
            event: self.event.as_deref().filter(|event| event.len() <= MAX_ID),
            delivery_id: self.delivery_id.as_deref(),
            ids,
        })
    }
}

impl WebhookReceived {
    /// Reads the charges in the webhook, and returns the name of their service. Replicate posts a prediction in the form of
    /// its answers.
    #[must_use]
    pub fn charges(&self, received_at: Timestamp) -> (&'static str, Reading) {
        let dialect = Dialect::of_service(&self.source);
        let answer = Answer::new(200, received_at).body(self.body.get().as_bytes());
        (dialect.as_str(), fieldfen_rate_limits::read(dialect, &answer))
    }
}

/// A text of at most 255 bytes, or a number as text. Other values are not ids.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (text.len() <= MAX_ID).then(|| text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The event and the ids of a webhook, in a form that fits on one log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary<'w> {
    /// The configured name of the sender.
    pub source: &'w str,
    /// The name of the event; `None` if it is longer than 255 bytes.
    pub event: Option<&'w str>,
    /// The sender's id of the delivery.
    pub delivery_id: Option<&'w str>,
    /// The ids in the body, by name.
    pub ids: BTreeMap<&'static str, String>,
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::RawJson;

    use super::*;

    fn ids(body: &str) -> Vec<(&'static str, String)> {
        let payload = format!(r#"{{"source": "acme", "delivery_id": null, "event": null, "body": {body}}}"#);
        let webhook = WebhookReceived::from_json(&RawJson::parse(payload).unwrap()).unwrap();
        assert_eq!(webhook.body.get(), body);
        webhook.summary().unwrap().ids.into_iter().collect()
    }

    #[test]
    fn the_charges_of_replicate_are_read() {
        let body = r#"{"id": "p1", "status": "succeeded", "metrics": {"predict_time": 3.8}}"#;
        for (source, charges) in [("replicate", 1), ("Replicate-live", 1), ("acme", 0)] {
            let payload = format!(r#"{{"source": "{source}", "delivery_id": null, "event": null, "body": {body}}}"#);
            let webhook = WebhookReceived::from_json(&RawJson::parse(payload).unwrap()).unwrap();
            let (service, reading) = webhook.charges(Timestamp::UNIX_EPOCH);
            assert_eq!(reading.charges.len(), charges, "{source}");
            if let [charge] = &*reading.charges {
                assert_eq!((service, charge.micros("predict_time")), ("replicate", Some(3_800_000)));
            }
        }
    }

    #[test]
    fn the_ids_of_each_sender_are_found_and_whole() {
        let github = r#"{"action": "opened", "number": 7, "repository": {"id": 1, "full_name": "octo/pus"}}"#;
        let expected = [("action", "opened"), ("number", "7"), ("repository", "octo/pus")];
        assert_eq!(ids(github), expected.map(|(name, id)| (name, id.to_owned())));
        // Shopify's ids exceed 2^53.
        assert_eq!(ids(r#"{"id": 9007199254740993}"#), [("id", "9007199254740993".to_owned())]);
        let stripe = r#"{"id": "evt_1", "data": {"object": {"id": "ch_1"}}}"#;
        assert_eq!(ids(stripe), [("id", "evt_1".to_owned()), ("object", "ch_1".to_owned())]);
        for body in ["null", "[1]", "{}", r#"{"id": {"a": 1}}"#] {
            assert_eq!(ids(body), [], "{body}");
        }
        for (bytes, kept) in [(255, 1), (256, 0)] {
            assert_eq!(ids(&format!(r#"{{"id": "{}"}}"#, "x".repeat(bytes))).len(), kept, "{bytes} bytes");
        }
    }
}
