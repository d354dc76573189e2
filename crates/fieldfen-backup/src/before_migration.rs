//! The backup that is made before the schema of a database is changed.

use std::path::Path;

use fieldfen_domain::Timestamp;
use fieldfen_persistence::SqliteUrl;

use crate::backup::{BackupReport, back_up_as};
use crate::error::BackupError;
use crate::file_mode::PRIVATE;

/// Backs up a database as [`back_up`](crate::back_up) does, for its owner alone, as `fieldfen-before-migration-TIME.db`
/// with the time in UTC. No other backup is replaced, and retention never removes such a file.
///
/// # Errors
/// [`BackupError`], for example [`BackupError::AlreadyRunning`] while another process backs up into this folder. Earlier
/// backups remain, and no other file does.
pub fn back_up_before_migration(url: &SqliteUrl, folder: &Path, now: Timestamp) -> Result<BackupReport, BackupError> {
    back_up_as(url, folder, now.date_naive(), PRIVATE, |folder| folder.before_migration(now))
}

#[cfg(test)]
mod tests {
    use fieldfen_persistence::SqliteStore;

    use std::fs;

    use super::*;
    use crate::backup::back_up;

    #[test]
    fn a_backup_before_a_migration_replaces_none_and_leaves_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(place.path().join("fieldfen.db").as_path());
        SqliteStore::create(&url.to_string()).unwrap();
        let folder = place.path().join("backups");
        back_up(&url, &folder, "2026-11-24T03:15:00Z".parse().unwrap(), PRIVATE).unwrap();
        for now in ["2026-11-24T03:15:00Z", "2026-11-24T03:15:00Z", "2026-11-24T03:15:00.001Z"] {
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
                "fieldfen-before-migration-20261124T031500.001Z.db",
                "fieldfen-before-migration-20261124T031500.002Z.db"
            ]
        );
    }
}
