//! Errors of publishing.

use fieldfen_domain::ListingId;
use fieldfen_domain::store::StoreError;

use super::call_error::CallError;

/// Why publishing could not be brought to an end. A later try does that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// No marketplace or network was given for this target.
    #[error("{target}: no marketplace or network is configured for that platform and account; give the publisher one")]
    NotConfigured {
        /// The platform and account, as text for people.
        target: String,
    },
    /// A product that must not stay could not be taken down.
    #[error("{platform_id:?} is at the platform and has to be taken down, which failed; try again")]
    NotTakenDown {
        /// Its id at the platform.
        platform_id: String,
        /// What the platform said.
        source: CallError,
    },
    /// A product or a post could not be looked up.
    #[error("the product or post {key:?} could not be looked up at the platform; try again")]
    Lookup {
        /// The key, or the id at the platform.
        key: String,
        /// What the platform said.
        source: CallError,
    },
    /// A listing could not be brought up to date.
    #[error("listing {platform_id:?} could not be brought up to date")]
    Update {
        /// Its id at the platform.
        platform_id: String,
        /// What the platform said.
        source: CallError,
    },
    /// A listing that no publication knows may be at any of several accounts.
    #[error("listing {platform_id:?} may be at any of {accounts} accounts: a person has to say at which one")]
    WhichAccount {
        /// Its id at the platform.
        platform_id: String,
        /// How many there are.
        accounts: usize,
    },
    /// A listing that no publication knows has no id that a platform could be asked for.
    #[error(
        "listing {listing} has no id at the platform that could be looked up ({platform_id:?}): a person has to write it into the row, or to say that the product is gone"
    )]
    NoId {
        /// The id of the row of `listings`.
        listing: ListingId,
        /// What the row has in the place of the id.
        platform_id: String,
    },
    /// The platform did not say what it has.
    #[error("{platform} could not be asked for its products")]
    Page {
        /// The name of the platform that was asked.
        platform: String,
        /// What the platform said.
        source: CallError,
    },
    /// The platform's list of products leads back to where it was, or does not end.
    #[error("the list of products at {platform} has no end: after {pages} pages it leads on to {cursor:?}")]
    Endless {
        /// The name of the platform that was asked.
        platform: String,
        /// How many pages were read.
        pages: usize,
        /// Where the next page begins.
        cursor: String,
    },
    /// The store failed; see [`StoreError::disposition`](fieldfen_domain::store::StoreError::disposition).
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl PublishError {
    /// What the platform said, where it was the platform.
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
