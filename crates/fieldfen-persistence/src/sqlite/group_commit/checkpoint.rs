//! Checkpoints copy the write-ahead log into the database.
//!
//! SQLite's automatic checkpoint runs inside a commit. The writers of this commit, and all processes that wait for the fair
//! lock, wait until the pages are on the disk. This module therefore copies the log in a separate thread while writers
//! continue.
//!
//! SQLite starts the log anew only after the whole log has been copied. While writers add to the log, the thread never
//! reaches its end. When few frames are left, the thread that has just committed therefore copies them, and holds the write
//! lock meanwhile.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::connection::hooks::{HookControl, OpenConnection};
use crate::sqlite::connection::open::open_for_maintenance;
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::file::replaced_files::OpenFiles;
use crate::sqlite::file::wal::LogState;

/// A log of at least so many frames is copied. SQLite's default for its automatic checkpoint is the same.
const CHECKPOINT_FRAMES: u32 = 1000;

/// If fewer frames are left to copy, the thread that commits copies them.
const BLOCKING_FRAMES: u32 = 250;

/// If the log has at least so many frames, the thread that commits copies all that is left. Otherwise the log would grow
/// without end under writers that are faster than the disk.
const MAX_FRAMES: u32 = 4000;

statement! {
    /// Copies the frames that the log has now. Waits for no lock, and other connections can write meanwhile.
    PassiveCheckpoint {} -> (Integer, Integer, Integer) = "PRAGMA wal_checkpoint(PASSIVE)"
}

statement! {
    /// Copies the whole log, and holds the write lock meanwhile.
    FullCheckpoint {} -> (Integer, Integer, Integer) = "PRAGMA wal_checkpoint(FULL)"
}

/// Copies the log of one store into its database.
pub(super) struct Checkpointer {
    thread: CheckpointThread,
    options: SqliteOptions,
    /// Whether the last checkpoint by the thread that commits failed.
    is_failing: bool,
}

enum CheckpointThread {
    NotStarted(OpenFiles),
    Running {
        wake: SyncSender<()>,
        ended: JoinHandle<()>,
    },
    /// The database is in memory, or the thread could not be started or could not open a connection. The thread that
    /// commits runs all checkpoints.
    Unavailable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checkpoint {
    Passive,
    Full,
}

fn due(log: LogState) -> Option<Checkpoint> {
    let left = log.frames.saturating_sub(log.copied);
    if log.frames < CHECKPOINT_FRAMES || left == 0 {
        None
    } else if left < BLOCKING_FRAMES || log.frames >= MAX_FRAMES {
        Some(Checkpoint::Full)
    } else {
        Some(Checkpoint::Passive)
    }
}

impl Checkpointer {
    /// `files` is `None` for a database in memory, which has no log.
    pub(super) fn new(files: Option<OpenFiles>, options: SqliteOptions) -> Self {
        Self {
            thread: files.map_or(CheckpointThread::Unavailable, CheckpointThread::NotStarted),
            options,
            is_failing: false,
        }
    }

    /// Starts a checkpoint if the log is long enough. `log` is the state of the log at the last commit. Waits for no lock.
    /// A checkpoint that fails is tried again after the next commit.
    pub(super) fn after_commit(&mut self, log: LogState, conn: &mut SqliteConnection, control: &HookControl) {
        match due(log) {
            None => {}
            Some(Checkpoint::Passive) if self.wake_thread() => {}
            Some(checkpoint) => {
                control.set_busy_timeout(Duration::ZERO);
                run(checkpoint, conn, &mut self.is_failing);
            }
        }
    }

