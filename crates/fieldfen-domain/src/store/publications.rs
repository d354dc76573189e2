//! Publications, listings and posts.

use super::StoreError;
use crate::ids::{FenceToken, FileId, ListingId, PublicationId, SocialPostId};
use crate::job::{FencedResult, ParkedFor};
use crate::page::{Page, PageRequest};
use crate::publication::{
    AdoptOutcome, Adoption, ConfirmOutcome, Confirmation, IdempotencyKey, Listing, ListingFilter, ListingUpdate,
    ListingUpdateOutcome, Platform, PostFilter, PrunePublications, Publication, PublicationFilter, ReleaseReason,
    ReserveOutcome, ReserveRequest, SocialPost,
};
use crate::time::Timestamp;

/// Reads rows of `publications`.
///
/// A list of a file's rows is complete, or it is an error: the caller uses it to decide what to publish and what to
/// take down, and must not miss an unreadable row. The error names the first such row. A page lists all of them in
/// [`Page::unreadable`].
pub trait PublicationReads {
    /// The publication with this id.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a publication.
    fn find(&mut self, id: &PublicationId) -> Result<Option<Publication>, StoreError>;

    /// All publications of a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError>;

    /// A page of the publications that pass a filter, in the order of insertion. Unreadable rows are listed in
    /// [`Page::unreadable`].
    ///
    /// A page may have fewer rows than its limit, or none, although more follow, because a store examines a bounded
    /// number of rows for one page. [`Page::next`] tells whether there is more.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &PublicationFilter, page: &PageRequest) -> Result<Page<Publication>, StoreError>;
}

/// Writes rows of `publications`. A publisher reserves a target, calls the platform, and then confirms the
/// publication, releases it or marks it unknown.
pub trait Publications: PublicationReads {
    /// Reserves a target for a file.
    ///
    /// A reservation that began [in the future](crate::is_ahead), by a clock that was ahead, begins now and keeps its
    /// length: [`FileOnPlatforms::restart_future_hold`](crate::publication::FileOnPlatforms::restart_future_hold).
    ///
    /// An expired reservation, and a publication marked unknown, is taken over; the answer is
    /// [`ReserveOutcome::Unresolved`]. A released publication is reserved again with its id and key. Nothing new is
    /// reserved at a platform where the file has a live row that belongs to no publication. The rule is
    /// [`decide_reserve`](crate::publication::FileOnPlatforms::decide_reserve).
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] if the file does not exist.
    fn reserve(&mut self, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError>;

    /// Records that a product or post is at its platform, and inserts or updates its row.
    ///
    /// No token is needed, because a product exists no matter which caller reports it. A publication that has ended
    /// is confirmed again, as the same product or another. A status of the listing that is newer than the
    /// confirmation is kept. The time of an event in the future is clamped to the current time. If another program
    /// has made a row for this product of the file, that row is updated. The row, and its text where the platform's
    /// id is not free, follow from [`choose_row`](crate::publication::SamePlatformId::choose_row).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the platform id is empty or the row does not fit the target.
    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<ConfirmOutcome, StoreError>;

    /// Adopts a row that belongs to no publication: makes a publication for the target and confirms it with that row.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] if the file does not exist, [`StoreError::Invalid`] if the row has another id
    /// than the confirmation, or the product or post is not live.
    fn adopt(&mut self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError>;

    /// Ends a reservation without a product. If the publication was confirmed meanwhile, the answer is
    /// [`FencedResult::LeaseLost`] too.
    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        release: ReleaseReason,
        reason: &str,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError>;

    /// Records that the platform gave no answer. Any publisher may then take the publication over and look it up. If
    /// the publication was confirmed meanwhile, the answer is [`FencedResult::LeaseLost`].
    ///
    /// If `parked_for` is set, a lookup that finds nothing is not enough to call the platform again: the event in
    /// `parked_for` must come first. The publication keeps that value until it is released or confirmed.
    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        parked_for: Option<ParkedFor>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError>;

    /// Replaces the key of a publication, because a person reports that the product has another SKU now. Returns
    /// `false` if the publication is neither confirmed nor ended.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the key is blank.
    fn set_key(&mut self, id: &PublicationId, key: &IdempotencyKey, at: Timestamp) -> Result<bool, StoreError>;

    /// Deletes publications for which [`Publication::is_prunable`] is true, those first that changed longest ago,
    /// and returns their number.
    fn prune(&mut self, request: &PrunePublications) -> Result<u64, StoreError>;
}

/// Reads rows of `listings` and `social_posts`.
pub trait ListingReads {
    /// The listing with this id.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn find_listing(&mut self, id: &ListingId) -> Result<Option<Listing>, StoreError>;

    /// The post with this id.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn find_post(&mut self, id: &SocialPostId) -> Result<Option<SocialPost>, StoreError>;

    /// All listings of a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError>;

    /// A page of the listings that pass a filter, in the order of insertion. Unreadable rows are listed in
    /// [`Page::unreadable`]. The page may be short, see [`PublicationReads::page`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &ListingFilter, page: &PageRequest) -> Result<Page<Listing>, StoreError>;

    /// The listing of the product that has this id at an account of a platform. A listing without a publication counts
    /// as one of that account.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn find_by_platform_id(
        &mut self,
        platform: Platform,
        account: &str,
        platform_id: &str,
    ) -> Result<Option<Listing>, StoreError>;

    /// All posts of a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn list_posts_by_file(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError>;

    /// A page of the posts that pass a filter, in the order of insertion. Unreadable rows are listed in
    /// [`Page::unreadable`]. The page may be short, see [`PublicationReads::page`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page_of_posts(&mut self, filter: &PostFilter, page: &PageRequest) -> Result<Page<SocialPost>, StoreError>;
}

/// Writes rows of `listings` and `social_posts`.
pub trait Listings: ListingReads {
    /// Sets the status of a listing, unless a newer one is known. A delisted listing ends its publication.
    ///
    /// The time of an event in the future is clamped to the current time, so that a wrong clock does not keep later
    /// updates out.
    fn update(&mut self, id: &ListingId, update: &ListingUpdate) -> Result<ListingUpdateOutcome, StoreError>;

    /// Inserts the row of a product that a person or another program has listed. It belongs to no publication, and
    /// its file is not listed at that platform until the row is adopted or delisted.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if the id or the id at the platform is taken, [`StoreError::MissingReference`] if
    /// the file does not exist.
    fn insert_listing(&mut self, listing: &Listing) -> Result<(), StoreError>;

    /// Inserts the row of a post that a person or another program has posted. Its file is not posted at that network
    /// until the row is adopted or marked as gone.
    ///
    /// # Errors
    /// As [`Listings::insert_listing`].
    fn insert_post(&mut self, post: &SocialPost) -> Result<(), StoreError>;

    /// Records that a post is gone from its network. Returns `false` if the post does not exist, or if that was
    /// recorded before. Its publication stays confirmed.
    fn mark_post_gone(&mut self, id: &SocialPostId, at: Timestamp) -> Result<bool, StoreError>;
}
