//! Simulates a file system without locks: `fcntl` returns ENOLCK on the threads that ask for it.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use fieldfen_domain::store::StoreError;
use libsqlite3_sys as ffi;

use super::connection::open::{PutIntoWal, open_writer};
use super::connection::options::SqliteOptions;
use super::connection::tool_connection::{OpenMode, connect};
use super::deadline::Deadline;
use super::group_commit::tests::{Failure, foreign, run, writer_with};
use crate::SqliteUrl;

type Fcntl = unsafe extern "C" fn(c_int, c_int, *mut c_void) -> c_int;

type Sleep = unsafe extern "C" fn(*mut ffi::sqlite3_vfs, c_int) -> c_int;

/// The command that takes a lock. Its number is the same on all Linux architectures.
const F_SETLK: c_int = 6;

static REAL: OnceLock<(Fcntl, Sleep)> = OnceLock::new();

static REPLACED: Once = Once::new();

thread_local! {
    static NO_LOCKS: Cell<bool> = const { Cell::new(false) };
}

#[expect(unsafe_code, reason = "replaces a system call")]
unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

#[expect(unsafe_code, reason = "replaces a system call")]
unsafe extern "C" fn fcntl(file: c_int, command: c_int, argument: *mut c_void) -> c_int {
    if NO_LOCKS.get() && command == F_SETLK {
        // SAFETY: every thread has its own `errno`.
        unsafe { *__errno_location() = rustix::io::Errno::NOLCK.raw_os_error() };
        return -1;
    }
    // SAFETY: passes on the arguments of SQLite's call.
    REAL.get().map_or(-1, |(real, _)| unsafe { real(file, command, argument) })
}

/// Sleeps, except between SQLite's hundred attempts to get a lock that is refused: they would take ten seconds.
#[expect(unsafe_code, reason = "replaces a function of SQLite's file system")]
unsafe extern "C" fn sleep(vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    if NO_LOCKS.get() {
        return microseconds;
    }
    // SAFETY: passes on the arguments of SQLite's call.
    REAL.get().map_or(0, |(_, real)| unsafe { real(vfs, microseconds) })
}

/// Installs the functions above in SQLite.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
fn replace_system_calls() {
    // SAFETY: SQLite calls its system calls and its sleep by these pointers. The replacements take the same arguments.
    #[expect(unsafe_code, reason = "replaces a system call")]
    REPLACED.call_once(|| unsafe {
        let vfs = ffi::sqlite3_vfs_find(c"unix".as_ptr());
        let real = (*vfs).xGetSystemCall.unwrap()(vfs, c"fcntl".as_ptr()).unwrap();
        let real = std::mem::transmute::<unsafe extern "C" fn(), Fcntl>(real);
        // Other threads call the replacements as soon as they are installed.
        REAL.set((real, (*vfs).xSleep.unwrap())).unwrap();
        let ours = std::mem::transmute::<Fcntl, unsafe extern "C" fn()>(fcntl as Fcntl);
        (*vfs).xSetSystemCall.unwrap()(vfs, c"fcntl".as_ptr(), Some(ours));
        (*vfs).xSleep = Some(sleep);
    });
}

#[test]
fn a_file_system_without_locks_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = SqliteUrl::from(folder.path().join("a.db").as_path());
    drop(connect(&url, OpenMode::CreateIfMissing).unwrap());
    replace_system_calls();
    let patient = SqliteOptions { busy_timeout: Duration::from_secs(300), ..Default::default() };
    let began = Instant::now();
    NO_LOCKS.set(true);
    let error = open_writer(&url, &patient, &Deadline::after(patient.busy_timeout), PutIntoWal::All).err().unwrap();
    NO_LOCKS.set(false);
    assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("gives no locks")), "{error:?}");
    assert!(began.elapsed() < patient.busy_timeout);
    open_writer(&url, &patient, &Deadline::after(patient.busy_timeout), PutIntoWal::All).unwrap();
}

#[test]
fn locks_that_are_refused_after_the_database_was_opened_are_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let patient = SqliteOptions { busy_timeout: Duration::from_secs(300), ..Default::default() };
    let (writer, _) = writer_with(folder.path(), patient.clone());
    replace_system_calls();
    let mut other = foreign(folder.path());
    // The lock of a reader is refused. This process then has that lock, and the lock of a writer is refused too.
    for open in ["SELECT 1", "BEGIN; SELECT * FROM t"] {
        other.batch_execute(open).unwrap();
        let began = Instant::now();
        NO_LOCKS.set(true);
        let answer = run(&writer, "INSERT INTO t (n) VALUES (1)");
        NO_LOCKS.set(false);
        let Err(Failure::Store(StoreError::Io(source))) = &answer else { panic!("{open}: {answer:?}") };
        assert!(source.to_string().contains("ENOLCK"), "{open}: {answer:?}");
        assert!(began.elapsed() < patient.busy_timeout);
    }
    other.batch_execute("COMMIT").unwrap();
    run(&writer, "INSERT INTO t (n) VALUES (1)").unwrap();
}

#[test]
fn a_lock_that_was_refused_once_makes_no_later_wait_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let short = SqliteOptions { busy_timeout: Duration::from_millis(50), ..Default::default() };
    let (writer, _) = writer_with(folder.path(), short);
    replace_system_calls();
    let mut other = foreign(folder.path());
    NO_LOCKS.set(true);
    run(&writer, "SELECT 1").unwrap_err();
    NO_LOCKS.set(false);
    // SQLite finds a lock of its own process without a system call.
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let answer = run(&writer, "SELECT 1");
    assert!(matches!(&answer, Err(Failure::Store(StoreError::Busy { .. }))), "{answer:?}");
}
