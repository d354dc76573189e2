//! The files that a store has opened, wherever their paths lead to later.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use fieldfen_domain::store::StoreError;

use crate::sqlite::url::SqliteUrl;

/// The file that was opened, to notice when another one, or none, stands at its path.
#[derive(Debug, Clone)]
pub(in crate::sqlite) struct DatabaseFile {
    /// Without symbolic links and relative parts: SQLite names its log by it, and so do all programs that have it open.
    path: PathBuf,
    #[cfg(unix)]
    id: (u64, u64),
}

impl DatabaseFile {
    /// Remembers the file at a path that a connection has just been opened on.
    pub(in crate::sqlite) fn remember(path: &Path) -> Result<Self, StoreError> {
        let path = path.canonicalize().map_err(|error| StoreError::Io(error.into()))?;
        let found = std::fs::metadata(&path).map_err(|error| StoreError::Io(error.into()))?;
        Ok(Self {
            path,
            #[cfg(unix)]
            id: identity(&found),
        })
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
    pub(in crate::sqlite) fn check(&self) -> Result<Metadata, StoreError> {
        let name = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = std::fs::metadata(&self.path).map_err(|error| {
            StoreError::Io(format!("the file {:?} is gone, or cannot be looked at: {error}", name()).into())
        })?;
        #[cfg(unix)]
        if identity(&found) != self.id {
            let text = format!("another file has taken the place of {:?}: open the database anew", name());
            return Err(StoreError::Io(text.into()));
        }
        Ok(found)
    }
}

/// The database file, and the log and its index that belong to it.
///
/// SQLite keeps all three open. If one of them is deleted or replaced, SQLite goes on with the old one, while the next
/// program to open the database makes a new one: what is written from then on is lost, or damages the database.
#[derive(Debug, Clone)]
pub(in crate::sqlite) struct OpenFiles {
    database: DatabaseFile,
    beside: [DatabaseFile; 2],
}

/// The database file as it was found.
pub(in crate::sqlite) struct DatabaseStamp(Metadata);

impl DatabaseStamp {
    /// What changes when somebody writes the file.
    pub(in crate::sqlite) fn stamp(&self) -> (u64, Option<std::time::SystemTime>) {
        (self.0.len(), self.0.modified().ok())
    }
}

impl OpenFiles {
    /// Remembers the files of a database that a connection has open and has read.
    pub(in crate::sqlite) fn remember(database: DatabaseFile) -> Result<Self, StoreError> {
        let beside = |ending| DatabaseFile::remember(&database.beside(ending));
        Ok(Self { beside: [beside("-wal")?, beside("-shm")?], database })
    }

    pub(in crate::sqlite) const fn database(&self) -> &DatabaseFile {
        &self.database
    }

    /// Fails unless all files are those that were opened.
    pub(in crate::sqlite) fn check(&self) -> Result<DatabaseStamp, StoreError> {
        let found = self.check_database()?;
        self.beside.iter().try_for_each(|file| file.check().map(drop))?;
        Ok(found)
    }

    /// Fails unless the database file is the one that was opened.
    pub(in crate::sqlite) fn check_database(&self) -> Result<DatabaseStamp, StoreError> {
        self.database.check().map(DatabaseStamp)
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_means_what_it_meant_at_first() {
        let file = DatabaseFile::remember(Path::new("Cargo.toml")).unwrap();
        assert!(file.path().is_absolute());
    }
}
