#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::disallowed_macros)]

/// Emits a log event and catches a panic of the subscriber: `log!(WARN, …)` stands for `tracing::warn!(…)`.
///
/// A subscriber that prints may panic when nobody reads stdout or stderr any more. The write that logs must not fail
/// because of that panic.
macro_rules! log {
    ($level:ident, $($line:tt)+) => {{
        let _ = fieldfen_domain::catch_panic(|| tracing::event!(tracing::Level::$level, $($line)+));
    }};
}

mod rules;
mod sqlite;

pub use sqlite::health;
pub use sqlite::migrations;
pub use sqlite::url::{InvalidUrl, SqliteUrl};
pub use sqlite::{
    Durability, OpenMode, SqliteOptions, SqliteSession, SqliteStore, connect, copy_database, create_database,
    free_space, mark_as_copy, read_database, sqlite_version,
};

/// Converts an error of diesel into a [`StoreError`](fieldfen_domain::store::StoreError), for programs that run their
/// own statements on a connection from [`connect`] or beside a joined session.
#[must_use]
pub fn store_error(error: diesel::result::Error) -> fieldfen_domain::store::StoreError {
    sqlite::classify(error)
}
