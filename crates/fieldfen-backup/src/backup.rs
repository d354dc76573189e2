//! Making one backup.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::Timestamp;
use fieldfen_persistence::{Missing, SqliteUrl, connect};
use serde::Serialize;

use crate::error::{BackupError, Trying};
use crate::folder::{Folder, refuse_logs};
use crate::snapshot::{self, Checked, Snapshot, data_version, failed, sqlite_name};

/// A finished backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The database that was backed up.
    pub database: String,
    /// Where the backup is.
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
    /// How many rows refer to rows that do not exist. The database has them too: a program wrote without foreign keys.
    pub dangling_references: u64,
}

/// Backs up a database into a folder as `fieldfen-YYYYMMDD.db`, the day being `now`'s in UTC.
///
/// The copy holds everything that was committed before the start, and is of one moment, however many write meanwhile;
/// none of them waits for it. It gets its name only after it has been checked and is on the disk; an earlier backup of
/// the same day is replaced in that instant.
///
/// # Errors
/// [`BackupError`]; the backups that were there are still there.
pub fn back_up(url: &SqliteUrl, folder: &Path, now: Timestamp) -> Result<BackupReport, BackupError> {
    let day = now.date_naive();
    let database = url.path().ok_or_else(|| BackupError::InMemory { url: url.clone() })?;
    // Opened first, so that a wrong address leaves no folder behind.
    let mut conn =
        connect(url, Missing::Refuse).map_err(|source| BackupError::Store { action: "open the database", source })?;
    let folder = Folder::hold(folder)?;
    let (backup, unfinished) = (folder.backup(day), folder.unfinished(day));
    refuse_itself(database, &backup)?;
    refuse_logs(&backup)?;

    let made = copy_and_check(&mut conn, url, &unfinished)
        .and_then(|made| folder.take_in(&unfinished, &backup).map(|()| made))
        .inspect_err(|_| {
            // The error that stopped the copy matters more than one about its remains, which the next run removes.
            folder.remove_unfinished().ok();
        });
    let (Checked { snapshot, dangling }, compared) = made?;
    Ok(BackupReport {
        database: url.to_string(),
        bytes: fs::metadata(&backup).trying("look at", &backup)?.len(),
        backup,
        schema: snapshot.schema,
        rows: snapshot.rows,
        compared,
        dangling_references: dangling,
    })
}

/// Copies the database, checks the copy, and says whether it could be compared with the database.
fn copy_and_check(conn: &mut SqliteConnection, url: &SqliteUrl, copy: &Path) -> Result<(Checked, bool), BackupError> {
    let name = sqlite_name(copy)?;
    let version_before = data_version(conn)?;
    let before = Snapshot::take(conn)?;
    if before.rows.is_empty() {
        return Err(BackupError::Empty { url: url.clone() });
    }
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name).execute(conn).map_err(failed("copy the database"))?;
    let checked = snapshot::check(copy)?;
    // With no commit from before the count until after the copy, both are of the same moment.
    let undisturbed = data_version(conn)? == version_before;
    if undisturbed && checked.snapshot != before {
        let problem = format!("the database holds {before:?}, the copy {:?}", checked.snapshot);
        return Err(BackupError::Unsound { problem });
    }
    Ok((checked, undisturbed))
}

/// Refuses a backup that would take the place of the database.
fn refuse_itself(database: &Path, backup: &Path) -> Result<(), BackupError> {
    let same = match (fs::canonicalize(database), fs::canonicalize(backup)) {
        (Ok(database), Ok(backup)) => database == backup,
        // A backup that is not there yet is not the database, which is.
        _ => false,
    };
    if same { Err(BackupError::OntoItself { path: backup.to_owned() }) } else { Ok(()) }
}
