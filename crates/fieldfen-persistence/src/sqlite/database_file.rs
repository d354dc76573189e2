//! The file that a store has opened, wherever its path leads to later.

use std::path::{Path, PathBuf};

use fieldfen_domain::store::StoreError;

use crate::url::SqliteUrl;

/// The file that was opened, to notice when another one, or none, stands at its path.
#[derive(Debug, Clone)]
pub(super) struct DatabaseFile {
    /// Without symbolic links and relative parts: SQLite names its log by it, and so do all programs that have it open.
    path: PathBuf,
    #[cfg(unix)]
    id: (u64, u64),
}

impl DatabaseFile {
    /// Remembers the file at a path that a connection has just been opened on.
    pub(super) fn remember(path: &Path) -> Result<Self, StoreError> {
        let path = path.canonicalize().map_err(|error| StoreError::Io(error.into()))?;
        let found = std::fs::metadata(&path).map_err(|error| StoreError::Io(error.into()))?;
        Ok(Self {
            path,
            #[cfg(unix)]
            id: identity(&found),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its address.
    pub(super) fn url(&self) -> SqliteUrl {
        SqliteUrl::from(self.path.as_path())
    }

    /// The file that has its name and this ending.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }

    /// A file that was deleted or replaced can still be written and read, but everything written would be lost, and
    /// nothing that others write would be read.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let found = std::fs::metadata(&self.path).map_err(|error| StoreError::Io(error.into()))?;
        #[cfg(unix)]
        if identity(&found) != self.id {
            return Err(StoreError::Io("another file has taken the place of the database: open it anew".into()));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(found: &std::fs::Metadata) -> (u64, u64) {
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
