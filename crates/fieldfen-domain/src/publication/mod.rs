//! Publications: the intent to list or post something, kept from before the platform is called until it has answered.
//!
//! `listings` and `social_posts` hold only what is really out there. A call that was made and whose answer was lost is
//! neither there nor not there: the publication says so, and nothing is published again before a lookup has told.

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
    ListingRowChoice, PlatformRow, PlatformRowId, SamePlatformId, given_up_id, ids_at, publication_of, qualified_id,
    unclaimed_listings, unclaimed_posts,
};
pub use social_post::{PostType, SocialPlatform, SocialPost};
pub use state::{IllegalPublicationTransition, PublicationEvent, PublicationState};
pub use target::{IdempotencyKey, Target};
