//! Publications: the intent to list or post something, kept from before the platform is called until it has answered.
//!
//! `listings` and `social_posts` hold only what is really out there. A call that was made and whose answer was lost is
//! neither there nor not there: the publication says so, and nothing is published again before a lookup has told.

mod belonging;
mod filter;
mod listing;
mod reserving;
mod row;
mod social;
mod target;

pub use belonging::{
    ListingPlace, PlatformRow, PlatformRowId, SameId, given_up_id, ids_at, publication_of, qualified_id,
    unclaimed_listings, unclaimed_posts,
};
pub use filter::{ListingFilter, PostFilter, PublicationFilter};
pub use listing::{
    IllegalListingTransition, Listing, ListingEvent, ListingStatus, ListingUpdate, ListingUpdateOutcome, Platform,
};
pub use reserving::{AdoptDecision, ConfirmDecision, OfFile, ReserveDecision};
pub use row::Publication;
pub use social::{PostType, SocialPlatform, SocialPost};
pub use target::{IdempotencyKey, Target};

use std::time::Duration;

use crate::ids::{FenceToken, FileId, ListingId, PublicationId, SocialPostId};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

/// So long a reservation holds at the most.
pub const LONGEST_HOLD: Duration = Duration::from_secs(86_400);

text_enum! {
    /// `publications.state`.
    pub enum PublicationState as "publication state" {
        /// The call to the platform may be under way.
        Reserved = "reserved",
        /// The call was made and its answer is not known: only a lookup can tell.
        Unknown = "unknown",
        /// It is at the platform.
        Confirmed = "confirmed",
        /// It is not at the platform and nothing is under way.
        Released = "released",
        /// It was at the platform and has been taken away.
        Ended = "ended",
    }
}

text_enum! {
    /// What can happen to a publication.
    pub enum PublicationEvent as "publication event" {
        /// The platform says that it is there.
        Confirmed = "confirmed",
        /// The platform says that it is not there.
        Released = "released",
        /// No answer came, or the one who waited for it is gone.
        AnswerLost = "answer lost",
        /// It was taken away from the platform.
        Ended = "ended",
    }
}

impl PublicationState {
    /// The state after this event.
    ///
    /// A confirmation counts even after a release or an end: what is at the platform is there, and an answer that came
    /// late or a list that was incomplete is put right by it.
    ///
    /// # Errors
    /// [`IllegalPublicationTransition`] when the event cannot happen in this state.
    pub const fn after(self, event: PublicationEvent) -> Result<Self, IllegalPublicationTransition> {
        use PublicationEvent as E;
        Ok(match (self, event) {
            (Self::Reserved | Self::Unknown | Self::Released | Self::Ended, E::Confirmed) => Self::Confirmed,
            (Self::Reserved | Self::Unknown, E::Released) => Self::Released,
            (Self::Reserved, E::AnswerLost) => Self::Unknown,
            (Self::Confirmed, E::Ended) => Self::Ended,
            _ => return Err(IllegalPublicationTransition { state: self, event }),
        })
    }

    /// Whether it stands in the way of another publication of the same thing.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Reserved | Self::Unknown | Self::Confirmed)
    }
}

/// An event that cannot happen in the state the publication has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a publication that is {state} cannot be {event} ({event:?})")]
pub struct IllegalPublicationTransition {
    /// The state the publication has.
    pub state: PublicationState,
    /// What should have happened.
    pub event: PublicationEvent,
}

/// A wish to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReserveRequest {
    /// The id of the row, if one is made.
    pub id: PublicationId,
    /// The file to publish.
    pub file_id: FileId,
    /// What to publish where.
    pub target: Target,
    /// A new random token.
    pub token: FenceToken,
    /// Until then nobody else may take the reservation over: longer than the call can last.
    pub held_until: Timestamp,
    /// The time now.
    pub at: Timestamp,
}

impl ReserveRequest {
    /// A wish to publish this file at this target.
    #[must_use]
    pub const fn new(
        id: PublicationId,
        file_id: FileId,
        target: Target,
        token: FenceToken,
        held_until: Timestamp,
        at: Timestamp,
    ) -> Self {
        Self { id, file_id, target, token, held_until, at }
    }

    /// The same wish with another token.
    #[must_use]
    pub const fn token(mut self, token: FenceToken) -> Self {
        self.token = token;
        self
    }

    /// The same wish, held until this time.
    #[must_use]
    pub const fn held_until(mut self, held_until: Timestamp) -> Self {
        self.held_until = held_until;
        self
    }
}

