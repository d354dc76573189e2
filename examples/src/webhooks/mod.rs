//! A server for webhooks: `POST /webhooks/{source}`.
//!
//! | answer | when |
//! | --- | --- |
//! | 202 `{"result": "new"}` | the delivery is committed, and its [`WebhookReceived`] job waits for a worker |
//! | 200 `{"result": "duplicate", "first_seen": …}` | an equal delivery was committed before |
//! | 200 `{"challenge": …}` | Slack [verifies] the address of its app |
//! | 400 | the body is not JSON that a worker can read, or the delivery's id is blank or not ASCII |
//! | 401 | the signature is missing or wrong; the server stores nothing of the delivery |
//! | 404 | the sender's name is not configured, or the path does not exist |
//! | 405 | the method is not `POST` |
//! | 408 | the body did not arrive in time |
//! | 413 | the body is too large, alone or together with the stored headers |
//! | 503 with `Retry-After` | the database cannot store the delivery now, for example because it is busy or full |
//! | 500 | any other error; the sender will send again |
//!
//! [verifies]: https://docs.slack.dev/reference/events/url_verification
//!
//! Every other answer is `{"error": …}`.

mod form;
mod sender;
mod serve;
mod signature_scheme;
mod webhook_job;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use fieldfen_domain::job::{InvalidJob, NewJob};
use fieldfen_domain::store::{Disposition, Store, StoreError};
use fieldfen_domain::webhook::PayloadHash;
use fieldfen_domain::{InvalidJson, MAX_JSON_BYTES, catch_panic, with_causes};
use fieldfen_services::queue::QueueError;
use fieldfen_services::webhooks::{InvalidDelivery, ReceiveError, ReceiveOutcome, WebhookIntake};
use fieldfen_services::{AsyncStore, Environment};
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub use sender::{InvalidSecret, Senders, secrets_of};
pub use serve::serve;
pub use signature_scheme::{Delivery, RefuseReason};
pub use webhook_job::{Summary, WebhookReceived};

/// The largest body, in bytes: the limit of a job's payload minus the room for the fields that the server adds.
pub const BODY_LIMIT: usize = MAX_JSON_BYTES - 4096;

struct Server<S> {
    store: AsyncStore<S>,
    intake: WebhookIntake<S>,
    environment: Environment,
    senders: Senders,
    patience: Duration,
}

/// The server's routes, for [`serve`] or for a program's own router. A body must arrive within `patience`.
pub fn routes<S: Store>(store: S, environment: Environment, senders: Senders, patience: Duration) -> Router {
    let intake = WebhookIntake::new(store.clone(), environment.clone());
    let intake = intake.body_limit(BODY_LIMIT).retaining(senders.retention());
    let server = Server { store: AsyncStore::new(store), intake, environment, senders, patience };
    Router::new()
        .route("/webhooks/{source}", post(receive::<S>))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "there is only /webhooks/NAME here") })
        .method_not_allowed_fallback(|| async { refusal(StatusCode::METHOD_NOT_ALLOWED, "webhooks are sent by POST") })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::new(server))
}

async fn receive<S: Store>(
    State(server): State<Arc<Server<S>>>,
    source: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let known = source.ok().and_then(|Path(source)| server.senders.known(&source).map(str::to_owned));
    let Some(source) = known else {
        return refusal(StatusCode::NOT_FOUND, "no sender with this name is configured");
    };
    let body = match tokio::time::timeout(server.patience, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = format!("the body is too large; it must have at most {BODY_LIMIT} bytes");
            return refusal(error.status(), &limit);
        }
        Ok(Err(error)) => return refusal(error.status(), &error.body_text()),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
    };
    let taking = Arc::clone(&server);
    let taken = server.store.run(move |_| Ok(catch_panic(|| taking.take(&source, &headers, &body)))).await;
    match taken {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            tracing::error!(panic, "webhook handler panicked");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "the webhook could not be stored")
        }
        Err(error) => failure("all sources", &error),
    }
}

