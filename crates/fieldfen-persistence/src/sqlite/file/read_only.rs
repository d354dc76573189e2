//! Tools read a database through this module. Reading leaves no files beside the database.
//!
//! SQLite creates `-wal` and `-shm` beside a database in WAL mode even for a read-only connection, and a read-only
//! connection cannot remove them. If a user other than the service's creates these files, the service cannot write them
//! later and cannot open its own database. This module therefore opens the file in one of three ways, none of which
//! creates a file:
//!
//! | state of the database | how it is read | protection |
//! | --- | --- | --- |
//! | it has a rollback journal | as an ordinary read-only database | SQLite's lock, held until the end |
//! | it is in WAL mode, no program has it open, and its log is empty | with `immutable`: without log and locks | the
//! file's time and size are compared afterwards |
//! | the same, and a full disk has no room for the index of that log | in the same way | the same |
//! | it is in WAL mode and has a log | together with that log | SQLite's locks |
//!
//! (<https://sqlite.org/wal.html>, "Read-Only Databases"; <https://sqlite.org/uri.html>, "immutable".)

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::connection::hooks::OpenConnection;
use crate::sqlite::connection::open::{Setting, open_to_read};
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::Classify;
use crate::sqlite::file::path_check::require_file;
use crate::sqlite::file::replaced_files::DatabaseFile;
use crate::sqlite::migrations::command;
use crate::sqlite::url::SqliteUrl;

/// If a file's time is older than this, the next write changes the time. The clocks of file systems tick in 1 to 10 ms.
const SETTLED: Duration = Duration::from_millis(50);

/// The number of reads before the function returns [`StoreError::Busy`]. The file is read again if a program wrote it
/// meanwhile.
const ATTEMPTS: u32 = 20;

/// Reads the first page. If the database is in WAL mode, this statement also opens the log.
const FIRST_READ: &str = "SELECT count(*) FROM sqlite_schema";

/// Runs `f` on a read-only connection. The file, the files beside it and its journal mode stay as they are. The
/// connection sees every transaction that was committed before. If a program starts to write a database that no program
/// had open, `f` runs once more. Several statements see the same state only inside a transaction that `f` itself
/// begins.
///
/// A user with read permission alone can call this. The function does not check the schema. For a database in memory,
/// the connection opens a new, empty database.
///
/// # Errors
/// [`StoreError::Open`] if the file is missing or unreadable, if only its owner can recover its log, or if its journal
/// must be rolled back first; [`StoreError::Busy`] if other programs write the file during every attempt;
/// [`StoreError::Corrupt`] if the file is not a database; and any error of `f`.
pub fn read_database<T, E>(url: &SqliteUrl, mut f: impl FnMut(&mut SqliteConnection) -> Result<T, E>) -> Result<T, E>
where
    E: From<StoreError>,
{
    read_with_handle(url, |opened| f(&mut opened.conn))
}

