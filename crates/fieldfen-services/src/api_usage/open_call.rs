//! A call that is being made, and its answer.

use std::cell::RefCell;
use std::rc::Rc;

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_usage::CallOutcome;
use fieldfen_rate_limits::{Answer, Charge, Dialect, Reading};

/// A call that is being made. The closure of [`CallRecorder::call`](super::CallRecorder::call) gives it the answer.
///
/// Clones are the same call.
#[derive(Debug, Clone)]
pub struct OpenCall {
    dialect: Dialect,
    told: Rc<RefCell<Told>>,
}

/// The facts that the closure has given of a call.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) http_status: Option<u16>,
    pub(super) reading: Option<Reading>,
    pub(super) outcome: Option<CallOutcome>,
    pub(super) error: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) request_count: Option<u32>,
    pub(super) retry_at: Option<Timestamp>,
    pub(super) charges: Vec<Charge>,
}

impl OpenCall {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, told: Rc::default() }
    }

    /// Notes the answer of the service: status, header, body. The status decides the [outcome](CallOutcome) unless
    /// [`outcome`](Self::outcome) says it. Of several answers, to the requests of a batch, the last one counts.
    pub fn answered(&self, answer: &Answer<'_>) {
        let mut told = self.told.borrow_mut();
        told.http_status = Some(answer.status());
        told.reading = Some(fieldfen_rate_limits::read(self.dialect, answer));
    }

    /// Tells how the call has ended.
    pub fn outcome(&self, outcome: CallOutcome) {
        self.told.borrow_mut().outcome = Some(outcome);
    }

    /// Tells the error, for people to read. Secrets are removed before it is stored.
    pub fn error(&self, error: impl Into<String>) {
        self.told.borrow_mut().error = Some(error.into());
    }

    /// Notes the id that the service has given to the thing that the call has made, for example a prediction.
    pub fn external_id(&self, external_id: impl Into<String>) {
        self.told.borrow_mut().external_id = Some(external_id.into());
    }

    /// Tells something that the service charges for, where its answer says so in words that no reader knows. A recorder
    /// with
    /// [costs](super::CallRecorder::costs) prices and records it.
    pub fn charge(&self, charge: Charge) {
        self.told.borrow_mut().charges.push(charge);
    }

    /// Tells when the service takes the next call, where its answer says so in words that no reader knows.
    pub fn retry_at(&self, retry_at: Timestamp) {
        self.told.borrow_mut().retry_at = Some(retry_at);
    }

    /// Tells how many requests it took, where that is known only afterwards. Requests beyond those of the
    /// [`NewCall`](super::NewCall) count in the rate limits of the call, too.
    pub fn request_count(&self, request_count: u32) {
        self.told.borrow_mut().request_count = Some(request_count);
    }

    /// The call that this thread is making inside [`CallRecorder::call`](super::CallRecorder::call); `None` outside.
    ///
    /// An implementation of [`Marketplace`](crate::publishing::Marketplace) or
    /// [`SocialNetwork`](crate::publishing::SocialNetwork) tells this call what its HTTP client has received.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(|calls| calls.last().cloned())
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs `f` while this call is the current one.
    pub(super) fn within<T>(&self, f: impl FnOnce() -> T) -> T {
        CURRENT.with_borrow_mut(|calls| calls.push(self.clone()));
        let _leave = Leave;
        f()
    }

    /// The facts given so far.
    pub(super) fn take(&self) -> Told {
        self.told.take()
    }

    pub(super) fn put(&self, told: Told) {
        self.told.replace(told);
    }
}

thread_local! {
    /// The calls that this thread is making, the innermost last.
    static CURRENT: RefCell<Vec<OpenCall>> = const { RefCell::new(Vec::new()) };
}

struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|calls| drop(calls.pop()));
    }
}
