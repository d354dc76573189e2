//! Databases as shops have them before fieldfen.
//!
//! The script `tests/python/sqlalchemy_fixtures.py` makes them with SQLAlchemy 2 and Alembic, and dumps each as SQL. A
//! test compares these dumps with the output of the script.
//!
//! The crate has no SQLite: the caller runs the SQL on a connection of its own.
//!
//! ```no_run
//! # fn run(path: &std::path::Path, sql: &str) {}
//! use fieldfen_testkit::sqlalchemy::ShopDatabase;
//!
//! let path = std::path::Path::new("shop.db");
//! ShopDatabase::named("messy").create(path, |sql| run(path, sql));
//! ```

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Where the fault of a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The schema differs from the specification.
    Schema,
    /// The schema is the specification's, and one value breaks a rule.
    Value,
    /// A page of the file is overwritten.
    Page,
}

/// A database that SQLAlchemy and Alembic have made.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ShopDatabase {
    /// The kind, as `sqlalchemy_fixtures.py list` prints it.
    pub name: &'static str,
    /// The SQL that makes it, in one transaction. It switches the connection's foreign keys off.
    pub sql: &'static str,
    /// Its one fault. A database without a fault can be adopted with nothing lost.
    pub fault: Option<Fault>,
    /// Texts that name the fault: table, column, key and value, as far as there are any.
    pub named: &'static [&'static str],
}

macro_rules! database {
    ($name:literal) => {
        database!($name, $name, None, [])
    };
    ($name:literal, $fault:ident, $named:tt) => {
        database!($name, $name, Some(Fault::$fault), $named)
    };
    ($name:literal, $dump:literal, $fault:expr, $named:tt) => {
        ShopDatabase {
            name: $name,
            sql: include_str!(concat!("sqlalchemy/", $dump, ".sql")),
            fault: $fault,
            named: &$named,
        }
    };
}

/// The root page of `files` in a file that the dump of `clean` has made.
const DAMAGED_PAGE: u64 = 5;

/// All databases. `clean` has the forms that SQLAlchemy and SQLite write by themselves. `messy` has many forms that the
/// specification allows, and two rows of files that are gone.
pub const SHOP_DATABASES: &[ShopDatabase] = &[
    database!("clean"),
    database!("messy"),
    database!("messy-typed"),
    database!("messy-trigger"),
    database!("broken-timestamp", Value, ["files", "created_at", "87751d4c-a850-4e2c-84dc-da6a797d76de", "yesterday"]),
    database!("broken-json", Value, ["jobs", "payload_json", "5e1ea978-70a7-4e49-ba60-dbd625329041"]),
    database!("broken-enum", Value, ["files", "status", "87751d4c-a850-4e2c-84dc-da6a797d76de", "archived"]),
    database!("broken-blob-id", Value, ["jobs", "id"]),
    database!(
        "broken-duplicate-id",
        Value,
        ["files", "id", "87751d4c-a850-4e2c-84dc-da6a797d76de", "87751D4C-A850-4E2C-84DC-DA6A797D76DE"]
    ),
    database!("broken-text", Value, ["files", "species", "87751d4c-a850-4e2c-84dc-da6a797d76de"]),
    database!("broken-missing-column", Schema, ["files.aspect_ratio"]),
    database!("broken-affinity", Schema, ["jobs.payload_json", "NUMERIC"]),
    database!("broken-nullable", Schema, ["listings.platform"]),
    database!("broken-not-null", Schema, ["files.species"]),
    database!("broken-collation", Schema, ["files.species", "NOCASE"]),
    database!("broken-default", Schema, ["jobs.attempts"]),
    database!("broken-extra-column", Schema, ["files.camera"]),
    database!("broken-foreign-key", Schema, ["foreign key of jobs"]),
    database!("broken-check", Schema, ["table files", "CHECK"]),
    database!("broken-view", Schema, ["table listings", "VIEW"]),
    database!("broken-page", "clean", Some(Fault::Page), []),
];

impl ShopDatabase {
    /// The database of this kind.
    ///
    /// # Panics
    /// If there is no such kind.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let found = SHOP_DATABASES.iter().find(|database| database.name == name);
        *found.unwrap_or_else(|| panic!("no database of SQLAlchemy is named {name}"))
    }

    /// Makes the database at this path. `run` opens the file, runs the SQL on it and closes it. After that, the page of
    /// `broken-page` is overwritten.
    ///
    /// # Panics
    /// If the page cannot be overwritten.
    pub fn create(&self, path: &Path, run: impl FnOnce(&str)) {
        run(self.sql);
        if self.fault == Some(Fault::Page) {
            damage(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}

fn damage(path: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    // The two bytes of the page size, https://sqlite.org/fileformat.html#page_size: 1 stands for 65536.
    let mut header = [0; 18];
    file.read_exact(&mut header)?;
    let size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        size => usize::from(size),
    };
    file.seek(SeekFrom::Start((DAMAGED_PAGE - 1) * size as u64))?;
    file.write_all(&vec![0xa5; size])
}
