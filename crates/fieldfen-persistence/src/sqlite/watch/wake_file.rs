//! The file through which other processes learn of commits.
//!
//! The event of a write to the log comes before the commit is visible, and no event follows it: of 298 polls at such
//! events, 297 came too early. After each commit that may make a job due, the store therefore reads another file,
//! `<database>-wake`, which the workers of other processes watch.
//!
//! The store reads one byte. This raises an event as a write does, but it changes no page and no time of the file, so
//! that it never waits for the disk.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sqlite::file::permissions;
use crate::sqlite::file::replaced_files::DatabaseFile;

/// The interval at which the path of the file is checked: another program may have deleted or replaced the file.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// The content of the file. A read of an empty file raises no event.
const CONTENT: &[u8] = b"\n";

/// The file `<database>-wake`. It is opened at its first use, and created if it is missing.
#[derive(Debug)]
pub(in crate::sqlite) struct WakeFile {
    path: PathBuf,
    database: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<OpenFile>,
    checked: Option<Instant>,
    /// Whether the log has reported that the file cannot be used.
    reported: bool,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    id: (u64, u64),
}

impl WakeFile {
    pub(in crate::sqlite) fn of(database: &DatabaseFile) -> Self {
        Self { path: database.beside("-wake"), database: database.path().to_owned(), state: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Raises an event for all processes that watch the file. If the file cannot be used, other processes find the
    /// commit later, and the log reports that once.
    pub(in crate::sqlite) fn touch(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = state.checked.is_some_and(|checked| checked.elapsed() < CHECK_EVERY);
        let touched =
            if is_fresh { Ok(false) } else { self.reopen_if_replaced(&mut state) }.and_then(|_| state.touch());
        if let Err(error) = touched {
            self.report(&mut state, &error);
        }
    }

    /// Opens the file that is at the path now, unless it is open already. Returns whether it was opened.
    ///
    /// # Errors
    /// Any error of the operating system, also if the path holds anything but a regular file with one name.
    pub(super) fn reopen(&self) -> io::Result<bool> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.reopen_if_replaced(&mut state)
    }

    fn reopen_if_replaced(&self, state: &mut State) -> io::Result<bool> {
        state.checked = Some(Instant::now());
        let at_path = self.path.symlink_metadata().ok().map(|found| id(&found));
        if at_path.is_some() && at_path == state.open.as_ref().map(|open| open.id) {
            return Ok(false);
        }
        state.open = None;
        let file = permissions::open_beside(&self.path, &self.database)?;
        let found = file.metadata()?;
        if found.len() == 0 {
            file.write_all_at(CONTENT, 0)?;
        }
        state.open = Some(OpenFile { file, id: id(&found) });
        state.reported = false;
        Ok(true)
    }

    fn report(&self, state: &mut State, error: &io::Error) {
        if !state.reported {
            state.reported = true;
            log!(WARN, file = ?self.path, %error, "wake file not usable: other processes notice commits later");
        }
    }
}

impl State {
    fn touch(&self) -> io::Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        match open.file.read_at(&mut [0], 0)? {
            // Another program has emptied the file.
            0 => open.file.write_all_at(CONTENT, 0),
            _ => Ok(()),
        }
    }
}

fn id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}
