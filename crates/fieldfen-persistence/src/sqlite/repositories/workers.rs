//! The register of workers.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{JobKind, OnWorkerDeath, WorkerName};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{StoreError, WorkerReads, Workers};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{JobId, Timestamp, UnreadableRow, WorkerId};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredNumber, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Inserts or updates a worker's row.
    Register<'a> {
        id: &'a str as Text,
        name: &'a str as Text,
        process: i64 as BigInt,
        host: &'a str as Text,
        version: &'a str as Text,
        kinds: &'a str as Text,
        threads: i64 as BigInt,
        started_at: SqlTime as SqlTimestamp,
        last_seen_at: SqlTime as SqlTimestamp,
        stuck_jobs: &'a str as Text,
    } =
        "INSERT INTO workers (id, name, process, host, version, kinds_json, threads, started_at, last_seen_at, \
         stuck_jobs_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET (name, process, host, \
         version, kinds_json, threads, started_at, last_seen_at, stuck_jobs_json) = (excluded.name, excluded.process, \
         excluded.host, excluded.version, excluded.kinds_json, excluded.threads, excluded.started_at, \
         excluded.last_seen_at, excluded.stuck_jobs_json)"
}
statement! {
    Unregister<'a> { id: &'a str as Text } = "DELETE FROM workers WHERE id = ?"
}
statement! {
    /// Deletes the rows of workers whose last heartbeat is before a time.
    ForgetSilent { before: SqlTime as SqlTimestamp } =
        "DELETE FROM workers INDEXED BY idx_workers_last_seen_at WHERE last_seen_at < ?"
}
statement! {
    /// The workers with a heartbeat since a time.
    SeenSince { since: SqlTime as SqlTimestamp }
        -> (Text, Text, BigInt, Text, Text, Text, BigInt, SqlTimestamp, SqlTimestamp, Text) =
        "SELECT id, name, process, host, version, kinds_json, threads, started_at, last_seen_at, stuck_jobs_json FROM workers \
         INDEXED BY idx_workers_last_seen_at WHERE last_seen_at >= ? ORDER BY last_seen_at, rowid"
}

#[derive(Debug, Queryable)]
struct WorkerRow {
    id: StoredText,
    name: StoredText,
    process: StoredNumber,
    host: StoredText,
    version: StoredText,
    kinds_json: StoredText,
    threads: StoredNumber,
    started_at: StoredTime,
    last_seen_at: StoredTime,
    stuck_jobs_json: StoredText,
}

impl WorkerRow {
    fn read(self) -> Result<RegisteredWorker, StoreError> {
        let name = self.id.name();
        let row = RowRef::known("workers", &name);
        let kinds_json = row.text("kinds_json", self.kinds_json)?;
        let kinds: BTreeSet<JobKind> = serde_json::from_str(&kinds_json)
            .map_err(|error| row.bad("kinds_json", format_args!("{kinds_json:?}"), error))?;
        let started_at = row.time("started_at", self.started_at)?;
        let mut worker = RegisteredWorker::new(row.parse("id", &self.id)?, kinds, started_at);
        worker.name = WorkerName::new(self.name.into_prose());
        worker.process = row.count("process", row.number("process", self.process)?)?;
        worker.host = self.host.into_prose();
        worker.version = self.version.into_prose();
        worker.threads = row.count("threads", row.number("threads", self.threads)?)?;
        worker.last_seen_at = row.time("last_seen_at", self.last_seen_at)?;
        let stuck_jobs = row.text("stuck_jobs_json", self.stuck_jobs_json)?;
        worker.stuck_jobs = serde_json::from_str(&stuck_jobs)
            .map_err(|error| row.bad("stuck_jobs_json", format_args!("{stuck_jobs:?}"), error))?;
        Ok(worker)
    }
}

impl WorkerReads for SqliteSession<'_> {
    fn seen_since(&mut self, since: Timestamp) -> Result<Vec<Result<RegisteredWorker, UnreadableRow>>, StoreError> {
        let rows: Vec<WorkerRow> = SeenSince { since: SqlTime(since) }.load(self.conn).store()?;
        rows.into_iter().map(|row| split_bad_row(row.read())).collect()
    }

    fn on_worker_death(&mut self, id: &JobId) -> Result<Option<OnWorkerDeath>, StoreError> {
        self.on_worker_death_of_job(id)
    }
}

impl Workers for SqliteSession<'_> {
    fn register(&mut self, worker: &RegisteredWorker) -> Result<(), StoreError> {
        let kinds: Vec<&str> = worker.kinds.iter().map(JobKind::as_str).collect();
        let kinds = serde_json::Value::from(kinds).to_string();
        let stuck_jobs: Vec<String> = worker.stuck_jobs.iter().map(ToString::to_string).collect();
        let stuck_jobs = serde_json::Value::from(stuck_jobs).to_string();
        let id = worker.id.to_string();
        let register = Register {
            id: &id,
            name: worker.name.as_str(),
            process: worker.process.into(),
            host: &worker.host,
            version: &worker.version,
            kinds: &kinds,
            threads: worker.threads.into(),
            started_at: SqlTime(worker.started_at),
            last_seen_at: SqlTime(worker.last_seen_at),
            stuck_jobs: &stuck_jobs,
        };
        register.execute(self.conn).writing(|| format!("worker {id}"))?;
        Ok(())
    }

    fn unregister(&mut self, id: &WorkerId) -> Result<bool, StoreError> {
        Ok(Unregister { id: &id.to_string() }.execute(self.conn).store()? > 0)
    }

    fn forget_silent(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let forgotten = ForgetSilent { before: SqlTime(before) }.execute(self.conn).store()?;
        Ok(forgotten as u64)
    }
}

/// The SELECT statements of this file with their names, for the test of query plans.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    [("Unregister", Unregister::SQL), ("ForgetSilent", ForgetSilent::SQL), ("SeenSince", SeenSince::SQL)]
        .map(|(name, sql)| (name, sql.to_owned()))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::{at, registered_worker};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session};

    #[test]
    fn workers_that_cannot_be_read_are_named_and_hide_no_others() {
        for (column, value) in
            [("kinds_json", "'[\"no kind\"]'"), ("stuck_jobs_json", "'[1]'"), ("threads", "-1"), ("process", "'x'")]
        {
            let mut conn = database();
            for number in 1..=2 {
                session(&mut conn).register(&registered_worker(number, &["test.work"], at(1))).unwrap();
            }
            let bad = registered_worker(1, &[], at(1)).id;
            conn.batch_execute(&format!("UPDATE workers SET {column} = {value} WHERE id = '{bad}'")).unwrap();
            let seen = session(&mut conn).seen_since(at(0)).unwrap();
            let (read, unreadable): (Vec<_>, Vec<_>) = seen.into_iter().partition(Result::is_ok);
            assert_eq!(read, [Ok(registered_worker(2, &["test.work"], at(1)))]);
            let said = unreadable[0].as_ref().unwrap_err().to_string();
            assert!(said.starts_with(&format!("workers {bad}: column {column} holds ")), "{said}");
        }
    }
}
