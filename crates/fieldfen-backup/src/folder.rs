//! The folder of backups: names, the lock, and taking a finished copy in.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::error::{BackupError, Trying};

/// What every backup's name begins with.
const PREFIX: &str = "fieldfen-";

/// What every backup's name ends in.
const SUFFIX: &str = ".db";

/// What the name of an unfinished copy ends in; logs of it add to this.
const PARTIAL: &str = ".db.partial";

/// A folder of backups, held by nobody else.
pub(crate) struct Folder {
    path: PathBuf,
    /// Freed by the operating system when the process ends, however it does.
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, takes its lock and removes what earlier runs have left unfinished.
    pub(crate) fn hold(path: &Path) -> Result<Self, BackupError> {
        fs::create_dir_all(path).trying("make the folder", path)?;
        let lock_path = path.join(".fieldfen-backup.lock");
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .trying("write in the folder: cannot make", &lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::AtWork { folder: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(error).trying("lock", &lock_path),
        }
        let folder = Self { path: path.to_owned(), _lock: lock };
        folder.remove_unfinished()?;
        Ok(folder)
    }

    /// Where a finished backup of this day stands.
    pub(crate) fn backup(&self, day: NaiveDate) -> PathBuf {
        self.path.join(format!("{PREFIX}{}{SUFFIX}", day.format("%Y%m%d")))
    }

    /// Where an unfinished one stands.
    pub(crate) fn unfinished(&self, day: NaiveDate) -> PathBuf {
        self.path.join(format!("{PREFIX}{}{PARTIAL}", day.format("%Y%m%d")))
    }

    /// Removes whatever has the name of an unfinished copy.
    pub(crate) fn remove_unfinished(&self) -> Result<(), BackupError> {
        for name in self.names()? {
            if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.contains(PARTIAL)) {
                let path = self.path.join(name);
                tracing::info!(path = %path.display(), "removing an unfinished copy");
                fs::remove_file(&path).trying("remove the unfinished copy", &path)?;
            }
        }
        Ok(())
    }

    /// Puts a checked copy in its place, replacing an earlier one of the same name, and returns when the disk has it.
    pub(crate) fn take_in(&self, unfinished: &Path, backup: &Path) -> Result<(), BackupError> {
        File::open(unfinished).and_then(|file| file.sync_all()).trying("write out", unfinished)?;
        refuse_logs(backup)?;
        fs::rename(unfinished, backup).trying("rename the copy to", backup)?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).trying("write out the folder", &self.path)
    }

    /// The finished backups, the newest day first.
    pub(crate) fn backups(&self) -> Result<Vec<(NaiveDate, PathBuf)>, BackupError> {
        let mut backups: Vec<_> = self
            .names()?
            .into_iter()
            .filter_map(|name| Some((day_of(name.to_str()?)?, self.path.join(&name))))
            .collect();
        backups.sort_by(|a, b| b.cmp(a));
        Ok(backups)
    }

    fn names(&self) -> Result<Vec<OsString>, BackupError> {
        let list = || fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>();
        list().trying("list the folder", &self.path)
    }
}

/// Refuses to touch a backup with a log beside it: SQLite would apply the old log to the new file.
pub(crate) fn refuse_logs(backup: &Path) -> Result<(), BackupError> {
    for end in ["-wal", "-journal"] {
        let mut log = backup.as_os_str().to_owned();
        log.push(end);
        let log = PathBuf::from(log);
        if log.try_exists().trying("look at", &log)? {
            return Err(BackupError::InUse { path: log });
        }
    }
    Ok(())
}

/// The day of a backup with this name; `None` for whatever else lies in the folder.
fn day_of(name: &str) -> Option<NaiveDate> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    NaiveDate::parse_from_str(digits, "%Y%m%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_backups_have_a_day() {
        assert_eq!(day_of("fieldfen-20261124.db"), NaiveDate::from_ymd_opt(2026, 11, 24));
        for name in [
            "fieldfen-20261124.db-wal",
            "fieldfen-20261124.db.partial",
            "fieldfen-20261324.db",
            "fieldfen-2026112.db",
            "fieldfen-+2026112.db",
            "fieldfen-before-migration.db",
            "shop-20261124.db",
        ] {
            assert_eq!(day_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_folder_has_one_holder_and_loses_what_is_unfinished() {
        let place = tempfile::tempdir().unwrap();
        for name in ["fieldfen-20261123.db.partial", "fieldfen-20261123.db.partial-journal", "fieldfen-20261123.db"] {
            fs::write(place.path().join(name), "x").unwrap();
        }
        let folder = Folder::hold(place.path()).unwrap();
        assert_eq!(folder.backups().unwrap().len(), 1);
        assert!(!place.path().join("fieldfen-20261123.db.partial").exists());
        assert!(!place.path().join("fieldfen-20261123.db.partial-journal").exists());
        assert!(matches!(Folder::hold(place.path()), Err(BackupError::AtWork { .. })));
        drop(folder);
        Folder::hold(place.path()).unwrap();
    }
}
