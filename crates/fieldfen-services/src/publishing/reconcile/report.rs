//! Where a platform and the store disagree about one account.

use fieldfen_domain::publication::{Listing, Platform, Publication};
use fieldfen_domain::{Timestamp, UnreadableRow};

use crate::publishing::marketplace::Product;

/// The answer to [`Publisher::reconcile`](crate::publishing::Publisher::reconcile).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconcileReport {
    /// The platform that was asked.
    pub platform: Platform,
    /// The account that was asked for; empty where there is only one.
    pub account: String,
    /// When the platform was asked; what was confirmed less than one hold before, or later, is not taken for missing.
    pub asked_at: Timestamp,
    /// Listings that are live here and not at the platform; also those whose id a product of another publication has there.
    pub missing: Vec<Listing>,
    /// Listings whose status here is not the platform's.
    pub mismatched: Vec<StatusMismatch>,
    /// Products that carry the key of a publication that is not confirmed: its answer was lost or came too late, or
    /// what it was confirmed as is gone.
    pub unconfirmed: Vec<UnconfirmedProduct>,
    /// Products that carry the key of a publication that is confirmed as another product, and those of a file that another
    /// program has listed beside a publication's own.
    pub duplicates: Vec<DuplicateProduct>,
    /// Products of which nothing is known here: made by hand or by another program, or left behind by a deleted file.
    pub orphaned: Vec<Product>,
    /// Rows that could not be read. Their products may be among the orphaned, and nothing else of their files is changed.
    pub unreadable: Vec<UnreadableRow>,
}

/// A listing whose status is another at its platform.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusMismatch {
    /// The row, with the status that is known here.
    pub listing: Listing,
    /// The product, with the platform's status.
    pub product: Product,
}

/// A product that belongs to a publication that is not confirmed.
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
    /// The product that is one too many.
    pub product: Product,
    /// The platform id of the confirmed one, which stays.
    pub confirmed_id: String,
}

impl ReconcileReport {
    /// A report in which platform and store agree.
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

    /// Whether platform and store agree.
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
