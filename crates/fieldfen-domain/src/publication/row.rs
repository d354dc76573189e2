//! The row of a publication, and how long it is held.

use super::{IdempotencyKey, LONGEST_HOLD, PublicationState, Target};
use crate::ids::{FenceToken, FileId, PublicationId};
use crate::job::ParkedFor;
use crate::time::{Timestamp, end_from_now, later, truncate_to_micros};

/// A row of `publications`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Publication {
    /// Primary key of the row.
    pub id: PublicationId,
    /// The file that is published.
    pub file_id: FileId,
    /// What is published where.
    pub target: Target,
    /// The key that the platform gets with the call, as SKU or idempotency key; or the SKU that a person or another
    /// program has given the product.
    pub client_key: IdempotencyKey,
    /// Whether a call is under way, and what came of it.
    pub state: PublicationState,
    /// The proof of the current reservation.
    pub token: FenceToken,
    /// When `held_until` was written, or when the hold was found to begin in the future. `None` where another program
    /// has written the row.
    pub held_since: Option<Timestamp>,
    /// Until then nobody else may take the reservation over.
    pub held_until: Timestamp,
    /// How often the target was reserved under this key since it was last known that nothing with it is there. From the
    /// second time on, an earlier call may have made something. The first reservation counts as the second where an earlier
    /// call may be missing here: after a restored backup, or after a rollback of migrations.
    pub calls: u32,
    /// What the platform said, or why nothing is known.
    pub last_error: Option<String>,
    /// What has to come before an unknown publication may be called again, where a lookup that finds nothing is not enough.
    pub parked_for: Option<ParkedFor>,
    /// Its id at the platform, once confirmed.
    pub platform_id: Option<String>,
    /// When it was first reserved.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl Publication {
    /// The row of a target that was first reserved at this time and has not changed since: one call, no id at the platform,
    /// and a hold that ends at this time. A store sets what is otherwise.
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

    /// When the hold ends, if it began [in the future](crate::is_ahead): a clock that was ahead has written it. It begins
    /// anew now, is as long as it was and at most [`LONGEST_HOLD`]. `None` where it stays as it is.
    #[must_use]
    pub fn restarted_hold_end(&self, at: Timestamp) -> Option<Timestamp> {
        let at = truncate_to_micros(at);
        end_from_now(self.held_since?, self.held_until, at).map(|end| end.min(later(at, LONGEST_HOLD)))
    }

    /// Whether nobody else may take the publication over at this time. A reservation that ends later than
    /// [`LONGEST_HOLD`] from now was written by a clock that was ahead, and holds nothing.
    #[must_use]
    pub fn is_held(&self, at: Timestamp) -> bool {
        self.held_until > truncate_to_micros(at) && !self.is_of_a_clock_ahead(at)
    }

    /// Whether the reservation ends later than any that is made at this time.
    #[must_use]
    pub fn is_of_a_clock_ahead(&self, at: Timestamp) -> bool {
        self.held_until > later(at, LONGEST_HOLD)
    }
}
