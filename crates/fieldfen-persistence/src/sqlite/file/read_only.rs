//! Reading a database without a trace beside it, for tools.
//!
//! SQLite makes `-wal` and `-shm` beside a database in WAL mode even for a connection that only reads, and such a
//! connection cannot remove them. If a user other than the service's makes them, the service cannot write them later and
//! cannot open its own database. The file is therefore opened in the one of three ways that creates nothing:
//!
//! | the database | is read | protected by |
//! | --- | --- | --- |
//! | has a rollback journal | as it is | SQLite's lock, which is kept until the end |
//! | is in WAL mode, nobody has it open, its log is empty | `immutable`: without log and locks | the file's time and size, compared afterwards |
//! | is in WAL mode and has a log | with the log that is there | SQLite's locks |
//!
//! (<https://sqlite.org/wal.html>, "Read-Only Databases"; <https://sqlite.org/uri.html>, "immutable".)

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::connection::open::{Setting, open};
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::Classify;
use crate::sqlite::file::open_files::DatabaseFile;
use crate::sqlite::file::path_check::require_file;
use crate::sqlite::url::SqliteUrl;

/// A file whose time is older than this gets another one with the next write. Clocks of file systems tick in 1 to 10 ms.
const SETTLED: Duration = Duration::from_millis(50);

/// How often the file is read anew because a program wrote it meanwhile.
const ATTEMPTS: u32 = 20;

/// Reads the first page and, of a database in WAL mode, opens the log.
const FIRST_READ: &str = "SELECT count(*) FROM sqlite_schema";

/// Runs `f` on a connection that cannot write, and leaves the file, the files beside it and its journal mode as they
/// are. The connection sees everything that was committed before. If a program begins to write a database that nobody
/// had open, `f` runs once more. Only a transaction of `f`'s own makes several statements see the same moment.
///
/// A user who may only read the file can do this. The schema is not looked at. A database in memory is a new, empty one.
///
/// # Errors
/// [`StoreError::Open`] when the file is not there or cannot be read, or when it has a log that only its owner can
/// recover or a journal that must be rolled back first; [`StoreError::Busy`] when programs write the file whenever it is
/// read; [`StoreError::Corrupt`] when it is not a database; and what `f` returns.
pub fn read_database<T, E>(url: &SqliteUrl, mut f: impl FnMut(&mut SqliteConnection) -> Result<T, E>) -> Result<T, E>
where
    E: From<StoreError>,
{
    require_file(url)?;
    let deadline = Deadline::after(SqliteOptions::default().busy_timeout);
    let Some(path) = url.path() else {
        return f(&mut open(&url.file_name(), url, &deadline, &[])?);
    };
    let file = DatabaseFile::remember(path)?;
    for _ in 0..ATTEMPTS {
        let mut source = match connect(url, &file, &deadline) {
            Ok(source) => source,
            Err(NoConnection::TryAgain) => continue,
            Err(NoConnection::Failed(StoreError::ReadOnly(_))) if holds_something(&file.beside("-journal"))? => {
                let reason = "a program was stopped while it wrote, and its journal (the file ending in -journal) must be \
                              rolled back first: run the program that writes the database, or `fieldfen-migrate up`";
                return Err(refuse(url, reason).into());
            }
            Err(NoConnection::Failed(error)) => return Err(error.into()),
        };
        let result = f(&mut source.conn);
        if source.is_as_it_was(&file)? {
            return result;
        }
    }
    Err(deadline.busy("the file or its log changed each time it was read").into())
}

/// A connection, and what must not change while it reads.
struct ReadConnection {
    conn: SqliteConnection,
    /// `None` where SQLite's locks protect the reader.
    stamp: Option<Stamp>,
}

/// Why there is no connection.
enum NoConnection {
    /// The log came or went meanwhile.
    TryAgain,
    Failed(StoreError),
}

impl<E: Into<StoreError>> From<E> for NoConnection {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Tells one file from another.
type Identity = (u64, u64);

/// What changes when a file is written or replaced.
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

    /// Whether the next write gives the file another time.
    fn tells_the_next_write(&self) -> bool {
        // A time in the future is another computer's or was set by hand; the next write is of now.
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
    let open = |parameters: &str, settings: &[Setting]| -> Result<SqliteConnection, StoreError> {
        let name = file.url().uri(parameters);
        let mut conn = open(&name, url, deadline, settings)?;
        conn.batch_execute(FIRST_READ).store()?;
        Ok(conn)
    };
    let database = look_at(file.path())?;
    let (log, index) = (look_at(&file.beside("-wal"))?, look_at(&file.beside("-shm"))?);
    match (log, index) {
        (Some(log), Some(_)) => {
            let conn = open("mode=ro", &[])?;
            if look_at(&file.beside("-wal"))?.is_some_and(|now| identity(&now) == identity(&log)) {
                return Ok(ReadConnection { conn, stamp: None });
            }
            drop(conn);
            remove_own_log(file, user())?;
            Err(NoConnection::TryAgain)
        }
        (Some(log), None) if log.len() > 0 => {
            let reason = "its log (the file ending in -wal) was not closed properly, and only its owner can recover it, in \
                          a folder that can be written: run the program that writes the database, or run this as its owner";
            if database.is_none_or(|database| ![0, owner(&database)].contains(&user())) {
                return Err(refuse(url, reason).into());
            }
            // SQLite gives what it makes to the owner of the database.
            match open("mode=ro", &[]) {
                Err(StoreError::Io(_)) if look_at(&file.beside("-shm"))?.is_none() => Err(refuse(url, reason).into()),
                opened => Ok(ReadConnection { conn: opened?, stamp: None }),
            }
        }
        // If the database is in WAL mode, SQLite wants an exclusive lock before it makes the log of a connection in
        // exclusive locking mode, and cannot get one on a file that is open for reading only: an I/O error.
        _ => match open("mode=ro", &[("locking_mode", "EXCLUSIVE", "exclusive")]) {
            Ok(conn) => Ok(ReadConnection { conn, stamp: None }),
            Err(StoreError::Io(_)) => {
                let Some(database) = database else { return Err(NoConnection::TryAgain) };
                let stamp = Stamp::of(&database);
                if !stamp.tells_the_next_write() {
                    std::thread::sleep(SETTLED);
                    return Err(NoConnection::TryAgain);
                }
                Ok(ReadConnection { conn: open("mode=ro&immutable=1", &[])?, stamp: Some(stamp) })
            }
            Err(error) => Err(error.into()),
        },
    }
}

/// Removes the empty log that this user made because the last program closed the database at that moment. A process
/// that may not write a log cannot have it in use.
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

/// What is at this path; `None` for nothing.
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

    /// The user whose rights this process has.
    pub(in crate::sqlite) fn user() -> u32 {
        rustix::process::geteuid().as_raw()
    }
}

#[cfg(not(unix))]
use elsewhere::{identity, is_writable_by_others, owner, user};

/// Where files have no owners in this sense, everybody counts as the owner.
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
        let mut owner = crate::sqlite::connection::connect::connect(&url, crate::OpenMode::CreateIfMissing).unwrap();
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
