//! Creates a database so that the path holds either a complete database or nothing.
//!
//! An empty file could not be removed after a failure: another program may have opened it by then and would write into
//! a file without a name. The database is therefore created in a folder of its own beside that path, and renamed at the
//! end. A killed program leaves the folder behind, and the next creation removes it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use tempfile::TempDir;

use crate::sqlite::connection::open::{WAL, open, set, without_journal};
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::file::path_check::{file_exists, refusal};
use crate::sqlite::url::SqliteUrl;

/// Creates a database and its folder, and lets `f` fill the database. Returns `None` if the file exists already. Only
/// the owner may read and write the new file or enter a new folder. `-wal`, `-shm`, `-lock`, `-lock-queue` and `-wake`
/// get the mode of the database, also after that mode is changed.
///
/// After a failure neither file nor folder remains. If several programs create the same database at once, one of them
/// succeeds, and the others get `None`.
///
/// # Errors
/// [`StoreError::Open`] if the file or its folder cannot be created, or if SQLite would read the log of an earlier
/// database of this name as the new one's; and any error of `f`.
pub fn create_database<T, E>(
    url: &SqliteUrl,
    f: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<Option<T>, E>
where
    E: From<StoreError>,
{
    let Some(path) = url.path() else { return Ok(None) };
    if file_exists(url)? {
        return Ok(None);
    }
    let cannot = |what: &str| {
        let reason = what.to_owned();
        move |error: io::Error| refusal(url, reason, Some(error))
    };
    refuse_remains(url, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Declared before the file, so that the folders are dropped after the file in them.
    let made = format!("its folder {} cannot be created", folder.display());
    let folders = NewFolders::make(folder).map_err(cannot(&made))?;
    remove_abandoned(folder);
    // Dropped after the connection, with the files that SQLite creates beside the database.
    let workplace = Workplace::make(folder).map_err(cannot("it cannot be created"))?;
    let new = tempfile::Builder::new()
        .prefix(NEW)
        .rand_bytes(0)
        .tempfile_in(workplace.folder.path())
        // The file is closed before SQLite opens it: closing it later would drop SQLite's locks.
        .map(tempfile::NamedTempFile::into_temp_path)
        .map_err(cannot("it cannot be created"))?;
    let options = SqliteOptions::default();
    // With a rollback journal, the file alone holds every committed transaction.
    let name = SqliteUrl::from(&*new).existing();
    let deadline = Deadline::after(options.busy_timeout);
    let mut conn = open(&name, url, &deadline, &without_journal(&options))?;
    let filled = f(&mut conn)?;
    let (journal, value, expected) = WAL;
    set(&mut conn, journal, value, expected)?;
    drop(conn);
    match new.persist_noclobber(path) {
        Ok(()) => {}
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists && path.exists() => {
            folders.keep();
            return Ok(None);
        }
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => {
            return Err(refusal(url, "it is a symbolic link to a file that does not exist".to_owned(), None).into());
        }
        Err(failed) => return Err(cannot("it cannot be created")(failed.error).into()),
    }
    // Without this flush, the name could be missing after a power failure. Some file systems refuse to flush a folder.
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
    folders.keep();
    Ok(Some(filled))
}

/// Refuses to create a database beside a log or journal of the same name: SQLite would apply it to the new database.
fn refuse_remains(url: &SqliteUrl, path: &Path) -> Result<(), StoreError> {
    for ending in ["-wal", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        if fs::metadata(&name).is_ok_and(|found| found.len() > 0) {
            let reason = format!(
                "it is not there, but {} is, which belongs to it: restore the database, or move that file away",
                Path::new(&name).display()
            );
            return Err(refusal(url, reason, None));
        }
    }
    Ok(())
}

/// The beginning of the name of each folder in which a database is created.
const PREFIX: &str = ".fieldfen-new-";

/// The name of a database until its creation has ended. SQLite adds endings to it.
const NEW: &str = "new.db";

/// The folder in which a database is created. It is removed on drop.
struct Workplace {
    folder: TempDir,
    /// Tells other programs that this one is at work. The operating system releases the lock at the end of the process.
    /// `None` on a file system without locks: then nobody removes the folder of a killed program.
    _lock: Option<File>,
}

impl Workplace {
    fn make(within: &Path) -> io::Result<Self> {
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = builder.tempdir_in(within)?;
            let lock = File::open(folder.path()).and_then(|lock| lock.lock().map(|()| lock)).ok();
            // Another program may have removed the folder before it was locked.
            if folder.path().exists() {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }
}

/// Removes the folders whose programs have ended. Files of other names, and with them the folder, are kept.
fn remove_abandoned(within: &Path) {
    for entry in fs::read_dir(within).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // A link to a folder is none.
        if !is_ours || !entry.file_type().is_ok_and(|found| found.is_dir()) {
            continue;
        }
        let Ok(lock) = File::open(entry.path()) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        for file in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
            if file.file_name().to_str().is_some_and(|name| name.starts_with(NEW)) {
                fs::remove_file(file.path()).ok();
            }
        }
        fs::remove_dir(entry.path()).ok();
    }
}

/// The folders that were created for the file, the innermost first. They are removed on drop unless they are kept.
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn make(folder: &Path) -> io::Result<Self> {
        let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made = Self(missing.map(Path::to_owned).collect());
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        // A user with write permission on the folder could replace the database.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        Ok(made)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        // A folder that is not empty is in use by another program.
        let _ = self.0.iter().try_for_each(fs::remove_dir);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use diesel::connection::SimpleConnection as _;

    use super::*;

    fn fill(conn: &mut SqliteConnection) -> Result<(), StoreError> {
        conn.batch_execute("CREATE TABLE t (n)").map_err(crate::sqlite::error::classify)
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_new_database_is_its_owners_alone_in_wal_mode_and_an_existing_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.db");
        let url = SqliteUrl::from(path.as_path());
        assert_eq!(create_database(&url, fill).unwrap(), Some(()));
        assert_eq!(names(path.parent().unwrap()), ["c.db"]);
        let bytes = fs::read(&path).unwrap();
        assert_eq!((fs::metadata(&path).unwrap().permissions().mode() & 0o777, &bytes[18..20]), (0o600, &[2, 2][..]));
        assert_eq!(fs::metadata(folder.path().join("a")).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(create_database(&url, fill).unwrap(), None);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn a_failure_leaves_neither_file_nor_folder() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("a/b/c.db").as_path());
        let failed = create_database::<(), StoreError>(&url, |conn| {
            fill(conn)?;
            Err(StoreError::Nested)
        });
        assert!(matches!(failed, Err(StoreError::Nested)), "{failed:?}");
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn what_a_killed_creation_left_is_removed_and_what_another_program_creates_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let Workplace { folder: left, _lock: lock } = Workplace::make(folder.path()).unwrap();
        let left = left.keep();
        drop(lock);
        for name in ["new.db", "new.db-journal"] {
            fs::write(left.join(name), "x").unwrap();
        }
        let at_work = Workplace::make(folder.path()).unwrap();
        let foreign = folder.path().join(".fieldfen-new-theirs");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("photo.jpg"), "x").unwrap();
        let url = SqliteUrl::from(folder.path().join("c.db").as_path());
        assert_eq!(create_database(&url, fill).unwrap(), Some(()));
        assert!(!left.exists() && at_work.folder.path().exists() && foreign.join("photo.jpg").exists());
    }

    #[test]
    fn of_two_who_make_the_same_database_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/c.db");
        let url = SqliteUrl::from(path.as_path());
        let late = create_database::<_, StoreError>(&url, |conn| {
            create_database(&url, fill)?;
            conn.batch_execute("CREATE TABLE other (n)").map_err(crate::sqlite::error::classify)
        });
        assert_eq!(late.unwrap(), None);
        assert_eq!(names(path.parent().unwrap()), ["c.db"]);
        let deadline = Deadline::after(SqliteOptions::default().busy_timeout);
        let mut conn = open(&url.existing(), &url, &deadline, &[]).unwrap();
        conn.batch_execute("INSERT INTO t VALUES (1)").unwrap();
    }

    #[test]
    fn a_log_of_a_database_that_is_gone_does_not_become_the_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.db");
        for ending in ["-wal", "-journal"] {
            let remains = folder.path().join(format!("c.db{ending}"));
            fs::write(&remains, "rows").unwrap();
            let error = create_database(&SqliteUrl::from(path.as_path()), fill).unwrap_err();
            assert!(error.to_string().contains(remains.to_str().unwrap()), "{error}");
            assert_eq!(names(folder.path()), [format!("c.db{ending}")]);
            fs::remove_file(&remains).unwrap();
        }
    }

    #[test]
    fn a_link_to_nothing_is_not_followed_by_the_creation() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("a.db"), folder.path().join("b.db"));
        symlink(&target, &link).unwrap();
        let error = create_database(&SqliteUrl::from(link.as_path()), fill).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert_eq!(names(folder.path()), ["a.db"]);
        fs::write(&target, "").unwrap();
        assert_eq!(create_database(&SqliteUrl::from(link.as_path()), fill).unwrap(), None);
    }
}
