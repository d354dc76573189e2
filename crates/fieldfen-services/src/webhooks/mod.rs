//! Receives webhooks. Each delivery takes effect once.
//!
//! [`WebhookIntake::receive`] remembers a delivery and writes the rows and jobs that follow from it, in one
//! transaction. The answer to a repetition has the time of the first delivery. Check the [signature] over the raw body
//! first: a delivery with a wrong signature should leave no trace.
//!
//! ```
//! use fieldfen_domain::store::StoreError;
//! use fieldfen_services::Environment;
//! use fieldfen_services::webhooks::{ReceiveOutcome, WebhookIntake};
//! use fieldfen_testkit::ModelStore;
//!
//! let intake = WebhookIntake::new(ModelStore::new(), Environment::system());
//! let mut receive = || intake.receive("shopify", Some("b54557e4"), None, br#"{"id": 1}"#, |_t| {
//!     // Jobs are enqueued here, in the transaction that is passed in: `t.enqueue_for_delivery(&job)?`.
//!     Ok::<_, StoreError>("taken")
//! });
//! assert!(matches!(receive()?, ReceiveOutcome::New("taken")));
//! assert!(matches!(receive()?, ReceiveOutcome::Duplicate { first_seen: Some(_), .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod deliveries;
mod delivery_jobs;
mod retention;
pub mod signature;

use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::webhook::{HashInsertOutcome, NewHash, PayloadHash};
use fieldfen_domain::{FileId, Timestamp, later};

use crate::write_retry::{OfStore, cannot_be_looked_for, write, write_once};
use crate::{Environment, Transaction};

pub use deliveries::Deliveries;
pub(crate) use delivery_jobs::free_job_id;
pub use retention::{DEFAULT_RETENTION, Retention};

/// The largest body that is accepted, unless the program sets another limit: 5 MiB. GitHub sends up to 25 MB. All other
/// known senders send far less.
pub const DEFAULT_BODY_LIMIT: usize = 5 << 20;

/// The longest source, scope and delivery id, in bytes.
const MAX_NAME: usize = 255;

/// Receives webhook deliveries. A clone shares everything.
#[derive(Debug, Clone)]
pub struct WebhookIntake<S> {
    store: S,
    environment: Environment,
    retention: Retention,
    body_limit: usize,
}

impl<S: Store> WebhookIntake<S> {
    /// An intake with a limit of [`DEFAULT_BODY_LIMIT`] bytes for bodies, and the default [`Retention`].
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        Self { store, environment, retention: Retention::default(), body_limit: DEFAULT_BODY_LIMIT }
    }

    /// Sets the retention of deliveries.
    #[must_use]
    pub fn retaining(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Sets the largest body that is accepted, in bytes.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Receives a delivery. `f` writes its rows and jobs, in the transaction that remembers the delivery.
    ///
    /// Two deliveries are the same if they have the same [`hash`]. If the sender gives a `delivery_id`, that is the
    /// hash of the id within `scope` (a shop or an account; ids of two scopes may coincide). Otherwise it is the hash
    /// of the body, whichever source sent it. A delivery with an empty body and no id is a trigger and never a
    /// repetition. A delivery that was last seen before the retention of its source counts as new.
    ///
    /// If `f` fails or panics, the delivery leaves no trace, so that the sender's next attempt is new. The database may
    /// require `f` to run again. `f` must only read and write in its transaction.
    ///
    /// If the outcome is [unknown](StoreError::OutcomeUnknown), answer the sender with an error. Its next attempt is
    /// then either new or a repetition. A trigger is not recognised, and may take effect a second time.
    ///
    /// # Errors
    /// [`ReceiveError`]: [`Delivery`](ReceiveError::Delivery) if the delivery cannot be accepted,
    /// [`Store`](ReceiveError::Store) if the store fails, [`Effect`](ReceiveError::Effect) with the error of `f`.
    pub fn receive<T, E, F>(
        &self,
        source: &str,
        delivery_id: Option<&str>,
        scope: Option<&str>,
        body: &[u8],
        mut f: F,
    ) -> Result<ReceiveOutcome<T>, ReceiveError<E>>
    where
        F: FnMut(&mut Transaction<'_>) -> Result<T, E>,
    {
        self.check(source, delivery_id, scope, body)?;
        let mut effect = |mut t: Transaction<'_>| f(&mut t).map(ReceiveOutcome::New).map_err(ReceiveError::Effect);
        let Some(hash) = hash(source, delivery_id, scope, body) else {
            return write_once(&self.store, |s, before| match before {
                None => effect(Transaction::new(s)).map(Some),
                Some(_) => Err(cannot_be_looked_for().into()),
            });
        };
        let at = self.environment.now();
        let new = NewHash::new(hash, source.to_owned(), at, later(at, self.retention.of(source)));
        write_once(&self.store, |s, before| match s.hashes().insert(&new)? {
            HashInsertOutcome::New => effect(Transaction::of_delivery(s, hash)).map(Some),
            HashInsertOutcome::Duplicate { first_seen: Some(first), .. }
                if first == at && matches!(before, Some(ReceiveOutcome::New(_))) =>
            {
                Ok(None)
            }
            HashInsertOutcome::Duplicate { first_seen, file_id } => {
                Ok(Some(ReceiveOutcome::Duplicate { first_seen, file_id }))
            }
        })
    }

    /// Deletes expired deliveries, in transactions of at most `batch` rows, and returns their number. If the outcome of
    /// a transaction was unknown, its rows are not counted, although they may have been deleted.
    ///
    /// # Errors
    /// Deliveries that were deleted before an error stay deleted.
    pub fn purge(&self, batch: u32) -> Result<u64, StoreError> {
        let batch = batch.max(1);
        let mut purged = 0;
        loop {
            let now = self.environment.now();
            let rows = write(&self.store, |s| s.hashes().purge(now, batch))?;
            purged += rows;
            if rows < u64::from(batch) {
                return Ok(purged);
            }
        }
    }

    fn check(
        &self,
        source: &str,
        delivery_id: Option<&str>,
        scope: Option<&str>,
        body: &[u8],
    ) -> Result<(), InvalidDelivery> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        if source.is_empty() || source.len() > MAX_NAME || !source.bytes().all(named) {
            return Err(InvalidDelivery::Source { value: source.to_owned() });
        }
        for (what, value) in [("delivery id", delivery_id), ("scope", scope)] {
            if let Some(value) = value
                && (value.trim().is_empty() || value.len() > MAX_NAME)
            {
                return Err(InvalidDelivery::Name { what, value: value.to_owned() });
            }
        }
        if let (Some(scope), None) = (scope, delivery_id) {
            return Err(InvalidDelivery::ScopeAlone { scope: scope.to_owned() });
        }
        if body.len() > self.body_limit {
            return Err(InvalidDelivery::TooLarge { bytes: body.len(), limit: self.body_limit });
        }
        Ok(())
    }
}

