//! Owner and mode of the files that the store creates beside the database.
//!
//! SQLite gives `-wal` and `-shm` the mode of the database. The store gives the files of the fair lock and the wake
//! file the owner and the mode of the database.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

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
    // Only root may change the owner. The owner of a file may give it any of the owner's groups. Other users use the
    // file unchanged.
    if found.uid() != database.uid() {
        let _ = fchown(&file, Some(database.uid()), None);
    }
    let has_group = found.gid() == database.gid() || fchown(&file, None, Some(database.gid())).is_ok();
    // A group that cannot use the database gets no right to the file.
    let mode = database.mode() & if has_group { 0o666 } else { 0o606 };
    if file.metadata()?.mode() & 0o777 != mode {
        let _ = file.set_permissions(std::fs::Permissions::from_mode(mode));
    }
    Ok(file)
}

#[cfg(not(unix))]
pub(in crate::sqlite) fn open_beside(path: &Path, _database: &Path) -> io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    if is_link(path) || !file.metadata()?.is_file() { Err(not_regular()) } else { Ok(file) }
}

/// The first of the database, its log, its index and its folder that this user cannot write; `None` if this user can
/// write all of them.
#[cfg(unix)]
pub(in crate::sqlite) fn not_writable(database: &Path) -> Option<PathBuf> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};

    let beside = |ending: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut files = [database.to_owned(), beside("-wal"), beside("-shm"), folder.to_owned()].into_iter();
    files.find(|path| path.exists() && accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_err())
}

#[cfg(not(unix))]
pub(in crate::sqlite) fn not_writable(_database: &Path) -> Option<PathBuf> {
    None
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
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use fieldfen_testkit::wait::output;

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
    #[ignore = "needs root, which can become another user"]
    fn a_lock_that_another_user_makes_has_the_group_of_its_database_or_is_open_to_no_group() {
        const DATABASE: &str = "FIELDFEN_TEST_DATABASE";
        const USER: u32 = 65_531;
        const GROUP: u32 = 65_532;
        const GROUP_OF_FOLDER: u32 = 65_533;
        const OTHER_GROUP: u32 = 65_534;
        if let Some(database) = std::env::var_os(DATABASE) {
            let lock = Path::new(&database).with_extension("db-lock");
            return drop(open_beside(&lock, Path::new(&database)).unwrap());
        }
        let folder = tempfile::tempdir().unwrap();
        let (database, lock) = (folder.path().join("a.db"), folder.path().join("a.db-lock"));
        create_database(&database);
        chown(&database, None, Some(GROUP)).unwrap();
        fs::set_permissions(&database, Permissions::from_mode(0o660)).unwrap();
        // New files in the folder get its group.
        chown(folder.path(), None, Some(GROUP_OF_FOLDER)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o2777)).unwrap();
        let program = folder.path().join("test");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let this = "sqlite::file::permissions::tests::\
                    a_lock_that_another_user_makes_has_the_group_of_its_database_or_is_open_to_no_group";
        for (group_of_user, expected) in [(GROUP, (GROUP, 0o660)), (OTHER_GROUP, (GROUP_OF_FOLDER, 0o600))] {
            let mut command = Command::new(&program);
            command.args(["--ignored", "--exact", this]).env(DATABASE, &database).uid(USER).gid(group_of_user);
            let ended = output(command.current_dir(folder.path()));
            assert!(ended.status.success(), "{ended:?}");
            let found = fs::metadata(&lock).unwrap();
            assert_eq!((found.uid(), (found.gid(), mode(&lock))), (USER, expected), "made by group {group_of_user}");
            fs::remove_file(&lock).unwrap();
        }
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
