//! Rate limits of external services: the limits, the used units, and the decision whether a call may be made.
//!
//! Before a program makes a call, it acquires a [`Permit`]. When the answer has arrived, it settles the permit. Both
//! are transactions on the database that all processes share, so that all processes together keep to a limit:
//!
//! - A permit counts from the time at which it is acquired. The call must start within [`START_WITHIN`].
//! - A settled call counts for one window from its answer on, since the service cannot have counted it later.
//! - A permit that is never settled, because its process died, lapses when the call must have ended at the latest. It
//!   counts for one window from then on.
//! - What the answer says of a limit corrects the count at once.
//!
//! The functions of this module decide over values that a store has read; a store reads and writes them.

mod acquire;
mod closed;
mod key;
mod limit;
mod limit_values;
mod pause;
mod permit;
mod reported;
mod rule;
mod settle;
#[cfg(test)]
mod table_test;
mod throttle;
mod usage;

pub use acquire::{AcquireOutcome, AcquireRequest, ConfiguredLimit, PermitRequest};
pub use closed::{Availability, Closed, ClosedBy, PAUSE_ASKED_AGAIN, Refusal};
pub use key::{CallScope, RateLimitKey};
pub use limit::RateLimit;
pub use limit_values::{Block, BucketLevel, MAX_REPORTED_SPAN, RateLimitId, UnitsUntil};
pub use pause::{PAUSED_BEYOND, PAUSED_BY_LIMITER, PausesOfBudgets};
pub use permit::{
    InFlightTotal, MAX_CALL_TIMEOUT, Permit, PermitInFlight, PermitLimit, START_WITHIN, StartTooLate,
    last_possible_lapse,
};
pub use reported::{CallAnswer, ReportedLimit};
pub use rule::{ApiLimit, AppliesTo, InvalidApiLimit, LimitRule, MAX_UNITS};
pub use settle::{SettleOutcome, SettledCosts, Settlement};
pub use usage::UsageCell;
