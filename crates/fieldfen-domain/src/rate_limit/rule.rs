//! The limits that a program configures.

use std::time::Duration;

use super::key::{CallScope, RateLimitKey};

/// The largest number of units that a limit or a call can have. A service that says more counts as saying this.
pub const MAX_UNITS: u64 = 1_000_000_000_000;

/// The longest window.
const MAX_WINDOW: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The rule by which a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitRule {
    /// At most this many units in any span of this length.
    Window {
        /// The number of units.
        units: u64,
        /// The length of the window, in whole milliseconds.
        window: Duration,
    },
    /// A bucket that holds units and refills steadily. A call takes its units from the bucket.
    Refill {
        /// The number of units in a full bucket.
        burst: u64,
        /// Millionths of a unit per second.
        micros_per_second: u64,
    },
    /// No program has configured this limit. It is known from the answers of the service only.
    Reported,
}

/// The accounts, or the endpoints, for which a configured limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppliesTo {
    /// The calls of all of them count together.
    All,
    /// Each of them has a count of its own.
    Each,
    /// Only the calls of this one count.
    Only(String),
}

impl AppliesTo {
    /// The part of the key of the limit in which a call counts; `None` if the call does not count.
    fn key_part(&self, own: Option<&String>) -> Option<Option<String>> {
        match self {
            Self::All => Some(None),
            Self::Each => Some(own.cloned()),
            Self::Only(only) => (own == Some(only)).then(|| own.cloned()),
        }
    }
}

/// A limit of a service as a program configures it. All programs that share a database configure the same limits.
///
/// ```
/// use std::time::Duration;
/// use fieldfen_domain::rate_limit::ApiLimit;
///
/// let a_minute = ApiLimit::new("replicate", "predictions", 600, Duration::from_secs(60))?;
/// let a_bucket = ApiLimit::refill("shopify", "rest", 40, 2.0)?.each_account();
/// # Ok::<(), fieldfen_domain::rate_limit::InvalidApiLimit>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiLimit {
    /// The service.
    pub service: String,
    /// The name of the limit. If the service names its limits in its answers, this is the service's name.
    pub bucket: String,
    /// The rule by which it counts.
    pub rule: LimitRule,
    /// The accounts whose calls count.
    pub accounts: AppliesTo,
    /// The endpoints whose calls count.
    pub endpoints: AppliesTo,
}

impl ApiLimit {
    /// At most `units` in any span of this length, for all accounts and endpoints together.
    ///
    /// # Errors
    /// [`InvalidApiLimit`] if `units` is 0 or above [`MAX_UNITS`], or if the window is shorter than a millisecond or
    /// longer than 366 days.
    pub fn new(
        service: impl Into<String>,
        bucket: impl Into<String>,
        units: u64,
        window: Duration,
    ) -> Result<Self, InvalidApiLimit> {
        let window = Duration::from_millis(u64::try_from(window.as_millis()).unwrap_or(u64::MAX));
        Self::checked(service.into(), bucket.into(), LimitRule::Window { units, window })
    }

