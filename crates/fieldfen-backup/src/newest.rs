//! Finds the newest backup of a folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{NaiveTime, TimeDelta};
use fieldfen_domain::Timestamp;
use fieldfen_domain::health::{Check, Finding};
use fieldfen_domain::with_causes;

use crate::backup_name::BackupName;
use crate::error::{BackupError, WithOperation as _};

/// A finished backup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewestBackup {
    /// The path of the backup.
    pub path: PathBuf,
    /// The time at which it was made: that of the file, and no later than the day in its name.
    pub made_at: Timestamp,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The length of the smallest page of SQLite. No database with a table is shorter.
/// `cp` to a full disk leaves such files.
const LEAST_BYTES: u64 = 512;

/// The newest finished backup in a folder; `None` without a backup or a folder. No file is opened. A file of fewer than
/// 512 bytes is left out: it holds no database.
///
/// # Errors
/// [`BackupError::File`] if the folder cannot be listed, or if a backup cannot be looked at.
pub fn newest_backup(folder: &Path) -> Result<Option<NewestBackup>, BackupError> {
    newest_and_short(folder).map(|(newest, _)| newest)
}

/// The newest backup, and the files with the name of a backup that are too short for a database.
fn newest_and_short(folder: &Path) -> Result<(Option<NewestBackup>, Vec<String>), BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((None, Vec::new())),
        Err(error) => return Err(error).with_operation("list the folder", folder),
    };
    let (mut newest, mut short): (Option<NewestBackup>, _) = (None, Vec::new());
    for entry in entries {
        let entry = entry.with_operation("list the folder", folder)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(BackupName::parse).filter(BackupName::is_finished) else { continue };
        let path = entry.path();
        let found = fs::symlink_metadata(&path).with_operation("look at", &path)?;
        if !found.is_file() {
            continue;
        }
        if found.len() < LEAST_BYTES {
            short.push(format!("{} has {} bytes, and holds no database", path.display(), found.len()));
            continue;
        }
        let written = Timestamp::from(found.modified().with_operation("look at", &path)?);
        let end_of_day = (name.day().and_time(NaiveTime::MIN) + TimeDelta::days(1)).and_utc();
        let made_at = written.min(end_of_day);
        if newest.as_ref().is_none_or(|newest| newest.made_at < made_at) {
            newest = Some(NewestBackup { path, made_at, bytes: found.len() });
        }
    }
    Ok((newest, short))
}

/// The finding about the newest backup of a folder. A backup older than `max_age` is a warning; no backup is too.
#[must_use]
pub fn check_backups(folder: &Path, now: Timestamp, max_age: TimeDelta) -> Finding {
    let looked_at = folder.display().to_string();
    let run = match folder.to_str() {
        Some("backups") => "run `fieldfen backup run`, and let a timer run it every day".to_owned(),
        _ => format!("run `fieldfen backup run --dir {looked_at}`, and let a timer run it every day"),
    };
    let (check, hours) = (Check::Backup, max_age.num_hours());
    match newest_and_short(folder) {
        Ok((Some(newest), short)) => {
            let NewestBackup { path, made_at, bytes } = newest;
            let age = now.signed_duration_since(made_at);
            let found =
                format!("{} of {} ({bytes} bytes) is {}", path.display(), made_at.format("%F %T"), age_in_words(age));
            if age > max_age {
                let found = format!("{found}; at most {hours} h are allowed");
                return Finding::warning(check, looked_at, found, run).details(short);
            }
            Finding::ok(check, looked_at, found).details(short)
        }
        Ok((None, short)) => Finding::warning(check, looked_at, "there is no backup", run).details(short),
        Err(error) => {
            let advice = "check the permissions of the folder";
            Finding::problem(check, looked_at, with_causes(&error), advice)
        }
    }
}

/// An age in its largest unit, for example `3 hours old`.
fn age_in_words(age: TimeDelta) -> String {
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (2.., _, _) => format!("{} days old", age.num_days()),
        (_, 2.., _) => format!("{} hours old", age.num_hours()),
        (_, _, minutes) => format!("{} minutes old", minutes.max(0)),
    }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::health::Severity;

    use super::*;

    #[test]
    fn the_newest_backup_is_found_by_its_time_and_an_old_or_missing_one_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let missing = check_backups(&folder.path().join("none"), Timestamp::UNIX_EPOCH, TimeDelta::days(1));
        assert_eq!((missing.severity, &*missing.found), (Severity::Warning, "there is no backup"));
        for name in ["fieldfen-20200102.db", "fieldfen-20200103.db", "fieldfen-20200104.db.partial", "notes.txt"] {
            fs::write(folder.path().join(name), [b'x'; 512]).unwrap();
        }
        let newest = newest_backup(folder.path()).unwrap().unwrap();
        let midnight: Timestamp = "2020-01-04T00:00:00Z".parse().unwrap();
        assert_eq!((newest.made_at, newest.bytes), (midnight, 512));
        assert!(newest.path.ends_with("fieldfen-20200103.db"), "{newest:?}");
        // A copy to a full disk.
        fs::write(folder.path().join("fieldfen-20200105.db"), [b'x'; 511]).unwrap();
        assert_eq!(newest_backup(folder.path()).unwrap().as_ref(), Some(&newest));
        let late = check_backups(folder.path(), midnight + TimeDelta::hours(25), TimeDelta::days(1));
        assert!(late.details[0].ends_with("fieldfen-20200105.db has 511 bytes, and holds no database"), "{late:?}");
        for (hours, severity) in [(23, Severity::Ok), (25, Severity::Warning)] {
            let finding = check_backups(folder.path(), midnight + TimeDelta::hours(hours), TimeDelta::days(1));
            assert_eq!(finding.severity, severity, "{finding:?}");
        }
    }
}
