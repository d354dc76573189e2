//! A call that was not made.

use std::fmt;

use fieldfen_domain::rate_limit::Closed;
use fieldfen_domain::store::StoreError;
use fieldfen_domain::with_causes;

use crate::publishing::CallError;
use crate::worker::Outcome;

/// The reason for which a call was not made.
///
/// It is no `std::error::Error`, so that a handler does not take it for a failure: as an [`Outcome`], a closed service
/// is
/// [`Throttled`](Outcome::Throttled), which spends no retry.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallRefusal {
    /// The rate limiter does not let the call pass before a certain time.
    Closed(Box<Closed>),
    /// The rate limiter could not be asked.
    Store(StoreError),
}

impl fmt::Display for CallRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(closed) => write!(f, "{closed}"),
            Self::Store(error) => write!(f, "the rate limiter cannot be asked: {}", with_causes(error)),
        }
    }
}

impl From<CallRefusal> for CallError {
    fn from(refusal: CallRefusal) -> Self {
        let reason = refusal.to_string();
        match refusal {
            CallRefusal::Closed(closed) => Self::Throttled { until: closed.until, reason },
            CallRefusal::Store(_) => Self::NotSent { reason },
        }
    }
}

impl From<CallRefusal> for Outcome {
    fn from(refusal: CallRefusal) -> Self {
        match refusal {
            CallRefusal::Closed(closed) => Self::throttled(closed.until, closed.to_string()),
            CallRefusal::Store(error) => Self::retry(error),
        }
    }
}
