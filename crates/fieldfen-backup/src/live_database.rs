//! Recognises the files of the database that is backed up, under every path.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file, whatever path leads to it.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    /// The device and inode, which are the same for all hard links.
    #[cfg(unix)]
    file: (u64, u64),
    #[cfg(not(unix))]
    path: PathBuf,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let found = fs::metadata(path)?;
            Ok(Self { file: (found.dev(), found.ino()) })
        }
        #[cfg(not(unix))]
        Ok(Self { path: path.canonicalize()? })
    }
}

/// The files of the database that is backed up. None of them may be removed or replaced.
#[derive(Debug)]
pub(crate) struct LiveDatabase {
    files: Vec<Identity>,
}

impl LiveDatabase {
    /// The database at this path and SQLite's files beside it. SQLite names those after the path without links.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let mut files = vec![Identity::of(path)?];
        let real = path.canonicalize()?;
        for ending in ["-wal", "-shm", "-journal"] {
            let mut beside = real.as_os_str().to_owned();
            beside.push(ending);
            match Identity::of(&PathBuf::from(beside)) {
                Ok(identity) => files.push(identity),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { files })
    }

    /// Returns whether this path leads to one of the database's files.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        Identity::of(path).is_ok_and(|identity| self.files.contains(&identity))
    }
}
