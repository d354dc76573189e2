//! What a platform says that it has.

use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::{ConfirmedRow, IdempotencyKey, ListingStatus};

use super::platforms::{Post, Product};
use crate::Environment;

/// Something that a platform has, as far as it matters for its row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Its id there.
    pub platform_id: String,
    /// Its page there.
    pub url: Option<String>,
    /// The key that the platform says.
    pub key: Option<IdempotencyKey>,
    /// What it is.
    pub state: FoundState,
    /// When the platform says that it was so; `None` where it does not: then it counts as of before the call.
    pub as_of: Option<Timestamp>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundState {
    /// A product.
    Listing {
        /// Its status.
        status: ListingStatus,
        /// The platform's own word for it.
        platform_status: Option<String>,
    },
    /// A post.
    Post,
}

impl Found {
    /// Something that its platform has under this id.
    #[must_use]
    pub fn new(platform_id: impl Into<String>, state: FoundState) -> Self {
        Self { platform_id: platform_id.into(), url: None, key: None, state, as_of: None }
    }

    /// The same with this page.
    #[must_use]
    pub fn url(mut self, url: impl Into<Option<String>>) -> Self {
        self.url = url.into();
        self
    }

    /// The same with the key that the platform says.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }

    /// The same, which was so at this time.
    #[must_use]
    pub fn as_of(mut self, as_of: impl Into<Option<Timestamp>>) -> Self {
        self.as_of = as_of.into();
        self
    }

    /// The key that the platform says; an empty one says nothing.
    pub(super) fn said_key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref().filter(|key| !key.as_str().trim().is_empty())
    }

    pub(super) const fn is_live(&self) -> bool {
        match self.state {
            FoundState::Listing { status, .. } => status.is_live(),
            FoundState::Post => true,
        }
    }
}

impl FoundState {
    pub(super) fn row(&self, environment: &Environment) -> ConfirmedRow {
        match self {
            Self::Listing { status, platform_status } => ConfirmedRow::Listing {
                id: environment.listing_id(),
                status: *status,
                platform_status: platform_status.clone(),
            },
            Self::Post => ConfirmedRow::Post { id: environment.social_post_id() },
        }
    }
}

impl From<Product> for Found {
    fn from(product: Product) -> Self {
        let (status, platform_status) = (product.status, product.platform_status);
        let state = FoundState::Listing { status, platform_status };
        Self { platform_id: product.platform_id, url: product.url, key: product.key, state, as_of: product.as_of }
    }
}

impl From<Post> for Found {
    fn from(post: Post) -> Self {
        Self { platform_id: post.platform_id, url: post.url, key: post.key, state: FoundState::Post, as_of: None }
    }
}
