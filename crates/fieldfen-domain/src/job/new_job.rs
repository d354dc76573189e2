//! A job to be enqueued.

use std::fmt;
use std::str::FromStr;

use super::Priority;
use super::api_account::ApiAccount;
use super::kind::JobKind;
use super::on_worker_death::OnWorkerDeath;
use super::payload::{InvalidPayload, Payload};
use super::retry::DEFAULT_MAX_RETRIES;
use crate::ids::{FileId, JobId};
use crate::json::{InvalidJson, RawJson};
use crate::time::Timestamp;

/// The longest dedup key, in bytes.
const MAX_DEDUP_KEY: usize = 255;

/// A job to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewJob {
    /// The id of the new row.
    pub id: JobId,
    /// The file of the job; `None` if it has none. The job is deleted with it.
    pub file_id: Option<FileId>,
    /// The service or account that the job uses. Its pauses and [concurrency limits](super::ConcurrencyLimit) apply to
    /// the job.
    pub account: Option<ApiAccount>,
    /// The kind, which decides the handler.
    pub kind: JobKind,
    /// The arguments of the handler; `None` for a kind without arguments.
    pub payload: Option<RawJson>,
    /// Of the due jobs, those with the lowest number are claimed first.
    pub priority: Priority,
    /// No claim takes the job before this time.
    pub run_at: Timestamp,
    /// The number of retries after failed attempts; 0 for a job that must not run twice.
    pub max_retries: u32,
    /// The consequence of the death of its worker; with `None`, the worker that claims the job decides.
    pub on_worker_death: Option<OnWorkerDeath>,
    /// The key that no other live job may have; `None` if it has none.
    pub dedup_key: Option<DedupKey>,
    /// The time at which it is enqueued, by the caller's clock.
    pub created_at: Timestamp,
}

impl NewJob {
    /// A job of the payload's kind, due at once, with the priority, retries and dedup key of the payload.
    ///
    /// The payload is read back as a worker will read it.
    ///
    /// # Errors
    /// [`InvalidJob`] if the payload breaks one of its rules, cannot be written as JSON of at most
    /// [`MAX_JSON_BYTES`](crate::MAX_JSON_BYTES), or cannot be read back; also if its dedup key has more than 255
    /// bytes.
    pub fn new<P: Payload>(id: JobId, payload: &P, at: Timestamp) -> Result<Self, InvalidJob> {
        payload.check()?;
        let json = RawJson::from_value(payload).map_err(|source| InvalidJob::Json { kind: P::kind(), source })?;
        P::from_json(&json).map_err(InvalidJob::ReadBack)?;
        let key = payload.unique_subject().map(|subject| DedupKey::new(format!("{}:{subject}", P::KIND)));
        Ok(Self {
            file_id: payload.file_id(),
            account: payload.account(),
            priority: P::PRIORITY,
            max_retries: P::MAX_RETRIES.unwrap_or(DEFAULT_MAX_RETRIES),
            on_worker_death: P::ON_WORKER_DEATH,
            dedup_key: key.transpose()?,
            ..Self::with(id, P::kind(), Some(json), at)
        })
    }

    /// A job whose payload is not checked against a type.
    ///
    /// # Errors
    /// [`InvalidJob::Json`] as [`NewJob::check`].
    pub fn untyped(id: JobId, kind: JobKind, payload: Option<RawJson>, at: Timestamp) -> Result<Self, InvalidJob> {
        match payload.map(RawJson::checked).transpose() {
            Ok(payload) => Ok(Self::with(id, kind, payload, at)),
            Err(source) => Err(InvalidJob::Json { kind, source }),
        }
    }

    /// Checks that the payload, which may be [`unchecked`](RawJson::unchecked), can be read as JSON.
    ///
    /// # Errors
    /// [`InvalidJob::Json`] if it cannot, or has more than [`MAX_JSON_BYTES`](crate::MAX_JSON_BYTES).
    pub fn check(&self) -> Result<(), InvalidJob> {
        let Some(payload) = &self.payload else { return Ok(()) };
        payload.check().map_err(|source| InvalidJob::Json { kind: self.kind.clone(), source })
    }

