//! Owner and mode of the files that the store creates beside the database.
//!
//! SQLite gives `-wal` and `-shm` the mode of the database. The store gives the lock file and the wake file the owner
//! and the mode of the database.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file beside a database for reading and writing. A missing file is created.
///
/// # Errors
/// An error if the path holds anything but a regular file with one name, for example a link; and any other error of the
/// operating system.
#[cfg(unix)]
pub(in crate::sqlite) fn open_beside(path: &Path, database: &Path) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};

    use rustix::fs::OFlags;

    // Without `NONBLOCK`, opening a FIFO would wait for a reader of the FIFO.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file =
        File::options().read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path);
    let file = file.map_err(|error| if is_link(path) { not_regular() } else { error })?;
    let (found, database) = (file.metadata()?, std::fs::metadata(database)?);
    // With a second name, the file would get the owner and mode of the database under that name too.
    if !found.is_file() || found.nlink() > 1 {
        return Err(not_regular());
    }
    let mode = database.mode() & 0o666;
    if found.mode() & 0o777 != mode || (found.uid(), found.gid()) != (database.uid(), database.gid()) {
        // Only root and the owner may change the owner. Other users can use the file as it is.
        let _ = fchown(&file, Some(database.uid()), Some(database.gid()));
        let _ = file.set_permissions(std::fs::Permissions::from_mode(mode));
    }
    Ok(file)
}

#[cfg(not(unix))]
pub(in crate::sqlite) fn open_beside(path: &Path, _database: &Path) -> io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    if is_link(path) || !file.metadata()?.is_file() { Err(not_regular()) } else { Ok(file) }
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_symlink())
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file with one name: remove it")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn create_database(path: &Path) {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn the_lock_has_the_mode_of_its_database() {
        let folder = tempfile::tempdir().unwrap();
        let (database, lock) = (folder.path().join("a.db"), folder.path().join("a.db-lock"));
        create_database(&database);
        open_beside(&lock, &database).unwrap();
        assert_eq!(mode(&lock), 0o600);
        fs::set_permissions(&database, Permissions::from_mode(0o664)).unwrap();
        open_beside(&lock, &database).unwrap();
        assert_eq!(mode(&lock), 0o664, "as a group that shares the database needs it");
        fs::set_permissions(&lock, Permissions::from_mode(0o666)).unwrap();
        fs::set_permissions(&database, Permissions::from_mode(0o700)).unwrap();
        open_beside(&lock, &database).unwrap();
        assert_eq!(mode(&lock), 0o600, "a lock is never more open than its database, and never executable");
    }

    #[test]
    fn a_lock_is_a_regular_file_and_nothing_else_is_waited_for_or_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (database, lock) = (folder.path().join("a.db"), folder.path().join("a.db-lock"));
        let victim = folder.path().join("victim");
        create_database(&database);
        fs::write(&victim, "theirs").unwrap();
        fs::set_permissions(&victim, Permissions::from_mode(0o644)).unwrap();

        symlink(&victim, &lock).unwrap();
        let error = open_beside(&lock, &database).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert_eq!((mode(&victim), fs::read_to_string(&victim).unwrap().as_str()), (0o644, "theirs"));

        fs::remove_file(&lock).unwrap();
        fs::hard_link(&victim, &lock).unwrap();
        let error = open_beside(&lock, &database).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert_eq!(mode(&victim), 0o644);

        fs::remove_file(&lock).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &lock, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        // The first call finds the FIFO without a reader, the second one with a reader.
        assert!(open_beside(&lock, &database).is_err());
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
        let _reader = rustix::fs::open(&lock, flags, rustix::fs::Mode::empty()).unwrap();
        let error = open_beside(&lock, &database).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");

        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
        assert!(open_beside(&lock, &database).is_err());
    }
}
