//! Taking back jobs whose worker has let the lease run out.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{Job, Reclaimed, TakenBack};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Timestamp, cut_reason, later};

use super::row::{JobColumns, JobRow, job_columns};
use crate::rows::{SqlTime, StoredText};
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
    /// Gives an expired job another try. A job without one is left: it has no retries at all, or has spent them and ran
    /// alone, or somebody asked for it to stop.
    TakeBack<'a> {
        last_error: &'a str as Text,
        run_at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'pending', last_error = ?, run_at = ?, attempts = coalesce(attempts, 0) + 1, \
         lost_leases = lost_leases + 1, lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL \
         WHERE rowid = ? AND status = 'running' AND cancel_requested_at IS NULL AND max_retries > 0 \
         AND (coalesce(attempts, 0) < max_retries OR alone = 0) RETURNING ", job_columns!()
    )
}
statement! {
    /// Ends an expired job. Its token is taken away: what its worker still reports counts no more.
    GiveUp<'a> {
        last_error: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'failed', last_error = ?, completed_at = ?, lost_leases = lost_leases + 1, \
         lease_token = NULL, lease_expires_at = NULL WHERE rowid = ? AND status = 'running' RETURNING ", job_columns!()
    )
}

statement! {
    /// The first kind behind another one, by its bytes, that has pending jobs. Blobs come behind all texts.
    NextKind<'a> { after: &'a [u8] as Binary } -> (Text,) =
        "SELECT command_type FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' \
         AND command_type > CAST(? AS TEXT) AND command_type < x'' ORDER BY command_type LIMIT 1"
}
statement! {
    /// Pending jobs of a kind that is not UTF-8.
    OfKindNotUtf8<'a> { kind: &'a [u8] as Binary, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_claim \
         WHERE status = 'pending' AND command_type = CAST(? AS TEXT) LIMIT ?"
    )
}
statement! {
    /// Pending jobs whose kind is a blob.
    OfBlobs { limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_claim \
         WHERE status = 'pending' AND command_type >= x'' LIMIT ?"
    )
}
statement! {
    /// Pending jobs of one kind with priorities below those that there are.
    TooUrgent<'a> { kind: &'a str as Text, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_claim \
         WHERE status = 'pending' AND command_type = ? AND priority < 0 LIMIT ?"
    )
}
statement! {
    /// Pending jobs of one kind with priorities above those that there are.
    TooLow<'a> { kind: &'a str as Text, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_claim \
         WHERE status = 'pending' AND command_type = ? AND priority > 3 LIMIT ?"
    )
}
statement! {
    /// Pending jobs of one kind with priorities between two that there are.
    InBetween<'a> {
        kind: &'a str as Text,
        above: i64 as BigInt,
        below: i64 as BigInt,
        limit: i64 as BigInt,
    } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_claim \
         WHERE status = 'pending' AND command_type = ? AND priority > ? AND priority < ? LIMIT ?"
    )
}
statement! {
    /// Pending jobs of one kind whose due time is behind all times that there are, and most likely none.
    NeverDue<'a> { kind: &'a str as Text, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND command_type = ? \
         AND priority IN (0, 1, 2, 3) AND run_at > '9999-12-31 23:59:59.999999' LIMIT ?"
    )
}

impl SqliteSession<'_> {
    pub(super) fn reclaim_jobs(
        &mut self,
        now: Timestamp,
        limit: u32,
        backoff: &dyn Fn(&Job) -> Duration,
    ) -> Result<TakenBack, StoreError> {
        let expired = Expired { now: SqlTime(now), limit: limit.into() }.load::<JobRow>(self.conn).store()?;
        let mut taken = TakenBack { jobs: Vec::with_capacity(expired.len()), unreadable: Vec::new() };
        for row in expired {
            self.announces = true;
            let (rowid, worker) = (row.rowid, row.worker());
            let job = match row.read() {
                Ok(job) => job,
                Err(error) => {
                    // Left as it is, it would come up again and again and keep others from their turn.
                    taken.unreadable.extend(self.fail_row(rowid, &error, now)?);
                    continue;
                }
            };
            let mut reason = format!("the lease of {} expired", worker.as_deref().unwrap_or("its worker"));
            if let (Some(_), Some(asked)) = (job.cancel_requested_at, &job.last_error) {
                reason = cut_reason(&format!("{asked} ({reason})")).into_owned();
            }
            let run_at = later(now, backoff(&job));
            let back = TakeBack { last_error: &reason, run_at: SqlTime(run_at), rowid };
            let row = match back.get_result::<JobRow>(self.conn).optional().store()? {
                Some(row) => row,
                None => GiveUp { last_error: &reason, at: SqlTime(now), rowid }.get_result(self.conn).store()?,
            };
            taken.jobs.push(Reclaimed { job: row.read()?, worker });
        }
        self.fail_unclaimable(now, limit.into(), &mut taken)?;
        Ok(taken)
    }

    /// Ends pending jobs that no claim comes upon: there are no priorities but 0 to 3, no times but texts, and no kinds but
    /// texts in UTF-8.
    fn fail_unclaimable(&mut self, now: Timestamp, limit: i64, taken: &mut TakenBack) -> Result<(), StoreError> {
        let mut after = Vec::new();
        while let Some((kind,)) =
            (NextKind { after: &after }).get_result::<(StoredText,)>(self.conn).optional().store()?
        {
            after = kind.as_bytes().to_vec();
            let rows = match kind.as_str() {
                Some(kind) => self.unclaimable_of_kind(kind, limit)?,
                None => OfKindNotUtf8 { kind: &after, limit }.load(self.conn).store()?,
            };
            self.fail_unreadable(rows, now, taken)?;
        }
        let rows = OfBlobs { limit }.load(self.conn).store()?;
        self.fail_unreadable(rows, now, taken)
    }

    fn unclaimable_of_kind(&mut self, kind: &str, limit: i64) -> Result<Vec<JobRow>, StoreError> {
        let mut rows: Vec<JobRow> = TooUrgent { kind, limit }.load(self.conn).store()?;
        rows.extend(TooLow { kind, limit }.load::<JobRow>(self.conn).store()?);
        for above in 0..3 {
            rows.extend(InBetween { kind, above, below: above + 1, limit }.load::<JobRow>(self.conn).store()?);
        }
        rows.extend(NeverDue { kind, limit }.load::<JobRow>(self.conn).store()?);
        Ok(rows)
    }

    fn fail_unreadable(&mut self, rows: Vec<JobRow>, now: Timestamp, taken: &mut TakenBack) -> Result<(), StoreError> {
        for row in rows {
            let rowid = row.rowid;
            if let Err(error) = row.read() {
                taken.unreadable.extend(self.fail_row(rowid, &error, now)?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Expired", Expired::SQL),
        ("TakeBack", TakeBack::SQL),
        ("GiveUp", GiveUp::SQL),
        ("NextKind", NextKind::SQL),
        ("OfKindNotUtf8", OfKindNotUtf8::SQL),
        ("OfBlobs", OfBlobs::SQL),
        ("TooUrgent", TooUrgent::SQL),
        ("TooLow", TooLow::SQL),
        ("InBetween", InBetween::SQL),
        ("NeverDue", NeverDue::SQL),
    ]
}
