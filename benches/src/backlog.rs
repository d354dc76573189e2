//! Databases with many jobs.

use std::path::Path;

use anyhow::{Context, Result};
use fieldfen_domain::JobId;
use fieldfen_domain::job::JobKind;
use fieldfen_persistence::{Durability, OpenMode, SqliteUrl, connect, migrations};
use fieldfen_services::environment::{Randomness, SeededRandomness};

use crate::baseline::{Connection, Value};

/// The kind of job that is claimed.
pub const KIND: JobKind = JobKind::UpscaleImage;

/// The kind of job that is not claimed.
pub const OTHER_KIND: JobKind = JobKind::PublishSocial;

/// The present time of all benchmarks.
pub const NOW: &str = "2026-03-02 12:00:00.000000";

/// The present time and an hour.
pub const LATER: &str = "2026-03-02 13:00:00.000000";

const PAYLOAD: &str = r#"{"file_id":"c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40","scale_factor":4,"target_dpi":300}"#;

/// The content of a queue: the number of rows of each sort.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backlog {
    /// Jobs that are due now, of the claimed kind.
    pub pending: u32,
    /// Completed jobs.
    pub completed: u32,
    /// Jobs that another worker holds.
    pub in_flight: u32,
    /// Jobs of the claimed kind and the highest priority that are due in an hour.
    pub future: u32,
    /// Jobs that are due now, of a kind that is not claimed.
    pub other_kind: u32,
    /// The number of accounts that the due jobs use in turn; 0 for jobs without an account.
    pub accounts: u32,
}

/// The columns that differ between the sorts of rows.
struct Sort {
    rows: u32,
    status: &'static str,
    kind: JobKind,
    priority: i64,
    run_at: &'static str,
    lease_token: Value<'static>,
    lease_expires_at: Value<'static>,
    started_at: Value<'static>,
    completed_at: Value<'static>,
}

impl Sort {
    const fn pending(rows: u32) -> Self {
        Self {
            rows,
            status: "pending",
            kind: KIND,
            priority: 2,
            run_at: NOW,
            lease_token: Value::Null,
            lease_expires_at: Value::Null,
            started_at: Value::Null,
            completed_at: Value::Null,
        }
    }
}

impl Backlog {
    /// Makes a migrated database at this path with these rows, without ANALYZE.
    ///
    /// # Errors
    /// The errors of the store and of SQLite.
    pub fn create(&self, path: &Path) -> Result<()> {
        migrate(path)?;
        self.fill(path)
    }

    /// Adds these rows to a migrated database.
    ///
    /// # Errors
    /// The errors of SQLite.
    pub fn fill(&self, path: &Path) -> Result<()> {
        let connection = Connection::open(path, Durability::Normal)?;
        connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN IMMEDIATE")?;
        self.insert(&connection)?;
        connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
    }

    fn insert(&self, connection: &Connection) -> Result<()> {
        const TOKEN: Value<'static> = Value::Text("0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a");
        let sorts = [
            Sort {
                status: "completed",
                lease_token: TOKEN,
                started_at: Value::Text(NOW),
                completed_at: Value::Text(NOW),
                ..Sort::pending(self.completed)
            },
            Sort {
                status: "running",
                lease_token: TOKEN,
                lease_expires_at: Value::Text(LATER),
                started_at: Value::Text(NOW),
                ..Sort::pending(self.in_flight)
            },
            Sort { priority: 0, run_at: LATER, ..Sort::pending(self.future) },
            Sort { kind: OTHER_KIND, ..Sort::pending(self.other_kind) },
            Sort::pending(self.pending),
        ];
        let mut insert = connection.prepare(
            "INSERT INTO jobs (id, command_type, status, attempts, payload_json, priority, run_at, max_retries, \
             lease_token, lease_expires_at, started_at, completed_at, created_at, account) \
             VALUES (?, ?, ?, 0, ?, ?, ?, 5, ?, ?, ?, ?, ?, ?)",
        )?;
        let random = SeededRandomness::new(7);
        for sort in &sorts {
            for row in 0..sort.rows {
                let account = format!("etsy/{}", row % self.accounts.max(1));
                let id = JobId::from_random(random.bits()).to_string();
                let values = [
                    Value::Text(&id),
                    Value::Text(sort.kind.as_str()),
                    Value::Text(sort.status),
                    Value::Text(PAYLOAD),
                    Value::Int(sort.priority),
                    Value::Text(sort.run_at),
                    sort.lease_token,
                    sort.lease_expires_at,
                    sort.started_at,
                    sort.completed_at,
                    Value::Text(NOW),
                    if self.accounts == 0 { Value::Null } else { Value::Text(&account) },
                ];
                insert.run(&values, |_| {})?;
            }
        }
        Ok(())
    }
}

/// Makes an empty database of the newest schema at this path.
///
/// # Errors
/// The errors of the store.
pub fn migrate(path: &Path) -> Result<()> {
    let cannot = || format!("cannot make the database {}", path.display());
    let mut conn = connect(&SqliteUrl::from(path), OpenMode::CreateIfMissing).with_context(cannot)?;
    migrations::run_pending(&mut conn).with_context(cannot)?;
    Ok(())
}
