//! One recorded call.

use std::time::Duration;

use crate::OptionalText;
use crate::ids::{FileId, JobId};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// The outcome of a call, by the response of the service.
    pub enum CallOutcome as "call outcome" {
        /// The service carried out the call.
        Ok = "ok",
        /// The service refused for good: the same call would be refused again.
        Refused = "refused",
        /// The service refused for now: a limit was reached.
        Throttled = "throttled",
        /// The call did not reach the service.
        NotSent = "not_sent",
        /// The call may have taken effect: no answer arrived, or the answer leaves it open.
        NoAnswer = "no_answer",
    }
}

impl CallOutcome {
    /// Returns whether the service carried out the call.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Returns the outcome of a call with this HTTP status: 2xx and 3xx are [`Ok`](Self::Ok), 429 is
    /// [`Throttled`](Self::Throttled), 5xx is [`NoAnswer`](Self::NoAnswer), since the call may have taken effect, and
    /// everything else is [`Refused`](Self::Refused).
    #[must_use]
    pub const fn of_http_status(status: u16) -> Self {
        match status {
            200..=399 => Self::Ok,
            429 => Self::Throttled,
            500.. => Self::NoAnswer,
            _ => Self::Refused,
        }
    }
}

/// One call, or one batch of calls, as a row of `api_usage`.
///
/// A value that is missing in the response or unknown to the caller is `None`, never zero.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiCall {
    /// The service, for example `replicate`.
    pub service: String,
    /// The account at the service; `None` if there is only one.
    pub account: Option<String>,
    /// The endpoint or action.
    pub endpoint: Option<String>,
    /// The number of requests.
    pub request_count: u32,
    /// The number of further requests that the service allows, by its response.
    pub rate_limit_remaining: Option<i64>,
    /// The time at which the service allows the full number again, by its response.
    pub rate_limit_reset_at: Option<Timestamp>,
    /// The outcome. `None` in a row of a program that knows only the specification's columns.
    pub outcome: Option<CallOutcome>,
    /// The HTTP status of the response; `None` if no response arrived.
    pub http_status: Option<u16>,
    /// The error, for people to read, without secrets. The store cuts it to
    /// [`MAX_REASON_BYTES`](crate::MAX_REASON_BYTES).
    pub error: Option<String>,
    /// The time from the start of the call to its end. Stores keep whole milliseconds.
    pub duration: Option<Duration>,
    /// The job that made the call. The row of the job may have been deleted since.
    pub job_id: Option<JobId>,
    /// The file for which the call was made. The row of the file may have been deleted since.
    pub file_id: Option<FileId>,
    /// The service's id of the object that the call created, for example a prediction.
    pub external_id: Option<String>,
    /// The time of the call, by the caller's clock.
    pub at: Timestamp,
}

impl ApiCall {
    /// A call of one request. All other values are unknown.
    #[must_use]
    pub fn new(service: impl Into<String>, at: Timestamp) -> Self {
        Self {
            service: service.into(),
            account: None,
            endpoint: None,
            request_count: 1,
            rate_limit_remaining: None,
            rate_limit_reset_at: None,
            outcome: None,
            http_status: None,
            error: None,
            duration: None,
            job_id: None,
            file_id: None,
            external_id: None,
            at,
        }
    }

    /// Sets the account at the service.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.account = account.into().0;
        self
    }

    /// Sets the endpoint or action.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.endpoint = endpoint.into().0;
        self
    }

    /// Sets the number of requests.
    #[must_use]
    pub const fn request_count(mut self, request_count: u32) -> Self {
        self.request_count = request_count;
        self
    }

    /// Sets the number of further requests that the service allows.
    #[must_use]
    pub fn rate_limit_remaining(mut self, rate_limit_remaining: impl Into<Option<i64>>) -> Self {
        self.rate_limit_remaining = rate_limit_remaining.into();
        self
    }

    /// Sets the time at which the service allows the full number again.
    #[must_use]
    pub fn rate_limit_reset_at(mut self, rate_limit_reset_at: impl Into<Option<Timestamp>>) -> Self {
        self.rate_limit_reset_at = rate_limit_reset_at.into();
        self
    }

    /// Sets the outcome.
    #[must_use]
    pub fn outcome(mut self, outcome: impl Into<Option<CallOutcome>>) -> Self {
        self.outcome = outcome.into();
        self
    }

    /// Sets the HTTP status of the response.
    #[must_use]
    pub fn http_status(mut self, http_status: impl Into<Option<u16>>) -> Self {
        self.http_status = http_status.into();
        self
    }

    /// Sets the error.
    #[must_use]
    pub fn error(mut self, error: impl Into<OptionalText>) -> Self {
        self.error = error.into().0;
        self
    }

    /// Sets the duration.
    #[must_use]
    pub fn duration(mut self, duration: impl Into<Option<Duration>>) -> Self {
        self.duration = duration.into();
        self
    }

    /// Sets the job that made the call.
    #[must_use]
    pub fn job_id(mut self, job_id: impl Into<Option<JobId>>) -> Self {
        self.job_id = job_id.into();
        self
    }

    /// Sets the file for which the call was made.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Sets the service's id of the object that the call created.
    #[must_use]
    pub fn external_id(mut self, external_id: impl Into<OptionalText>) -> Self {
        self.external_id = external_id.into().0;
        self
    }

    /// Sets the time of the call.
    #[must_use]
    pub const fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_http_status_tells_the_outcome() {
        for (statuses, outcome) in [
            (&[200, 201, 204, 301, 304, 399][..], CallOutcome::Ok),
            (&[400, 401, 403, 404, 409, 422, 428, 430, 499], CallOutcome::Refused),
            (&[429], CallOutcome::Throttled),
            (&[500, 502, 503, 599, 999], CallOutcome::NoAnswer),
            (&[0, 100, 199], CallOutcome::Refused),
        ] {
            for status in statuses {
                assert_eq!(CallOutcome::of_http_status(*status), outcome, "{status}");
            }
        }
    }
}