impl<S: Store> Server<S> {
    fn take(&self, source: &str, headers: &HeaderMap, body: &[u8]) -> Response {
        let delivery = match self.senders.check(source, headers, body, self.environment.now()) {
            Some(Ok(delivery)) => delivery,
            Some(Err(RefuseReason::Signature(error))) => {
                tracing::warn!(source, %error, "webhook refused");
                return refusal(StatusCode::UNAUTHORIZED, "the signature does not verify");
            }
            Some(Err(error)) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
            None => return refusal(StatusCode::NOT_FOUND, "no sender with this name is configured"),
        };
        if let Some(challenge) = delivery.challenge {
            return answer(StatusCode::OK, &json!({ "challenge": challenge }));
        }
        // Equal bodies without an id count as one delivery for each sender, not as one for all senders.
        let hash = || (!body.is_empty()).then(|| PayloadHash::of_body(body).to_string());
        let id = delivery.id.clone().or_else(hash);
        let job = match self.job(source, delivery) {
            Ok(job) => job,
            Err(error) => return refusal(error.status(), &error.to_string()),
        };
        let taken = self.intake.receive(source, id.as_deref(), None, body, |t| t.enqueue_for_delivery(&job));
        match taken {
            Ok(ReceiveOutcome::New(_)) => answer(StatusCode::ACCEPTED, &json!({ "result": "new" })),
            Ok(ReceiveOutcome::Duplicate { first_seen, .. }) => {
                answer(StatusCode::OK, &json!({ "result": "duplicate", "first_seen": first_seen }))
            }
            Err(ReceiveError::Delivery(error @ InvalidDelivery::TooLarge { .. })) => {
                refusal(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string())
            }
            Err(ReceiveError::Delivery(error)) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
            Err(ReceiveError::Store(error) | ReceiveError::Effect(QueueError::Store(error))) => failure(source, &error),
            Err(ReceiveError::Effect(error)) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    }

    fn job(&self, source: &str, delivery: Delivery) -> Result<NewJob, InvalidWebhook> {
        let Delivery { id: delivery_id, event, json, .. } = delivery;
        let body = RawValue::from_string(json).map_err(InvalidWebhook::NotJson)?;
        let payload = WebhookReceived { source: source.to_owned(), delivery_id, event, body };
        // Parses the payload again, so that the server refuses a payload that no worker could read.
        Ok(NewJob::new(self.environment.job_id(), &payload, self.environment.now())?)
    }
}

/// The error of a genuine delivery that cannot become a job.
#[derive(Debug, thiserror::Error)]
enum InvalidWebhook {
    #[error("the body must be JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    #[error("the body cannot become a job: {0}")]
    Job(#[from] InvalidJob),
}

impl InvalidWebhook {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Job(InvalidJob::Json { source: InvalidJson::TooLarge { .. }, .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Job(_) | Self::NotJson(_) => StatusCode::BAD_REQUEST,
        }
    }
}

fn failure(source: &str, error: &StoreError) -> Response {
    tracing::error!(source, error = with_causes(error), "receiving a webhook failed");
    if error.disposition() != Disposition::GiveUp {
        // The delivery may have been committed all the same. It is then a duplicate when the sender repeats it.
        let later = refusal(StatusCode::SERVICE_UNAVAILABLE, "the webhook cannot be stored now");
        return ([(header::RETRY_AFTER, "5")], later).into_response();
    }
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "the webhook could not be stored")
}

fn refusal(status: StatusCode, error: &str) -> Response {
    answer(status, &json!({ "error": error }))
}

fn answer(status: StatusCode, document: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::*;

    #[test]
    fn the_log_names_what_kept_a_webhook_from_taking_effect() {
        let mut log = tempfile::tempfile().unwrap();
        let writer = Arc::new(log.try_clone().unwrap());
        let logger = tracing_subscriber::fmt().with_writer(writer).finish();
        tracing::subscriber::with_default(logger, || failure("github", &StoreError::Full("no room on /srv".into())));
        let mut text = String::new();
        log.rewind().unwrap();
        log.read_to_string(&mut text).unwrap();
        assert!(text.contains("is full") && text.contains("no room on /srv"), "{text}");
    }
}
