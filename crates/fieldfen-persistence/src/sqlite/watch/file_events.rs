//! Receives the operating system's events about the files beside the database (inotify).
//!
//! This opens neither the log nor the wake file. The database file is not watched at all: closing a descriptor of it
//! would drop SQLite's locks.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::poll_schedule::ObservedEvents;
use super::wake_file::WakeFile;

/// Ends a wait for events, from another thread.
#[derive(Debug)]
pub(super) struct StopSignal(OwnedFd);

impl StopSignal {
    /// # Errors
    /// Any error of the operating system, for example if the process has too many open files.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes every wait end at once from now on.
    pub(super) fn set(&self) {
        // The write fails only if the counter is at its maximum, and then the signal is set already.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

/// The events of the log and the wake file of one database.
pub(super) struct FileEvents {
    inotify: OwnedFd,
    stop: Arc<StopSignal>,
    wake_file: Arc<WakeFile>,
    log: PathBuf,
    /// `None` after a write was reported.
    log_watch: Option<i32>,
}

impl FileEvents {
    /// Watches the wake file.
    ///
    /// # Errors
    /// Any error of the operating system; [`io::ErrorKind::Unsupported`] if the file system reports no events.
    pub(super) fn open(wake_file: Arc<WakeFile>, log: PathBuf, stop: Arc<StopSignal>) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut events = Self { inotify, stop, wake_file, log, log_watch: None };
        events.wake_file.reopen()?;
        watch_wake_file(&events.inotify, events.wake_file.path())?;
        events.wake_file.touch();
        if !events.read()?.touched {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "this file system reports no access to a file"));
        }
        Ok(events)
    }

    /// Watches the log for its next write. Returns whether it was not watched before. The watch ends with that write,
    /// so that a busy log costs its writers nothing.
    ///
    /// # Errors
    /// Any error of the operating system, also if there is no log.
    pub(super) fn watch_log(&mut self) -> io::Result<bool> {
        if self.log_watch.is_some() {
            return Ok(false);
        }
        let flags = WatchFlags::MODIFY | WatchFlags::ONESHOT | WatchFlags::DONT_FOLLOW;
        self.log_watch = Some(inotify::add_watch(&self.inotify, &self.log, flags)?);
        Ok(true)
    }

    /// Waits for events until the timeout.
    ///
    /// # Errors
    /// An error if the files can no longer be watched.
    pub(super) fn wait(&mut self, timeout: Duration) -> io::Result<ObservedEvents> {
        let [stopped, has_events] = wait_for([&self.stop.0, &self.inotify], timeout)?;
        if !stopped && has_events { self.read() } else { Ok(ObservedEvents { stopped, ..ObservedEvents::default() }) }
    }

    /// Waits for the stop signal alone until the timeout. Events that arrive meanwhile stay readable.
    ///
    /// # Errors
    /// The errors of the operating system.
    pub(super) fn wait_for_stop(&self, timeout: Duration) -> io::Result<ObservedEvents> {
        let [stopped] = wait_for([&self.stop.0], timeout)?;
        Ok(ObservedEvents { stopped, ..ObservedEvents::default() })
    }

    /// Reads the events that have arrived.
    fn read(&mut self) -> io::Result<ObservedEvents> {
        let mut told = ObservedEvents::default();
        let mut is_replaced = false;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                (told.touched, told.log_written) = (true, true);
            } else if Some(event.wd()) == self.log_watch {
                told.log_written = true;
            } else {
                let accessed = ReadFlags::ACCESS | ReadFlags::MODIFY;
                told.touched |= event.events().intersects(accessed);
                is_replaced |= !event.events().difference(accessed).is_empty();
            }
        }
        if told.log_written {
            self.log_watch = None;
        }
        if is_replaced && self.wake_file.reopen()? {
            log!(WARN, file = ?self.wake_file.path(), "wake file deleted or replaced");
            watch_wake_file(&self.inotify, self.wake_file.path())?;
            // Another process may have touched the new file already.
            told.touched = true;
        }
        Ok(told)
    }
}

/// Waits until one of these can be read or the timeout is over, and returns which can be read.
fn wait_for<const N: usize>(files: [&OwnedFd; N], timeout: Duration) -> io::Result<[bool; N]> {
    // If the timeout is too long for the operating system, the wait has none.
    let timeout = Timespec::try_from(timeout).ok();
    let mut ready = files.map(|file| PollFd::new(file, PollFlags::IN));
    match poll(&mut ready, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(ready.map(|file| !file.revents().is_empty())),
        Err(error) => Err(error.into()),
    }
}

fn watch_wake_file(inotify: &OwnedFd, path: &Path) -> io::Result<()> {
    let flags = WatchFlags::ACCESS
        | WatchFlags::MODIFY
        | WatchFlags::ATTRIB
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::DONT_FOLLOW;
    inotify::add_watch(inotify, path, flags)?;
    Ok(())
}
