//! The account at an external service that a job uses.

use std::fmt;
use std::str::FromStr;

/// The longest name, in bytes.
const MAX_BYTES: usize = 255;

/// A service, such as `etsy`, or one of its accounts, such as `etsy/main`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiAccount(String);

impl ApiAccount {
    /// An account of a service, as a pause names it. It is the service as a whole if the account is empty, or if service
    /// and account together break the rule of [`InvalidApiAccount`]; `None` if the service alone breaks it.
    #[must_use]
    pub fn of(service: &str, account: &str) -> Option<Self> {
        let both = (!account.is_empty()).then(|| format!("{service}/{account}").parse().ok()).flatten();
        both.or_else(|| service.parse().ok())
    }

    /// The name as `jobs.account` holds it: the service, followed by a slash and the account if there is one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The service: the name up to its first slash.
    #[must_use]
    pub fn service(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(service, _)| service)
    }

    /// The account without its service; `None` if this is the service as a whole.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.0.split_once('/').map(|(_, account)| account)
    }

    /// Whether what is said of this account holds for the other one too: a service covers its accounts.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self == other || (self.account().is_none() && self.0 == other.service())
    }
}

impl FromStr for ApiAccount {
    type Err = InvalidApiAccount;

    fn from_str(name: &str) -> Result<Self, InvalidApiAccount> {
        let has_both = name.split_once('/').is_none_or(|(service, account)| !service.is_empty() && !account.is_empty());
        if (1..=MAX_BYTES).contains(&name.len()) && has_both && !name.contains(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidApiAccount(name.to_owned()))
        }
    }
}

impl fmt::Display for ApiAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that names no service and no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("account {0:?} must be a service or service/account, 1 to 255 bytes without control characters")]
pub struct InvalidApiAccount(
    /// The text that was given.
    pub String,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_covers_its_accounts_and_no_other_service() {
        let [etsy, main, second, other] =
            ["etsy", "etsy/main", "etsy/main/2", "etsy2"].map(|name| name.parse::<ApiAccount>().unwrap());
        let covered = |account: &ApiAccount| [&etsy, &main, &second, &other].map(|other| account.covers(other));
        assert_eq!(covered(&etsy), [true, true, true, false]);
        assert_eq!(covered(&main), [false, true, false, false]);
        assert_eq!((second.service(), second.account(), etsy.account()), ("etsy", Some("main/2"), None));
    }

    #[test]
    fn an_account_that_cannot_be_named_stands_for_its_service() {
        let named = |service, account: &str| ApiAccount::of(service, account).map(|account| account.to_string());
        let long = "x".repeat(251);
        for (account, expected) in [("", "etsy"), ("main", "etsy/main"), ("a\nb", "etsy"), (&long, "etsy")] {
            assert_eq!(named("etsy", account).as_deref(), Some(expected));
        }
        assert_eq!((named("", "main"), named("a\nb", "")), (None, None));
    }

    #[test]
    fn names_without_a_service_or_an_account_are_refused() {
        for name in ["", "/main", "etsy/", "/", "a\nb", &"x".repeat(256)] {
            let error = name.parse::<ApiAccount>().unwrap_err().to_string();
            assert!(error.contains(&format!("{name:?}")), "{error}");
        }
    }
}
