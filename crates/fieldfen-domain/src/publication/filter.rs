//! Filters of publications, listings and posts, and the selection of publications for pruning.

use super::{IdempotencyKey, ListingStatus, Platform, PublicationState, SocialPlatform};
use crate::OptionalText;
use crate::ids::FileId;
use crate::time::Timestamp;

/// A filter of publications. A publication passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublicationFilter {
    /// Only publications in this state.
    pub state: Option<PublicationState>,
    /// Only publications of this file.
    pub file_id: Option<FileId>,
    /// Only products at this platform.
    pub platform: Option<Platform>,
    /// Only posts at this network.
    pub network: Option<SocialPlatform>,
    /// Only publications at accounts with this name. The empty name means the only account of a platform.
    pub account: Option<String>,
    /// Only publications with this key.
    pub key: Option<IdempotencyKey>,
    /// Only publications that are, or were, confirmed with this id at their platform.
    pub platform_id: Option<String>,
}

impl PublicationFilter {
    /// A filter that every publication passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only publications in this state; `None` for any.
    #[must_use]
    pub fn state(mut self, state: impl Into<Option<PublicationState>>) -> Self {
        self.state = state.into();
        self
    }

    /// Only publications of this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Only products at this platform; `None` for any platform, and for posts.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<Option<Platform>>) -> Self {
        self.platform = platform.into();
        self
    }

    /// Only posts at this network; `None` for any network, and for products.
    #[must_use]
    pub fn network(mut self, network: impl Into<Option<SocialPlatform>>) -> Self {
        self.network = network.into();
        self
    }

    /// Only publications at accounts with this name; `None` for any.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.account = account.into().0;
        self
    }

    /// Only publications with this key; `None` for any.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }

    /// Only publications that are, or were, confirmed with this id at their platform; `None` for any.
    #[must_use]
    pub fn platform_id(mut self, platform_id: impl Into<OptionalText>) -> Self {
        self.platform_id = platform_id.into().0;
        self
    }
}

/// A filter of listings. A listing passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListingFilter {
    /// Only listings at this platform.
    pub platform: Option<Platform>,
    /// Only listings with this status.
    pub status: Option<ListingStatus>,
    /// Only listings of this file.
    pub file_id: Option<FileId>,
    /// Only listings whose row has this text in the column of the product's id.
    pub platform_listing_id: Option<String>,
    /// Only listings that are not delisted. A row with an unreadable status counts as unreadable.
    pub live: bool,
}

impl ListingFilter {
    /// A filter that every listing passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only listings at this platform; `None` for any.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<Option<Platform>>) -> Self {
        self.platform = platform.into();
        self
    }

    /// Only listings with this status; `None` for any.
    #[must_use]
    pub fn status(mut self, status: impl Into<Option<ListingStatus>>) -> Self {
        self.status = status.into();
        self
    }

    /// Only listings of this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Only listings whose row has this text in the column of the product's id; `None` for any.
    #[must_use]
    pub fn platform_listing_id(mut self, platform_listing_id: impl Into<OptionalText>) -> Self {
        self.platform_listing_id = platform_listing_id.into().0;
        self
    }

    /// Only listings that are not delisted.
    #[must_use]
    pub const fn live(mut self) -> Self {
        self.live = true;
        self
    }
}

/// A filter of posts. A post passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostFilter {
    /// Only posts at this network.
    pub network: Option<SocialPlatform>,
    /// Only posts of this file.
    pub file_id: Option<FileId>,
}

impl PostFilter {
    /// A filter that every post passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only posts at this network; `None` for any.
    #[must_use]
    pub fn network(mut self, network: impl Into<Option<SocialPlatform>>) -> Self {
        self.network = network.into();
        self
    }

    /// Only posts of this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }
}

/// Selects the publications that are pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunePublications {
    /// Publications that were released or ended before this time.
    pub before: Timestamp,
    /// The largest number of publications that one call deletes.
    pub limit: u32,
}

impl PrunePublications {
    /// Deletes at most `limit` publications that were released or ended before this time.
    #[must_use]
    pub const fn new(before: Timestamp, limit: u32) -> Self {
        Self { before, limit }
    }
}
