//! The differences between a platform and the store for one account.

use fieldfen_domain::publication::{Listing, Platform, Publication};
use fieldfen_domain::{Timestamp, UnreadableRow};

use crate::publishing::marketplace::Product;

/// The answer to [`Publisher::reconcile`](crate::publishing::Publisher::reconcile).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconcileReport {
    /// The platform of the products.
    pub platform: Platform,
    /// The account of the products; empty if there is only one.
    pub account: String,
    /// The time at which the platform was asked. A publication that was confirmed less than the length of a reservation
    /// before, or later, does not count as missing.
    pub asked_at: Timestamp,
    /// Listings that are live in the store and not at the platform, or whose id now belongs to the product of another
    /// publication.
    pub missing: Vec<Listing>,
    /// Listings whose status differs from the platform's.
    pub mismatched: Vec<StatusMismatch>,
    /// Products with the key of a publication that is not confirmed: the answer to the call was lost or late, or the
    /// confirmed product is gone.
    pub unconfirmed: Vec<UnconfirmedProduct>,
    /// Products with the key of a publication that is confirmed as another product, and products of a file that another
    /// program has listed beside a publication's own.
    pub duplicates: Vec<DuplicateProduct>,
    /// Products without a row and a known key: made by hand or by another program, or left behind by a deleted file.
    pub orphaned: Vec<Product>,
    /// Rows that could not be read. Their products may be among the orphaned ones. The other rows of their files are
    /// not changed.
    pub unreadable: Vec<UnreadableRow>,
}

/// A listing whose status differs from its platform's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusMismatch {
    /// The row, with the status in the store.
    pub listing: Listing,
    /// The product, with the platform's status.
    pub product: Product,
}

/// A product that belongs to an unconfirmed publication.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnconfirmedProduct {
    /// The publication whose key the product has.
    pub publication: Publication,
    /// The product at the platform.
    pub product: Product,
}

/// A second product for one publication.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DuplicateProduct {
    /// The publication, which is confirmed as the other product.
    pub publication: Publication,
    /// The duplicate product.
    pub product: Product,
    /// The id of the confirmed product, which stays, at the platform.
    pub confirmed_id: String,
}

impl ReconcileReport {
    /// A report without differences.
    pub(super) const fn new(platform: Platform, account: String, asked_at: Timestamp) -> Self {
        Self {
            platform,
            account,
            asked_at,
            missing: Vec::new(),
            mismatched: Vec::new(),
            unconfirmed: Vec::new(),
            duplicates: Vec::new(),
            orphaned: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Returns whether the report has no differences.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.missing.is_empty()
            && self.mismatched.is_empty()
            && self.unconfirmed.is_empty()
            && self.duplicates.is_empty()
            && self.orphaned.is_empty()
            && self.unreadable.is_empty()
    }
}
