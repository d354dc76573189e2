//! Connections that the program opens while a store opens its own, from diesel's instrumentation in the same thread.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test support outside of test functions")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_persistence::{OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::wait::{PATIENCE, received};

thread_local! {
    /// The action before the next connection of this thread is opened.
    static NEXT: RefCell<Option<Meanwhile>> = const { RefCell::new(None) };
    /// The connections that were opened meanwhile.
    static OPENED: RefCell<Vec<SqliteConnection>> = const { RefCell::new(Vec::new()) };
    /// The stores that were opened meanwhile.
    static STORES: RefCell<Vec<SqliteStore>> = const { RefCell::new(Vec::new()) };
}

enum Meanwhile {
    /// Opens another connection to this file.
    Open(PathBuf),
    /// Opens a store on this file.
    Store(PathBuf),
    /// Removes all automatic extensions.
    Reset,
    Panic,
}

/// Held by each test, since automatic extensions belong to the whole process.
static PROCESS: Mutex<()> = Mutex::new(());

/// The store whose last handle a checkpoint thread drops at its next checkpoint, and the sender that reports that.
static CHECKPOINT: Mutex<Option<(SqliteStore, Sender<()>)>> = Mutex::new(None);
static CHECKPOINT_IS_SET: Condvar = Condvar::new();

struct Callback;

impl Instrumentation for Callback {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = &event
            && thread::current().name() == Some("fieldfen-checkpoint")
            && query.to_string().contains("wal_checkpoint")
        {
            let given = CHECKPOINT.lock().unwrap();
            let given =
                CHECKPOINT_IS_SET.wait_timeout_while(given, PATIENCE, |given| given.is_none()).unwrap().0.take();
            let (store, dropped) = given.unwrap();
            drop(store);
            dropped.send(()).unwrap();
        }
        let InstrumentationEvent::StartEstablishConnection { .. } = event else { return };
        match NEXT.take() {
            Some(Meanwhile::Open(path)) => {
                let conn = SqliteConnection::establish(&path.display().to_string()).unwrap();
                OPENED.with_borrow_mut(|opened| opened.push(conn));
            }
            Some(Meanwhile::Store(path)) => STORES.with_borrow_mut(|stores| stores.push(open(&path))),
            Some(Meanwhile::Reset) => {
                // SAFETY: this removes the extensions for connections that are opened later, and no other test opens
                // one meanwhile.
                #[expect(unsafe_code, reason = "a function of SQLite's")]
                unsafe {
                    libsqlite3_sys::sqlite3_reset_auto_extension();
                }
            }
            Some(Meanwhile::Panic) => panic!("lens cap"),
            None => {}
        }
    }
}

fn alone() -> MutexGuard<'static, ()> {
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn migrated(folder: &Path) -> PathBuf {
    set_default_instrumentation(|| Some(Box::new(Callback))).unwrap();
    let path = folder.join("shop.db");
    let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
    migrations::run_pending(&mut conn).unwrap();
    path
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(&path.display().to_string()).unwrap()
}

fn insert(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.batch_execute("CREATE TABLE IF NOT EXISTS t (n); INSERT INTO t VALUES (1)")
}

fn count(conn: &mut SqliteConnection) -> i64 {
    diesel::dsl::sql::<BigInt>("SELECT count(*) FROM t").get_result(conn).unwrap()
}

#[test]
fn a_connection_opened_while_a_store_opens_commits_beside_it_and_after_it() {
    let _alone = alone();
    for same_file in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = migrated(folder.path());
        let other = if same_file { path.clone() } else { folder.path().join("other.db") };
        NEXT.set(Some(Meanwhile::Open(other)));
        let store = open(&path);
        let mut conn = OPENED.with_borrow_mut(Vec::pop).unwrap();
        if !same_file {
            let inserted = store.write(|_| Ok(insert(&mut conn)));
            inserted.unwrap().unwrap();
        }
        insert(&mut conn).unwrap();
        let before = count(&mut conn);
        drop(store);
        insert(&mut conn).unwrap();
        assert_eq!(count(&mut conn), before + 1);
    }
}

#[test]
fn a_store_that_opens_while_another_one_opens_is_a_store_of_its_own() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let other = migrated(&folder.path().join("other"));
    NEXT.set(Some(Meanwhile::Store(other)));
    let first = open(&path);
    let second = STORES.with_borrow_mut(Vec::pop).unwrap();
    first.write(|_| second.write(|_| Ok(()))).unwrap();
    second.write(|_| first.write(|_| Ok(()))).unwrap();
}

#[test]
fn a_panic_while_a_store_opens_leaves_no_trace_in_the_connections_that_follow() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    NEXT.set(Some(Meanwhile::Panic));
    catch_unwind(|| open(&path)).err().unwrap();
    let mut conn = SqliteConnection::establish(&folder.path().join("other.db").display().to_string()).unwrap();
    insert(&mut conn).unwrap();
    assert_eq!(count(&mut conn), 1);
    open(&path).write(|_| Ok(())).unwrap();
}

#[test]
fn a_store_whose_commits_cannot_be_watched_does_not_open() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    NEXT.set(Some(Meanwhile::Reset));
    let error = SqliteStore::open(&path.display().to_string()).err().unwrap();
    assert!(
        matches!(&error, StoreError::Open { reason, .. } if reason.contains("let commits be watched")),
        "{error:?}"
    );
    open(&path).write(|_| Ok(())).unwrap();
}

#[test]
fn a_panic_while_a_connection_that_reads_is_opened_takes_no_connection_from_the_pool() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let mut options = SqliteOptions::default();
    (options.readers, options.busy_timeout) = (1, Duration::from_millis(500));
    let store = SqliteStore::open_with(&path.display().to_string(), &options).unwrap();
    let read = || store.read(|s| s.jobs().count());
    NEXT.set(Some(Meanwhile::Panic));
    assert!(catch_unwind(AssertUnwindSafe(read)).is_err());
    assert_eq!(read().unwrap(), []);
}

#[test]
fn the_last_handle_of_a_store_may_be_dropped_by_the_thread_that_copies_its_log() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let store = open(&path);
    let mut conn = SqliteConnection::establish(&path.display().to_string()).unwrap();
    conn.batch_execute(
        "PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (page BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL \
         SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT zeroblob(4000) FROM n",
    )
    .unwrap();
    // This commit finds a long log.
    store
        .write(|s| s.api_usage().record(&ApiCall::new("camera".to_owned(), "2026-11-23T14:05:09Z".parse().unwrap())))
        .unwrap();
    let (dropped, is_dropped) = channel();
    *CHECKPOINT.lock().unwrap() = Some((store, dropped));
    CHECKPOINT_IS_SET.notify_all();
    received("the thread that copies the log has dropped the store", &is_dropped);
}
