//! The request to take a product or post down, which only a worker with the platform's client can carry out.

use fieldfen_domain::job::{ApiAccount, Payload, Priority};
use fieldfen_domain::operator::Action;
use fieldfen_domain::publication::{PlatformRow, PlatformRowId};
use fieldfen_domain::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use super::answer::OperatorAnswer;
use super::{Operator, Request};
use crate::publishing::WithdrawOutcome;
use crate::publishing::withdraw::{its_publication, with_its_file};

/// Takes a product or post down at its platform.
///
/// [`Publisher::serve`](crate::publishing::Publisher::serve) registers its handler. A worker whose publisher has no client
/// for the account declines the job, so that another worker can carry it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// The operator and the reason.
    pub action: Action,
    /// The row of `listings` or `social_posts`.
    pub row: PlatformRowId,
    /// The platform of the row, by which pauses of the service hold the job back.
    pub platform: String,
    /// The account of the row at the platform; empty if there is only one, or if it is unknown.
    #[serde(default)]
    pub account: String,
}

impl Payload for WithdrawRequest {
    const KIND: &'static str = "fieldfen.withdraw";
    const MAX_RETRIES: Option<u32> = Some(5);
    /// Urgent, because a person waits for the answer.
    const PRIORITY: Priority = Priority::Urgent;

    fn account(&self) -> Option<ApiAccount> {
        ApiAccount::of(&self.platform, &self.account)
    }
}

impl<S: Store> Operator<S> {
    /// Creates a request to take the product or post of a row down at its platform; see
    /// [`Publisher::withdraw`](crate::publishing::Publisher::withdraw). `None` if there is no such row.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if a row of its file cannot be read.
    pub fn withdraw(&self, row: PlatformRowId, action: &Action) -> Result<Option<Request>, StoreError> {
        let found = self.store().read(|s| with_its_file(s, row))?;
        let Some((found, of_file)) = found else { return Ok(None) };
        let account = its_publication(&found, &of_file).map_or("", |its| its.target.account()).to_owned();
        let platform = match &found {
            PlatformRow::Listing(listing) => listing.platform.as_str(),
            PlatformRow::Post(post) => post.platform.as_str(),
        };
        let request = WithdrawRequest { action: action.clone(), row, platform: platform.to_owned(), account };
        self.request(&request).map(Some).map_err(|error| StoreError::Database(error.into()))
    }
}

/// The answer to the person who has asked.
pub(crate) fn answer(outcome: WithdrawOutcome) -> OperatorAnswer {
    match outcome {
        WithdrawOutcome::Withdrawn => OperatorAnswer::Done { status: None, jobs: Vec::new() },
        WithdrawOutcome::AlreadyGone => OperatorAnswer::Unchanged { status: None },
        WithdrawOutcome::Refused { reason } => OperatorAnswer::Refused { reason },
        WithdrawOutcome::NotFound => OperatorAnswer::NotFound,
    }
}
