//! The private folder in which a copy of the database is rehearsed on. It is removed on every exit.
//!
//! A signal that ends the program removes it too, if [`remove_on_signals`] was called. A killed process leaves it
//! behind, and the next rehearsal in the same place removes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{MigrateError, WithOperation as _};

/// The beginning of the name of each scratch folder.
const PREFIX: &str = ".fieldfen-rehearsal-";

/// The name of the copy. SQLite and the store add endings to it.
const COPY: &str = "copy.db";

/// The scratch folders of this process.
static PRESENT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A scratch folder.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// Makes a folder for its owner alone in this one, and removes those that killed processes have left in it. The
    /// caller holds the lock on the folder.
    pub(crate) fn make(within: &Path) -> Result<Self, MigrateError> {
        remove_leftovers(within);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        // A signal must not arrive between the creation and the registration.
        let mut present = PRESENT.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = builder.tempdir_in(within).with_operation("create a folder for the rehearsal in", within)?.keep();
        present.push(folder.clone());
        Ok(Self { folder })
    }

    /// The path of the copy.
    pub(crate) fn copy(&self) -> PathBuf {
        self.folder.join(COPY)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.folder).ok();
        PRESENT.lock().unwrap_or_else(PoisonError::into_inner).retain(|folder| *folder != self.folder);
    }
}

/// Removes the folders that killed processes have left here.
fn remove_leftovers(within: &Path) {
    let Ok(entries) = fs::read_dir(within) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // A link to a folder is none.
        if is_ours && entry.file_type().is_ok_and(|found| found.is_dir()) {
            remove(&entry.path()).ok();
        }
    }
}

/// Removes a scratch folder. Files of other names, and with them the folder, are kept.
fn remove(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(COPY)) {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Removes the scratch folder when SIGINT, SIGTERM or SIGHUP ends the process. For programs: it changes what these
/// signals do in the whole process. Later calls change nothing.
#[cfg(unix)]
pub(crate) fn remove_on_signals() {
    use std::sync::Once;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
        let removal = move || {
            for signal in signals.forever() {
                // The lock is held until the process has ended, so that no other folder is made.
                let present = PRESENT.lock().unwrap_or_else(PoisonError::into_inner);
                for folder in present.iter() {
                    // SQLite may create another file meanwhile.
                    let _ = (0..20).any(|_| remove(folder).is_ok() || !folder.exists());
                }
                signal_hook::low_level::emulate_default_handler(signal).ok();
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(removal).map(drop).ok();
    });
}

/// Does nothing on this system: the next rehearsal removes the folder.
#[cfg(not(unix))]
pub(crate) fn remove_on_signals() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_is_removed_with_its_files_and_the_next_one_removes_leftovers() {
        let place = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        let scratch = Scratch::make(place.path()).unwrap();
        for ending in ["", "-wal", "-shm", "-lock"] {
            fs::write(format!("{}{ending}", scratch.copy().display()), "x").unwrap();
        }
        std::mem::forget(scratch);
        let foreign = place.path().join(format!("{PREFIX}theirs"));
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("photo.jpg"), "x").unwrap();
        drop(Scratch::make(place.path()).unwrap());
        assert_eq!(names(), [foreign], "a folder with other files is kept");
    }
}
