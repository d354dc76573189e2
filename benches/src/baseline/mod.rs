//! The baseline: the cost of the same work for a program that calls SQLite directly.
//!
//! The schema is fieldfen's own. The claim and the completion are fieldfen's statements, written a second time here.
//! Each is prepared once and commits by itself. The connection has the same settings. There is no other code in
//! between.

mod raw;

use std::path::Path;

use anyhow::Result;
pub use raw::{Connection, Row, Statement, Value};

use fieldfen_persistence::Durability;

const CLAIM: &str = "\
    UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ? \
    WHERE rowid IN (SELECT rowid FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' \
    AND command_type = ? AND priority IN (0, 1, 2, 3) AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?) \
    RETURNING rowid, id, file_id, command_type, status, attempts, max_retries, lost_leases, throttled, priority, \
    run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, \
    completed_at, lease_token, lease_expires_at, worker";

/// The number of columns that the claim returns.
const COLUMNS: i32 = 23;

const COMPLETE: &str = "\
    UPDATE jobs SET status = 'completed', result_json = ?, completed_at = ?, lease_expires_at = NULL \
    WHERE id = ? AND lease_token = ? AND status = 'running'";

const INSERT: &str = "\
    INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, priority, run_at, max_retries, \
    dedup_key, created_at, waiting_since) VALUES (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?)";

/// The values of a new job, which are made before the measurement.
#[derive(Debug, Clone, Copy)]
pub struct NewRow<'a> {
    /// The job's id.
    pub id: &'a str,
    /// The kind of job.
    pub kind: &'a str,
    /// The payload.
    pub payload: &'a str,
    /// The priority's number.
    pub priority: i64,
    /// The number of retries.
    pub max_retries: i64,
    /// The present time.
    pub now: &'a str,
}

/// Inserts jobs in one transaction, each with the same prepared statement.
///
/// # Errors
/// The errors of SQLite.
pub fn insert_all(connection: &Connection, rows: &[NewRow<'_>]) -> Result<()> {
    let mut insert = connection.prepare(INSERT)?;
    connection.execute("BEGIN IMMEDIATE")?;
    for row in rows {
        let values = [
            Value::Text(row.id),
            Value::Null,
            Value::Text(row.kind),
            Value::Text(row.payload),
            Value::Int(row.priority),
            Value::Text(row.now),
            Value::Int(row.max_retries),
            Value::Null,
            Value::Text(row.now),
            Value::Text(row.now),
        ];
        insert.run(&values, |_| {})?;
    }
    connection.execute("COMMIT")
}

/// The texts of a claim, which are made before the measurement.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The fence token.
    pub token: &'a str,
    /// The end of the lease.
    pub expires_at: &'a str,
    /// The name of the worker.
    pub worker: &'a str,
    /// The kind of job.
    pub kind: &'a str,
    /// The present time.
    pub now: &'a str,
    /// The largest number of jobs.
    pub limit: i64,
}

/// A connection with the two statements of the hot path.
pub struct BaselineWorker {
    // The fields with the statements come first, so that they are dropped before the connection.
    claim: Statement,
    complete: Statement,
    begin: Statement,
    commit: Statement,
    connection: Connection,
}

impl BaselineWorker {
    /// Opens a migrated database.
    ///
    /// # Errors
    /// The errors of SQLite, with the path or the statement.
    pub fn open(path: &Path, durability: Durability) -> Result<Self> {
        let connection = Connection::open(path, durability)?;
        Ok(Self {
            claim: connection.prepare(CLAIM)?,
            complete: connection.prepare(COMPLETE)?,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            connection,
        })
    }

    /// Claims due jobs and puts their ids into `ids`. It reads every column of each row.
    ///
    /// # Errors
    /// The errors of SQLite.
    pub fn claim(&mut self, claim: &Claim<'_>, ids: &mut Vec<String>) -> Result<()> {
        let values = [
            Value::Text(claim.token),
            Value::Text(claim.expires_at),
            Value::Text(claim.worker),
            Value::Text(claim.now),
            Value::Text(claim.kind),
            Value::Text(claim.now),
            Value::Int(claim.limit),
        ];
        self.claim.run(&values, |row| {
            ids.push(row.text(1).to_owned());
            let read: usize = (0..COLUMNS).map(|column| row.text(column).len()).sum();
            std::hint::black_box(read);
        })?;
        Ok(())
    }

    /// Completes a job. Returns whether this token still held the job.
    ///
    /// # Errors
    /// The errors of SQLite.
    pub fn complete(&mut self, id: &str, token: &str, at: &str) -> Result<bool> {
        self.complete.run(&[Value::Null, Value::Text(at), Value::Text(id), Value::Text(token)], |_| {})?;
        Ok(self.connection.changes() == 1)
    }

    /// Completes several jobs in one transaction. Returns the number of jobs that this token still held.
    ///
    /// # Errors
    /// The errors of SQLite.
    pub fn complete_all(&mut self, ids: &[String], token: &str, at: &str) -> Result<usize> {
        self.begin.run(&[], |_| {})?;
        let mut completed = 0;
        for id in ids {
            completed += usize::from(self.complete(id, token, at)?);
        }
        self.commit.run(&[], |_| {})?;
        Ok(completed)
    }
}
