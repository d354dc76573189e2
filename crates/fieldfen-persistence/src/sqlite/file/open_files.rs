//! The files that a store has opened, wherever their paths lead to later.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fieldfen_domain::store::StoreError;
use parking_lot::Mutex;

use crate::sqlite::url::SqliteUrl;

/// The file that was opened, to notice when another one, or none, stands at its path.
#[derive(Debug, Clone)]
pub(in crate::sqlite) struct DatabaseFile {
    /// Without symbolic links and relative parts: SQLite names its log by it, and so do all programs that have it open.
    path: PathBuf,
    id: Option<FileId>,
}

impl DatabaseFile {
    /// Remembers the file at a path that a connection has just been opened on.
    pub(in crate::sqlite) fn remember(path: &Path) -> Result<Self, StoreError> {
        let path = path.canonicalize().map_err(|error| StoreError::Io(error.into()))?;
        let found = FileStatus::without_times(&path).map_err(|error| StoreError::Io(error.into()))?;
        Ok(Self { path, id: found.id })
    }

    pub(in crate::sqlite) fn path(&self) -> &Path {
        &self.path
    }

    /// The address that opens this file, whatever the working folder is.
    pub(in crate::sqlite) fn url(&self) -> SqliteUrl {
        SqliteUrl::from(self.path.as_path())
    }

    /// The path of the file beside it whose name has this ending, for example `-wal`.
    pub(in crate::sqlite) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }

    /// A file that was deleted or replaced can still be written and read, but everything written would be lost, and
    /// nothing that others write would be read.
    fn check(&self, look: fn(&Path) -> io::Result<FileStatus>) -> Result<FileStatus, StoreError> {
        let name = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = look(&self.path).map_err(|error| {
            StoreError::Io(format!("the file {:?} is gone, or cannot be looked at: {error}", name()).into())
        })?;
        if found.id != self.id {
            let text = format!("another file has taken the place of {:?}: open the database anew", name());
            return Err(StoreError::Io(text.into()));
        }
        Ok(found)
    }
}

/// The device and the inode of a file.
type FileId = (u64, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStatus {
    /// `None` on systems without inodes.
    id: Option<FileId>,
    bytes: u64,
    /// `None` also where the time was not asked for.
    modified: Option<SystemTime>,
}

impl FileStatus {
    fn with_times(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt;
            Some((found.dev(), found.ino()))
        };
        #[cfg(not(unix))]
        let id = None;
        Ok(Self { id, bytes: found.len(), modified: found.modified().ok() })
    }

    /// Reads the status of a file that is written at every commit.
    ///
    /// After its times were read, Linux gives a file a new time at its next write, so that `fsync` has to write the inode
    /// too (<https://docs.kernel.org/filesystems/multigrain-ts.html>). A commit under FULL took 90 µs longer.
    #[cfg(target_os = "linux")]
    fn without_times(path: &Path) -> io::Result<Self> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

        match statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::SIZE) {
            Ok(found) => Ok(Self {
                id: Some((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino)),
                bytes: found.stx_size,
                modified: None,
            }),
            // Linux before 4.11 and some sandboxes do not have the call.
            Err(rustix::io::Errno::NOSYS) => Self::with_times(path),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn without_times(path: &Path) -> io::Result<Self> {
        Self::with_times(path)
    }
}

/// The database file, and the log and its index that belong to it.
///
/// SQLite keeps all three open. If one of them is deleted or replaced, SQLite goes on with the old one, while the next
/// program to open the database makes a new one: what is written from then on is lost, or damages the database.
#[derive(Debug, Clone)]
pub(in crate::sqlite) struct OpenFiles {
    database: DatabaseFile,
    log: DatabaseFile,
    index: DatabaseFile,
    folder: Arc<Folder>,
}

/// The length in bytes of the database file and the time of its last change.
pub(in crate::sqlite) type DatabaseStamp = (u64, Option<SystemTime>);

impl OpenFiles {
    /// Remembers the files of a database that a connection has open and has read.
    pub(in crate::sqlite) fn remember(database: DatabaseFile) -> Result<Self, StoreError> {
        let beside = |ending| DatabaseFile::remember(&database.beside(ending));
        let folder = Folder::of(database.path());
        Ok(Self { log: beside("-wal")?, index: beside("-shm")?, database, folder: Arc::new(folder) })
    }

