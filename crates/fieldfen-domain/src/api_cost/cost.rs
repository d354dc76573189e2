//! One cost: a row of `api_costs`.

use super::amounts::MeasuredAmounts;
use super::money::Money;
use crate::OptionalText;
use crate::ids::{FileId, JobId};
use crate::store::StoreError;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// The word for the state of a cost.
    pub enum CostStatus as "cost status" {
        /// The amount is not final: the prediction, or another thing that the service charges for, has not ended.
        Pending = "pending",
        /// The amount is known.
        Known = "known",
        /// The service charges, but the price is unknown.
        Unknown = "unknown",
        /// The service does not charge.
        Free = "free",
    }
}

/// The state of a cost. A budget counts the guess until the amount is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostState {
    /// The thing that the service charges for has not ended.
    Pending {
        /// The amount that a budget counts meanwhile.
        guess: Money,
    },
    /// The amount is known. It may be zero by the price table.
    Known {
        /// The amount.
        amount: Money,
    },
    /// The service charges, but no price is known.
    Unknown {
        /// The amount that a budget counts meanwhile.
        guess: Money,
    },
    /// The service does not charge.
    Free,
}

impl CostState {
    /// The word for this state.
    #[must_use]
    pub const fn status(self) -> CostStatus {
        match self {
            Self::Pending { .. } => CostStatus::Pending,
            Self::Known { .. } => CostStatus::Known,
            Self::Unknown { .. } => CostStatus::Unknown,
            Self::Free => CostStatus::Free,
        }
    }

    /// The known amount.
    #[must_use]
    pub const fn amount(self) -> Option<Money> {
        match self {
            Self::Known { amount } => Some(amount),
            _ => None,
        }
    }

    /// The guess of a cost whose amount is not known.
    #[must_use]
    pub const fn guess(self) -> Option<Money> {
        match self {
            Self::Pending { guess } | Self::Unknown { guess } => Some(guess),
            _ => None,
        }
    }
}

/// The cost of one thing that a service charges for, for example a prediction.
///
/// Service and external id identify a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiCost {
    /// The service, for example `replicate`.
    pub service: String,
    /// The service's id of the thing that it charges for. If the service gives none, the program makes one up.
    pub external_id: String,
    /// The account at the service; `None` if there is only one.
    pub account: Option<String>,
    /// The endpoint or action that was called.
    pub endpoint: Option<String>,
    /// The thing that was bought, for example the name of a model.
    pub item: Option<String>,
    /// The amounts by which the price is calculated.
    pub amounts: MeasuredAmounts,
    /// The state, with the amount of money.
    pub state: CostState,
    /// The time at which the cost was incurred, by the caller's clock. The cost belongs to the day and month of this
    /// time, also if its amount becomes known later.
    pub at: Timestamp,
    /// The time at which the cost became [known](CostState::Known) or [free](CostState::Free).
    pub settled_at: Option<Timestamp>,
    /// The job that incurred the cost. The row of the job may have been deleted since.
    pub job_id: Option<JobId>,
    /// The file for which the cost was incurred. The row of the file may have been deleted since.
    pub file_id: Option<FileId>,
}

impl ApiCost {
    /// A cost incurred at this time. If its state is final, it is settled at this time too.
    #[must_use]
    pub fn new(service: impl Into<String>, external_id: impl Into<String>, state: CostState, at: Timestamp) -> Self {
        Self {
            service: service.into(),
            external_id: external_id.into(),
            account: None,
            endpoint: None,
            item: None,
            amounts: MeasuredAmounts::new(),
            state,
            at,
            settled_at: state.guess().is_none().then_some(at),
            job_id: None,
            file_id: None,
        }
    }

    /// Sets the account at the service.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.account = account.into().0;
        self
    }

    /// Sets the endpoint or action.
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

    /// Sets the measured amounts.
    #[must_use]
    pub fn amounts(mut self, amounts: MeasuredAmounts) -> Self {
        self.amounts = amounts;
        self
    }

    /// Sets the state. `now` is the time at which a final state was reached.
    #[must_use]
    pub fn state(mut self, state: CostState, now: Timestamp) -> Self {
        self.settled_at = state.guess().is_none().then_some(now);
        self.state = state;
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

    /// Checks the values before a store keeps them.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a blank service or external id.
    pub fn check(&self) -> Result<(), StoreError> {
        for (what, value) in [("service of a cost", &self.service), ("external id of a cost", &self.external_id)] {
            if value.trim().is_empty() {
                return Err(StoreError::Invalid { what, value: value.clone(), rule: "it must not be blank" });
            }
        }
        Ok(())
    }
}