    const fn with(id: JobId, kind: JobKind, payload: Option<RawJson>, at: Timestamp) -> Self {
        Self {
            id,
            file_id: None,
            account: None,
            kind,
            payload,
            priority: Priority::Normal,
            run_at: at,
            max_retries: DEFAULT_MAX_RETRIES,
            on_worker_death: None,
            dedup_key: None,
            created_at: at,
        }
    }

    /// The time at which the job begins to wait, if it is due at once; `None` for a due time that the caller has
    /// chosen.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Timestamp> {
        (self.run_at <= self.created_at).then_some(self.created_at)
    }

    /// Sets the id.
    #[must_use]
    pub const fn id(mut self, id: JobId) -> Self {
        self.id = id;
        self
    }

    /// Sets the file of the job, with which it is deleted.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Sets the service or account that it uses.
    #[must_use]
    pub fn account(mut self, account: impl Into<Option<ApiAccount>>) -> Self {
        self.account = account.into();
        self
    }

    /// Sets the kind.
    #[must_use]
    pub fn kind(mut self, kind: JobKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the payload. It is checked when the job is enqueued.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Option<RawJson>>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Sets the time at which it is enqueued.
    #[must_use]
    pub fn created_at(mut self, created_at: Timestamp) -> Self {
        self.created_at = created_at;
        self
    }

    /// Sets the priority.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the due time.
    #[must_use]
    pub const fn run_at(mut self, at: Timestamp) -> Self {
        self.run_at = at;
        self
    }

    /// Sets the number of retries.
    #[must_use]
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the consequence of the death of its worker.
    #[must_use]
    pub fn on_worker_death(mut self, consequence: impl Into<Option<OnWorkerDeath>>) -> Self {
        self.on_worker_death = consequence.into();
        self
    }

    /// Sets the dedup key, which no other live job may have.
    #[must_use]
    pub fn dedup_key(mut self, key: impl Into<Option<DedupKey>>) -> Self {
        self.dedup_key = key.into();
        self
    }
}

/// A key that at most one live (pending or running) job has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupKey(String);

impl DedupKey {
    /// Makes a key of this text.
    ///
    /// # Errors
    /// [`InvalidJob::DedupKey`] if it is empty or longer than 255 bytes.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidJob> {
        let key = key.into();
        if (1..=MAX_DEDUP_KEY).contains(&key.len()) { Ok(Self(key)) } else { Err(InvalidJob::DedupKey { key }) }
    }

    /// The text of the key, 1 to 255 bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DedupKey {
    type Err = InvalidJob;

    fn from_str(key: &str) -> Result<Self, InvalidJob> {
        Self::new(key)
    }
}

impl fmt::Display for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The answer to an enqueue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnqueueOutcome {
    /// The job was enqueued with its own id.
    Created(JobId),
    /// Nothing was enqueued, because the live job with this id has the same dedup key.
    Duplicate(JobId),
}

impl EnqueueOutcome {
    /// The id of the live job, new or not.
    #[must_use]
    pub const fn id(&self) -> &JobId {
        match self {
            Self::Created(id) | Self::Duplicate(id) => id,
        }
    }
}

/// The error of a job that cannot be enqueued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJob {
    /// Its payload breaks a rule.
    #[error(transparent)]
    Payload(#[from] InvalidPayload),
    /// Its payload cannot be written as JSON, is too large, or is JSON that no worker can read.
    #[error("payload of {kind}: {source}")]
    Json {
        /// The kind of the job.
        kind: JobKind,
        /// The parser's error, with the place.
        source: InvalidJson,
    },
    /// Its type cannot read its payload back after it was written as JSON.
    #[error("the payload cannot be read back after it was written: {0}")]
    ReadBack(#[source] InvalidPayload),
    /// Its dedup key is empty or too long.
    #[error("dedup key {key:?}: it must have 1 to 255 bytes")]
    DedupKey {
        /// The given key.
        key: String,
    },
}
