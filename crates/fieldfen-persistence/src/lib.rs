#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::disallowed_macros)]

/// Emits a log event: `log!(WARN, …)` is `tracing::warn!(…)`, but a panic of the subscriber is caught.
///
/// A subscriber that prints may panic when nobody reads stdout or stderr any more. The write that logs must not fail with
/// it.
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
