//! Shortens waits that were set by a clock that was ahead.
//!
//! Every statement that makes a job wait writes the start of the wait beside `run_at`. A start in the future shows that
//! the clock was wrong. A due time that the caller chose has no start and is not changed.

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
    /// Waits that start in the future, the soonest first.
    WaitsInFuture { after: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> (BigInt, SqlTimestamp, SqlTimestamp) =
        "SELECT rowid, run_at, waiting_since FROM jobs INDEXED BY idx_jobs_waiting \
         WHERE status = 'pending' AND waiting_since IS NOT NULL AND waiting_since > ? ORDER BY waiting_since LIMIT ?"
}
statement! {
    /// Rewrites the start and the end of a wait. Without a new end, the end is not changed.
    WriteWait {
        run_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        waiting_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        rowid: i64 as BigInt,
    } = "UPDATE jobs SET run_at = coalesce(?, run_at), waiting_since = ?, waits_for = '' \
         WHERE rowid = ? AND status = 'pending'"
}

impl SqliteSession<'_> {
    /// Makes waits that start in the future start now. Returns their number.
    pub(super) fn restart_future_waits(&mut self, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let now = truncate_to_micros(now);
        let waiting = WaitsInFuture { after: SqlTime(latest_written(now)), limit };
        let waiting: Vec<(i64, StoredTime, StoredTime)> = waiting.load(self.conn).store()?;
        for (rowid, run_at, began) in &waiting {
            self.note(CommitNotice::JobDue);
            // The wait is not changed if another program has written one of its times.
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
