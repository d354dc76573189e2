//! The rows of limits, cells and permits, as the [decisions](super::rate_limit_decisions) read and write them.

use super::{ApiCosts, PauseReads, Pauses, StoreError};
use crate::ids::PermitId;
use crate::rate_limit::{CallScope, LimitRule, PermitInFlight, RateLimit, RateLimitId, RateLimitKey, UsageCell};
use crate::time::Timestamp;

/// Units of cells that do not count as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassedUnits {
    /// Units whose time has passed.
    pub expired: u64,
    /// Units that count for longer than a window from now, because a clock that was ahead has written their cells.
    pub ahead: u64,
}

/// Reads the rows of limits, cells, permits and pauses.
pub trait RateLimitRowReads: PauseReads {
    /// The limits in which a call counts, in any order.
    fn limits_of(&mut self, call: &CallScope) -> Result<Vec<RateLimit>, StoreError>;

    /// The cells of a limit that end after this time, the earliest first.
    fn cells(&mut self, limit: RateLimitId, after: Timestamp) -> Result<Vec<UsageCell>, StoreError>;

    /// The units in the cells of a limit that end at `now` or before, and those in cells that end after
    /// `last_possible`.
    fn passed_units(
        &mut self,
        limit: RateLimitId,
        now: Timestamp,
        last_possible: Timestamp,
    ) -> Result<PassedUnits, StoreError>;

    /// At most `limit` permits that lapse at `now` or before, or after `last_possible`, with the units that they have
    /// taken.
    fn lapsed(
        &mut self,
        now: Timestamp,
        last_possible: Timestamp,
        limit: u32,
    ) -> Result<Vec<PermitInFlight>, StoreError>;
}

/// Writes the rows of limits, cells, permits, pauses and costs.
pub trait RateLimitRows: RateLimitRowReads + Pauses {
    /// The limit with this number.
    fn limit(&mut self, id: RateLimitId) -> Result<Option<RateLimit>, StoreError>;

    /// Inserts a limit without used units.
    fn insert_limit(&mut self, key: &RateLimitKey, rule: LimitRule) -> Result<RateLimitId, StoreError>;

    /// Writes all columns of a limit except those of its key.
    fn save_limit(&mut self, limit: &RateLimit) -> Result<(), StoreError>;

    /// Adds units to the cell with this end.
    fn add_cell(&mut self, limit: RateLimitId, cell: UsageCell) -> Result<(), StoreError>;

    /// Deletes the cells of [`RateLimitRowReads::passed_units`].
    fn delete_passed(&mut self, limit: RateLimitId, now: Timestamp, last_possible: Timestamp)
    -> Result<(), StoreError>;

    /// Inserts a permit with the units that it has taken of each limit; `units` are those of its request.
    fn insert_permit(&mut self, permit: &PermitInFlight, units: u64) -> Result<(), StoreError>;

    /// Deletes a permit and the units that it has taken of each limit. Returns whether there was one.
    fn delete_permit(&mut self, id: &PermitId) -> Result<bool, StoreError>;

    /// The permit with this id.
    fn permit_with_id(&mut self, id: &PermitId) -> Result<Option<PermitInFlight>, StoreError>;

    /// Removes the guess of a permit. Returns whether there was such a permit.
    fn remove_guess(&mut self, id: &PermitId) -> Result<bool, StoreError>;

    /// The units of all permits of a service.
    fn units_in_flight(&mut self, service: &str) -> Result<u64, StoreError>;

    /// The costs on record.
    fn costs(&mut self) -> &mut dyn ApiCosts;
}
