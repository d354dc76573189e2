//! The folder of backups: its files, its lock, and the renaming of a finished copy.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, TimeDelta};
use fieldfen_domain::Timestamp;
use fieldfen_terminal::{file_kind, open_regular_file};

use crate::backup_name::BackupName;
use crate::error::{BackupError, WithOperation};
use crate::live_database::LiveDatabase;

/// A folder of backups with its lock, which one process holds at a time.
pub(crate) struct Folder<'l> {
    path: PathBuf,
    live: &'l LiveDatabase,
    /// The folders that this run has created, the innermost first.
    made: Vec<PathBuf>,
    /// The operating system releases the lock at the end of the process, also after a kill.
    _lock: File,
}

impl<'l> Folder<'l> {
    /// Creates the folder if it is missing, for its owner and the users that may read the backups; takes its lock, and
    /// removes the unfinished copies of earlier runs.
    pub(crate) fn hold(path: &Path, mode: u32, live: &'l LiveDatabase) -> Result<Self, BackupError> {
        let made = make(path, mode)?;
        Self::lock(path, live, &made).inspect_err(|error| {
            // Another backup that has the lock uses the folder, although both have found it missing.
            if !matches!(error, BackupError::AlreadyRunning { .. }) {
                remove_made(&made);
            }
        })
    }

    fn lock(path: &Path, live: &'l LiveDatabase, made: &[PathBuf]) -> Result<Self, BackupError> {
        let lock_path = lock_path(path);
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        private(&mut options);
        let lock = open_regular_file(&options, &lock_path).with_operation("open the lock", &lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::AlreadyRunning { folder: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(error).with_operation("lock", &lock_path),
        }
        let folder = Self { path: path.to_owned(), live, made: made.to_owned(), _lock: lock };
        folder.remove_unfinished()?;
        Ok(folder)
    }

    fn at(&self, name: BackupName) -> PathBuf {
        self.path.join(name.to_string())
    }

    /// The path of the finished backup of this day.
    pub(crate) fn backup(&self, day: NaiveDate) -> PathBuf {
        self.at(BackupName::finished(day))
    }

    /// The path of the unfinished copy of this day.
    pub(crate) fn unfinished(&self, day: NaiveDate) -> PathBuf {
        self.at(BackupName::unfinished(day)[0])
    }

    /// The path of the backup before a migration, by this time or the next one that no other backup has.
    pub(crate) fn before_migration(&self, now: Timestamp) -> PathBuf {
        let at = |time: Timestamp| {
            let time = time.format("%Y%m%dT%H%M%S%.3fZ");
            self.path.join(format!("fieldfen-before-migration-{time}.db"))
        };
        let times = std::iter::successors(Some(now), |time| time.checked_add_signed(TimeDelta::milliseconds(1)));
        times.map(at).find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_else(|| at(now))
    }

    /// Refuses a backup, whose copy is that of this day, if a file with one of the names must not be replaced.
    pub(crate) fn refuse_blocked(&self, day: NaiveDate, backup: &Path) -> Result<(), BackupError> {
        for path in BackupName::unfinished(day).map(|name| self.at(name)).iter().chain([&backup.to_owned()]) {
            if self.live.is_at(path) {
                return Err(BackupError::OntoItself { path: path.clone() });
            }
            match fs::symlink_metadata(path) {
                Ok(found) if found.is_file() && path == backup => {}
                Ok(found) => {
                    return Err(BackupError::Blocked { path: path.clone(), found: file_kind(found.file_type()) });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_operation("look at", path),
            }
        }
        refuse_logs(backup)
    }

    /// Removes the unfinished copies. Other files with such names are kept.
    fn remove_unfinished(&self) -> Result<(), BackupError> {
        for (name, path) in self.entries()? {
            if name.is_finished() {
                continue;
            }
            match self.remove(&path) {
                Ok(()) => tracing::info!(?path, "unfinished copy removed"),
                Err(error) => tracing::warn!(
                    error = fieldfen_domain::with_causes(&error),
                    "file with the name of an unfinished copy kept"
                ),
            }
        }
        Ok(())
    }

    /// Removes a regular file that is not the database's.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), BackupError> {
        self.refuse_foreign(path)?;
        fs::remove_file(path).with_operation("remove", path)
    }

    /// Refuses a path that is not a regular file or that belongs to the database.
    pub(crate) fn refuse_foreign(&self, path: &Path) -> Result<(), BackupError> {
        let found = fs::symlink_metadata(path).with_operation("look at", path)?;
        if self.live.is_at(path) {
            return Err(BackupError::Live { path: path.to_owned() });
        }
        if !found.is_file() {
            return Err(BackupError::Blocked { path: path.to_owned(), found: file_kind(found.file_type()) });
        }
        Ok(())
    }

    /// Renames a checked copy to the backup of its day, in place of an earlier one, and flushes both to the disk.
    pub(crate) fn publish(&self, unfinished: &Path, backup: &Path) -> Result<(), BackupError> {
        File::open(unfinished).and_then(|file| file.sync_all()).with_operation("write out", unfinished)?;
        refuse_logs(backup)?;
        fs::rename(unfinished, backup).with_operation("rename the copy to", backup)?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).with_operation("write out the folder", &self.path)
    }

