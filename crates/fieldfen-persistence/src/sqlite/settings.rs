//! How connections are set up, and that they really are.

use std::fs;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::busy_handler::NoLocks;
use super::creation::create_database;
use super::database_file::DatabaseFile;
use super::deadline::Deadline;
use super::error::{CHECK_PERMISSIONS, Classify, classify};
use super::opening::{Opened, establish};
use crate::url::SqliteUrl;

/// The oldest SQLite that is trusted with a shared file.
///
/// Older ones may lose a transaction when a checkpoint and a writer meet while the WAL is reset
/// (<https://sqlite.org/wal.html>, "The WAL-Reset Bug").
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long to sleep before an opening that met a lock is tried again.
const OPEN_AGAIN: Duration = Duration::from_millis(5);

/// When a commit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When it is on the disk: what was acknowledged survives a power cut (`synchronous = FULL`).
    #[default]
    Full,
    /// When the operating system has it: the last commits before a power cut may be lost, not those before a crash of
    /// the program (`synchronous = NORMAL`).
    Normal,
}

/// Settings of a [`SqliteStore`](crate::SqliteStore).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// When a commit counts.
    pub durability: Durability,
    /// How long an operation waits in all, for other processes and for threads of this one, before it fails as busy.
    pub busy_timeout: Duration,
    /// How many connections read at once, at least one.
    pub readers: u32,
    /// How many writes share one commit at the most, at least one.
    pub batch: u32,
    /// Whether processes take turns at writing, by a lock on a file beside the database. Without it a busy process can
    /// keep another one from writing for seconds.
    pub fair: bool,
}

impl Default for SqliteOptions {
    /// Full durability, 5 seconds, 8 readers, 128 writes a commit, fair.
    fn default() -> Self {
        Self { durability: Durability::Full, busy_timeout: Duration::from_secs(5), readers: 8, batch: 128, fair: true }
    }
}

/// What to do when the database file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Create it, as [`create_database`] does.
    Create,
    /// Refuse to open it.
    Refuse,
}

/// The version of the SQLite in this program, for example `3.53.1`.
#[must_use]
pub fn sqlite_version() -> &'static str {
    // SAFETY: returns a pointer to a constant text that ends in a NUL.
    #[expect(unsafe_code, reason = "a constant of the linked library, which diesel does not hand out")]
    let version = unsafe { std::ffi::CStr::from_ptr(libsqlite3_sys::sqlite3_libversion()) };
    version.to_str().unwrap_or("unknown")
}

/// A connection for tools that write. A database that is created is in WAL mode; one that is there keeps its journal mode,
/// which the first store that opens it sets. The other settings are those of a store's writer with the default options.
/// The schema is not looked at.
///
/// # Errors
/// [`StoreError::Open`] when the file or its folder cannot be had, [`StoreError::ReadOnly`] when this user cannot write
/// the file, [`StoreError::Setting`] when SQLite is too old or a setting does not hold, [`StoreError::Corrupt`] when the
/// file is not a database.
pub fn connect(url: &SqliteUrl, missing: Missing) -> Result<SqliteConnection, StoreError> {
    if missing == Missing::Create {
        create_database(url, |_| Ok::<_, StoreError>(()))?;
    }
    prepare(url)?;
    let options = SqliteOptions::default();
    let deadline = Deadline::after(options.busy_timeout);
    let opened = open_to(Purpose::Write, &url.existing(), url, &deadline, &without_journal(&options))?;
    let mut conn = opened.conn;
    // Reads the first page, which tells whether it is a database.
    conn.batch_execute("SELECT count(*) FROM sqlite_schema").store()?;
    Ok(conn)
}

/// Says what stands in the way of opening a file where the operating system knows it better than SQLite.
pub(super) fn prepare(url: &SqliteUrl) -> Result<(), StoreError> {
    if url.path().is_none() || is_there(url)? {
        return Ok(());
    }
    Err(refusal(url, "there is no such file: create it with `migrate up`, or correct the address".to_owned(), None))
}

/// Whether there is a file that SQLite may open. Anything else in its place is refused.
pub(super) fn is_there(url: &SqliteUrl) -> Result<bool, StoreError> {
    let Some(path) = url.path() else { return Ok(false) };
    let refuse = |reason: &str, source| Err(refusal(url, reason.to_owned(), source));
    if path.to_str().is_none() {
        return refuse("its path is not UTF-8, and SQLite takes no other", None);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => refuse("it is a folder: name the file in it", None),
        Ok(found) if !found.is_file() => refuse("it is no regular file", None),
        Ok(found) if has_other_names(&found) => refuse(
            "it has several names (hard links), and SQLite keeps a log for each name, so that programs which open it by \
             different names damage it: remove the other names, or copy the file",
            None,
        ),
        Ok(_) => refuse_irregular_logs(url, path).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => refuse("it cannot be looked at", Some(error)),
    }
}

