//! Taking back jobs whose worker has let the lease run out.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::Reclaimed;
use fieldfen_domain::store::StoreError;

use super::claim::FailRow;
use super::row::{JobColumns, JobRow, job_columns};
use crate::rows::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::statement::statement;

statement! {
    /// The jobs whose leases have run out, the longest first.
    Expired { now: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_lease \
         WHERE status = 'running' AND lease_expires_at IS NOT NULL AND lease_expires_at <= ? \
         ORDER BY lease_expires_at, rowid LIMIT ?"
    )
}
statement! {
    /// Gives an expired job another try, or ends it when no retry is left or somebody asked for it to stop.
    TakeBack<'a> {
        last_error: &'a str as Text,
        run_at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'pending', last_error = ?, run_at = ?, attempts = coalesce(attempts, 0) + 1, \
         lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL \
         WHERE rowid = ? AND status = 'running' AND coalesce(attempts, 0) < max_retries \
         AND cancel_requested_at IS NULL RETURNING ", job_columns!()
    )
}
statement! {
    /// Ends an expired job. Its token is taken away: what its worker still reports counts no more.
    GiveUp<'a> {
        last_error: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'failed', last_error = ?, completed_at = ?, lease_token = NULL, \
         lease_expires_at = NULL WHERE rowid = ? AND status = 'running' RETURNING ", job_columns!()
    )
}

impl SqliteSession<'_> {
    pub(super) fn reclaim_jobs(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Reclaimed>, StoreError> {
        let expired = Expired { now: SqlTime(now), limit: limit.into() }.load::<JobRow>(self.conn).store()?;
        let mut reclaimed = Vec::with_capacity(expired.len());
        for row in expired {
            self.announces = true;
            let (rowid, name, worker) = (row.rowid, row.name(), row.worker.clone());
            let job = match row.read() {
                Ok(job) => job,
                Err(error) => {
                    // Left as it is, it would come up again and again and keep others from their turn.
                    tracing::error!(job = name, %error, "a job with an expired lease cannot be read and has failed");
                    let reason = error.to_string();
                    FailRow { reason: &reason, at: SqlTime(now), rowid }.execute(self.conn).store()?;
                    continue;
                }
            };
            let mut reason = format!("the lease of {} expired", worker.as_deref().unwrap_or("its worker"));
            if let (Some(_), Some(asked)) = (job.cancel_requested_at, &job.last_error) {
                reason = format!("{asked} ({reason})");
            }
            let back = TakeBack { last_error: &reason, run_at: SqlTime(now), rowid };
            let row = match back.get_result::<JobRow>(self.conn).optional().store()? {
                Some(row) => row,
                None => GiveUp { last_error: &reason, at: SqlTime(now), rowid }.get_result(self.conn).store()?,
            };
            reclaimed.push(Reclaimed { job: row.read()?, worker });
        }
        Ok(reclaimed)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("Expired", Expired::SQL), ("TakeBack", TakeBack::SQL), ("GiveUp", GiveUp::SQL)]
}
