//! Lets one process at a time rehearse and migrate in a folder.
//!
//! The lock is on the folder itself, so that no lock file remains. The operating system releases it at the end of the
//! process, also after a kill.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{MigrateError, WithOperation as _};

/// The locks on some folders.
#[derive(Debug)]
pub(crate) struct FolderLocks {
    _files: Vec<File>,
}

impl FolderLocks {
    /// Locks these folders, in the same order in each process. `on_wait` gets a folder that another process has locked;
    /// the function then waits for the end of that process.
    pub(crate) fn hold(folders: &[&Path], mut on_wait: impl FnMut(&Path)) -> Result<Self, MigrateError> {
        let found = folders.iter().map(|folder| folder.canonicalize().with_operation("find the folder", folder));
        let mut folders: Vec<PathBuf> = found.collect::<Result<_, _>>()?;
        folders.sort();
        folders.dedup();
        let mut files = Vec::new();
        for folder in folders {
            let file = File::open(&folder).with_operation("open the folder", &folder)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    on_wait(&folder);
                    while let Err(error) = file.lock() {
                        if error.kind() != std::io::ErrorKind::Interrupted {
                            return Err(error).with_operation("lock the folder", &folder);
                        }
                    }
                }
                Err(TryLockError::Error(error)) => return Err(error).with_operation("lock the folder", &folder),
            }
            files.push(file);
        }
        Ok(Self { _files: files })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_second_one_waits_for_the_first_and_equal_folders_are_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, same) = (folder.path().to_owned(), folder.path().join("."));
        let first = FolderLocks::hold(&[&path, &same], |_| unreachable!()).unwrap();
        let (waits, is_waiting) = mpsc::channel();
        let second = thread::spawn(move || FolderLocks::hold(&[&path], |_| waits.send(()).unwrap()).map(drop));
        is_waiting.recv().unwrap();
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }
}