/// Refuses a log or journal that is no file of its own: SQLite would wait for a pipe, write through a link, and remove a
/// device.
fn refuse_irregular_logs(url: &SqliteUrl, path: &Path) -> Result<(), StoreError> {
    let cannot = |error| refusal(url, "it cannot be looked at".to_owned(), Some(error));
    // SQLite names them by the path without symbolic links.
    let path = path.canonicalize().map_err(cannot)?;
    for ending in ["-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let rule = match fs::symlink_metadata(&name) {
            Ok(found) if !found.is_file() => "is no regular file: remove it",
            Ok(found) if has_other_names(&found) => "has several names (hard links): remove the other names",
            Ok(_) => continue,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(cannot(error)),
        };
        return Err(refusal(url, format!("{} beside it {rule}", Path::new(&name).display()), None));
    }
    Ok(())
}

/// Says why a database is not opened.
pub(super) fn refusal(url: &SqliteUrl, reason: String, source: Option<std::io::Error>) -> StoreError {
    StoreError::Open { url: url.to_string(), reason, source: source.map(Into::into) }
}

/// Whether a file can be reached by another name than this one, symbolic links aside.
fn has_other_names(found: &fs::Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::nlink(found) > 1;
    #[cfg(not(unix))]
    return {
        let _ = found;
        false
    };
}

/// The connection of a store that writes. A file that can only be read is refused before anything is made
/// beside it.
pub(super) fn gated_writer(
    url: &SqliteUrl,
    options: &SqliteOptions,
    deadline: &Deadline,
) -> Result<Opened, StoreError> {
    open_to(Purpose::Write, &url.file_name(), url, deadline, &writing(url, options))
}

/// A connection for the upkeep of an open store's file.
pub(super) fn upkeep(file: &DatabaseFile, options: &SqliteOptions, deadline: &Deadline) -> Result<Opened, StoreError> {
    let url = file.url();
    open_to(Purpose::Any, &url.existing(), &url, deadline, &writing(&url, options))
}

/// A connection to an open store's file that cannot write.
pub(super) fn reader(file: &DatabaseFile, deadline: &Deadline) -> Result<Opened, StoreError> {
    let url = file.url();
    open_to(Purpose::Any, &url.existing(), &url, deadline, &[("query_only", "ON", "1")])
}

/// A pragma, the value it is set to, and the value it must then answer.
pub(super) type Setting = (&'static str, &'static str, &'static str);

/// The journal mode of a file.
pub(super) const WAL: Setting = ("journal_mode", "wal", "wal");

fn writing(url: &SqliteUrl, options: &SqliteOptions) -> [Setting; 3] {
    let journal = if url.path().is_some() { WAL } else { ("journal_mode", "memory", "memory") };
    let [synchronous, foreign_keys] = without_journal(options);
    [journal, synchronous, foreign_keys]
}

/// The settings of a connection that writes and leaves the journal mode as it is.
pub(super) const fn without_journal(options: &SqliteOptions) -> [Setting; 2] {
    let synchronous = match options.durability {
        Durability::Full => ("synchronous", "FULL", "2"),
        Durability::Normal => ("synchronous", "NORMAL", "1"),
    };
    [synchronous, ("foreign_keys", "ON", "1")]
}

/// What a connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A database that this user cannot write is refused.
    Write,
    Any,
}

/// Opens a connection, also to a database that this user can only read.
pub(super) fn open(
    name: &str,
    url: &SqliteUrl,
    deadline: &Deadline,
    settings: &[Setting],
) -> Result<SqliteConnection, StoreError> {
    Ok(open_to(Purpose::Any, name, url, deadline, settings)?.conn)
}

