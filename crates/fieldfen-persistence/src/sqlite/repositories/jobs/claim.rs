//! Claims due jobs. This is the most frequent statement of the queue.
//!
//! For each kind, the claim is one seek into `idx_jobs_claim`, a partial index on (command_type, priority, run_at) of
//! the pending jobs. Its order is the order of the claim, so that SQLite reads no ended or running job, no job of
//! another kind, and no job that is due later at a higher priority. `INDEXED BY` forces this index: the planner would
//! otherwise use the index on `status` and sort. The text lists the priorities, so that each one is a seek of its own.
//! Jobs that wait for a place in their partition, or for the end of a pause, are not in the index: see `admission` and
//! `limited_claim`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimOutcome, ClaimRequest, Job, JobKind, JobState, Lease, OnWorkerDeath, UnreadableJob};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Secrets, Timestamp, later, truncate_to_micros};

use super::error_text::ErrorText;
use super::row::{JobColumns, JobRow, job_columns, pending_job_columns};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

macro_rules! due {
    () => {
        "FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' \
         AND command_type = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?"
    };
}

/// The beginning of a claim, up to the columns that only some claims change.
macro_rules! take {
    () => {
        "UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ?, \
         on_worker_death = coalesce(on_worker_death, ?), alone = 0, parked_for = NULL"
    };
}

pub(super) use {due, take};

