//! The backup that is made before the schema of a database is changed.

use std::fs::{self, File};
use std::path::Path;

use fieldfen_domain::Timestamp;
use fieldfen_persistence::SqliteUrl;

use crate::backup::{BackupReport, back_up};
use crate::error::{BackupError, WithOperation};
use crate::file_mode::PRIVATE;
use crate::folder::lock_path;

/// The folder, within that of the backups, in which the copy is made. The next run removes what a killed one has left
/// there.
const WORKPLACE: &str = ".fieldfen-before-migration";

/// Backs up a database as [`back_up`] does, for its owner alone, as `fieldfen-before-migration-TIME.db` with the time
/// in UTC. The backup of the day is not replaced, and retention never removes such a file.
///
/// # Errors
/// [`BackupError`]. Earlier backups remain, and no other file does.
pub fn back_up_before_migration(url: &SqliteUrl, folder: &Path, now: Timestamp) -> Result<BackupReport, BackupError> {
    let workplace = folder.join(WORKPLACE);
    let mut report = back_up(url, &workplace, now, PRIVATE)?;
    let backup = folder.join(format!("fieldfen-before-migration-{}.db", now.format("%Y%m%dT%H%M%S%.3fZ")));
    fs::rename(&report.backup, &backup).with_operation("rename the copy to", &backup)?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_operation("write out the folder", folder)?;
    fs::remove_file(lock_path(&workplace)).and_then(|()| fs::remove_dir(&workplace)).ok();
    report.backup = backup;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use fieldfen_persistence::SqliteStore;

    use super::*;

    #[test]
    fn a_backup_before_a_migration_replaces_none_and_leaves_no_workplace() {
        let place = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(place.path().join("fieldfen.db").as_path());
        SqliteStore::create(&url.to_string()).unwrap();
        let folder = place.path().join("backups");
        back_up(&url, &folder, "2026-11-24T03:15:00Z".parse().unwrap(), PRIVATE).unwrap();
        for now in ["2026-11-24T03:15:00Z", "2026-11-24T03:15:00.001Z"] {
            let report = back_up_before_migration(&url, &folder, now.parse().unwrap()).unwrap();
            assert!(report.backup.is_file());
        }
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(
            names,
            [
                ".fieldfen-backup.lock",
                "fieldfen-20261124.db",
                "fieldfen-before-migration-20261124T031500.000Z.db",
                "fieldfen-before-migration-20261124T031500.001Z.db"
            ]
        );
    }
}
