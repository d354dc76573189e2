//! Adopting a row that belongs to no publication.

use super::{Confirmation, IdempotencyKey, PlatformRowId, Publication, ReserveRequest};

/// A wish to take a row that belongs to no publication for the product or post of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adoption {
    /// The publication to be made. It is not held.
    pub request: ReserveRequest,
    /// The row of `listings` or `social_posts` to adopt.
    pub row: PlatformRowId,
    /// The key with which the platform has the product, where it says one.
    pub client_key: Option<IdempotencyKey>,
    /// The product or post as the platform or a person describes it. The id of the row to be made is ignored.
    pub confirmation: Confirmation,
}

impl Adoption {
    /// A wish to take this row for the target of this request.
    #[must_use]
    pub const fn new(request: ReserveRequest, row: PlatformRowId, confirmation: Confirmation) -> Self {
        Self { request, row, client_key: None, confirmation }
    }

    /// The same wish for a product that the platform has with this key.
    #[must_use]
    pub fn client_key(mut self, client_key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.client_key = client_key.into();
        self
    }
}

/// What became of an [`Adoption`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdoptOutcome {
    /// The publication is confirmed, and the row belongs to it.
    Done(Publication),
    /// Another publication of this target is live; nothing was changed.
    Live(Publication),
    /// Another publication is confirmed as this product; nothing was changed.
    Taken(Publication),
    /// The row is gone, over, or belongs to a publication by now; nothing was changed.
    NotUnclaimed,
}
