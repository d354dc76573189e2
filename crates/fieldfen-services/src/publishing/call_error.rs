//! Errors of calls to a platform.

use fieldfen_domain::Timestamp;

/// The error of a call to a platform. The variants differ in what they tell about the product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The platform refused the call. It made no product, and would refuse the same call again (HTTP 400, 403, 404,
    /// 422).
    #[error("refused: {reason}")]
    Refused {
        /// The platform's text.
        reason: String,
    },
    /// The platform refused the call for now. It made no product, and its limit ends at a known time (HTTP 429).
    #[error("throttled until {until}: {reason}")]
    Throttled {
        /// The time from which the platform accepts calls again.
        until: Timestamp,
        /// The platform's text.
        reason: String,
    },
    /// The call did not reach the platform: no connection, an unknown name, a refused handshake. The platform made no
    /// product.
    #[error("not sent: {reason}")]
    NotSent {
        /// The cause, for people to read.
        reason: String,
    },
    /// The call may have taken effect: a time-out, a connection that broke after the request was sent, an answer that
    /// cannot be read, any HTTP 5xx.
    #[error("no answer: {reason}")]
    NoAnswer {
        /// The cause, for people to read.
        reason: String,
    },
}
