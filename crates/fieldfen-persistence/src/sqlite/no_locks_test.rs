//! A file system that has no locks: `fcntl` answers ENOLCK in the thread that is to see it.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use fieldfen_domain::store::StoreError;
use libsqlite3_sys as ffi;

use super::deadline::Deadline;
use super::settings::{Missing, SqliteOptions, connect, gated_writer};
use crate::SqliteUrl;

type Fcntl = unsafe extern "C" fn(c_int, c_int, *mut c_void) -> c_int;

/// Takes a lock; the same number on all of Linux.
const F_SETLK: c_int = 6;

static REAL: OnceLock<Fcntl> = OnceLock::new();

thread_local! {
    static NO_LOCKS: Cell<bool> = const { Cell::new(false) };
}

#[expect(unsafe_code, reason = "stands for a system call")]
unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

#[expect(unsafe_code, reason = "stands for a system call")]
unsafe extern "C" fn fcntl(file: c_int, command: c_int, argument: *mut c_void) -> c_int {
    if NO_LOCKS.get() && command == F_SETLK {
        // SAFETY: every thread has its own error number.
        unsafe { *__errno_location() = rustix::io::Errno::NOLCK.raw_os_error() };
        return -1;
    }
    // SAFETY: hands on what SQLite calls the system with.
    REAL.get().map_or(-1, |real| unsafe { real(file, command, argument) })
}

#[test]
fn a_file_system_without_locks_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = SqliteUrl::from(folder.path().join("a.db").as_path());
    drop(connect(&url, Missing::Create).unwrap());
    // SAFETY: SQLite calls its system calls by these pointers, each with the arguments of the call that it replaces.
    #[expect(unsafe_code, reason = "replaces a system call")]
    unsafe {
        let vfs = ffi::sqlite3_vfs_find(c"unix".as_ptr());
        let get = (*vfs).xGetSystemCall.unwrap();
        let real = get(vfs, c"fcntl".as_ptr()).unwrap();
        REAL.set(std::mem::transmute::<unsafe extern "C" fn(), Fcntl>(real)).unwrap();
        let ours = std::mem::transmute::<Fcntl, unsafe extern "C" fn()>(fcntl as Fcntl);
        (*vfs).xSetSystemCall.unwrap()(vfs, c"fcntl".as_ptr(), Some(ours));
    }
    let patient = SqliteOptions { busy_timeout: Duration::from_secs(300), ..Default::default() };
    let began = Instant::now();
    NO_LOCKS.set(true);
    let error = gated_writer(&url, &patient, &Deadline::after(patient.busy_timeout)).err().unwrap();
    NO_LOCKS.set(false);
    assert!(
        matches!(&error, StoreError::Open { reason, .. } if reason.contains("does not support locks")),
        "{error:?}"
    );
    assert!(began.elapsed() < patient.busy_timeout);
    gated_writer(&url, &patient, &Deadline::after(patient.busy_timeout)).unwrap();
}
