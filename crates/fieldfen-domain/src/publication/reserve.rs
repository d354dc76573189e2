//! Reserving a target before its platform is called, and releasing it.

use std::time::Duration;

use super::{PlatformRow, Publication, Target};
use crate::ids::{FenceToken, FileId, PublicationId};
use crate::time::Timestamp;

/// The longest hold of a reservation: one day.
pub const LONGEST_HOLD: Duration = Duration::from_secs(86_400);

/// A request to reserve a target for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReserveRequest {
    /// The id of a new row. A released publication keeps its own id.
    pub id: PublicationId,
    /// The file to publish.
    pub file_id: FileId,
    /// The target to reserve.
    pub target: Target,
    /// A new random token for the reservation.
    pub token: FenceToken,
    /// The end of the reservation, which must last longer than the call to the platform can.
    pub held_until: Timestamp,
    /// The current time, by the caller's clock.
    pub at: Timestamp,
}

impl ReserveRequest {
    /// A request to reserve this target for this file.
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

    /// Sets the token.
    #[must_use]
    pub const fn token(mut self, token: FenceToken) -> Self {
        self.token = token;
        self
    }

    /// Sets the end of the reservation.
    #[must_use]
    pub const fn held_until(mut self, held_until: Timestamp) -> Self {
        self.held_until = held_until;
        self
    }
}

/// The answer to a [`ReserveRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// The caller has the reservation. It calls the platform, and then confirms the publication, releases it or marks
    /// it unknown.
    Granted(Publication),
    /// The caller has the reservation, but an earlier call may have made a product or post. The caller looks it up at
    /// the platform first.
    Unresolved(Publication),
    /// Another caller has the reservation.
    Held(Publication),
    /// The target is published already.
    Published(Publication),
    /// Nothing was reserved. These rows of the file are live at the platform of the target and belong to no
    /// publication. Each may be the product or post of the target, so the caller looks it up at the platform and adopts
    /// it or gives it up.
    Untracked(Vec<PlatformRow>),
}

/// The reason why a publication is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseReason {
    /// The platform has refused the call, or was not reached. The call has made no product or post, but an earlier one
    /// may have.
    NotMade,
    /// A lookup or a person reports that the platform has no product or post with the key.
    Absent,
}
