//! The thread that notices commits of other processes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fieldfen_domain::catch_panic;
use fieldfen_domain::store::StoreError;

use super::data_version::{ForeignCommits, PollOutcome};
#[cfg(target_os = "linux")]
use super::file_events::{FileEvents, StopSignal};
#[cfg(not(target_os = "linux"))]
use super::no_file_events::{FileEvents, StopSignal};
use super::poll_schedule::{ObservedEvents, PollSchedule};
use super::{CommitNotifier, WakeFile};
use crate::sqlite::file::replaced_files::DatabaseFile;
use crate::sqlite::group_commit::Writer;

/// The pause of the watcher after an error.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// The times between two polls for commits of other processes.
#[derive(Debug, Clone, Copy)]
pub(in crate::sqlite) struct PollIntervals {
    /// The time between two polls while the files are watched.
    pub(in crate::sqlite) with_events: Duration,
    /// The time between two polls while the files are not watched.
    pub(in crate::sqlite) without_events: Duration,
    /// The time after which a failed attempt to watch the files is repeated.
    pub(in crate::sqlite) try_again: Duration,
    /// The time for which the watcher polls for a commit after an event of the log. The event comes with the write, and
    /// the commit follows after a flush of the disk.
    pub(in crate::sqlite) after_write: Duration,
}

impl Default for PollIntervals {
    fn default() -> Self {
        Self {
            with_events: Duration::from_millis(500),
            without_events: Duration::from_millis(10),
            try_again: Duration::from_secs(10),
            after_write: Duration::from_millis(20),
        }
    }
}

/// The thread of a store that notices commits of other processes for all watches. Dropping it ends the thread and waits
/// for that end.
pub(in crate::sqlite) struct Watcher {
    commits: Arc<CommitNotifier>,
    stop: Option<Arc<StopSignal>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread. Without a wake file, it does not watch files.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be asked for commits, [`StoreError::Io`] if the operating system starts no
    /// more threads.
    pub(in crate::sqlite) fn start(
        commits: &Arc<CommitNotifier>,
        writer: &Arc<Writer>,
        file: &DatabaseFile,
        wake_file: Option<Arc<WakeFile>>,
        intervals: PollIntervals,
    ) -> Result<Self, StoreError> {
        let foreign = ForeignCommits::new(Arc::clone(writer))?;
        let files = wake_file.and_then(|wake_file| WatchedFiles::new(wake_file, file));
        let stop = files.as_ref().map(|files| Arc::clone(&files.stop));
        let schedule = PollSchedule::new(intervals.without_events, intervals.after_write);
        let mut body = Body { commits: Arc::clone(commits), foreign, files, schedule, intervals };
        let thread = thread::Builder::new()
            .name("fieldfen-commits".to_owned())
            .spawn(move || body.run())
            .map_err(|error| StoreError::Io(error.into()))?;
        Ok(Self { commits: Arc::clone(commits), stop, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.commits.close();
        if let Some(stop) = &self.stop {
            stop.set();
        }
        // The program's own instrumentation also runs on this thread, and may drop the last handle of the store there.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            // The thread catches its panics, so the result is always `Ok`.
            let _ = thread.join();
        }
    }
}

/// The state of the thread.
struct Body {
    commits: Arc<CommitNotifier>,
    foreign: ForeignCommits,
    /// `None` if files are not to be watched.
    files: Option<WatchedFiles>,
    schedule: PollSchedule,
    intervals: PollIntervals,
}

impl Body {
    fn run(&mut self) {
        while self.commits.wait_until_watched() {
            // The subscriber of the log and the program's instrumentation may panic.
            match catch_panic(|| self.poll_once()) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.commits.fail_watches(error);
                    self.commits.pause_watcher(PAUSE_AFTER_ERROR);
                }
                Err(panic) => {
                    log!(ERROR, panic, "watcher of commits panicked");
                    self.commits.pause_watcher(PAUSE_AFTER_ERROR);
                }
            }
        }
    }

    /// Waits until a poll is due or events arrive, and polls if one is due.
    fn poll_once(&mut self) -> Result<(), StoreError> {
        let told = self.wait();
        let now = Instant::now();
        self.schedule.told(told, now);
        // While no watch waits, due polls stay due.
        if told.stopped || !self.schedule.until_next(now).is_zero() || !self.commits.begin_look() {
            return Ok(());
        }
        if let Some(events) = self.files.as_mut().and_then(WatchedFiles::events) {
            match events.watch_log() {
                // A commit that was under way before may become visible later.
                Ok(true) => self.schedule.told(ObservedEvents { log_written: true, ..ObservedEvents::default() }, now),
                Ok(false) => {}
                Err(error) => self.lose_events(&error),
            }
        }
        let outcome = self.foreign.poll()?;
        self.schedule.polled(outcome, Instant::now());
        if outcome == PollOutcome::Committed {
            self.commits.tell_watches();
        }
        Ok(())
    }

    fn wait(&mut self) -> ObservedEvents {
        let PollIntervals { with_events, try_again, .. } = self.intervals;
        if let Some(files) = &mut self.files
            && files.open_when_due(Instant::now(), try_again)
        {
            self.schedule.set_interval(with_events);
        }
        let timeout = self.schedule.until_next(Instant::now());
        let events = self.files.as_mut().and_then(WatchedFiles::events);
        let Some(events) = events else {
            self.commits.pause_watcher(timeout);
            return ObservedEvents::default();
        };
        // While a poll is announced, further events bring no poll forward. A wait for events would only wake the thread
        // for each commit of a busy process.
        let told = if self.schedule.is_announced() { events.wait_for_stop(timeout) } else { events.wait(timeout) };
        told.unwrap_or_else(|error| {
            self.lose_events(&error);
            ObservedEvents::default()
        })
    }

    fn lose_events(&mut self, error: &io::Error) {
        if let Some(files) = &mut self.files {
            files.lose(error, Instant::now() + self.intervals.try_again);
        }
        self.schedule.set_interval(self.intervals.without_events);
    }
}

