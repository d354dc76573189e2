//! Opens connections with their settings, and checks that SQLite applied the settings.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::hooks::{OpenConnection, establish};
use super::options::{Durability, SqliteOptions};
use crate::sqlite::busy_handler::NoLocks;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::{Classify, classify};
use crate::sqlite::file::replaced_files::DatabaseFile;
use crate::sqlite::migrations;
use crate::sqlite::url::SqliteUrl;

/// The oldest version of SQLite that is accepted.
///
/// Older versions may lose a transaction when a checkpoint and a writer meet while the WAL is reset
/// (<https://sqlite.org/wal.html>, "The WAL-Reset Bug").
pub(in crate::sqlite) const OLDEST_SQLITE: i32 = 3_051_003;

/// The pause before another attempt to open a database that was locked.
const OPEN_AGAIN: Duration = Duration::from_millis(5);

/// The version of the SQLite in this program, for example `3.53.1`.
#[must_use]
pub fn sqlite_version() -> &'static str {
    // SAFETY: returns a pointer to a constant text that ends in a NUL.
    #[expect(unsafe_code, reason = "a constant of the linked library, which diesel does not expose")]
    let version = unsafe { std::ffi::CStr::from_ptr(libsqlite3_sys::sqlite3_libversion()) };
    version.to_str().unwrap_or("unknown")
}

/// The databases that an opening writer puts into WAL mode. The file keeps the mode for every program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) enum PutIntoWal {
    /// Those with the schema of this program. Opening another one fails, and changes no byte of it.
    WithSchema,
    /// All.
    #[cfg(test)]
    All,
}

/// Opens the writing connection of a store. Fails before SQLite creates files beside the database if this user can only
/// read it.
pub(in crate::sqlite) fn open_writer(
    url: &SqliteUrl,
    options: &SqliteOptions,
    deadline: &Deadline,
    put_into_wal: PutIntoWal,
) -> Result<OpenConnection, StoreError> {
    open_to(Purpose::WriteInWal(put_into_wal), &url.file_name(), url, deadline, &writing(url, options))
}

/// Opens a connection for a tool that writes. The journal mode of the file stays as it is.
pub(in crate::sqlite) fn open_for_tool(
    url: &SqliteUrl,
    options: &SqliteOptions,
    deadline: &Deadline,
) -> Result<OpenConnection, StoreError> {
    open_to(Purpose::Write, &url.existing(), url, deadline, &without_journal(options))
}

/// Opens a connection for the maintenance of an open store's file.
pub(in crate::sqlite) fn open_for_maintenance(
    file: &DatabaseFile,
    options: &SqliteOptions,
    deadline: &Deadline,
) -> Result<OpenConnection, StoreError> {
    let url = file.url();
    open_to(Purpose::Any, &url.existing(), &url, deadline, &writing(&url, options))
}

/// Opens a connection to an open store's file that cannot write.
pub(in crate::sqlite) fn open_reader(file: &DatabaseFile, deadline: &Deadline) -> Result<OpenConnection, StoreError> {
    let url = file.url();
    open_to(Purpose::Any, &url.existing(), &url, deadline, &[("query_only", "ON", "1")])
}

/// The name of a pragma, the value to set, and the value that SQLite must report afterwards.
pub(in crate::sqlite) type Setting = (&'static str, &'static str, &'static str);

/// The journal mode that a store sets for its database.
pub(in crate::sqlite) const WAL: Setting = ("journal_mode", "wal", "wal");

fn writing(url: &SqliteUrl, options: &SqliteOptions) -> [Setting; 3] {
    let journal = if url.path().is_some() { WAL } else { ("journal_mode", "memory", "memory") };
    let [synchronous, foreign_keys] = without_journal(options);
    [journal, synchronous, foreign_keys]
}

/// The settings of a writing connection that does not change the journal mode.
pub(in crate::sqlite) const fn without_journal(options: &SqliteOptions) -> [Setting; 2] {
    let synchronous = match options.durability {
        Durability::Full => ("synchronous", "FULL", "2"),
        Durability::Normal => ("synchronous", "NORMAL", "1"),
    };
    [synchronous, ("foreign_keys", "ON", "1")]
}

/// Whether a connection must be able to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Opening fails if this user cannot write the database.
    Write,
    /// As [`Purpose::Write`], and the settings put the database into WAL mode.
    WriteInWal(PutIntoWal),
    Any,
}

/// Opens a connection. The user may lack the permission to write the database.
pub(in crate::sqlite) fn open(
    name: &str,
    url: &SqliteUrl,
    deadline: &Deadline,
    settings: &[Setting],
) -> Result<SqliteConnection, StoreError> {
    Ok(open_to_read(name, url, deadline, settings)?.conn)
}

/// As [`open`], with SQLite's handle of the connection.
pub(in crate::sqlite) fn open_to_read(
    name: &str,
    url: &SqliteUrl,
    deadline: &Deadline,
    settings: &[Setting],
) -> Result<OpenConnection, StoreError> {
    open_to(Purpose::Any, name, url, deadline, settings)
}

