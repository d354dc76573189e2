//! The SQLite store against the conformance suite and against the model store.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use fieldfen_persistence::{Durability, Missing, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::{ModelStore, conformance};
use proptest::test_runner::{Config, TestRunner};

/// Makes stores, each in a file of its own.
struct Folder {
    folder: tempfile::TempDir,
    made: AtomicU32,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), made: AtomicU32::new(0) }
    }

    fn file(&self) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{number}.db"))
    }

    fn store(&self, durability: Durability) -> SqliteStore {
        let path = self.file();
        let mut conn = connect(&SqliteUrl::from(path.as_path()), Missing::Create).unwrap();
        migrations::run_pending(&mut conn).unwrap();
        let mut options = SqliteOptions::default();
        options.durability = durability;
        SqliteStore::open_with(&path.display().to_string(), &options).unwrap()
    }
}

#[test]
fn a_store_in_a_file_passes_every_case() {
    let folder = Folder::new();
    conformance::exercise(|| folder.store(Durability::Full));
}

#[test]
fn a_store_in_memory_passes_every_case() {
    conformance::exercise(|| SqliteStore::in_memory().unwrap());
}

#[test]
fn threads_do_each_job_once() {
    let folder = Folder::new();
    conformance::threads(&folder.store(Durability::Full), 8, 400);
    conformance::threads(&folder.store(Durability::Normal), 3, 1000);
    conformance::threads(&SqliteStore::in_memory().unwrap(), 4, 400);
}

/// `FIELDFEN_TRACES` says how many traces are tried, `PROPTEST_RNG_SEED` from which seed.
#[test]
fn random_traces_leave_sqlite_and_the_model_alike() {
    let traces = std::env::var("FIELDFEN_TRACES").ok().and_then(|number| number.parse().ok()).unwrap_or(150);
    let config = Config { cases: traces, failure_persistence: None, ..Config::default() };
    println!("{traces} traces, seed {:?}", config.rng_seed);
    TestRunner::new(config)
        .run(&conformance::trace::any_ops(60), |ops| {
            conformance::trace::compare(&SqliteStore::in_memory().unwrap(), &ModelStore::new(), &ops);
            Ok(())
        })
        .unwrap();
}