    /// Wakes the checkpoint thread, which the first call starts. Returns `false` if the thread is not available.
    fn wake_thread(&mut self) -> bool {
        if let CheckpointThread::NotStarted(files) = &self.thread {
            let (wake, woken) = sync_channel(1);
            let (files, options) = (files.clone(), self.options.clone());
            let started = thread::Builder::new()
                .name("fieldfen-checkpoint".into())
                .spawn(move || run_when_woken(&files, &options, &woken));
            self.thread =
                started.map_or(CheckpointThread::Unavailable, |ended| CheckpointThread::Running { wake, ended });
        }
        let CheckpointThread::Running { wake, .. } = &self.thread else { return false };
        match wake.try_send(()) {
            Ok(()) | Err(TrySendError::Full(())) => true,
            Err(TrySendError::Disconnected(())) => {
                self.thread = CheckpointThread::Unavailable;
                false
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        // The thread closes its connection before the writer closes its own: the last connection to close removes the log.
        let thread = std::mem::replace(&mut self.thread, CheckpointThread::Unavailable);
        if let CheckpointThread::Running { wake, ended } = thread {
            drop(wake);
            // The program's diesel instrumentation runs on the checkpoint thread too, and may drop the last handle of the store
            // there. A thread cannot wait for its own end.
            if ended.thread().id() != thread::current().id() {
                let _ = ended.join();
            }
        }
    }
}

/// The checkpoint thread. Ends when the sender of `woken` is dropped.
fn run_when_woken(files: &OpenFiles, options: &SqliteOptions, woken: &Receiver<()>) {
    let opened = open_for_maintenance(files.database(), options, &Deadline::after(options.busy_timeout));
    let OpenConnection { mut conn, control, .. } = match opened {
        Ok(opened) => opened,
        Err(error) => {
            log!(WARN, %error, "checkpoint thread not available");
            return;
        }
    };
    control.set_busy_timeout(Duration::ZERO);
    let mut is_failing = false;
    while woken.recv().is_ok() {
        // If a file has been replaced, the next commit reports it.
        if files.check().is_ok() {
            run(Checkpoint::Passive, &mut conn, &mut is_failing);
        }
    }
}

/// Runs a checkpoint. Of several failures in a row, the first is logged as a warning: the log grows until a checkpoint
/// succeeds.
fn run(checkpoint: Checkpoint, conn: &mut SqliteConnection, is_failing: &mut bool) {
    let done: QueryResult<(i32, i32, i32)> = match checkpoint {
        Checkpoint::Passive => PassiveCheckpoint {}.get_result(conn),
        Checkpoint::Full => FullCheckpoint {}.get_result(conn),
    };
    let was_failing = std::mem::replace(is_failing, done.is_err());
    if let Err(error) = done
        && !was_failing
    {
        log!(WARN, %error, "checkpoint failed");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run as write, writer_with};
    use super::*;
    use crate::sqlite::connection::options::Durability;

    #[test]
    fn a_checkpoint_is_passive_from_1000_pages_on_and_full_when_little_is_left_or_the_log_is_long() {
        let of = |frames, copied| due(LogState { frames, copied });
        assert_eq!([of(999, 0), of(3999, 3999), of(5000, 5000)], [None; 3]);
        assert_eq!([of(1000, 0), of(3999, 3000), of(1000, 750)], [Some(Checkpoint::Passive); 3]);
        assert_eq!([of(1000, 751), of(3999, 3998), of(4000, 0)], [Some(Checkpoint::Full); 3]);
    }

    #[test]
    fn a_checkpoint_that_fails_counts_as_failed_until_one_succeeds() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let mut is_failing = false;
        for (statement, fails) in
            [("SELECT 1", false), ("BEGIN IMMEDIATE", true), ("SELECT 1", true), ("COMMIT", false)]
        {
            diesel::sql_query(statement).execute(&mut conn).unwrap();
            run(Checkpoint::Full, &mut conn, &mut is_failing);
            assert_eq!(is_failing, fails, "after {statement}");
        }
    }

    #[test]
    fn the_log_starts_anew_while_a_process_writes_without_a_pause_and_is_removed_with_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions { durability: Durability::Normal, ..Default::default() };
        let (writer, _) = writer_with(folder.path(), options);
        let log = folder.path().join("a.db-wal");
        write(&writer, "CREATE TABLE pages (page BLOB)").unwrap();
        let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) \
                    INSERT INTO pages SELECT zeroblob(3000) FROM n";
        // The header of the log counts how often SQLite has started the log anew.
        let restarts = || std::fs::read(&log).unwrap()[12..16].to_vec();
        write(&writer, rows).unwrap();
        let before = restarts();
        let commits = (0..1000).take_while(|_| {
            write(&writer, rows).unwrap();
            restarts() == before
        });
        assert!(commits.count() < 1000);
        drop(writer);
        assert!(!log.exists(), "the last connection to close removes the log");
    }
}