/// Opens a connection with the busy timeout of the deadline.
///
/// While another process recovers or removes the log, SQLite reports busy at once, whatever the timeout is. The loop
/// then waits and opens a new connection for each attempt.
fn open_to(
    purpose: Purpose,
    name: &str,
    url: &SqliteUrl,
    deadline: &Deadline,
    settings: &[Setting],
) -> Result<OpenConnection, StoreError> {
    loop {
        match open_once(purpose, name, url, settings) {
            Ok(opened) => {
                opened.control.set_busy_timeout(deadline.timeout());
                return Ok(opened);
            }
            Err(StoreError::Io(source)) if source.is::<NoLocks>() => {
                return Err(StoreError::Open { url: url.to_string(), reason: source.to_string(), source: None });
            }
            Err(StoreError::Busy { source, .. }) if deadline.is_over() => return Err(deadline.busy(source)),
            Err(StoreError::Busy { .. }) => std::thread::sleep(OPEN_AGAIN.min(deadline.left())),
            Err(error) => return Err(error),
        }
    }
}

fn open_once(
    purpose: Purpose,
    name: &str,
    url: &SqliteUrl,
    settings: &[Setting],
) -> Result<OpenConnection, StoreError> {
    // SAFETY: the function takes no argument and returns a number.
    #[expect(unsafe_code, reason = "a constant of the linked library, which diesel does not expose")]
    let version = unsafe { libsqlite3_sys::sqlite3_libversion_number() };
    if version < OLDEST_SQLITE {
        return Err(StoreError::Setting {
            what: "SQLite's version",
            found: sqlite_version().to_owned(),
            rule: "it must be 3.51.3 or newer: older ones can lose a transaction when the log is reset",
        });
    }
    let mut opened = establish(name, url)?;
    if opened.read_only && purpose != Purpose::Any {
        let found = format!(
            "{url} cannot be written by this user: the file, a file beside it, its folder or the file system is read-only"
        );
        return Err(StoreError::ReadOnly(found.into()));
    }
    let is_checked = purpose == Purpose::WriteInWal(PutIntoWal::WithSchema) && settings.contains(&WAL);
    if is_checked && setting(&mut opened.conn, "journal_mode")? != "wal" {
        migrations::check(&mut opened.conn)?;
    }
    for (name, value, expected) in settings {
        set(&mut opened.conn, name, value, expected)?;
    }
    Ok(opened)
}

pub(in crate::sqlite) fn set(
    conn: &mut SqliteConnection,
    name: &'static str,
    value: &str,
    expected: &str,
) -> Result<(), StoreError> {
    conn.batch_execute(&format!("PRAGMA {name} = {value}")).store()?;
    let answer = setting(conn, name)?;
    if answer == expected {
        return Ok(());
    }
    Err(StoreError::Setting {
        what: name,
        found: answer,
        rule: "it could not be set: is the file on a file system without shared memory, or written by an old program?",
    })
}

/// The value of a setting, as SQLite reports it.
fn setting(conn: &mut SqliteConnection, name: &str) -> Result<String, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    let ask = format!("SELECT CAST({name} AS TEXT) AS answer FROM pragma_{name}");
    Ok(diesel::sql_query(ask).get_result::<Row>(conn).map_err(classify)?.answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::connection::tool_connection::{OpenMode, connect};

    #[test]
    fn settings_hold() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("a.db").as_path());
        connect(&url, OpenMode::CreateIfMissing).unwrap();
        let (options, deadline) = (SqliteOptions::default(), Deadline::after(Duration::from_secs(60)));
        let options = SqliteOptions { durability: Durability::Normal, ..options };
        let OpenConnection { mut conn, .. } = open_writer(&url, &options, &deadline, PutIntoWal::All).unwrap();
        set(&mut conn, "synchronous", "NORMAL", "1").unwrap();
        let file = DatabaseFile::remember(url.path().unwrap()).unwrap();
        let mut conn = open_reader(&file, &deadline).unwrap().conn;
        assert!(conn.batch_execute("CREATE TABLE t (n)").is_err());
        assert!(sqlite_version().starts_with("3."));
    }

    #[test]
    fn the_database_of_another_program_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let open = || crate::SqliteStore::open(path.to_str().unwrap()).map(drop).unwrap_err();
        SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute("CREATE TABLE birds (n)").unwrap();
        for bytes in [std::fs::read(&path).unwrap(), Vec::new()] {
            std::fs::write(&path, &bytes).unwrap();
            let error = open();
            assert!(matches!(error, StoreError::Schema { .. }), "{error:?}");
            assert!(std::fs::read(&path).unwrap() == bytes, "the journal mode or another byte was changed");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_statement_that_finds_the_database_busy_says_how_long_it_has_waited() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("a.db").as_path());
        drop(connect(&url, OpenMode::CreateIfMissing).unwrap());
        let file = DatabaseFile::remember(url.path().unwrap()).unwrap();
        let open = || {
            open_for_maintenance(&file, &SqliteOptions::default(), &Deadline::after(Duration::from_millis(200)))
                .unwrap()
                .conn
        };
        let (mut first, mut second) = (open(), open());
        first.batch_execute("CREATE TABLE t (n); BEGIN IMMEDIATE").unwrap();
        let busy = second.batch_execute("INSERT INTO t VALUES (1)").store().unwrap_err();
        assert!(matches!(busy, StoreError::Busy { waited_ms: 200.., .. }), "{busy:?}");
        // SQLite does not wait for a lock if the snapshot is out of date.
        second.batch_execute("BEGIN; SELECT * FROM t").unwrap();
        first.batch_execute("INSERT INTO t VALUES (1); COMMIT").unwrap();
        let stale = second.batch_execute("INSERT INTO t VALUES (1)").store().unwrap_err();
        assert!(matches!(stale, StoreError::Busy { waited_ms: 0, .. }), "{stale:?}");
    }
}
