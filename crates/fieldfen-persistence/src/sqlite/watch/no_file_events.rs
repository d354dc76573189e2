//! Replaces `wake_file` and `file_events` on operating systems other than Linux, where no file is watched.
//!
//! kqueue opens the file that it watches, and closing any descriptor of the database file drops SQLite's locks. The
//! watcher polls for commits of other processes every 10 ms instead.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::poll_schedule::ObservedEvents;
use crate::sqlite::file::replaced_files::DatabaseFile;

/// No file announces commits.
#[derive(Debug)]
pub(in crate::sqlite) struct WakeFile;

impl WakeFile {
    pub(in crate::sqlite) const fn of(_: &DatabaseFile) -> Self {
        Self
    }

    /// Does nothing: no process could notice it.
    pub(in crate::sqlite) const fn touch(&self) {}
}

/// Does nothing: there are no waits.
#[derive(Debug)]
pub(super) struct StopSignal;

impl StopSignal {
    pub(super) const fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) const fn set(&self) {}
}

/// Never constructed.
pub(super) struct FileEvents(Infallible);

impl FileEvents {
    /// # Errors
    /// Always [`io::ErrorKind::Unsupported`].
    pub(super) fn open(_: Arc<WakeFile>, _: PathBuf, _: Arc<StopSignal>) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "files are watched on Linux only"))
    }

    pub(super) const fn watch_log(&mut self) -> io::Result<bool> {
        match self.0 {}
    }

    pub(super) const fn wait(&mut self, _: Duration) -> io::Result<ObservedEvents> {
        match self.0 {}
    }

    pub(super) const fn wait_for_stop(&self, _: Duration) -> io::Result<ObservedEvents> {
        match self.0 {}
    }
}