/// As [`read_database`], with SQLite's handle of the connection.
pub(in crate::sqlite) fn read_with_handle<T, E>(
    url: &SqliteUrl,
    mut f: impl FnMut(&mut OpenConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<StoreError>,
{
    require_file(url)?;
    let deadline = Deadline::after(SqliteOptions::default().busy_timeout);
    let Some(path) = url.path() else {
        return f(&mut open_to_read(&url.file_name(), url, &deadline, &[])?);
    };
    let file = DatabaseFile::remember(path)?;
    for _ in 0..ATTEMPTS {
        let mut source = match connect(url, &file, &deadline) {
            Ok(source) => source,
            Err(NoConnection::TryAgain) => continue,
            Err(NoConnection::Failed(StoreError::ReadOnly(_))) if holds_something(&file.beside("-journal"))? => {
                let reason = format!(
                    "a program was stopped while it wrote, and its journal (the file ending in -journal) must be \
                     rolled back first: run the program that writes the database, or `{}`",
                    command()
                );
                return Err(refuse(url, &reason).into());
            }
            Err(NoConnection::Failed(error)) => return Err(error.into()),
        };
        let result = f(&mut source.opened);
        if source.is_as_it_was(&file)? {
            return result;
        }
    }
    Err(deadline.busy("the file or its log changed each time it was read").into())
}

/// A read-only connection and the stamp by which a concurrent write is noticed.
struct ReadConnection {
    opened: OpenConnection,
    /// `None` if SQLite's locks protect the reader.
    stamp: Option<Stamp>,
}

/// The reason why no connection was opened.
enum NoConnection {
    /// The log appeared or disappeared during the attempt.
    TryAgain,
    Failed(StoreError),
}

impl<E: Into<StoreError>> From<E> for NoConnection {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Device and inode: two paths with the same pair lead to the same file.
type Identity = (u64, u64);

/// The metadata that changes when a program writes or replaces the file.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    file: Identity,
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self { modified: found.modified().ok(), bytes: found.len(), file: identity(found) }
    }

    /// Returns whether the next write will change the file's time.
    fn tells_the_next_write(&self) -> bool {
        // A time in the future comes from another computer's clock or was set by hand. The next write sets the present
        // time.
        self.modified.is_none_or(|modified| modified.elapsed().map_or(true, |age| age > SETTLED))
    }
}

impl ReadConnection {
    fn is_as_it_was(&self, file: &DatabaseFile) -> Result<bool, StoreError> {
        let Some(before) = &self.stamp else { return Ok(true) };
        let now = look_at(file.path())?;
        let log_is_empty = look_at(&file.beside("-wal"))?.is_none_or(|log| log.len() == 0);
        Ok(log_is_empty && now.is_some_and(|now| Stamp::of(&now) == *before))
    }
}

fn connect(url: &SqliteUrl, file: &DatabaseFile, deadline: &Deadline) -> Result<ReadConnection, NoConnection> {
    let open = |parameters: &str, settings: &[Setting]| -> Result<OpenConnection, StoreError> {
        let name = file.url().uri(parameters);
        let mut opened = open_to_read(&name, url, deadline, settings)?;
        opened.conn.batch_execute(FIRST_READ).store()?;
        Ok(opened)
    };
    let database = look_at(file.path())?;
    let immutable = || {
        let Some(database) = &database else { return Err(NoConnection::TryAgain) };
        let stamp = Stamp::of(database);
        if !stamp.tells_the_next_write() {
            std::thread::sleep(SETTLED);
            return Err(NoConnection::TryAgain);
        }
        Ok(ReadConnection { opened: open("mode=ro&immutable=1", &[])?, stamp: Some(stamp) })
    };
    let (log, index) = (look_at(&file.beside("-wal"))?, look_at(&file.beside("-shm"))?);
    match (log, index) {
        (Some(log), Some(_)) => {
            let opened = match open("mode=ro", &[]) {
                // A program that has the database open would have made the index.
                Err(StoreError::Full(_)) if log.len() == 0 => return immutable(),
                opened => opened?,
            };
            if look_at(&file.beside("-wal"))?.is_some_and(|now| identity(&now) == identity(&log)) {
                return Ok(ReadConnection { opened, stamp: None });
            }
            drop(opened);
            remove_own_log(file, user())?;
            Err(NoConnection::TryAgain)
        }
        (Some(log), None) if log.len() > 0 => {
            let reason = "its log (the file ending in -wal) was not closed properly, and only its owner can recover it, in \
                          a folder that can be written: run the program that writes the database, or run this as its owner";
            if database.as_ref().is_none_or(|database| ![0, owner(database)].contains(&user())) {
                return Err(refuse(url, reason).into());
            }
            // SQLite gives new files the owner of the database.
            match open("mode=ro", &[]) {
                Err(StoreError::Io(_)) if look_at(&file.beside("-shm"))?.is_none() => Err(refuse(url, reason).into()),
                opened => Ok(ReadConnection { opened: opened?, stamp: None }),
            }
        }
        // SQLite takes an exclusive lock before it creates the log of a connection in exclusive locking mode. On a file
        // that is open for reading only, the lock fails with an I/O error, and no file is created.
        _ => match open("mode=ro", &[("locking_mode", "EXCLUSIVE", "exclusive")]) {
            Ok(opened) => Ok(ReadConnection { opened, stamp: None }),
            Err(StoreError::Io(_)) => immutable(),
            Err(error) => Err(error.into()),
        },
    }
}

/// Removes the empty log that this user created because the last program closed the database at that moment. No other
/// process uses the log: only this user may write it.
fn remove_own_log(file: &DatabaseFile, user: u32) -> Result<(), StoreError> {
    let (Some(database), Some(log)) = (look_at(file.path())?, look_at(&file.beside("-wal"))?) else { return Ok(()) };
    let is_of_use = owner(&log) != user || owner(&database) == user || is_writable_by_others(&log) || log.len() > 0;
    if is_of_use {
        return Ok(());
    }
    for ending in ["-shm", "-wal"] {
        fs::remove_file(file.beside(ending)).map_err(|error| StoreError::Io(error.into()))?;
    }
    Ok(())
}

/// Returns the metadata of a path, or `None` if nothing is there.
fn look_at(path: &Path) -> Result<Option<Metadata>, StoreError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::Io(error.into())),
    }
}

fn holds_something(path: &Path) -> Result<bool, StoreError> {
    Ok(look_at(path)?.is_some_and(|found| found.len() > 0))
}

fn refuse(url: &SqliteUrl, reason: &str) -> StoreError {
    StoreError::Open { url: url.to_string(), reason: reason.to_owned(), source: None }
}

