//! The error of a database address, and the names in its messages.

use std::io;

use fieldfen_services::shop::ShopFileError;

/// The default database.
pub const DEFAULT_DATABASE: &str = "sqlite://./data/fieldfen.db";

/// The variable with the address of the database, in the environment and in `.env`.
pub(crate) const VARIABLE: &str = "DATABASE_URL";

/// The file with the rules of the shop.
pub(crate) const SHOP_FILE: &str = "fieldfen.toml";

/// The error of a database address that could not be determined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseAddressError {
    /// The variable is not valid UTF-8.
    #[error("the environment variable {VARIABLE} is not valid UTF-8: correct it, or give --database")]
    NotText,
    /// The file `.env` exists and cannot be read.
    #[error("cannot read .env in the current folder: correct it, or give --database")]
    Unreadable(#[source] io::Error),
    /// A line of `.env` is not an assignment. The message does not repeat its text, which may contain a password.
    #[error(".env, line {line}: it must be NAME=value, with quotes around a value with spaces, or a # comment")]
    Malformed {
        /// The number of the line, from 1.
        line: usize,
    },
    /// The file `fieldfen.toml` exists and cannot be read.
    #[error("cannot read {SHOP_FILE} in the current folder: correct it, or give --database")]
    UnreadableShopFile(#[source] io::Error),
    /// The file `fieldfen.toml` is not TOML, or its section `[database]` breaks a rule.
    #[error(transparent)]
    MalformedShopFile(ShopFileError),
    /// The address is empty.
    #[error("--database \"\": it must be a path or a URL such as {DEFAULT_DATABASE}")]
    Empty,
}
