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
    /// What to publish, and where.
    pub target: Target,
    /// The key that the platform gets with the call, as SKU or idempotency key. If a person or another program has
    /// given the product another SKU, it is that one.
    pub client_key: IdempotencyKey,
    /// Whether a call is under way, and what came of it.
    pub state: PublicationState,
    /// The token of the current reservation. A release needs it.
    pub token: FenceToken,
    /// When the hold began; `None` if another program has written the row.
    pub held_since: Option<Timestamp>,
    /// When the hold ends. Before that, nobody else may take the reservation over.
    pub held_until: Timestamp,
    /// How often the target was reserved with this key since the platform was last known to have nothing with it.
    /// From 2 on, an earlier call may have made something. A first reservation counts as the second if this database
    /// may miss an earlier call: after a restored backup, or after migrations were rolled back.
    pub calls: u32,
    /// The platform's error, or the reason why the outcome of the call is unknown.
    pub last_error: Option<String>,
    /// What an unknown publication waits for before the platform may be called again; `None` if a lookup that finds
    /// nothing is enough.
    pub parked_for: Option<ParkedFor>,
    /// The platform's id of the product or post; `None` before it is confirmed.
    pub platform_id: Option<String>,
    /// When it was first reserved.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl Publication {
    /// A row with the defaults of a first reservation: one call, no id at the platform, and a hold that ends at
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

    /// The corrected end of a hold that began [in the future](crate::is_ahead), by a clock that was ahead: the hold
    /// begins now and keeps its length, at most [`LONGEST_HOLD`]. `None` if the hold needs no correction.
    #[must_use]
    pub fn restarted_hold_end(&self, at: Timestamp) -> Option<Timestamp> {
        let at = truncate_to_micros(at);
        corrected_end(self.held_since?, self.held_until, at).map(|end| end.min(later(at, LONGEST_HOLD)))
    }

    /// Whether the hold keeps others from taking the publication over. A hold that ends later than [`LONGEST_HOLD`]
    /// from now was written by a clock that was ahead, and does not.
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
