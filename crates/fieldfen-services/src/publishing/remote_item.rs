//! A product or post as its platform describes it.

use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::{ConfirmedRow, IdempotencyKey, ListingStatus};

use super::marketplace::Product;
use super::social_network::Post;
use crate::Environment;

/// A product or post that a platform has, as far as it matters for its row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteItem {
    /// Its id at the platform.
    pub platform_id: String,
    /// The address of its page at the platform.
    pub url: Option<String>,
    /// The key that the platform says; `None` where it says none.
    pub key: Option<IdempotencyKey>,
    /// Whether it is a product, and with which status, or a post.
    pub kind: RemoteItemKind,
    /// When the platform says that it was so. Where it does not say, the item counts as of the time before the call.
    pub as_of: Option<Timestamp>,
}

/// A product with its status, or a post.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteItemKind {
    /// A product at a marketplace.
    Listing {
        /// The platform's status as one of the specification's.
        status: ListingStatus,
        /// The platform's own word for the status.
        platform_status: Option<String>,
    },
    /// A post at a social network.
    Post,
}

impl RemoteItem {
    /// The product or post that its platform has under this id.
    #[must_use]
    pub fn new(platform_id: impl Into<String>, kind: RemoteItemKind) -> Self {
        Self { platform_id: platform_id.into(), url: None, key: None, kind, as_of: None }
    }

    /// The same item with this page.
    #[must_use]
    pub fn url(mut self, url: impl Into<Option<String>>) -> Self {
        self.url = url.into();
        self
    }

    /// The same item with the key that the platform says.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }

    /// The same item, which was so at this time.
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
        match self.kind {
            RemoteItemKind::Listing { status, .. } => status.is_live(),
            RemoteItemKind::Post => true,
        }
    }
}

impl RemoteItemKind {
    /// The row that a confirmation as this item writes, with a new id.
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
