//! A cost as a program records it.

use fieldfen_domain::OptionalText;
use fieldfen_domain::api_cost::{MeasuredAmounts, Money};
use fieldfen_domain::{FileId, JobId, Timestamp};
use fieldfen_rate_limits::{Charge, PendingCharge, Reading};

use crate::api_usage::current_job;

/// The stage of the thing that the service charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has begun, and its amounts are not final.
    Started,
    /// It has ended, and the service charges for it.
    Charged,
    /// The service does not charge for it.
    Free,
}

/// A cost as a program records it. [`ApiCosts::record`](super::ApiCosts::record) prices and stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCost {
    pub(super) stage: Stage,
    pub(super) service: String,
    pub(super) external_id: String,
    pub(super) account: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) item: Option<String>,
    pub(super) amounts: MeasuredAmounts,
    pub(super) guess: Option<Money>,
    pub(super) price: Option<Money>,
    pub(super) at: Option<Timestamp>,
    pub(super) job_id: Option<JobId>,
    pub(super) file_id: Option<FileId>,
}

impl NewCost {
    fn new(stage: Stage, service: impl Into<String>, external_id: impl Into<String>) -> Self {
        let job = current_job::current();
        Self {
            stage,
            service: service.into(),
            external_id: external_id.into(),
            account: None,
            endpoint: None,
            item: None,
            amounts: MeasuredAmounts::new(),
            guess: None,
            price: None,
            at: None,
            job_id: job.map(|job| job.id),
            file_id: job.and_then(|job| job.file_id),
        }
    }

    /// The service has begun something that it may charge for, under this id. Budgets count a guess until the cost is
    /// known. The job and the file are those of the handler that runs on this thread, if one does.
    #[must_use]
    pub fn started(service: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self::new(Stage::Started, service, external_id)
    }

    /// The service charges for the thing with this id, and the amounts are final.
    #[must_use]
    pub fn charged(service: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self::new(Stage::Charged, service, external_id)
    }

    /// The service does not charge for the thing with this id.
    #[must_use]
    pub fn free(service: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self::new(Stage::Free, service, external_id)
    }

    /// A charge that was read from a response of this service.
    #[must_use]
    pub fn of_charge(service: impl Into<String>, charge: &Charge) -> Self {
        let stage = if charge.billable { Stage::Charged } else { Stage::Free };
        let mut cost = Self::new(stage, service, charge.external_id.as_str());
        cost.item = charge.item.clone();
        cost.amounts = charge.amounts.iter().map(|amount| (amount.name.as_str(), amount.micros)).collect();
        cost
    }

    /// Something that has begun, as a response of this service tells it.
    #[must_use]
    pub fn of_pending_charge(service: impl Into<String>, pending: &PendingCharge) -> Self {
        Self::started(service, pending.external_id.as_str()).item(pending.item.clone())
    }

    /// The charges and pending charges of a response.
    pub(crate) fn of_reading<'a>(service: &'a str, reading: &'a Reading) -> impl Iterator<Item = Self> + use<'a> {
        let charges = reading.charges.iter().map(move |charge| Self::of_charge(service, charge));
        charges.chain(reading.pending_charges.iter().map(move |pending| Self::of_pending_charge(service, pending)))
    }

    /// Sets the account at the service; an empty text stands for the only one.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into()).filter(|account| !account.is_empty());
        self
    }

    /// Sets the endpoint or action that incurred the cost. It counts when the cost is first recorded.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.endpoint = endpoint.into().0;
        self
    }

    /// Sets the thing that was bought, for example the name of a model.
    #[must_use]
    pub fn item(mut self, item: impl Into<OptionalText>) -> Self {
        self.item = item.into().0;
        self
    }

    /// Adds a measured amount in millionths: 3.8 seconds are 3,800,000.
    #[must_use]
    pub fn amount(mut self, name: impl Into<String>, micros: u64) -> Self {
        self.amounts = self.amounts.with(name, micros);
        self
    }

    /// Sets the amount that budgets count while the cost is not known. Without it, the handle makes a
    /// [guess](super::ApiCosts::guess).
    #[must_use]
    pub fn guess(mut self, guess: impl Into<Option<Money>>) -> Self {
        self.guess = guess.into();
        self
    }

    /// Sets the amount of money of a charge, for example because the service states it. It is taken instead of a price
    /// from the table.
    #[must_use]
    pub fn price(mut self, price: impl Into<Option<Money>>) -> Self {
        self.price = price.into();
        self
    }

    /// Sets the time at which the cost was incurred; by default it is the time of the record.
    #[must_use]
    pub fn at(mut self, at: impl Into<Option<Timestamp>>) -> Self {
        self.at = at.into();
        self
    }

    /// Sets the job that incurred the cost.
    #[must_use]
    pub fn job_id(mut self, job_id: impl Into<Option<JobId>>) -> Self {
        self.job_id = job_id.into();
        self
    }

    /// Sets the file for which the cost was incurred.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }
}