    pub(in crate::sqlite) const fn database(&self) -> &DatabaseFile {
        &self.database
    }

    /// Fails unless all files are those that were opened.
    pub(in crate::sqlite) fn check(&self) -> Result<DatabaseStamp, StoreError> {
        let stamp = self.check_database()?;
        self.folder.unless_unchanged(|| {
            self.log.check(FileStatus::without_times)?;
            self.index.check(FileStatus::without_times).map(drop)
        })?;
        Ok(stamp)
    }

    /// Fails unless the database file is the one that was opened.
    pub(in crate::sqlite) fn check_database(&self) -> Result<DatabaseStamp, StoreError> {
        // Only checkpoints write this file, so that a look at its times costs nothing.
        let found = self.database.check(FileStatus::with_times)?;
        Ok((found.bytes, found.modified))
    }
}

/// The folder of the files: as long as its time is the same, no file in it was removed, added or renamed.
#[derive(Debug)]
struct Folder {
    path: Option<PathBuf>,
    seen: Mutex<Seen>,
}

/// The folder as it was at the last look.
#[derive(Debug)]
struct Seen {
    status: Option<FileStatus>,
    since: Instant,
    /// Whether the files were in place at a check after `SETTLED`: then any later change gives the folder another time.
    is_checked: bool,
}

/// After how long two changes of a folder have two times: Linux counts in ticks of at most 10 ms.
const SETTLED: Duration = Duration::from_millis(50);

/// The same on a file system that counts in whole seconds; FAT counts every other one.
const SETTLED_IN_SECONDS: Duration = Duration::from_secs(3);

impl Folder {
    fn of(file: &Path) -> Self {
        let seen = Seen { status: None, since: Instant::now(), is_checked: false };
        Self { path: file.parent().map(Path::to_owned), seen: Mutex::new(seen) }
    }

    /// Runs `check`, unless the folder is as it was when `check` last succeeded.
    fn unless_unchanged(&self, check: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let status = self.path.as_deref().and_then(|path| FileStatus::with_times(path).ok());
        let status = status.filter(|status| status.modified.is_some());
        let is_settled = {
            let mut seen = self.seen.lock();
            if status.is_none() || status != seen.status {
                *seen = Seen { status, since: Instant::now(), is_checked: false };
            }
            if seen.is_checked {
                return Ok(());
            }
            let is_coarse = status.is_none_or(|status| status.modified.is_none_or(is_in_seconds));
            seen.since.elapsed() > if is_coarse { SETTLED_IN_SECONDS } else { SETTLED }
        };
        check()?;
        let mut seen = self.seen.lock();
        seen.is_checked = is_settled && seen.status == status;
        Ok(())
    }
}

fn is_in_seconds(time: SystemTime) -> bool {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(true, |since| since.subsec_nanos() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_means_what_it_meant_at_first() {
        let file = DatabaseFile::remember(Path::new("Cargo.toml")).unwrap();
        assert!(file.path().is_absolute());
    }

    #[test]
    fn a_look_without_times_finds_the_same_file() {
        let path = Path::new("Cargo.toml");
        let (lean, full) = (FileStatus::without_times(path).unwrap(), FileStatus::with_times(path).unwrap());
        assert_eq!((lean.id, lean.bytes), (full.id, full.bytes));
    }

    #[test]
    fn a_folder_that_has_not_changed_for_a_while_is_not_searched_again_until_it_changes() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::of(&place.path().join("shop.db"));
        let runs = || {
            let ran = std::cell::Cell::new(false);
            folder
                .unless_unchanged(|| -> Result<(), StoreError> {
                    ran.set(true);
                    Ok(())
                })
                .unwrap();
            ran.get()
        };
        assert!(runs() && runs(), "the next change may get the same time");
        folder.seen.lock().since = Instant::now().checked_sub(SETTLED_IN_SECONDS * 2).unwrap();
        assert!(folder.unless_unchanged(|| Err(StoreError::Io("gone".into()))).is_err());
        assert!(runs(), "a check that failed counts for nothing");
        assert!(!runs() && !runs());
        std::fs::write(place.path().join("other"), "").unwrap();
        assert!(runs() && runs());
    }
}
