//! Adopting a row that belongs to no publication.

use super::{Confirmation, IdempotencyKey, PlatformRowId, Publication, ReserveRequest};

/// A request to adopt a row that belongs to no publication, as the product or post of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adoption {
    /// The new publication. The end of its hold is ignored.
    pub request: ReserveRequest,
    /// The row of `listings` or `social_posts` to adopt.
    pub row: PlatformRowId,
    /// The key that the product has at the platform; `None` if the platform reports none.
    pub client_key: Option<IdempotencyKey>,
    /// The product or post as the platform or a person describes it. The id in [`ConfirmedRow`](super::ConfirmedRow)
    /// is ignored.
    pub confirmation: Confirmation,
}

impl Adoption {
    /// A request to adopt this row for the target of `request`.
    #[must_use]
    pub const fn new(request: ReserveRequest, row: PlatformRowId, confirmation: Confirmation) -> Self {
        Self { request, row, client_key: None, confirmation }
    }

    /// Sets the key that the product has at the platform.
    #[must_use]
    pub fn client_key(mut self, client_key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.client_key = client_key.into();
        self
    }
}

/// The answer to an [`Adoption`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdoptOutcome {
    /// The publication is confirmed, and the row belongs to it.
    Done(Publication),
    /// Another publication of this target is live. Nothing was changed.
    Live(Publication),
    /// Another publication is confirmed as this product. Nothing was changed.
    Taken(Publication),
    /// The row does not exist, is not live, or belongs to a publication by now. Nothing was changed.
    NotUntracked,
}
