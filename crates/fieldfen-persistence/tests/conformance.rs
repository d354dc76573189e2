//! Runs the conformance suite on the SQLite store, and compares it with the model store.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use fieldfen_domain::JobId;
use fieldfen_domain::job::JobStatus;
use fieldfen_persistence::{Durability, OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::conformance::Traffic;
use fieldfen_testkit::conformance::trace::{any_limited_ops, any_ops, compare, compare_with_limits, race};
use fieldfen_testkit::{ModelStore, conformance};
use proptest::collection::vec;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Makes stores, each in its own file.
struct Folder {
    folder: tempfile::TempDir,
    made: AtomicU32,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), made: AtomicU32::new(0) }
    }

    fn migrated(&self) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{number}.db"));
        let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
        migrations::run_pending(&mut conn).unwrap();
        path
    }

    fn store(&self, durability: Durability) -> SqliteStore {
        open(&self.migrated(), durability)
    }
}

fn open(path: &Path, durability: Durability) -> SqliteStore {
    let mut options = SqliteOptions::default();
    options.durability = durability;
    SqliteStore::open_with(&path.display().to_string(), &options).unwrap()
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
fn jobs_that_others_have_ended_without_a_time_are_pruned_by_their_creation() {
    let folder = Folder::new();
    let end = |store: &SqliteStore, id: JobId, status: JobStatus| {
        let mut conn = connect(store.url(), OpenMode::ExistingOnly).unwrap();
        conn.batch_execute(&format!("UPDATE jobs SET status = '{status}' WHERE id = '{id}'")).unwrap();
    };
    conformance::foreign_job_pruning(|| folder.store(Durability::Normal), end);
}

#[test]
fn threads_do_each_job_once() {
    let folder = Folder::new();
    conformance::threads(&folder.store(Durability::Full), 8, 400);
    conformance::threads(&folder.store(Durability::Normal), 3, 1000);
    conformance::threads(&SqliteStore::in_memory().unwrap(), 4, 400);
}

#[test]
fn a_service_with_a_limit_is_used_to_its_limit_and_not_beyond() {
    let traffic = Traffic {
        seed: 1,
        clients: 8,
        limit: 100,
        window: 60,
        windows: 5,
        latency: 60_000,
        lost: 0,
        others: 0,
        says: true,
        halves: false,
    };
    let figures = |traffic| conformance::rate_limit_traffic(&SqliteStore::in_memory().unwrap(), traffic);
    let used = figures(traffic);
    assert_eq!((used.refused, used), (0, conformance::rate_limit_traffic(&ModelStore::new(), traffic)));
    assert!(used.taken * 100 >= used.possible * 99, "{used:?}");
    let interrupted = Traffic { lost: 10, latency: 900_000, ..traffic };
    assert_eq!(figures(interrupted), conformance::rate_limit_traffic(&ModelStore::new(), interrupted));
    assert_eq!(figures(interrupted).refused, 0);
}

/// The number of random traces, divided by `one_in` for slower tests.
fn traces(one_in: u32) -> Config {
    let traces: u32 = std::env::var("FIELDFEN_TRACES").ok().map_or(150, |number| number.parse().unwrap());
    let mut config = Config { cases: traces.div_ceil(one_in), failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(20_261_124);
    }
    println!("{} traces, PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    config
}

/// `FIELDFEN_TRACES` sets the number of traces, `PROPTEST_RNG_SEED` the seed.
#[test]
fn random_traces_leave_sqlite_and_the_model_alike() {
    TestRunner::new(traces(1))
        .run(&any_ops(60), |ops| {
            compare(&SqliteStore::in_memory().unwrap(), &ModelStore::new(), &ops);
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_traces_leave_a_file_that_is_closed_and_opened_again_and_the_model_alike() {
    let folder = Folder::new();
    TestRunner::new(traces(5))
        .run(&(any_ops(60), 0..60_usize), |(ops, closed)| {
            let (path, model) = (folder.migrated(), ModelStore::new());
            let (before, after) = ops.split_at(closed.min(ops.len()));
            for ops in [before, after] {
                compare(&open(&path, Durability::Normal), &model, ops);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_traces_of_threads_that_share_their_commits_are_answered_as_if_one_came_after_the_other() {
    let folder = Folder::new();
    TestRunner::new(traces(5))
        .run(&vec(any_ops(30), 2..6), |threads| {
            race(&folder.store(Durability::Normal), ModelStore::new, &threads);
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_traces_with_limits_and_pauses_leave_sqlite_and_the_model_alike() {
    TestRunner::new(traces(1))
        .run(&any_limited_ops(80), |ops| {
            compare_with_limits(&SqliteStore::in_memory().unwrap(), &ModelStore::new(), &ops);
            Ok(())
        })
        .unwrap();
}
