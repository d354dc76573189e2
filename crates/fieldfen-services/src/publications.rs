//! Reads publications, listings and posts.
//!
//! A [`Publications`] reads, and it records products and posts that were published without fieldfen. The
//! [`Publisher`](crate::publishing::Publisher) publishes. It also takes a person's decision about the state of a
//! platform: [`resolve_row`](crate::publishing::Publisher::resolve_row) and
//! [`resolve_unknown`](crate::publishing::Publisher::resolve_unknown).
//!
//! ```
//! use fieldfen_domain::PageRequest;
//! use fieldfen_domain::publication::{ListingFilter, Platform, PublicationFilter, PublicationState};
//! use fieldfen_services::{Environment, publications::Publications};
//! use fieldfen_testkit::ModelStore;
//!
//! let publications = Publications::new(ModelStore::new(), Environment::system());
//! let unclear = publications.list(&PublicationFilter::new().state(PublicationState::Unknown), &PageRequest::first(20))?;
//! let etsy = ListingFilter::new().platform(Platform::Etsy);
//! let at_etsy = publications.list_listings(&etsy, &PageRequest::first(20).newest_first())?;
//! assert!(unclear.is_empty() && at_etsy.is_empty());
//! # Ok::<(), fieldfen_domain::store::StoreError>(())
//! ```

use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{
    FileOnPlatforms, Listing, ListingFilter, Platform, PostFilter, Publication, PublicationFilter, SocialPost,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, ListingId, Page, PageRequest, PublicationId, SocialPostId};

use crate::Environment;
use crate::action_row::{act, record};

/// The publications of a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct Publications<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> Publications<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// Finds the publication with this id.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a publication.
    pub fn find(&self, id: &PublicationId) -> Result<Option<Publication>, StoreError> {
        self.store.read(|s| s.publications().find(id))
    }

    /// All publications, listings and posts of a file at one moment, the oldest first.
    ///
    /// # Errors
    /// As [`Publications::find`], for the first row that cannot be read: an answer without that row would hide a
    /// product.
    pub fn list_by_file(&self, file_id: &FileId) -> Result<FileOnPlatforms, StoreError> {
        self.store.read(|s| {
            Ok(FileOnPlatforms {
                publications: s.publications().list_by_file(file_id)?,
                listings: s.listings().list_by_file(file_id)?,
                posts: s.listings().list_posts_by_file(file_id)?,
            })
        })
    }

    /// A page of the publications that match a filter, in the order of insertion. The page names the rows that cannot
    /// be read as a publication. It may have fewer rows than its limit, or none, although a next page follows.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &PublicationFilter, page: &PageRequest) -> Result<Page<Publication>, StoreError> {
        self.store.read(|s| s.publications().page(filter, page))
    }

    /// A page of the listings that match a filter, as [`Publications::list`] returns it.
    ///
    /// # Errors
    /// As [`Publications::list`].
    pub fn list_listings(&self, filter: &ListingFilter, page: &PageRequest) -> Result<Page<Listing>, StoreError> {
        self.store.read(|s| s.listings().page(filter, page))
    }

    /// A page of the posts that match a filter, as [`Publications::list`] returns it.
    ///
    /// # Errors
    /// As [`Publications::list`].
    pub fn list_posts(&self, filter: &PostFilter, page: &PageRequest) -> Result<Page<SocialPost>, StoreError> {
        self.store.read(|s| s.listings().page_of_posts(filter, page))
    }

    /// Finds the row of `listings` with this id.
    ///
    /// # Errors
    /// As [`Publications::find`].
    pub fn find_listing_row(&self, id: &ListingId) -> Result<Option<Listing>, StoreError> {
        self.store.read(|s| s.listings().find_listing(id))
    }

    /// Finds the row of `social_posts` with this id.
    ///
    /// # Errors
    /// As [`Publications::find`].
    pub fn find_post_row(&self, id: &SocialPostId) -> Result<Option<SocialPost>, StoreError> {
        self.store.read(|s| s.listings().find_post(id))
    }

    /// Finds the listing of the product with this id at an account of a platform. The account is empty if the platform
    /// has only one.
    ///
    /// # Errors
    /// As [`Publications::find`].
    pub fn find_listing(
        &self,
        platform: Platform,
        account: &str,
        platform_id: &str,
    ) -> Result<Option<Listing>, StoreError> {
        self.store.read(|s| s.listings().find_by_platform_id(platform, account, platform_id))
    }

    /// Records a product that was listed by hand or by another program. It belongs to no publication, and its file is
    /// not listed at that platform until the row is [adopted or given up](crate::publishing::Publisher::resolve_row).
    ///
    /// The id identifies the row: if the outcome is [unknown](StoreError::OutcomeUnknown), insert the same row again.
    /// `AlreadyExists` then shows that the first attempt took effect.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if the id, or the id at the platform, is taken; [`StoreError::MissingReference`]
    /// if the file does not exist.
    pub fn insert_listing(&self, listing: &Listing, action: &Action) -> Result<(), StoreError> {
        self.write_down(Subject::Listing(listing.id), action, |s| s.listings().insert_listing(listing))
    }

    /// Records a post that was made by hand or by another program, as [`Publications::insert_listing`] does.
    ///
    /// # Errors
    /// As [`Publications::insert_listing`].
    pub fn insert_post(&self, post: &SocialPost, action: &Action) -> Result<(), StoreError> {
        self.write_down(Subject::SocialPost(post.id), action, |s| s.listings().insert_post(post))
    }

    fn write_down(
        &self,
        subject: Subject,
        action: &Action,
        mut insert: impl FnMut(&mut dyn Session) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let kind = ActionKind::WriteDown;
        act(&self.store, (action, kind, subject.clone()), |t| {
            let s = t.session();
            insert(s)?;
            record(s, action, kind, subject.clone(), ActionOutcome::Done, &self.environment).map(drop)
        })
    }
}
