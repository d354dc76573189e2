//! Claims due jobs. This is the most frequent statement of the queue.
//!
//! For each kind, the claim is one seek into `idx_jobs_claim`, a partial index on (command_type, priority, run_at) of
//! the pending jobs. Its order is the order of the claim, so that SQLite reads no ended or running job, no job of
//! another kind, and no job that is due later at a higher priority. `INDEXED BY` forces this index: the planner would
//! otherwise use the index on `status` and sort. The text lists the priorities, so that each one is a seek of its own.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimOutcome, ClaimRequest, Job, UnreadableJob};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Timestamp, cut_reason, later};

use super::row::{JobColumns, JobRow, job_columns};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

macro_rules! due {
    () => {
        "FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND command_type = ? \
         AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?"
    };
}

statement! {
    /// Claims the due jobs of one kind.
    TakeKind<'a> {
        token: &'a str as Text,
        expires_at: SqlTime as SqlTimestamp,
        worker: &'a str as Text,
        started_at: SqlTime as SqlTimestamp,
        kind: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ?, \
         alone = 0, parked_for = NULL WHERE rowid IN (SELECT rowid ", due!(), ") RETURNING ", job_columns!()
    )
}
statement! {
    /// The due jobs of one kind, in the order of the claim.
    DueOfKind<'a> {
        kind: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } -> (BigInt, Text, BigInt) = concat!("SELECT priority, run_at, rowid ", due!())
}
statement! {
    /// Claims one job that was found due in this transaction.
    TakeRow<'a> {
        token: &'a str as Text,
        expires_at: SqlTime as SqlTimestamp,
        worker: &'a str as Text,
        started_at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ?, \
         alone = 0, parked_for = NULL WHERE rowid = ? AND status = 'pending' RETURNING ", job_columns!()
    )
}
statement! {
    /// Fails a row that cannot be read as a job.
    FailRow<'a> {
        reason: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'failed', last_error = ?, completed_at = ?, lease_expires_at = NULL, parked_for = NULL \
         WHERE rowid = ? AND status IN ('pending', 'running') RETURNING ", job_columns!()
    )
}

statement! {
    /// Makes a job pending again that this transaction has claimed.
    PutBack { rowid: i64 as BigInt } =
        "UPDATE jobs SET status = 'pending', lease_token = NULL, lease_expires_at = NULL, worker = NULL, \
         started_at = NULL WHERE rowid = ?"
}
statement! {
    /// Records whether a job that must run alone runs without other jobs already.
    NoteAlone { alone: bool as Bool, rowid: i64 as BigInt } = "UPDATE jobs SET alone = ? WHERE rowid = ?"
}

impl SqliteSession<'_> {
    pub(super) fn claim_jobs(&mut self, request: &ClaimRequest) -> Result<ClaimOutcome, StoreError> {
        let limit = i64::from(request.limit);
        let mut kinds = request.kinds.iter();
        let rows = match (kinds.next(), kinds.next()) {
            (None, _) => return Ok(ClaimOutcome::default()),
            _ if limit == 0 => return Ok(ClaimOutcome::default()),
            (Some(kind), None) => self.take_kind(request, kind.as_str(), request.limit_of(kind).into())?,
            _ => self.take_kinds(request, limit)?,
        };
        let mut claimed = ClaimOutcome::default();
        let mut jobs: Vec<(i64, Job)> = Vec::with_capacity(rows.len());
        for row in rows {
            let rowid = row.rowid;
            match row.read() {
                // Times in other programs' forms sort before or after their meaning, so that a claim may find them too
                // early.
                Ok(job) if job.run_at > request.now && self.rewrite_due_time(rowid)? => {}
                Ok(job) => jobs.push((rowid, job)),
                Err(_) if self.rewrite_due_time(rowid)? => {}
                Err(error) => claimed.unreadable.extend(self.fail_row(rowid, &error, request.now)?),
            }
        }
        // SQLite does not define the order of RETURNING.
        jobs.sort_by_key(|(rowid, job)| (job.priority, job.run_at, *rowid));
        self.put_back_behind_job_that_runs_alone(&mut jobs, request.alone)?;
        claimed.jobs = jobs.into_iter().map(|(_, job)| job).collect();
        Ok(claimed)
    }

    /// Puts back the jobs that cannot run with the others: a job that must run alone, unless it is the first, and all
    /// jobs after it.
    fn put_back_behind_job_that_runs_alone(
        &mut self,
        jobs: &mut Vec<(i64, Job)>,
        alone: bool,
    ) -> Result<(), StoreError> {
        let Some(apart) = jobs.iter().position(|(_, job)| job.must_run_alone()) else { return Ok(()) };
        for (rowid, _) in jobs.split_off(apart.max(1)) {
            PutBack { rowid }.execute(self.conn).store()?;
        }
        if apart == 0
            && let Some(&(rowid, _)) = jobs.first()
        {
            NoteAlone { alone, rowid }.execute(self.conn).store()?;
        }
        Ok(())
    }

    /// Fails a row that cannot be read as a job and describes it; `None` if the row has ended already.
    pub(super) fn fail_row(
        &mut self,
        rowid: i64,
        error: &StoreError,
        now: Timestamp,
    ) -> Result<Option<UnreadableJob>, StoreError> {
        let reason = cut_reason(&error.to_string()).into_owned();
        let fail = FailRow { reason: &reason, at: SqlTime(now), rowid };
        let Some(row) = fail.get_result::<JobRow>(self.conn).optional().store()? else { return Ok(None) };
        self.note(CommitNotice::JobEnded);
        Ok(Some(row.unreadable(reason)))
    }

    fn take_kind(&mut self, request: &ClaimRequest, kind: &str, limit: i64) -> Result<Vec<JobRow>, StoreError> {
        let token = request.token.to_string();
        let take = TakeKind {
            token: &token,
            expires_at: SqlTime(later(request.now, request.lease)),
            worker: request.worker.as_str(),
            started_at: SqlTime(request.now),
            kind,
            now: SqlTime(request.now),
            limit,
        };
        take.load(self.conn).store()
    }

    /// Finds the first due jobs of each kind, and claims the first ones among all kinds.
    fn take_kinds(&mut self, request: &ClaimRequest, limit: i64) -> Result<Vec<JobRow>, StoreError> {
        let now = SqlTime(request.now);
        let mut due: Vec<(i64, StoredText, i64)> = Vec::new();
        for kind in &request.kinds {
            let limit = request.limit_of(kind).into();
            due.extend(
                DueOfKind { kind: kind.as_str(), now, limit }.load::<(i64, StoredText, i64)>(self.conn).store()?,
            );
        }
        due.sort_unstable_by(|(priority, run_at, rowid), (other, then, after)| {
            (priority, run_at.as_bytes(), rowid).cmp(&(other, then.as_bytes(), after))
        });
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let token = request.token.to_string();
        let (expires_at, worker) = (SqlTime(later(request.now, request.lease)), request.worker.as_str());
        let mut rows = Vec::with_capacity(due.len());
        for (.., rowid) in due {
            let take = TakeRow { token: &token, expires_at, worker, started_at: now, rowid };
            rows.extend(take.load::<JobRow>(self.conn).store()?);
        }
        Ok(rows)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("TakeKind", TakeKind::SQL),
        ("DueOfKind", DueOfKind::SQL),
        ("TakeRow", TakeRow::SQL),
        ("FailRow", FailRow::SQL),
        ("PutBack", PutBack::SQL),
        ("NoteAlone", NoteAlone::SQL),
    ]
}
