//! Maintenance of the planner's statistics and of the write-ahead log.
//!
//! SQLite starts its log anew at a moment at which nobody reads from it. Readers that overlap leave no such moment, and
//! the log grows with every commit. A `TRUNCATE` checkpoint makes one: it keeps writers away, so that new readers read
//! the database alone, and waits for the readers that were there before.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use fieldfen_domain::store::{LogHeld, MaintenanceReport, StoreError};

use super::connection::hooks::OpenConnection;
use super::connection::open;
use super::deadline::Deadline;
use super::error::Classify;
use super::file::wal_readers::log_readers;
use super::group_commit::Writer;

/// A log longer than this is cut back, and readers are waited for.
const LARGE_LOG: u64 = 16 << 20;

/// How long readers of a log of that length are waited for; those of a longer log are waited for in proportion. A
/// checkpoint may wait for two readers, one after the other.
const READER_WAIT: Duration = Duration::from_millis(100);

/// The longest wait for readers: no process can write meanwhile.
const LONGEST_READER_WAIT: Duration = Duration::from_secs(2);

impl Writer {
    /// Refreshes the planner's statistics where they are out of date, and cuts the log back.
    pub(super) fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        let deadline = Deadline::after(self.options().busy_timeout);
        left_to_next_time(self.with_connection(&deadline, |conn| conn.batch_execute("PRAGMA optimize").store()))?;
        let mut report = MaintenanceReport::default();
        let Some(files) = self.files() else { return Ok(report) };
        files.check()?;
        let file = files.database();
        let OpenConnection { mut conn, control, .. } = open::open_for_maintenance(file, self.options(), &deadline)?;
        control.set_busy_timeout(Duration::ZERO);
        // A passive checkpoint waits for nobody, and leaves little to do to the one that does.
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

/// How long the readers of a log of this length are waited for.
fn reader_wait(log_bytes: u64) -> Duration {
    let times = u32::try_from(log_bytes / LARGE_LOG).unwrap_or(u32::MAX);
    READER_WAIT.saturating_mul(times).min(LONGEST_READER_WAIT)
}

fn bytes(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |found| found.len())
}

/// Runs a checkpoint, and says whether it was done to its end.
fn checkpoint(conn: &mut SqliteConnection, pragma: &str) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    Ok(diesel::sql_query(pragma).get_result::<Row>(conn).store()?.busy == 0)
}

/// Maintenance that meets a busy database is no failure: the next one tries again.
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
