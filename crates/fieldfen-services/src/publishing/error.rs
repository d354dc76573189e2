//! Errors of publishing.

use fieldfen_domain::ListingId;
use fieldfen_domain::store::StoreError;

use super::call_error::CallError;

/// The error of publishing that did not finish. A later attempt continues it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// No marketplace or network was given for this target.
    #[error("{target}: no marketplace or network is configured for that platform and account; give the publisher one")]
    NotConfigured {
        /// The platform and account, as text for people.
        target: String,
    },
    /// A product had to be taken down, and the call failed.
    #[error("{platform_id:?} is at the platform and has to be taken down, which failed; try again")]
    NotTakenDown {
        /// Its id at the platform.
        platform_id: String,
        /// The platform's answer.
        source: CallError,
    },
    /// The lookup of a product or post failed.
    #[error("the product or post {key:?} could not be looked up at the platform; try again")]
    Lookup {
        /// The key, or the id at the platform.
        key: String,
        /// The platform's answer.
        source: CallError,
    },
    /// The update of a listing failed.
    #[error("listing {platform_id:?} could not be brought up to date")]
    Update {
        /// Its id at the platform.
        platform_id: String,
        /// The platform's answer.
        source: CallError,
    },
    /// A listing without a publication may be at any of several accounts.
    #[error("listing {platform_id:?} may be at any of {accounts} accounts: a person has to say at which one")]
    WhichAccount {
        /// Its id at the platform.
        platform_id: String,
        /// The number of these accounts.
        accounts: usize,
    },
    /// A listing without a publication has no id that could be looked up at its platform.
    #[error(
        "listing {listing} has no id at the platform that could be looked up ({platform_id:?}): a person has to write it into the row, or to say that the product is gone"
    )]
    NoId {
        /// The id of the row of `listings`.
        listing: ListingId,
        /// The value in the id's column.
        platform_id: String,
    },
    /// The call for a page of the platform's products failed.
    #[error("{platform} could not be asked for its products")]
    Page {
        /// The name of the platform that was asked.
        platform: String,
        /// The platform's answer.
        source: CallError,
    },
    /// The pages of the platform's products repeat or do not end.
    #[error("the list of products at {platform} has no end: after {pages} pages it leads on to {cursor:?}")]
    Endless {
        /// The name of the platform that was asked.
        platform: String,
        /// The number of pages that were read.
        pages: usize,
        /// The cursor of the next page.
        cursor: String,
    },
    /// The store failed; see [`StoreError::disposition`](fieldfen_domain::store::StoreError::disposition).
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl PublishError {
    /// The platform's answer, if a call of the platform caused the error.
    #[must_use]
    pub const fn call(&self) -> Option<&CallError> {
        match self {
            Self::NotTakenDown { source, .. }
            | Self::Lookup { source, .. }
            | Self::Update { source, .. }
            | Self::Page { source, .. } => Some(source),
            _ => None,
        }
    }
}
