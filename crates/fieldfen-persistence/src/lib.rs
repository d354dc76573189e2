#![doc = include_str!("../README.md")]

pub mod migrations;
mod rows;
mod schema;
mod sqlite;
mod url;

pub use sqlite::{
    Durability, Missing, SqliteOptions, SqliteSession, SqliteStore, connect, create_database, read_database,
    sqlite_version,
};
pub use url::{InvalidUrl, SqliteUrl};

/// What kind of error diesel's is, for programs that run statements of their own on a connection from [`connect`] or
/// beside a joined session.
#[must_use]
pub fn store_error(error: diesel::result::Error) -> fieldfen_domain::store::StoreError {
    sqlite::classify(error)
}
