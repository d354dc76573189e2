//! Opening, sessions, watches and concurrency of the SQLite store.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use fieldfen_domain::file::{FileStatus, IngestOutcome};
use fieldfen_domain::job::{ClaimRef, ClaimRequest, JobKind, NewJob, WorkerName};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FenceToken, JobId, Timestamp};
use fieldfen_persistence::{Durability, OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::fixtures::{file, file_id};
use fieldfen_testkit::wait::{DeadlineBarrier, scope_with_deadline};

fn migrated(folder: &Path) -> String {
    let path = folder.join("shop.db");
    let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
    migrations::run_pending(&mut conn).unwrap();
    path.display().to_string()
}

fn now() -> Timestamp {
    "2026-11-23T14:05:09Z".parse().unwrap()
}

fn job(number: u128) -> NewJob {
    NewJob::untyped(JobId::from_random(number << 64 | number), JobKind::UpdateImage, None, now()).unwrap()
}

fn claim(token: u128, limit: u32) -> ClaimRequest {
    ClaimRequest::new(
        [JobKind::UpdateImage].into(),
        limit,
        FenceToken::from_random(token << 64 | token),
        now(),
        Duration::from_secs(60),
        WorkerName::new("test"),
    )
    .limits(std::collections::BTreeMap::new())
    .alone(true)
}

fn count(store: &SqliteStore) -> u64 {
    store.read(|s| Ok(s.jobs().count()?.iter().map(|count| count.jobs).sum())).unwrap()
}

#[test]
fn another_schema_is_refused_with_both_versions_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let newest = migrations::newest().version;
    let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
    let error = SqliteStore::open(&path.display().to_string()).err().unwrap().to_string();
    assert!(error.contains("at migration none") && error.contains(&newest), "{error}");

    migrations::run_pending(&mut conn).unwrap();
    SqliteStore::open(&path.display().to_string()).unwrap();
    migrations::revert_last(&mut conn).unwrap();
    let error = SqliteStore::open(&path.display().to_string()).err().unwrap().to_string();
    assert!(error.contains("migrate up"), "{error}");
    migrations::run_pending(&mut conn).unwrap();
    diesel::connection::SimpleConnection::batch_execute(
        &mut conn,
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')",
    )
    .unwrap();
    let error = SqliteStore::open(&path.display().to_string()).err().unwrap().to_string();
    assert!(error.contains("9999") && error.contains("newer program"), "{error}");
    let hole = "DELETE FROM __diesel_schema_migrations WHERE version IN ('9999', '0005')";
    diesel::connection::SimpleConnection::batch_execute(&mut conn, hole).unwrap();
    let error = SqliteStore::open(&path.display().to_string()).err().unwrap().to_string();
    assert!(error.contains(&format!("{newest} without 0005")) && error.contains("migrate up"), "{error}");
}

#[test]
fn a_wrong_address_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(&folder.path().join("typo/shop.db").display().to_string()).err().unwrap();
    assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("migrate up")), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_address_forms_of_existing_programs_open_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let store = SqliteStore::open(&path).unwrap();
    store.write(|s| s.jobs().enqueue(&job(1))).unwrap();
    for url in [format!("sqlite://{path}"), format!("sqlite:///{path}")] {
        assert_eq!(count(&SqliteStore::open(&url).unwrap()), 1, "{url}");
    }
    let error = SqliteStore::open("mysql://root:secret@db/shop").err().unwrap().to_string();
    assert!(error.contains("mysql://***@db/***"), "{error}");
}

#[test]
fn a_session_inside_a_session_is_refused_and_the_outer_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open(&migrated(folder.path())).unwrap();
    for store in [file, SqliteStore::in_memory().unwrap()] {
        let inner = store.clone();
        store
            .write(|s| {
                s.jobs().enqueue(&job(1))?;
                assert!(matches!(inner.write(|s| s.jobs().enqueue(&job(2))), Err(StoreError::Nested)));
                assert!(matches!(inner.read(|s| s.jobs().count()), Err(StoreError::Nested)));
                assert!(matches!(inner.maintain(), Err(StoreError::Nested)));
                Ok(())
            })
            .unwrap();
        assert_eq!(count(&store), 1);
        let other = SqliteStore::in_memory().unwrap();
        store.read(|_| Ok(count(&other))).unwrap();
    }
}

#[test]
fn a_panic_in_a_closure_leaves_nothing_behind_and_the_store_usable() {
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open(&migrated(folder.path())).unwrap();
    for store in [file, SqliteStore::in_memory().unwrap()] {
        for _ in 0..20 {
            let writing = catch_unwind(AssertUnwindSafe(|| {
                store.write::<(), _>(|s| {
                    s.jobs().enqueue(&job(1))?;
                    panic!("lens cap");
                })
            }));
            let reading = catch_unwind(AssertUnwindSafe(|| store.read::<(), _>(|_| panic!("lens cap"))));
            assert!(writing.is_err() && reading.is_err());
        }
        assert_eq!(count(&store), 0);
        store.write(|s| s.jobs().enqueue(&job(1))).unwrap();
    }
}

