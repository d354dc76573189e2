//! Makes one backup.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::Timestamp;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::{SqliteUrl, read_database};
use serde::Serialize;

use crate::error::{BackupError, WithOperation};
use crate::file_mode::open_up;
use crate::folder::{Folder, private};
use crate::live_database::LiveDatabase;
use crate::snapshot::{self, CheckedCopy, Snapshot, data_version, failed, sqlite_name};

/// The report about a finished backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackupReport {
    /// The database that was backed up.
    pub database: String,
    /// The path of the backup.
    pub backup: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The newest migration of the backup; `None` for a database that fieldfen has never migrated.
    pub schema: Option<String>,
    /// The number of rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// Whether the numbers of rows were also compared with those of the database, which is only possible if no program
    /// has written meanwhile.
    pub compared: bool,
    /// The number of rows that refer to rows that do not exist. The database has them too, because a program has
    /// written them without checking foreign keys.
    pub dangling_references: u64,
}

/// Backs up a database into a folder as `fieldfen-YYYYMMDD.db`, with the day of `now` in UTC.
///
/// The copy contains everything that was committed before the start, and shows one moment, even if other programs write
/// meanwhile. It gets its name after it was checked and flushed to the disk, and replaces an earlier backup of the same
/// day at that moment. Its mode is `mode`, for example [`PRIVATE`](crate::PRIVATE), without permissions that the
/// database's mode does not give. Until it has its name, only its owner may read it.
///
/// A user with read permission alone can back the database up. No file beside the database is written.
///
/// # Errors
/// [`BackupError`]. Earlier backups remain, and no other file does.
pub fn back_up(url: &SqliteUrl, folder: &Path, now: Timestamp, mode: u32) -> Result<BackupReport, BackupError> {
    let day = now.date_naive();
    back_up_as(url, folder, day, mode, |folder| folder.backup(day))
}

/// As [`back_up`], with a name that `name` chooses while the folder is locked.
pub(crate) fn back_up_as(
    url: &SqliteUrl,
    folder: &Path,
    day: NaiveDate,
    mode: u32,
    name: impl FnOnce(&Folder<'_>) -> PathBuf,
) -> Result<BackupReport, BackupError> {
    let database = url.path().ok_or_else(|| BackupError::InMemory { url: url.clone() })?;
    sqlite_name(folder)?;
    // Read first, so that a wrong address creates no folder.
    if read_database(url, snapshot::is_empty)? {
        return Err(BackupError::Empty { url: url.clone() });
    }
    let live = live_database(url)?;
    let folder = Folder::hold(folder, mode, &live)?;
    let (backup, unfinished) = (name(&folder), folder.unfinished(day));
    let made = folder.refuse_blocked(day, &backup).and_then(|()| {
        let made = read_database(url, |conn| copy_and_check(conn, &unfinished))?;
        open_up(&unfinished, database, mode).with_operation("set the mode of", &unfinished)?;
        folder.publish(&unfinished, &backup)?;
        let bytes = fs::metadata(&backup).with_operation("look at", &backup)?.len();
        Ok((made, bytes))
    });
    match made {
        Ok(((CheckedCopy { snapshot, dangling }, compared), bytes)) => Ok(BackupReport {
            database: url.to_string(),
            bytes,
            backup,
            schema: snapshot.schema,
            rows: snapshot.rows,
            compared,
            dangling_references: dangling,
        }),
        Err(error) => {
            folder.give_up();
            Err(error)
        }
    }
}

/// The files of the database, which no backup may replace and retention may not remove.
pub(crate) fn live_database(url: &SqliteUrl) -> Result<LiveDatabase, BackupError> {
    let path = url.path().ok_or_else(|| BackupError::InMemory { url: url.clone() })?;
    LiveDatabase::at(path).with_operation("read the status of the database", path)
}

/// Copies the database and checks the copy. Also returns whether the rows could be compared with the database.
fn copy_and_check(conn: &mut SqliteConnection, copy: &Path) -> Result<(CheckedCopy, bool), BackupError> {
    let name = sqlite_name(copy)?;
    let version_before = data_version(conn)?;
    let before = Snapshot::take(conn)?;
    create(copy)?;
    let copied = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name).execute(conn);
    copied.map_err(failed("copy the database")).map_err(|error| full_disk_or(error, copy))?;
    snapshot::mark(copy)?;
    let checked = snapshot::check(copy)?;
    // Without a commit between the count and the end of the copy, both are of the same moment.
    let undisturbed = data_version(conn)? == version_before;
    if undisturbed && checked.snapshot != before {
        let problem = format!("the database holds {before:?}, the copy {:?}", checked.snapshot);
        return Err(BackupError::CheckFailed { problem });
    }
    Ok((checked, undisturbed))
}

/// Creates the empty file to which SQLite writes the copy, since SQLite would create one that every user can read. An
/// earlier copy of the same run is removed.
fn create(copy: &Path) -> Result<(), BackupError> {
    if fs::symlink_metadata(copy).is_ok_and(|found| found.is_file()) {
        fs::remove_file(copy).with_operation("remove", copy)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    private(&mut options);
    options.open(copy).map(drop).with_operation("create the copy", copy)
}

/// Turns an I/O error of SQLite into the error of a full disk if that is the cause. SQLite does not distinguish a
/// quota, or a limit on the size of files, from other I/O errors. A write of some more bytes does.
fn full_disk_or(error: BackupError, copy: &Path) -> BackupError {
    let BackupError::Store { source: StoreError::Io(_), .. } = &error else { return error };
    let write = || File::options().append(true).open(copy)?.write_all(&[0; 1 << 16]);
    match write() {
        Err(source)
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) =>
        {
            BackupError::File { action: "write", path: copy.to_owned(), source }
        }
        _ => error,
    }
}
