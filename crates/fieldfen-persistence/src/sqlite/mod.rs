//! SQLite: one writer with group commit, a pool of readers, and the repositories on one open transaction.

mod api_usage;
mod busy_handler;
mod creation;
mod database_file;
mod deadline;
mod error;
#[cfg(test)]
mod error_test;
mod fair_lock;
mod file_header;
mod file_mode;
mod files;
mod group_commit;
mod guard;
mod hashes;
mod jobs;
mod log_file;
mod log_readers;
mod maintenance;
#[cfg(all(test, target_os = "linux"))]
mod no_locks_test;
mod opening;
mod operator_actions;
mod page;
#[cfg(test)]
mod plans_test;
mod publications;
mod read_only;
mod readers;
mod recurring;
#[cfg(test)]
mod repository_plans_test;
mod session;
mod settings;
mod statement;
mod store;
mod system_error;
mod watch;
mod workers;

pub use creation::create_database;
pub(crate) use error::{Classify, classify};
pub use publications::mark_as_copy;
pub use read_only::read_database;
pub use session::SqliteSession;
pub use settings::{Durability, Missing, SqliteOptions, connect, sqlite_version};
pub use store::SqliteStore;
