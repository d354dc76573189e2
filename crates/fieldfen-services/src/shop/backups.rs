//! The folder of the backups, and the age at which a person is told.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde::Deserialize;

use super::setting::{InvalidShop, Setting};

/// The longest age, in hours: a century.
const MAX_HOURS: u32 = 876_000;

/// The folder of the backups, and the age at which a person is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table with folder and max_age_hours")]
#[non_exhaustive]
pub struct Backups {
    /// The folder, relative to the current folder of the program. By default `backups`.
    pub folder: PathBuf,
    /// Hours after which the newest backup counts as too old, 1 to 876,000. By default 24.
    pub max_age_hours: u32,
}

impl Default for Backups {
    fn default() -> Self {
        Self { folder: PathBuf::from("backups"), max_age_hours: 24 }
    }
}

impl Backups {
    /// The age at which the newest backup counts as too old.
    #[must_use]
    pub fn max_age(&self) -> TimeDelta {
        TimeDelta::hours(self.max_age_hours.into())
    }

    pub(super) fn check(&self) -> Result<(), InvalidShop> {
        let at = Setting::of("backups");
        if !(1..=MAX_HOURS).contains(&self.max_age_hours) {
            return Err(InvalidShop::at(
                at.key("max_age_hours"),
                self.max_age_hours.to_string(),
                "it must be 1 to 876000",
            ));
        }
        if self.folder == Path::new("") {
            return Err(InvalidShop::at(at.key("folder"), "\"\"", "it must be the path of a folder"));
        }
        Ok(())
    }
}
