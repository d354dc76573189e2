//! The copy on which an adoption is rehearsed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::Text;
use fieldfen_persistence::{SqliteUrl, read_database, store_error};

use super::error::AdoptError;

/// The start of the name of a copy's folder.
const PREFIX: &str = ".fieldfen-adopt-";

/// The file in the folder that its program keeps locked.
const LOCK: &str = "lock";

/// A copy of a database, in a private folder of its own beside it.
pub(super) struct Copy {
    url: SqliteUrl,
    folder: tempfile::TempDir,
    /// Is unlocked when it is closed, also when the program is killed.
    _lock: File,
}

impl Copy {
    /// Copies the database at this address, and removes the copies of programs that were killed.
    pub(super) fn make(url: &SqliteUrl) -> Result<Self, AdoptError> {
        let beside = url.path().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        let beside = beside.unwrap_or(Path::new("."));
        remove_abandoned(beside);
        let cannot = |action, path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| AdoptError::Copy { action, path, source }
        };
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(beside);
        let folder = folder.map_err(cannot("create a folder for the copy in", beside))?;
        let lock = File::create(folder.path().join(LOCK)).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.map_err(cannot("lock", folder.path()))?;
        let path = folder.path().join("copy.db");
        let not_text = || cannot("name the copy in UTF-8:", &path)(io::ErrorKind::InvalidFilename.into());
        let name = path.to_str().ok_or_else(not_text)?.to_owned();
        read_database(url, |conn| {
            // An attempt before this one may have left a part.
            fs::remove_file(&path).ok();
            let copied = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(&name).execute(conn);
            copied.map(drop).map_err(|error| AdoptError::from(store_error(error)))
        })?;
        Ok(Self { url: SqliteUrl::from(path.as_path()), folder, _lock: lock })
    }

    /// The address of the copy.
    pub(super) const fn url(&self) -> &SqliteUrl {
        &self.url
    }

    /// Removes the copy.
    pub(super) fn remove(self) -> Result<(), AdoptError> {
        let path = self.folder.path().to_owned();
        self.folder.close().map_err(|source| AdoptError::Copy { action: "remove", path, source })
    }
}

/// Removes the folders whose programs have ended. A folder that cannot be removed stays; it harms nobody.
fn remove_abandoned(beside: &Path) {
    let entries = fs::read_dir(beside).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    for folder in folders {
        let lock = File::open(folder.join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            fs::remove_dir_all(&folder).ok();
        }
    }
}
