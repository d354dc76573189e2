//! The services whose answers have a reader of their own.

/// The form in which a service states its limits, refusals and charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dialect {
    /// Shopify's Admin API, REST and GraphQL. The answer tells which of the two it comes from.
    Shopify,
    /// Etsy's Open API v3.
    Etsy,
    /// eBay's REST APIs. Limits are in the answers to `GET /developer/analytics/v1_beta/rate_limit` and
    /// `/user_rate_limit` only.
    Ebay,
    /// Amazon's Selling Partner API.
    Amazon,
    /// Replicate's HTTP API.
    Replicate,
    /// Instagram and Meta's other Graph APIs.
    Instagram,
    /// Pinterest's API v5.
    Pinterest,
    /// TikTok's API v2.
    Tiktok,
    /// The standard fields: `RateLimit` and `RateLimit-Policy` of the IETF drafts, `X-RateLimit-*` and `Retry-After`.
    Generic,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 9] = [
        Self::Shopify,
        Self::Etsy,
        Self::Ebay,
        Self::Amazon,
        Self::Replicate,
        Self::Instagram,
        Self::Pinterest,
        Self::Tiktok,
        Self::Generic,
    ];

    /// The dialect of a service by its name, in any case: `"etsy"` is [`Etsy`](Self::Etsy). The name ends before the
    /// first character that is no letter, as in `"amazon-eu"`. The dialect of an unknown service is
    /// [`Generic`](Self::Generic).
    #[must_use]
    pub fn of_service(name: &str) -> Self {
        let word = name.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        match () {
            () if is("meta") || is("facebook") => Self::Instagram,
            () => Self::ALL.into_iter().find(|dialect| is(dialect.as_str())).unwrap_or(Self::Generic),
        }
    }

    /// The name of the service, as [`of_service`](Self::of_service) knows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::Etsy => "etsy",
            Self::Ebay => "ebay",
            Self::Amazon => "amazon",
            Self::Replicate => "replicate",
            Self::Instagram => "instagram",
            Self::Pinterest => "pinterest",
            Self::Tiktok => "tiktok",
            Self::Generic => "generic",
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_its_name_in_any_case() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::of_service(dialect.as_str()), dialect);
            assert_eq!(Dialect::of_service(&dialect.as_str().to_uppercase()), dialect);
        }
        let by_name = [
            ("amazon-eu", Dialect::Amazon),
            ("Shopify GraphQL", Dialect::Shopify),
            ("meta", Dialect::Instagram),
            ("facebook", Dialect::Instagram),
            ("etsyish", Dialect::Generic),
            ("openai", Dialect::Generic),
            ("", Dialect::Generic),
            ("🦊", Dialect::Generic),
        ];
        for (name, dialect) in by_name {
            assert_eq!(Dialect::of_service(name), dialect, "{name:?}");
        }
    }
}
