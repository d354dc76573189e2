//! Making one backup.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

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

/// A finished backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackupReport {
    /// The database that was backed up.
    pub database: String,
    /// The path of the backup.
    pub backup: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The newest migration it has; `None` for a database that was never migrated by fieldfen.
    pub schema: Option<String>,
    /// The number of rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// Whether the numbers of rows were also compared with the database's: that can be done only when nobody has
    /// written meanwhile.
    pub compared: bool,
    /// The number of rows that refer to rows that do not exist. The database has them too: a program has written them
    /// without checking foreign keys.
    pub dangling_references: u64,
}

/// Backs up a database into a folder as `fieldfen-YYYYMMDD.db`, the day being `now`'s in UTC.
///
/// The copy holds everything that was committed before the start, and shows one moment, even while others write.
/// It gets its name only after it has been checked and is on the disk; an earlier backup of the same day is replaced in
/// that instant. Its mode is `mode`, for example [`PRIVATE`](crate::PRIVATE), without the rights that the database's
/// mode does not give; until it has its name, its owner alone may read it.
///
/// A user who may only read the database can back it up. Nothing is written beside it.
///
/// # Errors
/// [`BackupError`]; the backups that were there are still there, and nothing else is.
pub fn back_up(url: &SqliteUrl, folder: &Path, now: Timestamp, mode: u32) -> Result<BackupReport, BackupError> {
    let day = now.date_naive();
    let database = url.path().ok_or_else(|| BackupError::InMemory { url: url.clone() })?;
    sqlite_name(folder)?;
    // Read first, so that a wrong address leaves no folder behind.
    if read_database(url, snapshot::is_empty)? {
        return Err(BackupError::Empty { url: url.clone() });
    }
    let live = live_database(url)?;
    let folder = Folder::hold(folder, mode, &live)?;
    let (backup, unfinished) = (folder.backup(day), folder.unfinished(day));
    let made = folder.refuse_blocked(day).and_then(|()| {
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

/// The files of the database, which no backup may replace and no retention remove.
pub(crate) fn live_database(url: &SqliteUrl) -> Result<LiveDatabase, BackupError> {
    let path = url.path().ok_or_else(|| BackupError::InMemory { url: url.clone() })?;
    LiveDatabase::at(path).with_operation("look at the database", path)
}

/// Copies the database and checks the copy. The result says whether the rows could be compared with the database.
fn copy_and_check(conn: &mut SqliteConnection, copy: &Path) -> Result<(CheckedCopy, bool), BackupError> {
    let name = sqlite_name(copy)?;
    let version_before = data_version(conn)?;
    let before = Snapshot::take(conn)?;
    create(copy)?;
    let copied = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name).execute(conn);
    copied.map_err(failed("copy the database")).map_err(|error| full_disk_or(error, copy))?;
    snapshot::mark(copy)?;
    let checked = snapshot::check(copy)?;
    // With no commit from before the count until after the copy, both are of the same moment.
    let undisturbed = data_version(conn)? == version_before;
    if undisturbed && checked.snapshot != before {
        let problem = format!("the database holds {before:?}, the copy {:?}", checked.snapshot);
        return Err(BackupError::CheckFailed { problem });
    }
    Ok((checked, undisturbed))
}

/// Makes the empty file to which SQLite writes the copy: SQLite would make one that every user can read. An earlier copy
/// of the same run is removed.
fn create(copy: &Path) -> Result<(), BackupError> {
    if fs::symlink_metadata(copy).is_ok_and(|found| found.is_file()) {
        fs::remove_file(copy).with_operation("remove", copy)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    private(&mut options);
    options.open(copy).map(drop).with_operation("make the copy", copy)
}

/// Turns an I/O error of SQLite into the error of a full disk if that is the cause. SQLite does not tell a quota or a limit
/// on the size of files from other I/O errors; a write of some more bytes does.
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
