//! Why a call to a platform did not succeed.

use fieldfen_domain::Timestamp;

/// Why a call to a platform did not succeed, by what that says about the product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A definite no: nothing was made, and the same call would be refused again (HTTP 400, 403, 404, 422).
    #[error("refused: {reason}")]
    Refused {
        /// The platform's words.
        reason: String,
    },
    /// A definite no for now: nothing was made, and the limit is over at a known time (HTTP 429).
    #[error("throttled until {until}: {reason}")]
    Throttled {
        /// When to call again.
        until: Timestamp,
        /// The platform's words.
        reason: String,
    },
    /// The call did not reach the platform: no connection, no name, a refused handshake. Nothing was made.
    #[error("not sent: {reason}")]
    NotSent {
        /// What went wrong, for people.
        reason: String,
    },
    /// The call may have taken effect: a time-out, a connection that broke after the request was sent, an answer that
    /// cannot be read, any HTTP 5xx.
    #[error("no answer: {reason}")]
    NoAnswer {
        /// What went wrong, for people.
        reason: String,
    },
}
