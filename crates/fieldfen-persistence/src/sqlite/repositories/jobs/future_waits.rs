//! Waits that a clock has set which was ahead.
//!
//! Whatever lets a job wait writes the time beside `run_at` from which it has counted the wait. A wait that begins in the
//! future was counted from a wrong time; a due time that somebody has chosen has no beginning, and stays.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamp as SqlTimestamp};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Timestamp, truncate_to_micros};

use crate::rules::clock_ahead::{latest_written, wait_from_now};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Waits that begin in the future, the soonest first.
    WaitsInFuture { after: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> (BigInt, SqlTimestamp, SqlTimestamp) =
        "SELECT rowid, run_at, waiting_since FROM jobs INDEXED BY idx_jobs_waiting \
         WHERE status = 'pending' AND waiting_since IS NOT NULL AND waiting_since > ? ORDER BY waiting_since LIMIT ?"
}
statement! {
    /// Writes a wait anew; its end stays where none is given.
    WriteWait {
        run_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        waiting_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        rowid: i64 as BigInt,
    } = "UPDATE jobs SET run_at = coalesce(?, run_at), waiting_since = ? WHERE rowid = ? AND status = 'pending'"
}

impl SqliteSession<'_> {
    /// Lets waits begin now that begin in the future, and says how many.
    pub(super) fn restart_future_waits(&mut self, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let now = truncate_to_micros(now);
        let waiting = WaitsInFuture { after: SqlTime(latest_written(now)), limit };
        let waiting: Vec<(i64, StoredTime, StoredTime)> = waiting.load(self.conn).store()?;
        for (rowid, run_at, began) in &waiting {
            self.note(CommitNotice::JobDue);
            // A wait of which another program has written a time stays.
            let run_at = wait_from_now(began.time(), run_at.time(), now);
            let (run_at, waiting_since) = (run_at.map(SqlTime), run_at.map(|_| SqlTime(now)));
            WriteWait { run_at, waiting_since, rowid: *rowid }.execute(self.conn).store()?;
        }
        Ok(waiting.len() as u64)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("WaitsInFuture", WaitsInFuture::SQL), ("WriteWait", WriteWait::SQL)]
}
