//! The deliveries that are remembered, for programs and the people behind them.

use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::webhook::{Delivery, PayloadHash};
use fieldfen_domain::{Page, PageRequest};

use crate::Environment;
use crate::action_row::{act, record};

/// The webhooks that a store remembers; clones are the same handle.
///
/// ```
/// use fieldfen_domain::operator::{Action, Actor, Via};
/// use fieldfen_domain::store::StoreError;
/// use fieldfen_domain::PageRequest;
/// use fieldfen_services::webhooks::{Deliveries, ReceiveOutcome, WebhookIntake};
/// use fieldfen_services::Environment;
/// use fieldfen_testkit::ModelStore;
///
/// let (store, environment) = (ModelStore::new(), Environment::system());
/// let intake = WebhookIntake::new(store.clone(), environment.clone());
/// let receive = || intake.receive("etsy", Some("b54557e4"), None, b"{}", |_t| Ok::<_, StoreError>("taken"));
/// receive()?;
///
/// let deliveries = Deliveries::new(store, environment);
/// let newest = deliveries.list(&PageRequest::first(20).newest_first())?;
/// assert_eq!(newest.items[0].source.as_deref(), Some("etsy"));
///
/// // What it led to was lost by a mistake; the sender is asked to send it again.
/// let ann = Action::new(Actor::new("ann", Via::Console)?, "its order was deleted by mistake")?;
/// assert!(deliveries.forget(&newest.items[0].hash, &ann)?);
/// assert!(matches!(receive()?, ReceiveOutcome::New("taken")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Deliveries<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> Deliveries<S> {
    /// The deliveries of this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// The delivery with this hash, which [`webhooks::hash`](super::hash) computes. One that has expired is there until it is
    /// [purged](super::WebhookIntake::purge).
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no delivery can hold.
    pub fn find(&self, hash: &PayloadHash) -> Result<Option<Delivery>, StoreError> {
        self.store.read(|s| s.hashes().find(hash))
    }

    /// A page of all deliveries that are remembered, in the order of insertion. The page names the rows that no delivery can
    /// be read from.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, page: &PageRequest) -> Result<Page<Delivery>, StoreError> {
        self.store.read(|s| s.hashes().page(page))
    }

    /// Forgets a delivery, so that it takes effect once more when it comes again; `false` when it is not remembered. What
    /// followed from it stays.
    ///
    /// If the outcome is [unknown](StoreError::OutcomeUnknown), the delivery is forgotten or not; forget it again. `false` then
    /// says that it was forgotten.
    pub fn forget(&self, hash: &PayloadHash, action: &Action) -> Result<bool, StoreError> {
        let (kind, subject) = (ActionKind::Forget, Subject::Delivery(*hash));
        act(&self.store, (action, kind, subject.clone()), |t| {
            let s = t.session();
            let forgotten = s.hashes().forget(hash)?;
            let outcome = if forgotten { ActionOutcome::Done } else { ActionOutcome::NotFound };
            record(s, action, kind, subject.clone(), outcome, &self.environment)?;
            Ok(forgotten)
        })
    }
}
