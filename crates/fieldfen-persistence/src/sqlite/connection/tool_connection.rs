//! Opens a connection for a tool that writes without a store.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::open::open_for_tool;
use super::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::Classify;
use crate::sqlite::file::creation::create_database;
use crate::sqlite::file::path_check::require_file;
use crate::sqlite::url::SqliteUrl;

/// Decides whether [`connect`] creates a missing database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Creates the file, as [`create_database`] does.
    CreateIfMissing,
    /// Fails if there is no file.
    ExistingOnly,
}

/// Opens a connection for a tool that writes.
///
/// A new database is in WAL mode. An existing one keeps its journal mode until a store opens it. All other settings are
/// those of a store's writer with the default options. The function does not check the schema.
///
/// # Errors
/// [`StoreError::Open`] if the file or its folder is missing or cannot be created, [`StoreError::ReadOnly`] if this
/// user cannot write the file, [`StoreError::Setting`] if SQLite is too old or does not take a setting,
/// [`StoreError::Corrupt`] if the file is not a database.
pub fn connect(url: &SqliteUrl, mode: OpenMode) -> Result<SqliteConnection, StoreError> {
    if mode == OpenMode::CreateIfMissing {
        create_database(url, |_| Ok::<_, StoreError>(()))?;
    }
    require_file(url)?;
    let options = SqliteOptions::default();
    let deadline = Deadline::after(options.busy_timeout);
    let opened = open_for_tool(url, &options, &deadline)?;
    let mut conn = opened.conn;
    // Reads the first page, which shows whether the file is a database.
    conn.batch_execute("SELECT count(*) FROM sqlite_schema").store()?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use diesel::Connection;

    use super::*;

    #[test]
    fn a_folder_a_missing_file_and_a_file_that_is_no_database_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let says = |path: &Path| connect(&SqliteUrl::from(path), OpenMode::ExistingOnly).err().unwrap().to_string();
        assert!(says(folder.path()).contains("it is a folder"));
        assert!(says(&folder.path().join("none.db")).contains("there is no such file"));
        let garbage = folder.path().join("garbage.db");
        fs::write(&garbage, "this is a text of some length, not a database, and SQLite says so").unwrap();
        assert!(matches!(
            connect(&SqliteUrl::from(garbage.as_path()), OpenMode::ExistingOnly),
            Err(StoreError::Corrupt(_))
        ));
        assert!(!folder.path().join("none.db").exists());
    }

    #[test]
    fn folders_are_made_and_a_file_in_their_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("a/b/c.db").as_path());
        connect(&url, OpenMode::CreateIfMissing).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let blocked = SqliteUrl::from(folder.path().join("file/c.db").as_path());
        let message = connect(&blocked, OpenMode::CreateIfMissing).err().unwrap().to_string();
        assert!(message.contains("file/c.db"), "{message}");
    }

    #[test]
    fn an_existing_rollback_journal_database_keeps_its_journal_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theirs.db");
        let mut theirs = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        theirs.batch_execute("CREATE TABLE t (n)").unwrap();
        let before = fs::read(&path).unwrap();
        for mode in [OpenMode::CreateIfMissing, OpenMode::ExistingOnly] {
            connect(&SqliteUrl::from(path.as_path()), mode).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
