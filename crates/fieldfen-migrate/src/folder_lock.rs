//! Lets one process at a time rehearse and migrate in a folder.
//!
//! The lock is on the folder itself, so that no lock file remains. The operating system releases it at the end of the
//! process, also after a kill.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{MigrateError, WithOperation as _};

/// The pause before another attempt to take a lock.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// The locks on some folders.
#[derive(Debug)]
pub(crate) struct FolderLocks {
    _files: Vec<File>,
}

impl FolderLocks {
    /// Locks these folders, in the same order in each process. `on_wait` gets a folder that another process has locked;
    /// the function then waits for the end of that process, and no longer than `wait` for all folders.
    ///
    /// # Errors
    /// [`MigrateError::FolderInUse`] if the wait was too short.
    pub(crate) fn hold(
        folders: &[&Path],
        wait: Duration,
        mut on_wait: impl FnMut(&Path),
    ) -> Result<Self, MigrateError> {
        let found = folders.iter().map(|folder| folder.canonicalize().with_operation("find the folder", folder));
        let mut folders: Vec<PathBuf> = found.collect::<Result<_, _>>()?;
        folders.sort();
        folders.dedup();
        let began = Instant::now();
        let mut files = Vec::new();
        for folder in folders {
            let file = File::open(&folder).with_operation("open the folder", &folder)?;
            let mut waits = false;
            while let Err(error) = file.try_lock() {
                match error {
                    TryLockError::WouldBlock if began.elapsed() >= wait => {
                        let waited = began.elapsed();
                        return Err(MigrateError::FolderInUse { process: holder(&file), folder, waited });
                    }
                    TryLockError::WouldBlock => {}
                    TryLockError::Error(error) => return Err(error).with_operation("lock the folder", &folder),
                }
                if !std::mem::replace(&mut waits, true) {
                    on_wait(&folder);
                }
                std::thread::sleep(PAUSE.min(wait.saturating_sub(began.elapsed())));
            }
            files.push(file);
        }
        Ok(Self { _files: files })
    }
}

/// The id and the name of the process that has locked this file; `None` where the system does not tell. Each line of
/// `/proc/locks` ends with the device and inode of the file and the range (man 5 `proc_locks`).
#[cfg(target_os = "linux")]
fn holder(file: &File) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let found = file.metadata().ok()?;
    let (major, minor) = (rustix::fs::major(found.dev()), rustix::fs::minor(found.dev()));
    let id = format!("{major:02x}:{minor:02x}:{}", found.ino());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let words = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut held = words.filter(|words| words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&id.as_str()));
    // A process of another namespace has no id here.
    let process = held.find_map(|words| words.get(4)?.parse::<u32>().ok().filter(|process| *process > 0))?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!("process {process} {}", name.trim()).trim().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &File) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn the_second_one_waits_for_the_first_and_equal_folders_are_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, same) = (folder.path().to_owned(), folder.path().join("."));
        let first = FolderLocks::hold(&[&path, &same], LONG, |_| unreachable!()).unwrap();
        let (waits, is_waiting) = mpsc::channel();
        let second = thread::spawn(move || FolderLocks::hold(&[&path], LONG, |_| waits.send(()).unwrap()).map(drop));
        is_waiting.recv().unwrap();
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn the_wait_has_an_end_and_the_error_names_the_folder_and_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let _first = FolderLocks::hold(&[folder.path()], LONG, |_| unreachable!()).unwrap();
        let mut waits = 0;
        let error = FolderLocks::hold(&[folder.path()], Duration::from_millis(120), |_| waits += 1).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, MigrateError::FolderInUse { waited, .. } if waited.as_millis() >= 120), "{said}");
        assert!(said.contains(folder.path().canonicalize().unwrap().to_str().unwrap()), "{said}");
        assert_eq!(waits, 1);
        if cfg!(target_os = "linux") {
            assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
        }
    }
}
