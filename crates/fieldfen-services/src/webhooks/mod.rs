//! Webhooks: each delivery takes effect once.
//!
//! [`WebhookIntake::receive`] remembers a delivery, and writes the rows and jobs that follow from it, in one
//! transaction; a repetition is told when the first one was seen. Check the [signature] before, over the raw
//! body: a delivery that fails it should leave no trace.
//!
//! ```
//! use fieldfen_domain::store::StoreError;
//! use fieldfen_services::Environment;
//! use fieldfen_services::webhooks::{ReceiveOutcome, WebhookIntake};
//! use fieldfen_testkit::ModelStore;
//!
//! let intake = WebhookIntake::new(ModelStore::new(), Environment::system());
//! let mut receive = || intake.receive("shopify", Some("b54557e4"), None, br#"{"id": 1}"#, |_t| {
//!     // Jobs are enqueued here, in the transaction that is passed in: `t.enqueue(&job)?`.
//!     Ok::<_, StoreError>("taken")
//! });
//! assert!(matches!(receive()?, ReceiveOutcome::New("taken")));
//! assert!(matches!(receive()?, ReceiveOutcome::Duplicate { first_seen: Some(_), .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod deliveries;
mod retention;
pub mod signature;

use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::webhook::{HashInsertOutcome, NewHash, PayloadHash};
use fieldfen_domain::{FileId, Timestamp, later};

use crate::write_retry::{OfStore, cannot_be_looked_for, write, write_once};
use crate::{Environment, Transaction};

pub use deliveries::Deliveries;
pub use retention::{DEFAULT_RETENTION, Retention};

/// The largest body that is taken unless the program says otherwise: 5 MiB. GitHub sends up to 25 MB, all others that
/// are known here far less.
pub const DEFAULT_BODY_LIMIT: usize = 5 << 20;

/// The longest source, scope and delivery id, in bytes.
const MAX_NAME: usize = 255;

/// Takes webhooks in. Clones share everything.
#[derive(Debug, Clone)]
pub struct WebhookIntake<S> {
    store: S,
    environment: Environment,
    retention: Retention,
    body_limit: usize,
}

impl<S: Store> WebhookIntake<S> {
    /// An intake that takes bodies of up to [`DEFAULT_BODY_LIMIT`] bytes and remembers deliveries as [`Retention`] says.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        Self { store, environment, retention: Retention::default(), body_limit: DEFAULT_BODY_LIMIT }
    }

    /// The same intake, which remembers deliveries for so long.
    #[must_use]
    pub fn retaining(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// The same intake, which refuses bodies of more bytes.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Takes a delivery in: `f` writes its rows and jobs, in the transaction that remembers the delivery.
    ///
    /// Two deliveries are the same if they have the same [`hash`]: that of the sender's own `delivery_id` within
    /// `scope` (a shop or an account, where ids may coincide) if there is one, that of the body if not, no matter which
    /// source sent it. A delivery with an empty body and without an id is a trigger and never a repetition. A delivery
    /// that was seen longer ago than its source is remembered is new.
    ///
    /// When `f` fails or panics, nothing stays of the delivery, so that the sender's next try is new. `f` may be run
    /// again when the database asks for it; it must do nothing but read and write in its transaction.
    ///
    /// If the outcome is [unknown](StoreError::OutcomeUnknown), answer the sender with an error: its next try is new, or a
    /// repetition of what has taken effect. A trigger is not recognised, and may take effect a second time.
    ///
    /// # Errors
    /// [`ReceiveError`]: [`Delivery`](ReceiveError::Delivery) when it cannot be taken at all,
    /// [`Store`](ReceiveError::Store) when the store fails, [`Effect`](ReceiveError::Effect) with what `f` returned.
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
        let mut effect =
            |s: &mut dyn Session| f(&mut Transaction::new(s)).map(ReceiveOutcome::New).map_err(ReceiveError::Effect);
        let Some(hash) = hash(source, delivery_id, scope, body) else {
            return write_once(&self.store, |s, before| match before {
                None => effect(s).map(Some),
                Some(_) => Err(cannot_be_looked_for().into()),
            });
        };
        let at = self.environment.now();
        let new = NewHash::new(hash, source.to_owned(), at, later(at, self.retention.of(source)));
        write_once(&self.store, |s, before| match s.hashes().insert(&new)? {
            HashInsertOutcome::New => effect(s).map(Some),
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

    /// Deletes what is remembered and has expired, in transactions of at most `batch` rows, and says how many there
    /// were. Rows of a transaction whose outcome was unknown are not counted if they were deleted.
    ///
    /// # Errors
    /// After an error, what was deleted before stays deleted.
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

/// The hash by which a delivery is recognised: SHA-256 of source, scope and delivery id where the sender gives an id,
/// SHA-256 of the body, as the specification asks, where not; `None` for an empty body without an id.
///
/// An effect that leads to a file can name it there; the answer to a repetition then names the file:
/// [`Transaction::link_delivery`].
#[must_use]
pub fn hash(source: &str, delivery_id: Option<&str>, scope: Option<&str>, body: &[u8]) -> Option<PayloadHash> {
    match delivery_id {
        Some(id) => Some(PayloadHash::of_delivery(source, scope.unwrap_or_default(), id)),
        None if body.is_empty() => None,
        None => Some(PayloadHash::of_body(body)),
    }
}

/// What a delivery turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiveOutcome<T> {
    /// It was new, and has taken effect.
    New(T),
    /// It had taken effect before; nothing was done.
    Duplicate {
        /// When it was first seen.
        first_seen: Option<Timestamp>,
        /// The file it led to, where one was named.
        file_id: Option<FileId>,
    },
}

/// A delivery that cannot be taken. Nothing of it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDelivery {
    /// The body is too large.
    #[error("the body has {bytes} bytes; at most {limit} are taken")]
    TooLarge {
        /// The size of the body in bytes.
        bytes: usize,
        /// The largest size that is taken, in bytes.
        limit: usize,
    },
    /// The source cannot be a name.
    #[error("source {value:?}: it must be 1 to 255 ASCII letters, digits, '_', '-', '.' or ':'")]
    Source {
        /// The source that was given.
        value: String,
    },
    /// A scope says where a delivery id counts; bodies are the same wherever they come from.
    #[error("scope {scope:?} without a delivery id: a scope says where an id counts, so leave it out or give the id")]
    ScopeAlone {
        /// The scope that was given.
        scope: String,
    },
    /// A delivery id or scope that identifies nothing.
    #[error("{what} {value:?}: it must have 1 to 255 bytes and not be blank; leave it out where there is none")]
    Name {
        /// `source` or `scope`.
        what: &'static str,
        /// The value that was given.
        value: String,
    },
}

/// Why a delivery was not taken in. Nothing of it is remembered.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<E> {
    /// It cannot be taken at all.
    #[error(transparent)]
    Delivery(#[from] InvalidDelivery),
    /// The store failed; see [`StoreError::disposition`](fieldfen_domain::store::StoreError::disposition).
    #[error("{0}")]
    Store(#[source] StoreError),
    /// Its effect failed.
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
