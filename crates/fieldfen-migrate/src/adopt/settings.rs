//! The settings of an adoption.

use std::collections::BTreeMap;

/// The settings with which a [`Migrator`](crate::Migrator) adopts a database of another program.
#[derive(Debug, Clone, Default)]
pub struct Adoption {
    pub(super) converts: bool,
    pub(super) accounts: BTreeMap<String, String>,
}

impl Adoption {
    /// An adoption that keeps the spelling of ids and words. Each platform has one account without a name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether ids and words are rewritten too, as fieldfen writes them. Python programs that look rows up by the
    /// old spelling then find nothing. With this setting, [`Migrator::adopt`](crate::Migrator::adopt) also rewrites a
    /// database that has migrations.
    #[must_use]
    pub const fn convert(mut self, converts: bool) -> Self {
        self.converts = converts;
        self
    }

    /// Sets the account at which the products or posts of a platform are.
    #[must_use]
    pub fn account(mut self, platform: impl Into<String>, account: impl Into<String>) -> Self {
        self.accounts.insert(platform.into(), account.into());
        self
    }
}