/// The files beside the database and the state of their watch.
struct WatchedFiles {
    wake_file: Arc<WakeFile>,
    log: PathBuf,
    stop: Arc<StopSignal>,
    state: EventsState,
}

enum EventsState {
    /// There was no attempt to watch the files yet.
    New,
    Watched(FileEvents),
    /// The files cannot be watched, and the log has reported that.
    Lost {
        try_at: Instant,
    },
}

impl WatchedFiles {
    fn new(wake_file: Arc<WakeFile>, file: &DatabaseFile) -> Option<Self> {
        let stop = StopSignal::new().inspect_err(|error| warn_of_late_notice(file.path(), error)).ok()?;
        Some(Self { wake_file, log: file.beside("-wal"), stop: Arc::new(stop), state: EventsState::New })
    }

    fn events(&mut self) -> Option<&mut FileEvents> {
        if let EventsState::Watched(events) = &mut self.state { Some(events) } else { None }
    }

    /// Watches the files if there was no attempt yet, or none for some time. Returns whether the watch is new.
    fn open_when_due(&mut self, now: Instant, try_again: Duration) -> bool {
        match self.state {
            EventsState::Watched(_) => return false,
            EventsState::Lost { try_at } if now < try_at => return false,
            EventsState::New | EventsState::Lost { .. } => {}
        }
        match FileEvents::open(Arc::clone(&self.wake_file), self.log.clone(), Arc::clone(&self.stop)) {
            Ok(events) => {
                if matches!(self.state, EventsState::Lost { .. }) {
                    log!(INFO, log = ?self.log, "file notifications available again");
                }
                self.state = EventsState::Watched(events);
                true
            }
            Err(error) => {
                self.lose(&error, now + try_again);
                false
            }
        }
    }

    fn lose(&mut self, error: &io::Error, try_at: Instant) {
        if !matches!(self.state, EventsState::Lost { .. }) {
            warn_of_late_notice(&self.log, error);
        }
        self.state = EventsState::Lost { try_at };
    }
}

fn warn_of_late_notice(file: &Path, error: &io::Error) {
    log!(WARN, ?file, %error, "file notifications not available: the store polls for commits of other processes");
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use fieldfen_domain::store::{Store as _, Watch as _};
    use fieldfen_testkit::fixtures::job;

    use super::*;
    use crate::sqlite::watch::SqliteWatch;
    use crate::{OpenMode, SqliteStore, SqliteUrl, connect, migrations};

    #[test]
    fn a_thread_whose_next_poll_is_announced_is_not_woken_by_further_commits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
        migrations::run_pending(&mut conn).unwrap();
        let open = || SqliteStore::open(path.to_str().unwrap()).unwrap();
        let (store, other) = (open(), open());
        let (commits, file) = (Arc::<CommitNotifier>::default(), DatabaseFile::remember(&path).unwrap());
        let wake_file = Arc::new(WakeFile::of(&file));
        let hour = Duration::from_secs(3600);
        let mut body = Body {
            commits: Arc::clone(&commits),
            foreign: ForeignCommits::new(Arc::clone(store.writer())).unwrap(),
            files: WatchedFiles::new(Arc::clone(&wake_file), &file),
            schedule: PollSchedule::new(hour, hour),
            intervals: PollIntervals { with_events: hour, ..PollIntervals::default() },
        };
        let mut watch = SqliteWatch::new(Arc::clone(&commits));
        for number in 0..20 {
            let (before, mut rounds) = (commits.count(), 0);
            other.write(|s| s.jobs().enqueue(&job(number))).unwrap();
            while commits.count() == before {
                wake_file.touch();
                watch.wait(Duration::ZERO).unwrap();
                body.poll_once().unwrap();
                rounds += 1;
            }
            // The first one reads the events, and the second one waits until it may poll.
            assert!(rounds <= 3, "{rounds} rounds for the poll of commit {number}");
        }
    }
}
