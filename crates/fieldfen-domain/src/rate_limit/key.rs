//! The calls that a limit counts, and the limits in which a call counts.

use std::fmt;

use crate::OptionalText;

/// The calls that a limit counts: those of a service, or only those of one account or of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct RateLimitKey {
    /// The service, for example `replicate`.
    pub service: String,
    /// The account whose calls count; `None` if the calls of all accounts count together.
    pub account: Option<String>,
    /// The endpoint whose calls count; `None` if the calls of all endpoints count together.
    pub endpoint: Option<String>,
    /// The name that tells this limit from others of the same calls, for example `per-day`. It is empty for a limit
    /// that the service does not name.
    pub bucket: String,
}

impl RateLimitKey {
    /// A limit of all calls of a service.
    #[must_use]
    pub fn new(service: impl Into<String>, bucket: impl Into<String>) -> Self {
        Self { service: service.into(), account: None, endpoint: None, bucket: bucket.into() }
    }

    /// The same limit for the calls of one account; `None` for all accounts together.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.account = named(account.into().0);
        self
    }

    /// The same limit for the calls of one endpoint; `None` for all endpoints together.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.endpoint = named(endpoint.into().0);
        self
    }
}

/// As people read it: `etsy/shop-1 GET /listings (per-day)`.
impl fmt::Display for RateLimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service)?;
        if let Some(account) = &self.account {
            write!(f, "/{account}")?;
        }
        if let Some(endpoint) = &self.endpoint {
            write!(f, " {endpoint}")?;
        }
        if self.bucket.is_empty() { Ok(()) } else { write!(f, " ({})", self.bucket) }
    }
}

/// The service, account and endpoint of a call. Every limit that counts such calls must let it pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct CallScope {
    /// The service.
    pub service: String,
    /// The account; `None` if the service has only one, or if the account is not known yet.
    pub account: Option<String>,
    /// The endpoint; `None` if it is not known yet.
    pub endpoint: Option<String>,
}

impl CallScope {
    /// A call to this service.
    #[must_use]
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into(), account: None, endpoint: None }
    }

    /// The same call with this account.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.account = named(account.into().0);
        self
    }

    /// The same call to this endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.endpoint = named(endpoint.into().0);
        self
    }

    /// Whether the call counts in this limit.
    #[must_use]
    pub fn counts_in(&self, limit: &RateLimitKey) -> bool {
        let matches = |limited: &Option<String>, own: &Option<String>| limited.is_none() || limited == own;
        self.service == limit.service
            && matches(&limit.account, &self.account)
            && matches(&limit.endpoint, &self.endpoint)
    }
}

/// An empty text names nothing.
fn named(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_in_the_limits_of_its_service_account_and_endpoint() {
        let call = CallScope::new("etsy").account("a").endpoint("GET /x");
        let all = RateLimitKey::new("etsy", "day");
        for (limit, counts) in [
            (all.clone(), true),
            (all.clone().account("a"), true),
            (all.clone().account("b"), false),
            (all.clone().endpoint("GET /x"), true),
            (all.clone().endpoint("GET /y"), false),
            (all.clone().account("a").endpoint("GET /x"), true),
            (RateLimitKey::new("ebay", "day"), false),
        ] {
            assert_eq!(call.counts_in(&limit), counts, "{limit}");
        }
        assert!(!CallScope::new("etsy").counts_in(&all.account("a")));
    }

    #[test]
    fn a_key_is_printed_with_what_it_has() {
        let key = RateLimitKey::new("etsy", "");
        assert_eq!(key.to_string(), "etsy");
        let key = RateLimitKey::new("etsy", "day").account("a").endpoint("GET /x");
        assert_eq!(key.to_string(), "etsy/a GET /x (day)");
    }
}
