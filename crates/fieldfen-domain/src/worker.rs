//! The registry of living workers.
//!
//! A worker writes a row at its start, renews it while it runs, and deletes it at its end. A worker that died leaves
//! its row behind; the row counts as dead once it has not been renewed for [`SILENT_AFTER`].

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::ids::{JobId, WorkerId};
use crate::job::{JobKind, WorkerName};
use crate::time::{Timestamp, is_ahead};

/// The interval at which a living worker renews its row.
pub const RENEWED_EVERY: TimeDelta = TimeDelta::seconds(15);

/// The time after which a worker that has not renewed its row is [late](RegisteredWorker::is_late).
const LATE_AFTER: TimeDelta = TimeDelta::seconds(30);

/// The time after which a worker that has not renewed its row counts as dead.
pub const SILENT_AFTER: TimeDelta = TimeDelta::seconds(60);

/// A row of `workers`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredWorker {
    /// A new random id at each start.
    pub id: WorkerId,
    /// The name under which it claims jobs.
    pub name: WorkerName,
    /// The id of its process.
    pub process: u32,
    /// The name of its machine.
    pub host: String,
    /// The version of its program.
    pub version: String,
    /// The kinds of job that it handles.
    pub kinds: BTreeSet<JobKind>,
    /// The number of jobs that it runs at once.
    pub threads: u32,
    /// The jobs whose handlers do not return although they were interrupted.
    pub stuck_jobs: Vec<JobId>,
    /// The time at which the worker started, by its own clock.
    pub started_at: Timestamp,
    /// The time at which the worker last renewed the row.
    pub last_seen_at: Timestamp,
}

impl RegisteredWorker {
    /// A worker that starts at `started_at`: without a name, of an unknown program on an unknown machine, with one
    /// thread. Set the other fields.
    #[must_use]
    pub fn new(id: WorkerId, kinds: BTreeSet<JobKind>, started_at: Timestamp) -> Self {
        Self {
            id,
            name: WorkerName::new(""),
            process: 0,
            host: String::new(),
            version: String::new(),
            kinds,
            threads: 1,
            stuck_jobs: Vec::new(),
            started_at,
            last_seen_at: started_at,
        }
    }

    /// Returns whether the worker counts as alive: it has renewed its row in the last minute. A time in the future was
    /// written by a clock that was ahead and does not count. A living worker soon replaces it.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        !is_ahead(self.last_seen_at, now) && now.signed_duration_since(self.last_seen_at) <= SILENT_AFTER
    }

    /// Returns whether the worker has missed a renewal of its row: it has probably died, even if it still counts as
    /// [alive](Self::is_alive). A worker on a machine under load, or one that waits for the database, may also be late.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        now.signed_duration_since(self.last_seen_at) > LATE_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_late_after_half_a_minute_and_dead_after_a_minute() {
        let seen: Timestamp = "2026-11-26T01:00:00Z".parse().unwrap();
        let worker = RegisteredWorker::new(WorkerId::from_random(1), BTreeSet::new(), seen);
        for (seconds, alive, late) in [
            (-3600, false, false),
            (0, true, false),
            (30, true, false),
            (31, true, true),
            (60, true, true),
            (61, false, true),
        ] {
            let now = seen + TimeDelta::seconds(seconds);
            assert_eq!((worker.is_alive(now), worker.is_late(now)), (alive, late), "{seconds}");
        }
    }
}
