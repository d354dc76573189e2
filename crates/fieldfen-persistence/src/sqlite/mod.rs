//! SQLite: one writer with group commit, a pool of readers, and the repositories on one open transaction.

mod busy_handler;
mod cached_statement;
mod columns;
mod connection;
mod deadline;
mod error;
mod fair_lock;
mod file;
mod group_commit;
pub mod health;
mod keyset_page;
mod maintenance;
pub mod migrations;
#[cfg(all(test, target_os = "linux"))]
mod no_locks_test;
mod planner_statistics;
mod repositories;
mod schema;
mod session;
mod store;
mod system_error;
pub(crate) mod url;
mod watch;

pub use connection::open::sqlite_version;
pub use connection::options::{Durability, SqliteOptions};
pub use connection::tool_connection::{OpenMode, connect};
pub(crate) use error::classify;
pub use file::creation::create_database;
pub use file::free_space::free_space;
pub use file::page_copy::copy_database;
pub use file::read_only::read_database;
pub use repositories::publications::mark_as_copy;
pub use session::SqliteSession;
pub use store::SqliteStore;
pub(crate) use watch::CommitNotice;