    /// A bucket that holds `burst` units and refills by so many units per second, for all accounts and endpoints
    /// together. A fraction finer than a millionth is cut off.
    ///
    /// # Errors
    /// [`InvalidApiLimit`] if `burst` is 0 or above [`MAX_UNITS`], or if the rate is less than a millionth or more than a
    /// million units per second.
    pub fn refill(
        service: impl Into<String>,
        bucket: impl Into<String>,
        burst: u64,
        per_second: f64,
    ) -> Result<Self, InvalidApiLimit> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to u64 saturates")]
        let micros_per_second = (per_second * 1e6) as u64;
        Self::checked(service.into(), bucket.into(), LimitRule::Refill { burst, micros_per_second })
    }

    fn checked(service: String, bucket: String, rule: LimitRule) -> Result<Self, InvalidApiLimit> {
        let (units, speed, what) = match rule {
            LimitRule::Window { units, window } => {
                (units, !window.is_zero() && window <= MAX_WINDOW, "a window of 1 ms to 366 days")
            }
            LimitRule::Refill { burst, micros_per_second } => (
                burst,
                (1..=1_000_000_000_000).contains(&micros_per_second),
                "a rate of 0.000001 to 1000000 units per second",
            ),
            LimitRule::Reported => (1, true, ""),
        };
        let rule_broken = match (service.is_empty(), (1..=MAX_UNITS).contains(&units), speed) {
            (true, _, _) => "a service".to_owned(),
            (_, false, _) => format!("1 to {MAX_UNITS} units, not {units}"),
            (_, _, false) => what.to_owned(),
            _ => return Ok(Self { service, bucket, rule, accounts: AppliesTo::All, endpoints: AppliesTo::All }),
        };
        Err(InvalidApiLimit { service, bucket, rule: rule_broken })
    }

    /// The same limit for the calls of this account only.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.accounts = AppliesTo::Only(account.into());
        self
    }

    /// The same limit for each account with a count of its own.
    #[must_use]
    pub fn each_account(mut self) -> Self {
        self.accounts = AppliesTo::Each;
        self
    }

    /// The same limit for the calls to this endpoint only.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoints = AppliesTo::Only(endpoint.into());
        self
    }

    /// The same limit for each endpoint with a count of its own.
    #[must_use]
    pub fn each_endpoint(mut self) -> Self {
        self.endpoints = AppliesTo::Each;
        self
    }

    /// The key of the limit in which a call counts; `None` if the call does not count.
    #[must_use]
    pub fn key_of(&self, call: &CallScope) -> Option<RateLimitKey> {
        if self.service != call.service {
            return None;
        }
        let account = self.accounts.key_part(call.account.as_ref())?;
        let endpoint = self.endpoints.key_part(call.endpoint.as_ref())?;
        Some(RateLimitKey::new(&self.service, &self.bucket).account(account).endpoint(endpoint))
    }
}

/// A limit that cannot be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the limit {bucket:?} of the service {service:?} needs {rule}")]
pub struct InvalidApiLimit {
    /// The service that was given.
    pub service: String,
    /// The name of the limit.
    pub bucket: String,
    /// The rule that the limit breaks.
    pub rule: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_no_store_can_count_are_refused() {
        let second = Duration::from_secs(1);
        for (limit, needs) in [
            (ApiLimit::new("etsy", "day", 0, second), "1 to 1000000000000 units, not 0"),
            (ApiLimit::new("etsy", "day", MAX_UNITS + 1, second), "1 to 1000000000000 units, not 1000000000001"),
            (ApiLimit::new("etsy", "day", 1, Duration::from_micros(999)), "a window of 1 ms to 366 days"),
            (ApiLimit::new("etsy", "day", 1, Duration::MAX), "a window of 1 ms to 366 days"),
            (ApiLimit::refill("etsy", "day", 1, 0.0), "a rate of 0.000001 to 1000000 units per second"),
            (ApiLimit::refill("etsy", "day", 1, -1.0), "a rate of 0.000001 to 1000000 units per second"),
            (ApiLimit::refill("etsy", "day", 1, f64::NAN), "a rate of 0.000001 to 1000000 units per second"),
            (ApiLimit::refill("etsy", "day", 1, f64::INFINITY), "a rate of 0.000001 to 1000000 units per second"),
        ] {
            let error = limit.unwrap_err().to_string();
            assert_eq!(error, format!("the limit \"day\" of the service \"etsy\" needs {needs}"));
        }
        assert!(ApiLimit::new("", "day", 1, second).is_err());
        let slow = ApiLimit::refill("amazon", "orders", 20, 0.0083).unwrap();
        assert_eq!(slow.rule, LimitRule::Refill { burst: 20, micros_per_second: 8_300 });
    }

    #[test]
    fn a_limit_counts_all_calls_each_account_apart_or_one_account_only() {
        let limit = ApiLimit::new("etsy", "day", 1, Duration::from_secs(1)).unwrap();
        let call = |account: &str| CallScope::new("etsy").account(account.to_owned());
        let key = |limit: &ApiLimit, account: &str| limit.key_of(&call(account)).map(|key| key.account);
        assert_eq!(key(&limit, "a"), Some(None));
        assert_eq!(key(&limit.clone().each_account(), "a"), Some(Some("a".to_owned())));
        assert_eq!(key(&limit.clone().account("a"), "a"), Some(Some("a".to_owned())));
        assert_eq!(key(&limit.clone().account("a"), "b"), None);
        assert_eq!(limit.clone().endpoint("x").key_of(&call("a")), None);
        assert_eq!(limit.key_of(&CallScope::new("ebay")), None);
    }
}
