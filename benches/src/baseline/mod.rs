//! The baseline: what a program that talks to SQLite directly would pay for the same work.
//!
//! The schema is fieldfen's own, the claim and the completion are its statements, written here once more. Each is
//! prepared once and commits by itself; the connection has the same settings. Nothing else stands between.

mod raw;

use std::path::Path;

use anyhow::Result;
pub use raw::{Connection, Row, Statement, Value};

use fieldfen_persistence::Durability;

const CLAIM: &str = "\
    UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ? \
    WHERE rowid IN (SELECT rowid FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND command_type = ? \
    AND priority IN (0, 1, 2, 3) AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?) \
    RETURNING rowid, id, file_id, command_type, status, attempts, max_retries, lost_leases, throttled, priority, \
    run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, \
    completed_at, lease_token, lease_expires_at, worker";

/// How many columns the claim returns.
const COLUMNS: i32 = 23;

const COMPLETE: &str = "\
    UPDATE jobs SET status = 'completed', result_json = ?, completed_at = ?, lease_expires_at = NULL \
    WHERE id = ? AND lease_token = ? AND status = 'running'";

const INSERT: &str = "\
    INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, priority, run_at, max_retries, \
    dedup_key, created_at, waiting_since) VALUES (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?)";

/// The values of a new job, made beforehand.
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
    /// How often it may be tried again.
    pub max_retries: i64,
    /// The time now.
    pub now: &'a str,
}

/// Inserts jobs in one transaction, each with the same prepared statement.
///
/// # Errors
/// SQLite's own.
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

/// The texts of a claim, made beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The fence token.
    pub token: &'a str,
    /// When the lease ends.
    pub expires_at: &'a str,
    /// Who claims.
    pub worker: &'a str,
    /// The kind of job.
    pub kind: &'a str,
    /// The time now.
    pub now: &'a str,
    /// How many jobs at the most.
    pub limit: i64,
}

/// A connection with the two statements of the hot path.
pub struct BaselineWorker {
    // The statements stand before the connection, so that they are dropped first.
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
    /// SQLite's own, with the path or the statement.
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

    /// Takes due jobs and puts their ids into `ids`; every column of each row is read.
    ///
    /// # Errors
    /// SQLite's own.
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

    /// Completes a job, and says whether it was still held by this token.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn complete(&mut self, id: &str, token: &str, at: &str) -> Result<bool> {
        self.complete.run(&[Value::Null, Value::Text(at), Value::Text(id), Value::Text(token)], |_| {})?;
        Ok(self.connection.changes() == 1)
    }

    /// Completes several jobs in one transaction, and says how many were still held by this token.
    ///
    /// # Errors
    /// SQLite's own.
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