    /// Removes the unfinished copy and the folders of a failed run.
    pub(crate) fn give_up(self) {
        // The error that stopped the run matters more than an error of this cleanup, which the next run repeats.
        self.remove_unfinished().ok();
        remove_made(&self.made);
    }

    /// The finished backups, the newest day first.
    pub(crate) fn backups(&self) -> Result<Vec<(NaiveDate, PathBuf)>, BackupError> {
        let finished = self.entries()?.into_iter().filter(|(name, _)| name.is_finished());
        let mut backups: Vec<_> = finished.map(|(name, path)| (name.day(), path)).collect();
        backups.sort_by(|a, b| b.cmp(a));
        Ok(backups)
    }

    /// The files with names of this program.
    fn entries(&self) -> Result<Vec<(BackupName, PathBuf)>, BackupError> {
        let list = || fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
        let names = list().with_operation("list the folder", &self.path)?;
        let known = names.iter().filter_map(|name| BackupName::parse(name.to_str()?));
        Ok(known.map(|name| (name, self.at(name))).collect())
    }
}

/// Creates a folder and its missing parents, and returns the created ones, the innermost first.
fn make(path: &Path, mode: u32) -> Result<Vec<PathBuf>, BackupError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(Vec::new()),
        Ok(found) => return Err(BackupError::NoFolder { path: path.to_owned(), found: file_kind(found.file_type()) }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_operation("read the status of the folder", path),
    }
    // Another backup may have created the folder meanwhile.
    if let Ok(found) = fs::symlink_metadata(path).map(|found| found.file_type())
        && !found.is_dir()
    {
        return Err(BackupError::NoFolder { path: path.to_owned(), found: file_kind(found) });
    }
    let missing = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let made: Vec<_> = missing.map(Path::to_owned).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700 | readable(mode, 0o040) | readable(mode, 0o004));
    #[cfg(not(unix))]
    let _ = mode;
    builder.create(path).with_operation("create the folder", path).inspect_err(|_| remove_made(&made))?;
    Ok(made)
}

/// A user that may read a file must be able to read and enter its folder.
#[cfg(unix)]
const fn readable(mode: u32, bit: u32) -> u32 {
    let read = mode & bit;
    read | read >> 2
}

/// Removes created folders, the innermost first, if they contain nothing but a lock.
fn remove_made(made: &[PathBuf]) {
    if let Some(innermost) = made.first() {
        fs::remove_file(lock_path(innermost)).ok();
    }
    made.iter().try_for_each(fs::remove_dir).ok();
}

/// The path of the lock in a folder of backups.
fn lock_path(folder: &Path) -> PathBuf {
    folder.join(".fieldfen-backup.lock")
}

/// Makes these options create a file that only its owner can read.
pub(crate) fn private(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Refuses a backup with a log beside it: SQLite would apply the old log to the new file.
pub(crate) fn refuse_logs(backup: &Path) -> Result<(), BackupError> {
    for end in ["-wal", "-journal"] {
        let mut log = backup.as_os_str().to_owned();
        log.push(end);
        let log = PathBuf::from(log);
        match fs::symlink_metadata(&log) {
            Ok(_) => return Err(BackupError::InUse { path: log }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_operation("look at", &log),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_by_one_run_which_removes_unfinished_copies() {
        let place = tempfile::tempdir().unwrap();
        for name in ["fieldfen-20261123.db.partial", "fieldfen-20261123.db.partial-journal", "fieldfen-20261123.db"] {
            fs::write(place.path().join(name), "x").unwrap();
        }
        let database = tempfile::NamedTempFile::new().unwrap();
        let live = LiveDatabase::at(database.path()).unwrap();
        let hold = || Folder::hold(place.path(), 0o600, &live);
        let folder = hold().unwrap();
        assert_eq!(folder.backups().unwrap().len(), 1);
        assert!(!place.path().join("fieldfen-20261123.db.partial").exists());
        assert!(!place.path().join("fieldfen-20261123.db.partial-journal").exists());
        assert!(matches!(hold(), Err(BackupError::AlreadyRunning { .. })));
        drop(folder);
        hold().unwrap().give_up();
        assert!(place.path().join("fieldfen-20261123.db").exists());
    }
}
