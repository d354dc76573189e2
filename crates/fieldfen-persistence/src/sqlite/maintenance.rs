//! Upkeep of the planner's statistics and of the log.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use fieldfen_domain::store::StoreError;

use super::error::Classify;
use super::settings;
use super::writer::Writer;

/// A log larger than this is cut back to nothing, waiting for readers if need be.
const LARGE_LOG: u64 = 16 << 20;

/// How long readers are waited for: nobody can write meanwhile, in any process.
const FOR_READERS: Duration = Duration::from_millis(100);

impl Writer {
    /// Refreshes the planner's statistics where they are out of date, and cuts the log back.
    pub(super) fn maintain(&self) -> Result<(), StoreError> {
        left_to_next_time(self.between_batches(|conn| conn.batch_execute("PRAGMA optimize").store()))?;
        let Some(file) = self.file() else { return Ok(()) };
        file.check()?;
        let mut conn = settings::upkeep(file, self.options())?;
        // A passive checkpoint waits for nobody. Only one that truncates starts the log anew while readers overlap; it
        // has little left to do when a passive one comes first.
        left_to_next_time(conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)").store())?;
        let mut log = file.path().as_os_str().to_owned();
        log.push("-wal");
        if !std::fs::metadata(&log).is_ok_and(|log| log.len() > LARGE_LOG) {
            return Ok(());
        }
        conn.batch_execute(&settings::busy_timeout(FOR_READERS.min(self.options().busy_timeout))).store()?;
        left_to_next_time(conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").store())
    }
}

/// Upkeep that meets a busy database is no failure: the next one tries again.
fn left_to_next_time(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Busy { .. }) => Ok(()),
        result => result,
    }
}
