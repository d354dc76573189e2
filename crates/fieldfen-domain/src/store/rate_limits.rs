//! Rate limits of external services.

use super::StoreError;
use crate::api_cost::{Currency, SpendScope};
use crate::ids::PermitId;
use crate::page::UnreadableRow;
use crate::rate_limit::{
    AcquireOutcome, AcquireRequest, Availability, CallScope, InFlightTotal, PausesOfBudgets, PermitInFlight, RateLimit,
    RateLimitKey, SettleOutcome, Settlement,
};
use crate::time::Timestamp;

/// Reads rows of `rate_limits` and `api_permits`.
pub trait RateLimitReads {
    /// Whether the pauses and the limits let a call of one unit pass at this time. Limits of an account or endpoint
    /// count only if the call names it. The answer holds until the next permit is acquired, by any process.
    /// `pauses_of_budgets` says whether the pauses of budgets refuse the call.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a limit or a pause of the call cannot be read.
    fn look(
        &mut self,
        call: &CallScope,
        pauses_of_budgets: PausesOfBudgets,
        now: Timestamp,
    ) -> Result<Availability, StoreError>;

    /// The limits of a service, or of all services, as they are at this time, sorted by key. An unreadable row is an
    /// `Err` in its place.
    fn list(
        &mut self,
        service: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Result<RateLimit, UnreadableRow>>, StoreError>;

    /// The permit with this id; `None` if there is none, or if it is settled or has lapsed.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row cannot be read.
    fn permit(&mut self, id: &PermitId) -> Result<Option<PermitInFlight>, StoreError>;

    /// The permits of these services and accounts that are in flight at this time, added up. Guesses in other
    /// currencies are left out; all are if the currency is `None`. A sum ends at `i64::MAX`.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] for a sum that cannot be read.
    fn in_flight(
        &mut self,
        scope: &SpendScope,
        currency: Option<Currency>,
        now: Timestamp,
    ) -> Result<InFlightTotal, StoreError>;
}

/// Acquires and settles permits.
pub trait RateLimits: RateLimitReads {
    /// Acquires a permit if its service and account are not paused and every limit of the call lets it pass, and counts
    /// it in each of the limits. Otherwise it counts in none. A limit that is configured and has no row gets one; a row
    /// with another rule gets the configured rule.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for an id that a permit in flight has, [`StoreError::BadRow`] when a limit or a pause of
    /// the call cannot be read.
    fn acquire(&mut self, request: &AcquireRequest) -> Result<AcquireOutcome, StoreError>;

    /// Settles a permit, and corrects the limits by the answer to its call. A limit that the answer names and that has
    /// no row gets one. If no answer has arrived, the permit is left to lapse.
    ///
    /// The guess of the permit counts no longer, unless [its costs](crate::rate_limit::SettledCosts) are not on record.
    /// If the permit has lapsed, and the cost that was recorded then is still unknown, that cost becomes free.
    ///
    /// If the answer blocks a limit of all endpoints for longer than
    /// [`PAUSED_BEYOND`](crate::rate_limit::PAUSED_BEYOND), the service or the account of the limit is paused until the
    /// end of the block. A longer pause stays as it is.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a limit or a pause of the call cannot be read.
    fn settle(&mut self, settlement: &Settlement) -> Result<SettleOutcome, StoreError>;

    /// Settles at most 100 lapsed permits, as if their calls had been made at the last possible moment. The guess of
    /// each of them becomes an [unknown cost](crate::rate_limit::PermitInFlight::unknown_cost).
    /// [`acquire`](Self::acquire) does so too. Returns whether more lapsed permits may be left.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a lapsed permit, or a limit that it counts in, cannot be read.
    fn settle_lapsed(&mut self, now: Timestamp) -> Result<bool, StoreError>;

    /// Removes a limit and the units that it has counted. Returns whether there was one.
    fn remove(&mut self, limit: &RateLimitKey) -> Result<bool, StoreError>;

    /// Removes at most `limit` limits that no program has configured, of which no answer has said anything since a
    /// time, and which have no permit in flight. Returns the number of limits.
    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
