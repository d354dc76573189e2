//! Reserving a target before its platform is called, and releasing it.

use std::time::Duration;

use super::{PlatformRow, Publication, Target};
use crate::ids::{FenceToken, FileId, PublicationId};
use crate::time::Timestamp;

/// So long a reservation holds at the most.
pub const LONGEST_HOLD: Duration = Duration::from_secs(86_400);

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
    /// The current time, by the caller's clock.
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
