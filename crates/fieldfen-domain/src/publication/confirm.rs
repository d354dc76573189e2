//! Confirms a publication with a platform's answer.

use super::ListingStatus;
use crate::OptionalText;
use crate::ids::{FileId, ListingId, SocialPostId};
use crate::time::Timestamp;

/// A platform's answer that a product or post exists there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmation {
    /// The platform's id of the product or post. It must not be blank.
    pub platform_id: String,
    /// The address of its public page; `None` if the platform gives none.
    pub url: Option<String>,
    /// The row of `listings` or `social_posts`. The store inserts it if none exists.
    pub row: ConfirmedRow,
    /// The time since which the product has the status, by the platform. If the platform reports none, a time before
    /// the call or the lookup.
    pub event_at: Timestamp,
    /// The time at which the answer arrived, by the caller's clock.
    pub at: Timestamp,
}

impl Confirmation {
    /// A product or post with this id at its platform.
    #[must_use]
    pub fn new(platform_id: impl Into<String>, row: ConfirmedRow, event_at: Timestamp, at: Timestamp) -> Self {
        Self { platform_id: platform_id.into(), url: None, row, event_at, at }
    }

    /// Sets the id at the platform.
    #[must_use]
    pub fn platform_id(mut self, platform_id: impl Into<String>) -> Self {
        self.platform_id = platform_id.into();
        self
    }

    /// Sets the address of the public page.
    #[must_use]
    pub fn url(mut self, url: impl Into<OptionalText>) -> Self {
        self.url = url.into().0;
        self
    }

    /// Sets the row.
    #[must_use]
    pub fn row(mut self, row: ConfirmedRow) -> Self {
        self.row = row;
        self
    }

    /// Sets the time since which the product has the status.
    #[must_use]
    pub fn event_at(mut self, event_at: Timestamp) -> Self {
        self.event_at = event_at;
        self
    }

    /// Sets the time at which the answer arrived.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}

/// The row of a confirmation: of `listings` for a [`Target::Listing`](super::Target::Listing), of
/// `social_posts` for a [`Target::Post`](super::Target::Post).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmedRow {
    /// A row of `listings`.
    Listing {
        /// The id of a new row.
        id: ListingId,
        /// The status at the platform.
        status: ListingStatus,
        /// The platform's own name of the status; `None` if it is unknown.
        platform_status: Option<String>,
    },
    /// A row of `social_posts`.
    Post {
        /// The id of a new row.
        id: SocialPostId,
    },
}

/// The answer to a [`Confirmation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmOutcome {
    /// The publication is confirmed, and its row is written.
    Done,
    /// The row is written. A newer status reports that the product has been taken down since, so the publication has
    /// ended.
    Ended,
    /// The publication was confirmed with the same platform id before. Nothing was changed.
    AlreadyDone,
    /// Another product or post is live for the same target. This one is a duplicate, and the caller takes it down.
    /// Nothing was changed.
    Duplicate {
        /// The id of the other one at the platform; `None` if it is unknown.
        live: Option<String>,
    },
    /// Another target or another file is confirmed as this product, or has its row. Nothing was changed.
    Taken {
        /// The file of the other one.
        file_id: FileId,
    },
    /// The publication does not exist.
    NotFound,
}
