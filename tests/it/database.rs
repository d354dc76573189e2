//! A database file for one test, which rusqlite reads like another program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_domain::{JobId, RawJson};
use fieldfen_persistence::{Durability, OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_services::Environment;
use rusqlite::Connection;
use tempfile::TempDir;

/// The longest wait for a lock beside writing workers, on a slow disk too.
const PATIENCE: Duration = Duration::from_secs(300);

/// A migrated database in its own folder, which is deleted at the end.
pub(crate) struct Database {
    folder: TempDir,
    path: PathBuf,
}

impl Database {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        migrate(&path);
        Self { folder, path }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file beside the database with this ending.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    pub(crate) fn store(&self) -> SqliteStore {
        let mut options = SqliteOptions::default();
        options.durability = Durability::Normal;
        options.busy_timeout = PATIENCE;
        self.store_with(&options).unwrap()
    }

    pub(crate) fn store_with(&self, options: &SqliteOptions) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(&self.path.display().to_string(), options)
    }

    /// A connection without fieldfen.
    pub(crate) fn foreign(&self) -> Connection {
        foreign(&self.path)
    }

    /// The number that this query returns.
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.foreign().query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// The texts in the first column of this query's rows.
    pub(crate) fn texts(&self, query: &str) -> Vec<String> {
        let conn = self.foreign();
        let mut statement = conn.prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Enqueues this many jobs of one kind in one transaction.
    pub(crate) fn enqueue(&self, kind: &str, jobs: u64) -> Vec<JobId> {
        let environment = Environment::system();
        let job = || {
            let kind = JobKind::custom(kind).unwrap();
            NewJob::untyped(environment.job_id(), kind, None::<RawJson>, environment.now()).unwrap()
        };
        let jobs: Vec<NewJob> = (0..jobs).map(|_| job()).collect();
        let store = self.store();
        store.write(|s| jobs.iter().try_for_each(|job| s.jobs().enqueue(job).map(drop))).unwrap();
        jobs.iter().map(|job| job.id).collect()
    }

    /// Asserts that the file passes SQLite's checks.
    pub(crate) fn assert_sound(&self) {
        assert_eq!(self.texts("PRAGMA integrity_check"), ["ok"]);
        assert_eq!(self.texts("PRAGMA foreign_key_check"), [""; 0]);
    }
}

pub(crate) fn foreign(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(PATIENCE).unwrap();
    conn
}

pub(crate) fn migrate(path: &Path) {
    let mut conn = connect(&SqliteUrl::from(path), OpenMode::CreateIfMissing).unwrap();
    migrations::run_pending(&mut conn).unwrap();
}