statement! {
    /// The due jobs of one kind, in the order of the claim, with the columns that the claim leaves as they are.
    DueOfKind<'a> {
        kind: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } -> JobColumns = concat!("SELECT ", pending_job_columns!(), " ", due!())
}
statement! {
    /// The due jobs of one kind, in the order of the claim, by their place in it.
    PlacesOfKind<'a> {
        kind: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } -> (BigInt, Text, BigInt) = concat!("SELECT priority, run_at, rowid ", due!())
}
statement! {
    /// Claims the due jobs of one kind. `RETURNING` would take longer than reading the rows before.
    TakeKind<'a> {
        token: &'a str as Text,
        expires_at: SqlTime as SqlTimestamp,
        worker: &'a str as Text,
        started_at: SqlTime as SqlTimestamp,
        on_worker_death: Option<&'a str> as Nullable<Text>,
        kind: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } = concat!(
        take!(), " WHERE rowid IN (SELECT rowid ", due!(), ")"
    )
}
statement! {
    /// Claims one due job. For one row, the temporary tables of [`TakeKind`] would take longer than everything else.
    TakeRow<'a> {
        token: &'a str as Text,
        expires_at: SqlTime as SqlTimestamp,
        worker: &'a str as Text,
        started_at: SqlTime as SqlTimestamp,
        on_worker_death: Option<&'a str> as Nullable<Text>,
        rowid: i64 as BigInt,
    } = concat!(take!(), " WHERE rowid = ? AND status = 'pending'")
}
statement! {
    /// Fails a row that cannot be read as a job.
    FailRow<'a> {
        reason: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, \
         lease_expires_at = NULL, parked_for = NULL, waits_for = '' WHERE rowid = ? AND status IN ('pending', 'running') RETURNING ", job_columns!()
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
        let mut claimed = ClaimOutcome::default();
        if request.kinds.is_empty() || request.limit == 0 {
            return Ok(claimed);
        }
        let rules = self.claim_rules()?;
        let mut rows = Vec::new();
        if rules.leave_alone(&request.kinds) {
            for (kind, limit) in self.due_by_kind(request)? {
                rows.append(&mut self.take_kind(request, kind, limit)?);
            }
        } else {
            (rows, claimed.set_aside) = self.take_within_limits(request, &rules)?;
        }
        let mut jobs: Vec<(i64, Job)> = Vec::with_capacity(rows.len());
        for row in rows {
            let rowid = row.rowid;
            match row.read() {
                // Times in other programs' forms sort before or after their meaning, so that a claim may find them too
                // early.
                Ok(job) if job.run_at > request.now && self.rewrite_due_time(rowid)? => {}
                Ok(job) => jobs.push((rowid, running(job, request))),
                Err(_) if self.rewrite_due_time(rowid)? => {}
                Err(error) => claimed.unreadable.extend(self.fail_row(rowid, &error, request.now)?),
            }
        }
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
            if let Some(left) = self.partition_of_row(rowid)? {
                self.count_less(&left)?;
            }
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
        // The error repeats the value of a column, in which another program may have written anything.
        let error = Secrets::default().clean(&error.to_string());
        let error = ErrorText::new(&error);
        let fail = FailRow { reason: error.text(), fingerprint: error.fingerprint(), at: SqlTime(now), rowid };
        let left = self.partition_of_row(rowid)?;
        let Some(row) = fail.get_result::<JobRow>(self.conn).optional().store()? else { return Ok(None) };
        self.note(CommitNotice::JobEnded);
        self.admit_after(left)?;
        Ok(Some(row.unreadable(error.text().to_owned())))
    }

    /// Claims the first due jobs of a kind. Returns their rows as they were before.
    fn take_kind(&mut self, request: &ClaimRequest, kind: &JobKind, limit: i64) -> Result<Vec<JobRow>, StoreError> {
        let now = SqlTime(request.now);
        let (on_worker_death, kind) = (consequence_of(request, kind), kind.as_str());
        let due: Vec<JobRow> = DueOfKind { kind, now, limit }.load(self.conn).store()?;
        let (token, worker) = (&*request.token.to_string(), request.worker.as_str());
        let (expires_at, started_at) = (SqlTime(later(request.now, request.lease)), now);
        let taken = match &*due {
            [] => Ok(0),
            [row] => {
                let rowid = row.rowid;
                TakeRow { token, expires_at, worker, started_at, on_worker_death, rowid }.execute(self.conn)
            }
            _ => {
                let take = TakeKind { token, expires_at, worker, started_at, on_worker_death, kind, now, limit };
                take.execute(self.conn)
            }
        };
        let taken = taken.store()?;
        if taken != due.len() {
            let found = due.len();
            return Err(StoreError::Database(
                format!("a claim has found {found} due jobs of the kind {kind:?} and changed {taken}").into(),
            ));
        }
        Ok(due)
    }

    /// The number of jobs of each kind among the first due jobs of all kinds.
    fn due_by_kind<'r>(&mut self, request: &'r ClaimRequest) -> Result<Vec<(&'r JobKind, i64)>, StoreError> {
        let limits = request.kinds.iter().map(|kind| (kind, i64::from(request.limit_of(kind))));
        let mut kinds: Vec<_> = limits.filter(|(_, limit)| *limit > 0).collect();
        if kinds.len() < 2 {
            return Ok(kinds);
        }
        let now = SqlTime(request.now);
        let mut due = Vec::new();
        for (position, (kind, limit)) in kinds.iter_mut().enumerate() {
            let places = PlacesOfKind { kind: kind.as_str(), now, limit: *limit };
            let places = places.load::<(i64, StoredText, i64)>(self.conn).store()?;
            due.extend(places.into_iter().map(|place| (place, position)));
            *limit = 0;
        }
        due.sort_unstable_by(|((priority, run_at, rowid), _), ((other, then, after), _)| {
            (priority, run_at.as_bytes(), rowid).cmp(&(other, then.as_bytes(), after))
        });
        for (_, position) in due.into_iter().take(usize::try_from(request.limit).unwrap_or(usize::MAX)) {
            if let Some((_, limit)) = kinds.get_mut(position) {
                *limit += 1;
            }
        }
        kinds.retain(|(_, limit)| *limit > 0);
        Ok(kinds)
    }
}

/// The consequence that the claim stores with the jobs of a kind that have none.
pub(super) fn consequence_of(request: &ClaimRequest, kind: &JobKind) -> Option<&'static str> {
    request.on_worker_death.get(kind).copied().map(OnWorkerDeath::as_str)
}

/// A pending job as the claim has changed it.
fn running(mut job: Job, request: &ClaimRequest) -> Job {
    let expires_at = truncate_to_micros(later(request.now, request.lease));
    let lease = Lease::new(request.token, expires_at, request.worker.as_str());
    job.state = JobState::Running { started_at: Some(truncate_to_micros(request.now)), lease: Some(lease) };
    job
}

/// The statements of this file with their names.
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("DueOfKind", DueOfKind::SQL),
        ("PlacesOfKind", PlacesOfKind::SQL),
        ("TakeKind", TakeKind::SQL),
        ("TakeRow", TakeRow::SQL),
        ("FailRow", FailRow::SQL),
        ("PutBack", PutBack::SQL),
        ("NoteAlone", NoteAlone::SQL),
    ]
}
