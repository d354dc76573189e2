//! A product or post as its platform describes it.

use fieldfen_domain::OptionalText;
use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::{ConfirmedRow, IdempotencyKey, ListingStatus};

use super::marketplace::Product;
use super::social_network::Post;
use crate::Environment;

/// A product or post at a platform, with the values that its row needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteItem {
    /// Its id at the platform.
    pub platform_id: String,
    /// The address of its page at the platform; `None` if it is unknown.
    pub url: Option<String>,
    /// The key that the platform reports; `None` if it reports none.
    pub key: Option<IdempotencyKey>,
    /// Whether it is a product, with its status, or a post.
    pub kind: RemoteItemKind,
    /// The time at which this was its state, by the platform. Without one, the time before the call counts.
    pub as_of: Option<Timestamp>,
}

/// A product with its status, or a post.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteItemKind {
    /// A product at a marketplace.
    Listing {
        /// The platform's status, mapped to a status of the specification.
        status: ListingStatus,
        /// The platform's own name of the status; `None` if it is unknown.
        platform_status: Option<String>,
    },
    /// A post at a social network.
    Post,
}

impl RemoteItem {
    /// The product or post with this id at its platform.
    #[must_use]
    pub fn new(platform_id: impl Into<String>, kind: RemoteItemKind) -> Self {
        Self { platform_id: platform_id.into(), url: None, key: None, kind, as_of: None }
    }

    /// Sets the address of the page.
    #[must_use]
    pub fn url(mut self, url: impl Into<OptionalText>) -> Self {
        self.url = url.into().0;
        self
    }

    /// Sets the key that the platform reports.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }

    /// Sets the time at which this was its state.
    #[must_use]
    pub fn as_of(mut self, as_of: impl Into<Option<Timestamp>>) -> Self {
        self.as_of = as_of.into();
        self
    }

    /// The key that the platform reports; an empty key counts as none.
    pub(super) fn reported_key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref().filter(|key| !key.as_str().trim().is_empty())
    }

    pub(super) const fn is_live(&self) -> bool {
        match self.kind {
            RemoteItemKind::Listing { status, .. } => status.is_live(),
            RemoteItemKind::Post => true,
        }
    }
}

impl RemoteItemKind {
    /// The row that a confirmation as this item inserts, with a new id.
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

impl From<Product> for RemoteItem {
    fn from(product: Product) -> Self {
        let (status, platform_status) = (product.status, product.platform_status);
        let kind = RemoteItemKind::Listing { status, platform_status };
        Self { platform_id: product.platform_id, url: product.url, key: product.key, kind, as_of: product.as_of }
    }
}

impl From<Post> for RemoteItem {
    fn from(post: Post) -> Self {
        Self { platform_id: post.platform_id, url: post.url, key: post.key, kind: RemoteItemKind::Post, as_of: None }
    }
}
