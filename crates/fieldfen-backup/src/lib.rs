#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod backup;
mod backup_name;
mod before_migration;
mod command;
mod error;
mod file_mode;
mod folder;
mod live_database;
mod newest;
mod retention;
mod snapshot;

pub use backup::{BackupReport, back_up};
pub use before_migration::back_up_before_migration;
pub use command::{BackupCommand, default_folder};
pub use error::BackupError;
pub use file_mode::PRIVATE;
pub use newest::{NewestBackup, check_backups, newest_backup};
pub use retention::{DEFAULT_KEEP_DAYS, RetentionReport, remove_old};