/// What became of a [`ReserveRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// It is ours: call the platform, then confirm, release or mark it unknown.
    Granted(Publication),
    /// It is ours, but an earlier call may have gone through: look it up at the platform first.
    Unresolved(Publication),
    /// Somebody else is at it.
    Held(Publication),
    /// It is published already.
    Published(Publication),
    /// Nothing was reserved: these rows of the file are live at the target's platform, and belong to no publication. They
    /// may be the target's own product or post, so each is looked up at the platform, and adopted or given up.
    Unclaimed(Vec<PlatformRow>),
}

/// Why a publication is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseReason {
    /// The platform has refused the call or was not reached: this call has made nothing.
    NotMade,
    /// A lookup, or a person, says that nothing with its key is there.
    Absent,
}

/// A wish to take a row that belongs to no publication for the product or post of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adoption {
    /// The publication to be made. It is not held.
    pub request: ReserveRequest,
    /// The row.
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

/// Which ended publications are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunePublications {
    /// Those that were released or ended before this.
    pub before: Timestamp,
    /// At most so many.
    pub limit: u32,
}

impl PrunePublications {
    /// At most `limit` publications that were released or ended before this time.
    #[must_use]
    pub const fn new(before: Timestamp, limit: u32) -> Self {
        Self { before, limit }
    }
}

/// What the platform said of something that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmation {
    /// Its id at the platform.
    pub platform_id: String,
    /// Its page.
    pub url: Option<String>,
    /// The row to be made.
    pub row: ConfirmedRow,
    /// When the platform says that its status was so; a time before the call or the lookup where it does not say.
    pub event_at: Timestamp,
    /// When we heard of it.
    pub at: Timestamp,
}

impl Confirmation {
    /// A product or post with this id at its platform.
    #[must_use]
    pub fn new(platform_id: impl Into<String>, row: ConfirmedRow, event_at: Timestamp, at: Timestamp) -> Self {
        Self { platform_id: platform_id.into(), url: None, row, event_at, at }
    }

    /// The same confirmation with another id.
    #[must_use]
    pub fn platform_id(mut self, platform_id: impl Into<String>) -> Self {
        self.platform_id = platform_id.into();
        self
    }

    /// The same confirmation with this page.
    #[must_use]
    pub fn url(mut self, url: impl Into<Option<String>>) -> Self {
        self.url = url.into();
        self
    }

    /// The same confirmation with another row.
    #[must_use]
    pub fn row(mut self, row: ConfirmedRow) -> Self {
        self.row = row;
        self
    }

    /// The same confirmation of a status since this time.
    #[must_use]
    pub fn event_at(mut self, event_at: Timestamp) -> Self {
        self.event_at = event_at;
        self
    }

    /// The same confirmation, heard at this time.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}

/// The row that a confirmation makes: one of `listings` or of `social_posts`, as the target says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmedRow {
    /// For a [`Target::Listing`].
    Listing {
        /// The id of the new row.
        id: ListingId,
        /// Its status.
        status: ListingStatus,
        /// The platform's own word for its status.
        platform_status: Option<String>,
    },
    /// For a [`Target::Post`].
    Post {
        /// The id of the new row.
        id: SocialPostId,
    },
}

/// What became of a [`Confirmation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmOutcome {
    /// The row stands.
    Done,
    /// The row stands, and newer news that is known says that it has been taken from the platform since: the
    /// publication has ended.
    Ended,
    /// It had been confirmed with the same platform id before; nothing was changed.
    AlreadyDone,
    /// Another thing is live for the same target, so that this one is a duplicate at the platform: take it down there.
    /// Nothing was changed.
    Duplicate {
        /// The platform id of the other one, where it is known.
        live: Option<String>,
    },
    /// Another target, or another file, is confirmed as this very product or has its row. Nothing was changed.
    Taken {
        /// The file of the other one.
        file_id: FileId,
    },
    /// There is no such publication.
    NotFound,
}

#[cfg(test)]
mod tests {
    use super::*;
    use PublicationState::{Confirmed, Ended, Released, Unknown};

    /// Where each event leads from reserved, unknown, confirmed, released and ended. Written by hand.
    const TABLE: [(PublicationEvent, [Option<PublicationState>; 5]); 4] = [
        (PublicationEvent::Confirmed, [Some(Confirmed), Some(Confirmed), None, Some(Confirmed), Some(Confirmed)]),
        (PublicationEvent::Released, [Some(Released), Some(Released), None, None, None]),
        (PublicationEvent::AnswerLost, [Some(Unknown), None, None, None, None]),
        (PublicationEvent::Ended, [None, None, Some(Ended), None, None]),
    ];

    #[test]
    fn every_state_and_event_is_as_the_table_says() {
        assert_eq!(TABLE.len(), PublicationEvent::ALL.len());
        for (event, row) in TABLE {
            for (&state, expected) in PublicationState::ALL.iter().zip(row) {
                assert_eq!(state.after(event).ok(), expected, "{state} + {event}");
            }
        }
    }
}
