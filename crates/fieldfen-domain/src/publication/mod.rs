//! Publications: the intent to list or post a file. A publication is stored before the platform is called, and records
//! the state of the call.
//!
//! `listings` and `social_posts` only contain products and posts that are at their platform. If the answer to a call
//! was lost, nobody knows whether it made one. The publication is then unknown, and the call is not repeated before a
//! lookup.

mod adopt;
mod confirm;
mod filter;
mod listing;
mod on_platforms;
mod reserve;
mod row;
mod row_ownership;
mod social_post;
mod state;
mod target;

pub use adopt::{AdoptOutcome, Adoption};
pub use confirm::{ConfirmOutcome, Confirmation, ConfirmedRow};
pub use filter::{ListingFilter, PostFilter, PrunePublications, PublicationFilter};
pub use listing::{
    IllegalListingTransition, Listing, ListingEvent, ListingStatus, ListingUpdate, ListingUpdateOutcome, Platform,
};
pub use on_platforms::FileOnPlatforms;
pub use reserve::{LONGEST_HOLD, ReleaseReason, ReserveOutcome, ReserveRequest};
pub use row::Publication;
pub use row_ownership::{
    ListingRowChoice, PlatformRow, PlatformRowId, SamePlatformId, given_up_id, ids_at, publication_of,
    publication_of_post, qualified_id, untracked_listings, untracked_posts,
};
pub use social_post::{PostType, SocialPlatform, SocialPost};
pub use state::{IllegalPublicationTransition, PublicationEvent, PublicationState};
pub use target::{IdempotencyKey, Target};
