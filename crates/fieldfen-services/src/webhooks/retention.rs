//! The retention of deliveries.

use std::collections::BTreeMap;
use std::time::Duration;

/// The retention of the deliveries of sources that are not listed: the specification's 24 hours.
pub const DEFAULT_RETENTION: Duration = hours(24);

/// The retention of deliveries, by source.
///
/// A delivery must be remembered for as long as its sender may send it again. These sources do so for longer than a
/// day, except Shopify, which is listed for comparison. Each retention is an hour longer than its sender needs:
///
/// | source | hours | why |
/// | --- | --- | --- |
/// | `stripe` | 721 | resends by itself [for up to three days](https://docs.stripe.com/webhooks/process-undelivered-events), and on request [events of the last 30 days](https://docs.stripe.com/cli/events/resend) |
/// | `github` | 169 | never by itself, but on request, under the same `X-GitHub-Delivery`: github.com [deliveries of the past 3 days](https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks), Enterprise Server [of the past 7](https://docs.github.com/en/enterprise-server@3.17/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks) |
/// | `etsy` | 29 | tries [for 27 h 35 min](https://developers.etsy.com/documentation/essentials/webhooks): after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and another 10 h |
/// | `ebay` | 73 | publishes no schedule; it accounts for notifications of the [past 72 hours](https://developer.ebay.com/devzone/xml/docs/reference/ebay/GetNotificationsUsage.html) |
/// | `standard-webhooks` | 77 | the [specification's example](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md) of a schedule takes 75 h 35 min |
/// | `shopify` | 24 | tries [8 times over 4 hours](https://shopify.dev/changelog/updates-to-webhook-retry-mechanism) since September 2024 |
///
/// All other sources have [`DEFAULT_RETENTION`]. A program can set the retention of any source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    otherwise: Duration,
    by_source: BTreeMap<String, Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        let known = [("stripe", 721), ("github", 169), ("etsy", 29), ("ebay", 73), ("standard-webhooks", 77)];
        let by_source = known.into_iter().map(|(source, span)| (source.to_owned(), hours(span))).collect();
        Self { otherwise: DEFAULT_RETENTION, by_source }
    }
}

impl Retention {
    /// Sets the retention of one source.
    #[must_use]
    pub fn with(mut self, source: impl Into<String>, span: Duration) -> Self {
        self.by_source.insert(source.into(), span);
        self
    }

    /// Sets the retention of all sources without their own.
    #[must_use]
    pub const fn otherwise(mut self, span: Duration) -> Self {
        self.otherwise = span;
        self
    }

    /// The retention of deliveries of this source.
    #[must_use]
    pub fn of(&self, source: &str) -> Duration {
        self.by_source.get(source).copied().unwrap_or(self.otherwise)
    }
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_its_own_span_or_the_one_for_all_others() {
        let retention = Retention::default().with("acme", hours(1)).otherwise(hours(2));
        assert_eq!(retention.of("acme"), hours(1));
        assert_eq!(retention.of("unheard-of"), hours(2));
        assert_eq!(retention.of("stripe"), hours(721));
        assert_eq!(Retention::default().of("shopify"), hours(24));
    }
}
