//! Maintenance of the write-ahead log, and the removal of the planner's statistics.
//!
//! SQLite restarts its log when no reader uses it. Overlapping readers leave no such moment, and the log then grows
//! with every commit. A `TRUNCATE` checkpoint blocks writers, so that new readers read the database alone, and waits
//! for the older readers to end.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Integer;
use fieldfen_domain::store::{LogHeld, MaintenanceReport, StoreError};

use super::connection::hooks::OpenConnection;
use super::connection::open;
use super::deadline::Deadline;
use super::error::Classify;
use super::file::wal_readers::log_readers;
use super::group_commit::Writer;
use super::planner_statistics;

/// A longer log is truncated by a checkpoint that waits for readers.
pub(super) const LARGE_LOG: u64 = 16 << 20;

/// The wait for the readers of a log of [`LARGE_LOG`] bytes. A longer log has a proportionally longer wait. A
/// checkpoint may wait twice: first for one reader, then for another, one after the other.
const READER_WAIT: Duration = Duration::from_millis(100);

/// The longest wait for readers. No process can write during the wait.
const LONGEST_READER_WAIT: Duration = Duration::from_secs(2);

impl Writer {
    /// Removes the statistics of other programs, and truncates a large log.
    pub(super) fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        let deadline = Deadline::after(self.options().busy_timeout);
        let mut report = MaintenanceReport::default();
        let Some(files) = self.files() else { return Ok(report) };
        files.check()?;
        let file = files.database();
        let OpenConnection { mut conn, control, .. } = open::open_for_maintenance(file, self.options(), &deadline)?;
        left_to_next_time(planner_statistics::remove(&mut conn))?;
        control.set_busy_timeout(Duration::ZERO);
        // A passive checkpoint does not wait. It shortens the checkpoint that waits for readers.
        left_to_next_time(checkpoint(&mut conn, "PRAGMA wal_checkpoint(PASSIVE)"))?;
        let log = file.beside("-wal");
        report.log_bytes = bytes(&log);
        if report.log_bytes <= LARGE_LOG {
            return Ok(report);
        }
        control.set_busy_timeout(reader_wait(report.log_bytes).min(deadline.left()));
        let began = Instant::now();
        let cut = left_to_next_time(checkpoint(&mut conn, "PRAGMA wal_checkpoint(TRUNCATE)"))?;
        report.log_bytes = bytes(&log);
        if cut != Some(true) {
            report.log_held = Some(LogHeld::new(began.elapsed(), log_readers(&file.beside("-shm"))));
        }
        Ok(report)
    }
}

/// The wait for the readers of a log of this length.
fn reader_wait(log_bytes: u64) -> Duration {
    let times = u32::try_from(log_bytes / LARGE_LOG).unwrap_or(u32::MAX);
    READER_WAIT.saturating_mul(times).min(LONGEST_READER_WAIT)
}

fn bytes(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |found| found.len())
}

/// Runs a checkpoint. Returns whether it copied the whole log.
fn checkpoint(conn: &mut SqliteConnection, pragma: &str) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    Ok(diesel::sql_query(pragma).get_result::<Row>(conn).store()?.busy == 0)
}

/// Turns a busy database into `None`: the next maintenance tries again.
fn left_to_next_time<T>(result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(StoreError::Busy { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_for_readers_grows_with_the_log_and_has_an_end() {
        let waits = [LARGE_LOG, 5 * LARGE_LOG, u64::MAX].map(reader_wait);
        assert_eq!(waits, [READER_WAIT, 5 * READER_WAIT, LONGEST_READER_WAIT]);
    }
}
