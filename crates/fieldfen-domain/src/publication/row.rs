//! The row of a publication, and the end of its hold.

use super::{IdempotencyKey, LONGEST_HOLD, PublicationState, Target};
use crate::ids::{FenceToken, FileId, PublicationId};
use crate::job::ParkedFor;
use crate::time::{Timestamp, corrected_end, later, truncate_to_micros};

/// A row of `publications`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Publication {
    /// Primary key of the row.
    pub id: PublicationId,
    /// The file to publish.
    pub file_id: FileId,
    /// The target of the publication.
    pub target: Target,
    /// The key that the platform gets with the call, as SKU or idempotency key. If a person or another program has
    /// given the product another SKU, it is that SKU.
    pub client_key: IdempotencyKey,
    /// The state of the call.
    pub state: PublicationState,
    /// The token of the current reservation. A release needs it.
    pub token: FenceToken,
    /// The time at which the reservation began; `None` if another program has written the row.
    pub held_since: Option<Timestamp>,
    /// The end of the reservation. Before it, no other caller may take the reservation over.
    pub held_until: Timestamp,
    /// The number of reservations with this key since the platform was last known to have no product or post with it.
    /// From 2 on, an earlier call may have made one. A first reservation counts as the second if this database may lack
    /// an earlier call: after a restored backup, or after migrations were reverted.
    pub calls: u32,
    /// The platform's error, or the reason why the outcome of the call is unknown.
    pub last_error: Option<String>,
    /// The event that an unknown publication waits for before the platform may be called again; `None` if a lookup
    /// without result is enough. On a confirmed publication, [`ParkedFor::Person`] says that its target is open: see
    /// [`Publication::has_open_target`].
    pub parked_for: Option<ParkedFor>,
    /// The platform's id of the product or post; `None` before it is confirmed.
    pub platform_id: Option<String>,
    /// The time of its first reservation.
    pub created_at: Timestamp,
    /// The time of the last change of the row.
    pub updated_at: Timestamp,
}

impl Publication {
    /// A row with the defaults of a first reservation: one call, no id at the platform, and a reservation that ends at
    /// `created_at`. A store sets the other columns.
    #[must_use]
    pub const fn new(
        id: PublicationId,
        file_id: FileId,
        target: Target,
        client_key: IdempotencyKey,
        state: PublicationState,
        token: FenceToken,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            file_id,
            target,
            client_key,
            state,
            token,
            held_since: None,
            held_until: created_at,
            calls: 1,
            last_error: None,
            parked_for: None,
            platform_id: None,
            created_at,
            updated_at: created_at,
        }
    }

    /// Returns whether nobody has said yet which of the targets at its platform the product or post is. The adoption of
    /// a database confirms the rows of other programs, which know neither variant nor post key. Until somebody says it,
    /// the publication has the target without either.
    #[must_use]
    pub fn has_open_target(&self) -> bool {
        self.state == PublicationState::Confirmed && self.parked_for == Some(ParkedFor::Person)
    }

    /// Returns whether its target is open, so that its product or post may be that of this target. An account without a
    /// name may be any account.
    #[must_use]
    pub fn may_belong_to(&self, target: &Target) -> bool {
        let its = &self.target;
        self.has_open_target()
            && (its.channel(), its.platform()) == (target.channel(), target.platform())
            && ["", target.account()].contains(&its.account())
    }

    /// The corrected end of a reservation that began [in the future](crate::is_ahead), by a clock that was ahead: the
    /// reservation begins now and keeps its length, at most [`LONGEST_HOLD`]. `None` if it needs no correction.
    #[must_use]
    pub fn restarted_hold_end(&self, at: Timestamp) -> Option<Timestamp> {
        let at = truncate_to_micros(at);
        corrected_end(self.held_since?, self.held_until, at).map(|end| end.min(later(at, LONGEST_HOLD)))
    }

    /// Returns whether the reservation keeps other callers from taking the publication over. It does not if it ends
    /// later than [`LONGEST_HOLD`] from now, since a clock that was ahead has written it.
    #[must_use]
    pub fn is_held(&self, at: Timestamp) -> bool {
        self.held_until > truncate_to_micros(at) && !self.is_of_a_clock_ahead(at)
    }

    /// Returns whether the reservation ends later than any reservation that is made at this time.
    #[must_use]
    pub fn is_of_a_clock_ahead(&self, at: Timestamp) -> bool {
        self.held_until > later(at, LONGEST_HOLD)
    }
}
