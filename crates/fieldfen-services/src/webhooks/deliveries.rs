//! The remembered deliveries of webhooks, for programs and operators.

use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::webhook::{Delivery, PayloadHash};
use fieldfen_domain::{Page, PageRequest};

use crate::Environment;
use crate::action_row::{act, record};

/// The webhook deliveries that a store remembers. A clone is the same handle.
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
/// // The order of this delivery was deleted by mistake, and the sender is asked to send it again.
/// let ann = Action::new(Actor::new("ann", Via::Console)?, "its order was deleted by mistake")?;
/// assert!(deliveries.forget(&newest.items[0].hash, &ann)?);
/// assert!(matches!(receive()?, ReceiveOutcome::New("taken")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Deliveries<S> {
    pub(super) store: S,
    environment: Environment,
}

impl<S: Store> Deliveries<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// Finds the delivery with this hash, which [`webhooks::hash`](super::hash) computes. An expired delivery exists
    /// until it is [purged](super::WebhookIntake::purge).
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a delivery.
    pub fn find(&self, hash: &PayloadHash) -> Result<Option<Delivery>, StoreError> {
        self.store.read(|s| s.hashes().find(hash))
    }

    /// A page of all remembered deliveries, in the order of insertion. The page names the rows that cannot be read as a
    /// delivery.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, page: &PageRequest) -> Result<Page<Delivery>, StoreError> {
        self.store.read(|s| s.hashes().page(page))
    }

    /// Forgets a delivery, so that it takes effect again when its sender sends it again. Returns `false` if it is not
    /// remembered. The rows and jobs that followed from it are kept.
    ///
    /// If the outcome is [unknown](StoreError::OutcomeUnknown), forget the delivery again. `false` then shows that the
    /// first attempt took effect.
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
