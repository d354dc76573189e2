//! Publications, listings and posts.

use super::StoreError;
use crate::ids::{FenceToken, FileId, ListingId, PublicationId};
use crate::job::Fenced;
use crate::page::{Page, PageRequest};
use crate::publication::{
    Confirmation, Confirmed, Listing, ListingUpdate, ListingUpdated, Platform, Publication, PublicationState,
    ReserveRequest, Reserved, SocialPost,
};
use crate::time::Timestamp;

/// Reading publications and what came of them.
///
/// What a file has on the platforms is given whole or not at all: whoever decides by it what to publish and what to take
/// down must not miss a row because it cannot be read. The error names the first of them; pages name all.
pub trait PublicationReads {
    /// The publication with this id.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no publication can hold; other [`StoreError`]s as the store has
    /// them.
    fn find(&mut self, id: &PublicationId) -> Result<Option<Publication>, StoreError>;

    /// All publications of a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn of_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError>;

    /// A page of the publications in this state, the oldest first. Rows that no publication can be read from are named
    /// in it.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn in_state(&mut self, state: PublicationState, page: PageRequest) -> Result<Page<Publication>, StoreError>;

    /// All listings of a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn listings(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError>;

    /// A page of all listings at a platform, the oldest first. Rows that no listing can be read from are named in it.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn listings_at(&mut self, platform: Platform, page: PageRequest) -> Result<Page<Listing>, StoreError>;

    /// The listing with this id at its platform.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn listing_at(&mut self, platform: Platform, platform_id: &str) -> Result<Option<Listing>, StoreError>;

    /// All posts that show a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn posts(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError>;
}

/// Publishing: reserve, call the platform, then confirm, release or mark unknown.
pub trait Publications: PublicationReads {
    /// Reserves a target for a file.
    ///
    /// A reservation whose time is over, and one marked unknown, is taken over as [`Reserved::Unresolved`].
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such file.
    fn reserve(&mut self, request: &ReserveRequest) -> Result<Reserved, StoreError>;

    /// Records what the platform says is there, and inserts its row.
    ///
    /// Needs no token: that a product exists is a fact, whoever reports it. A publication that has ended is confirmed
    /// anew, as the same product or another. Newer news of a listing is kept, and an event in the future counts as of
    /// now.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when another file's listing has this platform id, [`StoreError::Invalid`] when the
    /// row does not go with the target.
    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<Confirmed, StoreError>;

    /// Gives the target free: the platform has said that nothing is there.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError>;

    /// Says that no answer came. Anybody may then take the publication over to look it up.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError>;
}

/// Listings that are out there.
pub trait Listings {
    /// Brings a listing's status up to date, unless newer news is known. A delisted one ends its publication.
    ///
    /// An event in the future counts as of now, so that a wrong clock keeps no later news out.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn update(&mut self, id: &ListingId, update: &ListingUpdate) -> Result<ListingUpdated, StoreError>;
}
