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

/// Reading publications and what came of them.
///
/// The answer holds all rows of a file, or is an error: a caller that decides by it what to publish and what to take
/// down must not miss a row that cannot be read. The error names the first such row; pages name all of them.
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
    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError>;

    /// A page of the publications that a filter names, in the order of insertion. Rows that no publication can be read from
    /// are named in it.
    ///
    /// It may have fewer rows than its limit, or none, and a cursor that leads on: a store examines a bounded number of
    /// rows for a page.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page(&mut self, filter: &PublicationFilter, page: &PageRequest) -> Result<Page<Publication>, StoreError>;
}

/// Publishing: reserve, call the platform, then confirm, release or mark unknown.
pub trait Publications: PublicationReads {
    /// Reserves a target for a file.
    ///
    /// A hold that began [in the future](crate::is_ahead) begins anew, and is as long as it was:
    /// [`FileOnPlatforms::restart_future_hold`](crate::publication::FileOnPlatforms::restart_future_hold).
    ///
    /// A reservation whose time is over, and one marked unknown, is taken over as [`ReserveOutcome::Unresolved`]. A publication
    /// that was released is reserved again, under its id and key. While a row of the file is live at the platform and
    /// belongs to no publication, nothing new is reserved there: the decision is
    /// [`decide_reserve`](crate::publication::FileOnPlatforms::decide_reserve).
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such file.
    fn reserve(&mut self, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError>;

    /// Records what the platform says is there, and inserts its row.
    ///
    /// Needs no token: a product exists, no matter which caller reports it. A publication that has ended is confirmed
    /// anew, as the same product or another. Newer news of a listing is kept, and an event in the future counts as of
    /// now. The row that another program has made for this product of the file is brought up to date; which row it is,
    /// and what it has in the place of an id that is not free, is
    /// [`choose_row`](crate::publication::SamePlatformId::choose_row).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the platform id is empty or the row does not go with the target.
    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<ConfirmOutcome, StoreError>;

    /// Takes a row that belongs to no publication for the product or post of a target: its publication is made, and
    /// confirmed.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such file, [`StoreError::Invalid`] when the row has another id
    /// than the one that is confirmed, or what is confirmed is not live.
    fn adopt(&mut self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError>;

    /// Gives the target free. The answer is [`FencedResult::LeaseLost`] too when the publication was confirmed meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        release: ReleaseReason,
        reason: &str,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError>;

    /// Says that no answer came. Anybody may then take the publication over to look it up. As for
    /// [`Publications::release`], a confirmation goes before.
    ///
    /// `parked_for` says what has to come before the target may be called again, where a lookup that finds nothing is not
    /// enough. The publication keeps it until it is released or confirmed.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        parked_for: Option<ParkedFor>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError>;

    /// Gives a publication another key: a person says that its product has that one by now. `false` when the publication
    /// is neither confirmed nor ended.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the key is blank; other [`StoreError`]s as the store has them.
    fn set_key(&mut self, id: &PublicationId, key: &IdempotencyKey, at: Timestamp) -> Result<bool, StoreError>;

    /// Deletes publications that are over, those first that changed longest ago, and says how many: those of which
    /// [`Publication::is_over_since`] says so.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn prune(&mut self, request: &PrunePublications) -> Result<u64, StoreError>;
}

/// Reading listings and posts.
pub trait ListingReads {
    /// All listings of a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError>;

    /// A page of the listings that a filter names, in the order of insertion. Rows that no listing can be read from are
    /// named in it. It may be short as [`PublicationReads::page`] says.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page(&mut self, filter: &ListingFilter, page: &PageRequest) -> Result<Page<Listing>, StoreError>;

    /// The listing of the product with this id at an account of a platform. One that no publication knows belongs to the
    /// account that is asked for.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn find_by_platform_id(
        &mut self,
        platform: Platform,
        account: &str,
        platform_id: &str,
    ) -> Result<Option<Listing>, StoreError>;

    /// All posts that show a file, the oldest first.
    ///
    /// # Errors
    /// As [`PublicationReads::find`].
    fn list_posts_by_file(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError>;

    /// A page of the posts that a filter names, in the order of insertion. Rows that no post can be read from are named in
    /// it. It may be short as [`PublicationReads::page`] says.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page_of_posts(&mut self, filter: &PostFilter, page: &PageRequest) -> Result<Page<SocialPost>, StoreError>;
}

/// Writing listings and posts.
pub trait Listings: ListingReads {
    /// Brings a listing's status up to date, unless newer news is known. A delisted one ends its publication.
    ///
    /// An event in the future counts as of now, so that a wrong clock keeps no later news out.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn update(&mut self, id: &ListingId, update: &ListingUpdate) -> Result<ListingUpdateOutcome, StoreError>;

    /// Writes down a product that somebody has listed by hand or with another program. It belongs to no publication, and
    /// keeps its file from being listed at that platform until it is adopted or delisted.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when the id or the id at the platform is taken, [`StoreError::MissingReference`]
    /// when there is no such file.
    fn insert_listing(&mut self, listing: &Listing) -> Result<(), StoreError>;

    /// The same for a post.
    ///
    /// # Errors
    /// As [`Listings::insert_listing`].
    fn insert_post(&mut self, post: &SocialPost) -> Result<(), StoreError>;

    /// Notes that a post is gone from its network; `false` when there is no such post, or it was noted before. A
    /// publication that is confirmed as it stays so.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn mark_post_gone(&mut self, id: &SocialPostId, at: Timestamp) -> Result<bool, StoreError>;
}