#[cfg(unix)]
use unix::{identity, is_writable_by_others, owner, user};

#[cfg(unix)]
mod unix {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt as _;

    pub(in crate::sqlite) fn identity(found: &Metadata) -> super::Identity {
        (found.dev(), found.ino())
    }

    pub(in crate::sqlite) fn owner(found: &Metadata) -> u32 {
        found.uid()
    }

    pub(in crate::sqlite) fn is_writable_by_others(found: &Metadata) -> bool {
        found.mode() & 0o022 != 0
    }

    /// The effective user id of this process.
    pub(in crate::sqlite) fn user() -> u32 {
        rustix::process::geteuid().as_raw()
    }
}

#[cfg(not(unix))]
use elsewhere::{identity, is_writable_by_others, owner, user};

/// On systems without Unix owners, every user counts as the owner.
#[cfg(not(unix))]
mod elsewhere {
    use std::fs::Metadata;

    pub(in crate::sqlite) fn identity(_: &Metadata) -> super::Identity {
        (0, 0)
    }

    pub(in crate::sqlite) fn owner(_: &Metadata) -> u32 {
        0
    }

    pub(in crate::sqlite) fn is_writable_by_others(_: &Metadata) -> bool {
        true
    }

    pub(in crate::sqlite) fn user() -> u32 {
        0
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use diesel::prelude::*;

    use super::*;

    #[test]
    fn only_an_empty_log_that_its_maker_alone_may_write_is_removed() {
        const OTHER: u32 = 65534;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        fs::write(&path, "").unwrap();
        let file = DatabaseFile::remember(&path).unwrap();
        let me = user();
        let left = |mode: u32, bytes: &str, user: u32| {
            for ending in ["-wal", "-shm"] {
                fs::write(file.beside(ending), if ending == "-wal" { bytes } else { "" }).unwrap();
                fs::set_permissions(file.beside(ending), fs::Permissions::from_mode(mode)).unwrap();
            }
            remove_own_log(&file, user).unwrap();
            ["-wal", "-shm"].map(|ending| file.beside(ending).exists())
        };
        assert_eq!(left(0o644, "", me), [true, true], "the database is this user's too");
        assert_eq!(left(0o644, "", OTHER), [true, true], "the log is not that user's");
        if me == 0 {
            std::os::unix::fs::chown(&path, Some(OTHER), None).unwrap();
            assert_eq!(left(0o666, "", me), [true, true], "others may have it in use");
            assert_eq!(left(0o644, "x", me), [true, true], "it holds something");
            assert_eq!(left(0o644, "", me), [false, false]);
        }
    }

    #[test]
    fn what_is_read_while_somebody_begins_to_write_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let url = SqliteUrl::from(path.as_path());
        let mut owner =
            crate::sqlite::connection::tool_connection::connect(&url, crate::OpenMode::CreateIfMissing).unwrap();
        owner.batch_execute("CREATE TABLE t (n)").unwrap();
        drop(owner);
        let (mut runs, mut writer) = (0, None);
        let count = read_database::<_, StoreError>(&url, |conn| {
            runs += 1;
            let count = rows(conn);
            writer.get_or_insert_with(|| {
                let mut writer = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                writer.batch_execute("INSERT INTO t VALUES (1)").unwrap();
                writer
            });
            Ok(count)
        });
        assert_eq!((count.unwrap(), runs), (1, 2));
        let mut endless = 0;
        drop(writer);
        let error = read_database::<(), StoreError>(&url, |_| {
            endless += 1;
            SqliteConnection::establish(path.to_str().unwrap())
                .unwrap()
                .batch_execute("INSERT INTO t VALUES (1)")
                .unwrap();
            Ok(())
        });
        assert!(matches!(error, Err(StoreError::Busy { .. })), "{error:?}");
        assert!(endless >= ATTEMPTS / 2, "{endless}");
    }

    #[test]
    fn a_rollback_journal_database_is_read_as_it_is_and_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theirs.db");
        let url = SqliteUrl::from(path.as_path());
        let mut owner = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        owner.batch_execute("CREATE TABLE t (n); INSERT INTO t VALUES (1)").unwrap();
        let before = fs::read(&path).unwrap();
        let count = read_database::<_, StoreError>(&url, |conn| {
            assert!(conn.batch_execute("INSERT INTO t VALUES (2)").is_err());
            Ok(rows(conn))
        });
        assert_eq!(count.unwrap(), 1);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        owner.batch_execute("INSERT INTO t VALUES (2)").unwrap();
    }

    fn rows(conn: &mut SqliteConnection) -> i64 {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT count(*) FROM t)"))
            .get_result(conn)
            .unwrap()
    }
}