/// The hash that identifies a delivery. If the sender gives an id, it is the SHA-256 of source, scope and delivery id;
/// otherwise the SHA-256 of the body, as the specification requires. `None` for an empty body without an id.
///
/// An effect that leads to a file can record the file with [`Transaction::link_delivery`]. The answer to a repetition
/// then names the file.
#[must_use]
pub fn hash(source: &str, delivery_id: Option<&str>, scope: Option<&str>, body: &[u8]) -> Option<PayloadHash> {
    match delivery_id {
        Some(id) => Some(PayloadHash::of_delivery(source, scope.unwrap_or_default(), id)),
        None if body.is_empty() => None,
        None => Some(PayloadHash::of_body(body)),
    }
}

/// The answer to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiveOutcome<T> {
    /// The delivery was new and has taken effect.
    New(T),
    /// The delivery had taken effect before. Nothing was changed.
    Duplicate {
        /// The time of the first delivery; `None` if the row does not have it.
        first_seen: Option<Timestamp>,
        /// The file of the delivery; `None` if none was recorded.
        file_id: Option<FileId>,
    },
}

/// The error of a delivery that cannot be accepted. It leaves no trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDelivery {
    /// The body is too large.
    #[error("the body has {bytes} bytes; it must have at most {limit}")]
    TooLarge {
        /// The size of the body in bytes.
        bytes: usize,
        /// The largest accepted size, in bytes.
        limit: usize,
    },
    /// The source is not a valid name.
    #[error("source {value:?}: it must be 1 to 255 ASCII letters, digits, '_', '-', '.' or ':'")]
    Source {
        /// The given source.
        value: String,
    },
    /// A scope was given without a delivery id. A scope only qualifies an id.
    #[error("scope {scope:?} without a delivery id: a scope only qualifies an id, so leave it out or give the id")]
    ScopeAlone {
        /// The given scope.
        scope: String,
    },
    /// A delivery id or scope is blank or too long.
    #[error("{what} {value:?}: it must have 1 to 255 bytes and not be blank; leave it out if there is none")]
    Name {
        /// `source` or `scope`.
        what: &'static str,
        /// The given value.
        value: String,
    },
}

/// The reason why a delivery was not accepted. It leaves no trace.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<E> {
    /// The delivery breaks a rule.
    #[error(transparent)]
    Delivery(#[from] InvalidDelivery),
    /// The store failed; see [`StoreError::disposition`](fieldfen_domain::store::StoreError::disposition).
    #[error("{0}")]
    Store(#[source] StoreError),
    /// The effect of the delivery failed.
    #[error("the webhook could not take effect: {0}")]
    Effect(#[source] E),
}

impl<E> OfStore for ReceiveError<E> {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Delivery(_) | Self::Effect(_) => None,
        }
    }
}

impl<E> From<StoreError> for ReceiveError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