/// Opens a connection, which then waits for locks as long as an operation with this deadline does from its beginning.
///
/// While another process recovers or removes the log, SQLite answers busy at once whatever the timeout says, so that
/// this waits by itself, and opens the connection anew each time.
fn open_to(
    purpose: Purpose,
    name: &str,
    url: &SqliteUrl,
    deadline: &Deadline,
    settings: &[Setting],
) -> Result<Opened, StoreError> {
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

fn open_once(purpose: Purpose, name: &str, url: &SqliteUrl, settings: &[Setting]) -> Result<Opened, StoreError> {
    // SAFETY: returns a number.
    #[expect(unsafe_code, reason = "a constant of the linked library, which diesel does not hand out")]
    let version = unsafe { libsqlite3_sys::sqlite3_libversion_number() };
    if version < OLDEST_SQLITE {
        return Err(StoreError::Setting {
            what: "SQLite's version",
            found: sqlite_version().to_owned(),
            rule: "it must be 3.51.3 or newer: older ones can lose a transaction when the log is reset",
        });
    }
    let mut opened = establish(name, url)?;
    if opened.read_only && purpose == Purpose::Write {
        return Err(StoreError::ReadOnly(format!("{url} cannot be written by this user: {CHECK_PERMISSIONS}").into()));
    }
    for (name, value, expected) in settings {
        set(&mut opened.conn, name, value, expected)?;
    }
    Ok(opened)
}

pub(super) fn set(
    conn: &mut SqliteConnection,
    name: &'static str,
    value: &str,
    expected: &str,
) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    conn.batch_execute(&format!("PRAGMA {name} = {value}")).store()?;
    let ask = format!("SELECT CAST({name} AS TEXT) AS answer FROM pragma_{name}");
    let answer = diesel::sql_query(ask).get_result::<Row>(conn).map_err(classify)?.answer;
    if answer == expected {
        return Ok(());
    }
    Err(StoreError::Setting {
        what: name,
        found: answer,
        rule: "it could not be set: is the file on a file system without shared memory, or written by an old program?",
    })
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_a_missing_file_and_a_file_that_is_no_database_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let says = |path: &Path| connect(&SqliteUrl::from(path), Missing::Refuse).err().unwrap().to_string();
        assert!(says(folder.path()).contains("it is a folder"));
        assert!(says(&folder.path().join("none.db")).contains("there is no such file"));
        let garbage = folder.path().join("garbage.db");
        fs::write(&garbage, "this is a text of some length, not a database, and SQLite says so").unwrap();
        assert!(matches!(connect(&SqliteUrl::from(garbage.as_path()), Missing::Refuse), Err(StoreError::Corrupt(_))));
        assert!(!folder.path().join("none.db").exists());
    }

    #[test]
    fn folders_are_made_and_a_file_in_their_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("a/b/c.db").as_path());
        connect(&url, Missing::Create).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let blocked = SqliteUrl::from(folder.path().join("file/c.db").as_path());
        let message = connect(&blocked, Missing::Create).err().unwrap().to_string();
        assert!(message.contains("file/c.db"), "{message}");
    }

    #[test]
    fn an_existing_rollback_journal_database_keeps_its_journal_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theirs.db");
        let mut theirs = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        theirs.batch_execute("CREATE TABLE t (n)").unwrap();
        let before = fs::read(&path).unwrap();
        for missing in [Missing::Create, Missing::Refuse] {
            connect(&SqliteUrl::from(path.as_path()), missing).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn settings_hold() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("a.db").as_path());
        connect(&url, Missing::Create).unwrap();
        let (options, deadline) = (SqliteOptions::default(), Deadline::after(Duration::from_secs(60)));
        let options = SqliteOptions { durability: Durability::Normal, ..options };
        let Opened { mut conn, .. } = gated_writer(&url, &options, &deadline).unwrap();
        set(&mut conn, "synchronous", "NORMAL", "1").unwrap();
        let file = DatabaseFile::remember(url.path().unwrap()).unwrap();
        let mut conn = reader(&file, &deadline).unwrap().conn;
        assert!(conn.batch_execute("CREATE TABLE t (n)").is_err());
        assert!(sqlite_version().starts_with("3."));
    }

    #[test]
    fn a_statement_that_finds_the_database_busy_says_how_long_it_has_waited() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("a.db").as_path());
        drop(connect(&url, Missing::Create).unwrap());
        let file = DatabaseFile::remember(url.path().unwrap()).unwrap();
        let open =
            || upkeep(&file, &SqliteOptions::default(), &Deadline::after(Duration::from_millis(200))).unwrap().conn;
        let (mut first, mut second) = (open(), open());
        first.batch_execute("CREATE TABLE t (n); BEGIN IMMEDIATE").unwrap();
        let busy = second.batch_execute("INSERT INTO t VALUES (1)").store().unwrap_err();
        assert!(matches!(busy, StoreError::Busy { waited_ms: 200.., .. }), "{busy:?}");
        // A snapshot that is out of date is not waited for.
        second.batch_execute("BEGIN; SELECT * FROM t").unwrap();
        first.batch_execute("INSERT INTO t VALUES (1); COMMIT").unwrap();
        let stale = second.batch_execute("INSERT INTO t VALUES (1)").store().unwrap_err();
        assert!(matches!(stale, StoreError::Busy { waited_ms: 0, .. }), "{stale:?}");
    }
}
