//! Pauses: kinds, services and accounts whose jobs no claim takes for a while.

use std::fmt;

use super::{ApiAccount, InvalidApiAccount, JobKind};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

/// The jobs that a pause stops.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PauseScope {
    /// The jobs of a kind.
    Kind(JobKind),
    /// The jobs of a service with all its accounts, or of one account.
    Account(ApiAccount),
}

text_enum! {
    /// The kinds of [`PauseScope`], as `pauses.scope` holds them.
    #[non_exhaustive]
    pub enum PauseScopeKind as "scope of a pause" {
        /// [`PauseScope::Kind`].
        Kind = "kind",
        /// [`PauseScope::Account`] of a service as a whole.
        Service = "service",
        /// [`PauseScope::Account`] of one account.
        Account = "account",
    }
}

impl PauseScope {
    /// The jobs and calls of a service, with all its accounts.
    ///
    /// ```
    /// use fieldfen_domain::job::PauseScope;
    ///
    /// assert_eq!(PauseScope::service("etsy")?.to_string(), "service etsy");
    /// assert_eq!(PauseScope::account("etsy", "main")?.to_string(), "account etsy/main");
    /// assert!(PauseScope::service("etsy/main").is_err());
    /// # Ok::<(), fieldfen_domain::job::InvalidApiAccount>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidApiAccount`] if the text is no name of a service, or names an account too.
    pub fn service(service: &str) -> Result<Self, InvalidApiAccount> {
        let parsed: ApiAccount = service.parse()?;
        if parsed.account().is_some() {
            return Err(InvalidApiAccount(service.to_owned()));
        }
        Ok(Self::Account(parsed))
    }

    /// The jobs and calls of an account of a service.
    ///
    /// # Errors
    /// [`InvalidApiAccount`] if one of the names is empty, or both together break its rule.
    pub fn account(service: &str, account: &str) -> Result<Self, InvalidApiAccount> {
        format!("{service}/{account}").parse().map(Self::Account)
    }

    /// The kind of scope.
    #[must_use]
    pub fn kind(&self) -> PauseScopeKind {
        match self {
            Self::Kind(_) => PauseScopeKind::Kind,
            Self::Account(account) if account.account().is_none() => PauseScopeKind::Service,
            Self::Account(_) => PauseScopeKind::Account,
        }
    }

    /// The name of the kind, service or account.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Kind(kind) => kind.as_str(),
            Self::Account(account) => account.as_str(),
        }
    }
}

impl fmt::Display for PauseScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// A pause: from `since` to `until`, no claim takes the jobs of its scope. Running jobs go on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// The jobs that are stopped.
    pub scope: PauseScope,
    /// The reason, for people to read.
    pub reason: String,
    /// The time at which the pause began.
    pub since: Timestamp,
    /// The time at which it ends by itself; `None` if it lasts until somebody resumes it.
    pub until: Option<Timestamp>,
    /// The person or the part of the program that paused.
    pub by: String,
}

impl Pause {
    /// A pause that lasts until somebody resumes it.
    #[must_use]
    pub fn new(scope: PauseScope, reason: impl Into<String>, since: Timestamp, by: impl Into<String>) -> Self {
        Self { scope, reason: reason.into(), since, until: None, by: by.into() }
    }

    /// The same pause, until this time at the latest.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<Timestamp>>) -> Self {
        self.until = until.into();
        self
    }

    /// Whether the pause holds at this time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// Whether the pause lasts at least as long as the other one.
    #[must_use]
    pub fn outlasts(&self, other: &Self) -> bool {
        match (self.until, other.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(until), Some(other)) => until >= other,
        }
    }
}