#[test]
fn a_read_session_sees_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&migrated(folder.path())).unwrap();
    store.write(|s| s.jobs().enqueue(&job(1))).unwrap();
    let (reading, written) = (DeadlineBarrier::new(2), DeadlineBarrier::new(2));
    scope_with_deadline("the other thread has written", |scope| {
        scope.spawn(|| {
            reading.wait("the read session has begun");
            store.write(|s| s.jobs().enqueue(&job(2))).unwrap();
            written.wait("the other thread has written");
        });
        store
            .read(|s| {
                assert!(s.jobs().find(&job(1).id)?.is_some());
                reading.wait("the read session has begun");
                written.wait("the other thread has written");
                assert!(s.jobs().find(&job(2).id)?.is_none(), "committed after this session began");
                Ok(())
            })
            .unwrap();
    });
    assert_eq!(count(&store), 2);
}

#[test]
fn a_watch_sees_commits_of_this_store_and_of_others_and_misses_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let (ours, theirs) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    let long = Duration::from_secs(300);
    let mut watch = ours.watch().unwrap();
    assert!(!watch.wait(Duration::from_millis(20)).unwrap());
    ours.write(|s| s.jobs().enqueue(&job(1))).unwrap();
    assert!(watch.wait(long).unwrap());
    theirs.write(|s| s.jobs().enqueue(&job(2))).unwrap();
    assert!(watch.wait(long).unwrap());
    assert!(!watch.wait(Duration::from_millis(20)).unwrap());
    scope_with_deadline("the other thread has written", |scope| {
        scope.spawn(|| theirs.write(|s| s.jobs().enqueue(&job(3))).unwrap());
        assert!(watch.wait(long).unwrap());
    });
    for number in 4..9 {
        scope_with_deadline("the watch has returned", |scope| {
            let waiting = scope.spawn(|| watch.wait(long).unwrap());
            // Usually the log has been idle for a while at this point.
            thread::sleep(Duration::from_millis(20 * number));
            theirs.write(|s| s.jobs().enqueue(&job(number.into()))).unwrap();
            assert!(waiting.join().unwrap());
        });
    }

    let memory = SqliteStore::in_memory().unwrap();
    let mut watch = memory.watch().unwrap();
    memory.write(|s| s.jobs().enqueue(&job(1))).unwrap();
    assert!(watch.wait(long).unwrap());
    assert!(!watch.wait(Duration::from_millis(1)).unwrap());
}

#[test]
fn threads_with_stores_of_their_own_do_each_job_once() {
    const JOBS: u128 = 400;
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let options = {
        let mut options = SqliteOptions::default();
        options.durability = Durability::Normal;
        options.busy_timeout = Duration::from_secs(300);
        options
    };
    let store = SqliteStore::open_with(&path, &options).unwrap();
    store.write(|s| (0..JOBS).try_for_each(|number| s.jobs().enqueue(&job(number)).map(drop))).unwrap();
    let done: Vec<JobId> = scope_with_deadline("no job is left", |scope| {
        let threads: Vec<_> = (0..8_u128)
            .map(|thread| {
                // Half of the threads share a store, the others open the file again.
                let anew = || SqliteStore::open_with(&path, &options).unwrap();
                let store = if thread % 2 == 0 { store.clone() } else { anew() };
                scope.spawn(move || {
                    let mut done = Vec::new();
                    for turn in 0.. {
                        let request = claim(1_000_000 * (thread + 1) + turn, 3);
                        let claimed = store.write(|s| s.jobs().claim(&request)).unwrap();
                        if claimed.jobs.is_empty() {
                            break;
                        }
                        for job in claimed.jobs {
                            let claim = ClaimRef { id: job.id, token: request.token };
                            assert!(store.write(|s| s.jobs().complete(&claim, None, now())).unwrap().is_done());
                            done.push(job.id);
                        }
                    }
                    done
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut unique = done.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!((done.len(), unique.len()), (400, 400));
}

#[test]
fn programs_that_ingest_the_same_arrivals_at_once_make_one_file_of_each() {
    const ARRIVALS: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    // Two stores only share the file, like two programs.
    let stores = [SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap()];
    let start = DeadlineBarrier::new(4);
    let (start, stores) = (&start, &stores);
    let created: u64 = scope_with_deadline("all arrivals are ingested", |scope| {
        let ingest = move |worker: u64| {
            start.wait("all threads have started");
            let mut created = 0;
            for number in 0..ARRIVALS {
                let mut new = file(number);
                new.id = file_id(worker * ARRIVALS + number);
                let store = &stores[usize::try_from(worker % 2).unwrap()];
                let ingested = store.write(|s| s.files().insert(&new)).unwrap();
                created += u64::from(ingested == IngestOutcome::Created);
            }
            created
        };
        let threads: Vec<_> = (0..4).map(|worker| scope.spawn(move || ingest(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(created, ARRIVALS);
    let files = stores[0].read(|s| s.files().count()).unwrap();
    assert_eq!(files, [(FileStatus::Ingested, ARRIVALS)]);
}

#[test]
fn a_reader_that_gets_no_connection_within_the_timeout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let mut options = SqliteOptions::default();
    (options.readers, options.busy_timeout) = (1, Duration::from_millis(200));
    let store = SqliteStore::open_with(&path, &options).unwrap();
    let read = || store.read(|s| s.jobs().count());
    let inside = store.read(|_| {
        Ok(scope_with_deadline("the second reader has its answer", |scope| scope.spawn(read).join().unwrap()))
    });
    let error = inside.unwrap().unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable { waited_ms: 200.., .. }), "{error:?}");
    read().unwrap();
}
