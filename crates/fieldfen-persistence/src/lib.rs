#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::disallowed_macros)]

/// Writes a line into the log, `log!(WARN, …)` as `tracing::warn!(…)` does.
///
/// A subscriber may panic: `println!` does so when nobody reads stdout any more, and the one of tracing-subscriber when
/// nobody reads stderr either. The write that the line tells of goes on all the same.
macro_rules! log {
    ($level:ident, $($line:tt)+) => {{
        let _ = fieldfen_domain::catch_panic(|| tracing::event!(tracing::Level::$level, $($line)+));
    }};
}

mod rules;
mod sqlite;

pub use sqlite::migrations;
pub use sqlite::url::{InvalidUrl, SqliteUrl};
pub use sqlite::{
    Durability, OpenMode, SqliteOptions, SqliteSession, SqliteStore, connect, create_database, mark_as_copy,
    read_database, sqlite_version,
};

/// What kind of error diesel's is, for programs that run statements of their own on a connection from [`connect`] or
/// beside a joined session.
#[must_use]
pub fn store_error(error: diesel::result::Error) -> fieldfen_domain::store::StoreError {
    sqlite::classify(error)
}
