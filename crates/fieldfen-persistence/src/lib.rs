#![doc = include_str!("../README.md")]

pub mod migrations;
mod rows;
mod schema;
mod sqlite;
mod url;

pub use sqlite::{Durability, Missing, SqliteOptions, SqliteSession, SqliteStore, connect, sqlite_version};
pub use url::{InvalidUrl, SqliteUrl};
