//! A server for webhooks: `POST /webhooks/{source}`.
//!
//! | answer | when |
//! | --- | --- |
//! | 202 `{"result": "new"}` | the delivery is committed, and a job of kind [`received`] waits for a worker |
//! | 200 `{"result": "duplicate", "first_seen": …}` | it was committed before |
//! | 400 | its body is not JSON, or its id is blank or not ASCII |
//! | 401 | its signature is missing or wrong; nothing of it is kept |
//! | 404 | nobody of that name is known, or nothing is there |
//! | 405 | the method is another one than `POST` |
//! | 408 | its body did not arrive in time |
//! | 413 | its body is too large |
//! | 503 with `Retry-After` | the database is busy |
//! | 500 | anything else; the sender will try again |
//!
//! Every other answer is `{"error": …}`.

mod sender;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use fieldfen_domain::RawJson;
use fieldfen_domain::job::{InvalidJob, InvalidKind, JobKind, NewJob};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::Environment;
use fieldfen_services::intake::{InvalidDelivery, ReceiveError, Received as Delivery, Retention, WebhookIntake};
use serde_json::{Value, json};

pub use sender::{InvalidSecret, Labels, Refused, Senders};
pub use serve::serve;

/// The largest body, in bytes: what a job's payload holds, less room for what the server adds.
pub const BODY_LIMIT: usize = fieldfen_domain::MAX_JSON_BYTES - 4096;

/// Which kind of job a new delivery becomes. Its payload is `{"source", "delivery_id", "event", "body"}`; the body is
/// what arrived, letter by letter.
///
/// # Errors
/// Never: the name is a good one.
pub fn received() -> Result<JobKind, InvalidKind> {
    JobKind::custom("webhook.received")
}

struct Server<S> {
    intake: WebhookIntake<S>,
    environment: Environment,
    senders: Senders,
    patience: Duration,
}

/// The server's routes, for [`serve`] or to be merged into a program's own. A body has to arrive within `patience`.
pub fn routes<S: Store>(store: S, environment: Environment, senders: Senders, patience: Duration) -> Router {
    let intake = WebhookIntake::new(store, environment.clone()).body_limit(BODY_LIMIT).retaining(retention(&senders));
    let server = Server { intake, environment, senders, patience };
    Router::new()
        .route("/webhooks/{source}", post(receive::<S>))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "there is only /webhooks/NAME here") })
        .method_not_allowed_fallback(|| async { refusal(StatusCode::METHOD_NOT_ALLOWED, "webhooks are sent by POST") })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::new(server))
}

/// Senders of which no more is known than that they follow Standard Webhooks may resend for as long as it says.
fn retention(senders: &Senders) -> Retention {
    senders.standard_webhooks().fold(Retention::default(), |retention, name| {
        let span = retention.of(name).max(retention.of("standard-webhooks"));
        retention.with(name, span)
    })
}

async fn receive<S: Store>(
    State(server): State<Arc<Server<S>>>,
    source: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let source = match source {
        Ok(Path(source)) if server.senders.knows(&source) => source,
        _ => return refusal(StatusCode::NOT_FOUND, "nobody of that name is known here"),
    };
    let body = match tokio::time::timeout(server.patience, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = format!("the body is too large; at most {BODY_LIMIT} bytes are taken");
            return refusal(error.status(), &limit);
        }
        Ok(Err(error)) => return refusal(error.status(), &error.body_text()),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
    };
    // Stores wait for the disk, which must not hold up the other connections.
    let taken = tokio::task::spawn_blocking(move || server.take(&source, &headers, &body)).await;
    taken.unwrap_or_else(|error| {
        tracing::error!(%error, "a webhook's handler has panicked");
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "the webhook could not be taken")
    })
}

impl<S: Store> Server<S> {
    fn take(&self, source: &str, headers: &HeaderMap, body: &[u8]) -> Response {
        let labels = match self.senders.check(source, headers, body, self.environment.now()) {
            Some(Ok(labels)) => labels,
            Some(Err(Refused::Signature(error))) => {
                tracing::warn!(source, %error, "refused a webhook");
                return refusal(StatusCode::UNAUTHORIZED, "the signature does not verify");
            }
            Some(Err(error @ Refused::Header { .. })) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
            None => return refusal(StatusCode::NOT_FOUND, "nobody of that name is known here"),
        };
        let job = match self.job(source, &labels, body) {
            Ok(job) => job,
            Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let taken = self.intake.receive(source, labels.delivery_id, None, body, |s| s.jobs().enqueue(&job));
        match taken {
            Ok(Delivery::New(_)) => answer(StatusCode::ACCEPTED, &json!({ "result": "new" })),
            Ok(Delivery::Duplicate { first_seen, .. }) => {
                answer(StatusCode::OK, &json!({ "result": "duplicate", "first_seen": first_seen }))
            }
            Err(ReceiveError::Delivery(error @ InvalidDelivery::TooLarge { .. })) => {
                refusal(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string())
            }
            Err(ReceiveError::Delivery(error)) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
            Err(ReceiveError::Store(error) | ReceiveError::Effect(error)) => failure(source, &error),
        }
    }

    fn job(&self, source: &str, labels: &Labels<'_>, body: &[u8]) -> Result<NewJob, InvalidWebhook> {
        let text = std::str::from_utf8(body).map_err(|_| InvalidWebhook::NotJson)?;
        let body = if text.is_empty() { "null" } else { text };
        RawJson::parse(body).map_err(|_| InvalidWebhook::NotJson)?;
        let (source, delivery_id, event) = (json!(source), json!(labels.delivery_id), json!(labels.event));
        let payload = format!(r#"{{"source":{source},"delivery_id":{delivery_id},"event":{event},"body":{body}}}"#);
        let payload = RawJson::unchecked(payload);
        Ok(NewJob::untyped(self.environment.job_id(), received()?, Some(payload), self.environment.now())?)
    }
}

/// A genuine delivery that cannot become a job.
#[derive(Debug, thiserror::Error)]
enum InvalidWebhook {
    #[error("the body must be JSON in UTF-8")]
    NotJson,
    #[error(transparent)]
    Kind(#[from] InvalidKind),
    #[error(transparent)]
    Job(#[from] InvalidJob),
}

fn failure(source: &str, error: &StoreError) -> Response {
    tracing::error!(source, %error, "a webhook could not be taken");
    if matches!(error, StoreError::Busy { .. }) {
        let busy = refusal(StatusCode::SERVICE_UNAVAILABLE, "the database is busy");
        return ([(header::RETRY_AFTER, "5")], busy).into_response();
    }
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "the webhook could not be taken")
}

fn refusal(status: StatusCode, error: &str) -> Response {
    answer(status, &json!({ "error": error }))
}

fn answer(status: StatusCode, document: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}
