//! Checks that the paths of a database still lead to the files that a store has opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fieldfen_domain::store::StoreError;
use parking_lot::Mutex;

use crate::sqlite::url::SqliteUrl;

/// The file that was opened. The check fails if its path holds another file or none.
#[derive(Debug, Clone)]
pub(in crate::sqlite) struct DatabaseFile {
    /// The path without symbolic links and relative parts. SQLite names its log by this path, and so do all programs
    /// that have the database open.
    path: PathBuf,
    id: Option<FileId>,
}

impl DatabaseFile {
    /// Remembers the file at a path on which a connection has just been opened.
    pub(in crate::sqlite) fn remember(path: &Path) -> Result<Self, StoreError> {
        let path = path.canonicalize().map_err(|error| StoreError::Io(error.into()))?;
        let found = FileStatus::without_times(&path).map_err(|error| StoreError::Io(error.into()))?;
        Ok(Self { path, id: found.id })
    }

    pub(in crate::sqlite) fn path(&self) -> &Path {
        &self.path
    }

    /// The address that opens this file from any working folder.
    pub(in crate::sqlite) fn url(&self) -> SqliteUrl {
        SqliteUrl::from(self.path.as_path())
    }

    /// The path of the file beside it with this ending, for example `-wal`.
    pub(in crate::sqlite) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }

    /// A deleted or replaced file can still be written and read through its descriptor. All later writes would be lost,
    /// and the writes of other programs would not be seen.
    fn check(&self, look: fn(&Path) -> io::Result<FileStatus>) -> Result<FileStatus, StoreError> {
        let name = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = look(&self.path).map_err(|error| {
            StoreError::Io(format!("the file {:?} is missing, or its status cannot be read: {error}", name()).into())
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
    /// `None` if the time was not requested.
    modified: Option<SystemTime>,
    /// The time at which the inode changed, in seconds and nanoseconds. No program can set this time. `None` if it was
    /// not requested, and on systems without inodes.
    changed: Option<(i64, i64)>,
}

impl FileStatus {
    fn with_times(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        #[cfg(unix)]
        let (id, changed) = {
            use std::os::unix::fs::MetadataExt;
            (Some((found.dev(), found.ino())), Some((found.ctime(), found.ctime_nsec())))
        };
        #[cfg(not(unix))]
        let (id, changed) = (None, None);
        Ok(Self { id, bytes: found.len(), modified: found.modified().ok(), changed })
    }

    /// Reads the status of a file that every commit writes.
    ///
    /// If the times of a file were read, Linux gives it a new time at its next write, and `fsync` then has to write the
    /// inode too (<https://docs.kernel.org/filesystems/multigrain-ts.html>). A commit under FULL took 90 µs longer.
    #[cfg(target_os = "linux")]
    fn without_times(path: &Path) -> io::Result<Self> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

        match statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::SIZE) {
            Ok(found) => Ok(Self {
                id: Some((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino)),
                bytes: found.stx_size,
                modified: None,
                changed: None,
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

/// The database file with its log and the log's index.
///
/// SQLite keeps all three open. If one of them is deleted or replaced, SQLite goes on with the old file, while the next
/// program that opens the database creates a new one. Later writes are then lost or damage the database.
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
    /// Remembers the files of a database that a connection has opened and read.
    pub(in crate::sqlite) fn remember(database: DatabaseFile) -> Result<Self, StoreError> {
        let beside = |ending| DatabaseFile::remember(&database.beside(ending));
        let folder = Folder::of(database.path());
        Ok(Self { log: beside("-wal")?, index: beside("-shm")?, database, folder: Arc::new(folder) })
    }

    pub(in crate::sqlite) const fn database(&self) -> &DatabaseFile {
        &self.database
    }

    /// Fails unless all paths hold the files that were opened.
    pub(in crate::sqlite) fn check(&self) -> Result<DatabaseStamp, StoreError> {
        self.folder.unless_unchanged(|| {
            let stamp = self.check_database()?;
            self.log.check(FileStatus::without_times)?;
            self.index.check(FileStatus::without_times)?;
            Ok(stamp)
        })
    }

    /// Fails unless the path of the database holds the file that was opened.
    pub(in crate::sqlite) fn check_database(&self) -> Result<DatabaseStamp, StoreError> {
        // Only checkpoints write this file, so that reading its times costs nothing.
        let found = self.database.check(FileStatus::with_times)?;
        Ok((found.bytes, found.modified))
    }
}

/// The folder of the files. While its times stay the same, the folder was not renamed, and no file in it was removed,
/// added or renamed.
#[derive(Debug)]
struct Folder {
    /// `None` on systems without such descriptors, and if opening them failed. The paths are then looked up every time.
    descriptors: Option<Descriptors>,
    seen: Mutex<Seen>,
}

/// The state of the folder at the last look.
#[derive(Debug)]
struct Seen {
    status: Option<FileStatus>,
    since: Instant,
    /// The time of the last successful check that came later than `SETTLED` after the last change. Any later change
    /// gives the folder another time.
    checked: Option<Instant>,
}

/// The interval at which the paths are looked up although the folder is unchanged: a folder above it may have been
/// renamed, another file may be mounted over one of these files, and some file systems in user space do not keep the
/// times of folders.
const CHECK_EVERY: Duration = Duration::from_millis(10);

/// Two changes of a folder have two times if they are further apart than this: Linux counts in ticks of at most 10 ms.
const SETTLED: Duration = Duration::from_millis(50);

/// The same for a file system that counts in whole seconds. FAT counts every second one.
const SETTLED_IN_SECONDS: Duration = Duration::from_secs(3);

impl Folder {
    fn of(file: &Path) -> Self {
        let seen = Seen { status: None, since: Instant::now(), checked: None };
        Self { descriptors: Descriptors::of(file), seen: Mutex::new(seen) }
    }

    /// Runs `check`, unless the folder is unchanged since `check` last succeeded. Returns the stamp of the database
    /// file.
    fn unless_unchanged(
        &self,
        check: impl FnOnce() -> Result<DatabaseStamp, StoreError>,
    ) -> Result<DatabaseStamp, StoreError> {
        let status = self.descriptors.as_ref().and_then(Descriptors::folder);
        let (is_settled, is_checked) = {
            let mut seen = self.seen.lock();
            if status.is_none() || status != seen.status {
                *seen = Seen { status, since: Instant::now(), checked: None };
            }
            let is_coarse = status.is_none_or(|status| status.modified.is_none_or(is_in_seconds));
            let is_settled = seen.since.elapsed() > if is_coarse { SETTLED_IN_SECONDS } else { SETTLED };
            (is_settled, seen.checked.is_some_and(|checked| checked.elapsed() < CHECK_EVERY))
        };
        if is_checked && let Some(database) = self.descriptors.as_ref().and_then(Descriptors::database) {
            return Ok((database.bytes, database.modified));
        }
        let began = Instant::now();
        let stamp = check()?;
        let mut seen = self.seen.lock();
        seen.checked = Some(began).filter(|_| is_settled && seen.status == status);
        Ok(stamp)
    }
}

/// Descriptors of the folder and of the database file. Reading a status through them takes a third of the time that a
/// path takes.
///
/// They are of the kind `O_PATH`: closing any other descriptor of the database file would drop SQLite's locks.
#[derive(Debug)]
struct Descriptors {
    #[cfg(target_os = "linux")]
    folder: rustix::fd::OwnedFd,
    #[cfg(target_os = "linux")]
    database: rustix::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Descriptors {
    fn of(file: &Path) -> Option<Self> {
        use rustix::fs::{Mode, OFlags, open};

        let open = |path: &Path| open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok();
        Some(Self { folder: open(file.parent()?)?, database: open(file)? })
    }

    fn folder(&self) -> Option<FileStatus> {
        Self::look(&self.folder)
    }

    fn database(&self) -> Option<FileStatus> {
        Self::look(&self.database)
    }

    fn look(descriptor: &rustix::fd::OwnedFd) -> Option<FileStatus> {
        use rustix::fs::{AtFlags, StatxFlags, makedev, statx};

        let found = statx(descriptor, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).ok()?;
        let since = Duration::new(u64::try_from(found.stx_mtime.tv_sec).ok()?, found.stx_mtime.tv_nsec);
        Some(FileStatus {
            id: Some((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino)),
            bytes: found.stx_size,
            modified: Some(SystemTime::UNIX_EPOCH + since),
            changed: Some((found.stx_ctime.tv_sec, i64::from(found.stx_ctime.tv_nsec))),
        })
    }
}

#[cfg(not(target_os = "linux"))]
impl Descriptors {
    fn of(_file: &Path) -> Option<Self> {
        None
    }

    fn folder(&self) -> Option<FileStatus> {
        None
    }

    fn database(&self) -> Option<FileStatus> {
        None
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
    #[cfg(target_os = "linux")]
    fn a_look_by_a_descriptor_finds_the_same_file() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let found = Descriptors::of(&path).unwrap().database().unwrap();
        assert_eq!(found, FileStatus::with_times(&path).unwrap());
    }

    /// A folder whose times have been unchanged for long, and a function that returns whether the check ran.
    fn old_folder(place: &Path) -> Folder {
        std::fs::write(place.join("shop.db"), "").unwrap();
        let folder = Folder::of(&place.join("shop.db"));
        assert!(is_checked(&folder) && is_checked(&folder), "the next change may get the same time");
        folder.seen.lock().since = Instant::now().checked_sub(SETTLED_IN_SECONDS * 2).unwrap();
        folder
    }

    fn is_checked(folder: &Folder) -> bool {
        let ran = std::cell::Cell::new(false);
        let check = || {
            ran.set(true);
            Ok((0, None))
        };
        folder.unless_unchanged(check).unwrap();
        ran.get()
    }

    fn gone() -> Result<DatabaseStamp, StoreError> {
        Err(StoreError::Io("gone".into()))
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_folder_that_has_not_changed_for_a_while_is_not_searched_again_until_it_changes() {
        let place = tempfile::tempdir().unwrap();
        let folder = old_folder(place.path());
        assert!(folder.unless_unchanged(gone).is_err());
        assert!(is_checked(&folder), "a check that failed counts for nothing");
        folder.seen.lock().checked = Some(Instant::now() + SETTLED_IN_SECONDS);
        assert!(!is_checked(&folder) && !is_checked(&folder));
        let modified = std::fs::metadata(place.path()).unwrap().modified().unwrap();
        // The first changes may get the time that the folder already has.
        let notices = |number: u32| {
            std::thread::sleep(Duration::from_millis(1));
            std::fs::write(place.path().join(number.to_string()), "").unwrap();
            // Programs that copy whole folders set such times.
            std::fs::File::open(place.path()).unwrap().set_modified(modified).unwrap();
            is_checked(&folder)
        };
        assert!((0..100).any(notices));
        assert!(is_checked(&folder), "the next change may get the same time");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_folder_that_is_renamed_is_searched_again() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("shop")).unwrap();
        let folder = old_folder(&place.path().join("shop"));
        assert!(is_checked(&folder));
        std::thread::sleep(SETTLED);
        std::fs::rename(place.path().join("shop"), place.path().join("closed")).unwrap();
        folder.seen.lock().checked = Some(Instant::now() + SETTLED_IN_SECONDS);
        assert!(folder.unless_unchanged(gone).is_err());
    }

    #[test]
    fn the_files_are_looked_at_now_and_then_also_in_a_folder_that_does_not_change() {
        let place = tempfile::tempdir().unwrap();
        let folder = old_folder(place.path());
        assert!(is_checked(&folder));
        folder.seen.lock().checked = Instant::now().checked_sub(CHECK_EVERY);
        assert!(folder.unless_unchanged(gone).is_err());
    }
}
