//! The error of a database address, and the names that its messages give.

use std::io;

use fieldfen_services::shop::ShopFileError;

/// The database of a program that is told nothing else.
pub const DEFAULT_DATABASE: &str = "sqlite://./data/fieldfen.db";

/// The variable that names the database, in the environment and in `.env`.
pub(crate) const VARIABLE: &str = "DATABASE_URL";

/// The file with the rules of the shop.
pub(crate) const SHOP_FILE: &str = "fieldfen.toml";

/// A database address that cannot be found out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseAddressError {
    /// The variable holds bytes that are no text.
    #[error("the environment variable {VARIABLE} is not valid UTF-8: correct it, or give --database")]
    NotText,
    /// The file `.env` is there and cannot be read.
    #[error("cannot read .env in the current folder: correct it, or give --database")]
    Unreadable(#[source] io::Error),
    /// A line of `.env` is no assignment. Its text is not repeated, since it may hold a password.
    #[error(".env, line {line}: it must be NAME=value, with quotes around a value that holds spaces, or a # comment")]
    Malformed {
        /// The number of the line, from 1.
        line: usize,
    },
    /// The file `fieldfen.toml` is there and cannot be read.
    #[error("cannot read {SHOP_FILE} in the current folder: correct it, or give --database")]
    UnreadableShopFile(#[source] io::Error),
    /// The file `fieldfen.toml` is no TOML, or does not name the database as it must.
    #[error(transparent)]
    MalformedShopFile(ShopFileError),
    /// The value that was found is empty.
    #[error("--database \"\": it must be a path or a URL such as {DEFAULT_DATABASE}")]
    Empty,
}
