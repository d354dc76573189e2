//! The hooks and settings that a new connection gets through SQLite's C handle, which diesel 2.3 hides.
//!
//! **Query planner stability guarantee.** The bundled SQLite samples rows (`SQLITE_ENABLE_STAT4`). After `ANALYZE` or
//! `PRAGMA optimize`, SQLite compares each bound value with the samples and prepares even a cached statement anew at each
//! call, which takes longer than a claim. The statements here name their indexes, so the connections turn that
//! comparison off (<https://sqlite.org/queryplanner-ng.html>, section 4.1).
//!
//! **Commit hook.** If SQLite rolls a transaction back by itself, each following statement is a transaction of its own
//! and is committed at once. The hook refuses each commit that the writer has not allowed
//! (<https://sqlite.org/c3ref/commit_hook.html>).
//!
//! **Busy handler.** SQLite's own handler does not report how long it has waited for a lock; this one does.
//!
//! **How the handle is found.** An automatic extension of SQLite is called for every new connection of the process. The
//! program may open connections of its own while a store opens one, in the same thread too (diesel calls the program's
//! instrumentation), so the extension cannot tell which connection is the store's. The extension therefore gives each
//! connection a rollback hook that reports the handle. The store then rolls back an empty transaction on its own
//! connection, which touches no file.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use libsqlite3_sys as ffi;

use super::raw_handle::RawHandle;
use crate::sqlite::busy_handler;
use crate::sqlite::url::SqliteUrl;

/// Without the hook, a writer could be told that its write is committed although SQLite has rolled the write back.
const NO_COMMIT_HOOK: &str = "SQLite does not let commits be watched: does another library take its extensions back?";

thread_local! {
    /// Whether this thread is opening a connection of a store.
    static OPENING: Cell<bool> = const { Cell::new(false) };
    /// The connections of this thread that rolled back since the last reset.
    static ROLLED_BACK: Cell<RolledBack> = const { Cell::new(RolledBack::None) };
}

#[derive(Clone, Copy, Default)]
enum RolledBack {
    #[default]
    None,
    One(NonNull<ffi::sqlite3>),
    Several,
}

/// A new connection with its hooks.
pub(in crate::sqlite) struct OpenConnection {
    pub(in crate::sqlite) conn: SqliteConnection,
    pub(in crate::sqlite) control: HookControl,
    pub(in crate::sqlite) handle: RawHandle,
    /// Whether SQLite can only read the database because this user lacks a permission.
    pub(in crate::sqlite) read_only: bool,
}

/// The settings that the hooks of a connection read.
#[derive(Debug)]
struct HookState {
    may_commit: AtomicBool,
    /// The longest wait for a lock, in microseconds.
    busy_timeout: AtomicU64,
}

/// Sets whether a connection may commit, and the length of its waits for locks.
#[derive(Debug)]
pub(in crate::sqlite) struct HookControl(Arc<HookState>);

impl HookControl {
    /// Lets the connection commit.
    pub(in crate::sqlite) fn allow_commits(&self) {
        self.0.may_commit.store(true, Ordering::Relaxed);
    }

    /// Turns every commit into a rollback and an error, until commits are allowed again.
    pub(in crate::sqlite) fn forbid_commits(&self) {
        self.0.may_commit.store(false, Ordering::Relaxed);
    }

    /// Sets the longest wait for a lock.
    pub(in crate::sqlite) fn set_busy_timeout(&self, timeout: Duration) {
        let timeout = u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
        self.0.busy_timeout.store(timeout, Ordering::Relaxed);
    }
}

/// Opens a connection and installs the hooks. The connection does not wait for locks until a timeout is set. SQLite
/// reads no file yet.
pub(in crate::sqlite) fn establish(name: &str, url: &SqliteUrl) -> Result<OpenConnection, StoreError> {
    let refused = |reason: &str, source| StoreError::Open { url: url.to_string(), reason: reason.to_owned(), source };
    let no_commit_hook = |source| refused(NO_COMMIT_HOOK, source);
    // SAFETY: the function is static and has the signature with which SQLite calls it. A second registration has no
    // effect.
    #[expect(unsafe_code, reason = "registers a function with SQLite")]
    let code = unsafe { ffi::sqlite3_auto_extension(Some(on_new_connection)) };
    if code != ffi::SQLITE_OK {
        return Err(no_commit_hook(Some(format!("SQLite's code {code}").into())));
    }
    let opening = RestoreOnDrop::set(&OPENING, true);
    let established = SqliteConnection::establish(name);
    drop(opening);
    let mut conn = established.map_err(|error| {
        refused("SQLite cannot open it: check that the file and its folder can be read and written", Some(error.into()))
    })?;
    let asking = RestoreOnDrop::set(&ROLLED_BACK, RolledBack::None);
    conn.batch_execute("BEGIN; ROLLBACK").map_err(|error| no_commit_hook(Some(error.into())))?;
    let RolledBack::One(db) = ROLLED_BACK.get() else { return Err(no_commit_hook(None)) };
    drop(asking);
    // SAFETY: this is the handle of `conn`, since only `conn` has rolled back; `conn` is open.
    #[expect(unsafe_code, reason = "uses a handle that diesel keeps to itself")]
    let (control, read_only) =
        unsafe { (install_hooks(db), ffi::sqlite3_db_readonly(db.as_ptr(), c"main".as_ptr()) == 1) };
    let control = control.ok_or_else(|| no_commit_hook(None))?;
    Ok(OpenConnection { conn, control, handle: RawHandle(db), read_only })
}

/// Restores the earlier value of a thread-local variable on drop, also after a panic.
///
/// Instrumentation may open a second store while the first one is being opened.
struct RestoreOnDrop<T: Copy + 'static> {
    variable: &'static std::thread::LocalKey<Cell<T>>,
    before: T,
}

impl<T: Copy + 'static> RestoreOnDrop<T> {
    fn set(variable: &'static std::thread::LocalKey<Cell<T>>, value: T) -> Self {
        Self { variable, before: variable.with(|cell| cell.replace(value)) }
    }
}

impl<T: Copy + 'static> Drop for RestoreOnDrop<T> {
    fn drop(&mut self) {
        let _ = self.variable.try_with(|cell| cell.set(self.before));
    }
}

/// The automatic extension: SQLite calls it for every new connection of the process.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn on_new_connection(
    db: *mut ffi::sqlite3,
    _message: *mut *mut c_char,
    _routines: *const ffi::sqlite3_api_routines,
) -> c_int {
    if OPENING.try_with(Cell::get).unwrap_or(false) {
        // SAFETY: the connection is open. The hook only reports its argument and never uses it.
        unsafe { ffi::sqlite3_rollback_hook(db, Some(rollback_hook), db.cast()) };
    }
    ffi::SQLITE_OK
}

/// The rollback hook: reports the handle of the connection that has rolled back.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn rollback_hook(db: *mut c_void) {
    let _ = ROLLED_BACK.try_with(|cell| {
        cell.set(match (cell.get(), NonNull::new(db.cast())) {
            (RolledBack::None, Some(db)) => RolledBack::One(db),
            _ => RolledBack::Several,
        });
    });
}

/// Installs the hooks. Returns `None` if SQLite does not keep the commit hook.
///
/// # Safety
/// The handle must be that of an open connection.
#[expect(unsafe_code, reason = "uses a handle that diesel keeps to itself")]
unsafe fn install_hooks(db: NonNull<ffi::sqlite3>) -> Option<HookControl> {
    let db = db.as_ptr();
    let control =
        HookControl(Arc::new(HookState { may_commit: AtomicBool::new(true), busy_timeout: AtomicU64::new(0) }));
    let kept: *mut c_void = Arc::into_raw(Arc::clone(&control.0)).cast_mut().cast();
    // SAFETY: the connection is open, and the name ends in a NUL. The settings are owned by a function of the
    // connection. SQLite calls `release` for it once: when it closes the connection, or at once if it refuses the
    // function. The setting takes a number and a pointer for the answer, which may be null. The second call of
    // `sqlite3_commit_hook` returns the argument of the first call.
    unsafe {
        ffi::sqlite3_rollback_hook(db, None, ptr::null_mut());
        ffi::sqlite3_db_config(db, ffi::SQLITE_DBCONFIG_ENABLE_QPSG, 1 as c_int, ptr::null_mut::<c_int>());
        let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY;
        let name = c"fieldfen_keeps".as_ptr();
        let code =
            ffi::sqlite3_create_function_v2(db, name, 0, flags, kept, Some(answer_null), None, None, Some(release));
        if code != ffi::SQLITE_OK {
            return None;
        }
        ffi::sqlite3_busy_handler(db, Some(on_busy), kept);
        ffi::sqlite3_commit_hook(db, Some(commit_hook), kept);
        (ffi::sqlite3_commit_hook(db, Some(commit_hook), kept) == kept).then_some(control)
    }
}

/// An SQL function that does nothing: SQLite keeps its user data until the connection is closed.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn answer_null(_: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {}

/// Drops the connection's reference to the settings of its hooks.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn release(shared: *mut c_void) {
    // SAFETY: `Arc::into_raw` in `install_hooks` returned this pointer, and SQLite calls the function once.
    drop(unsafe { Arc::from_raw(shared.cast::<HookState>()) });
}

/// The commit hook: any answer but 0 turns the commit into a rollback.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn commit_hook(shared: *mut c_void) -> c_int {
    // SAFETY: SQLite passes the pointer that it got in `install_hooks`, and the connection keeps the settings alive.
    let may_commit = unsafe { (*shared.cast::<HookState>()).may_commit.load(Ordering::Relaxed) };
    c_int::from(!may_commit)
}

/// The busy handler: SQLite calls it when another connection holds a lock. The answer 0 ends the wait.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn on_busy(shared: *mut c_void, tried: c_int) -> c_int {
    // SAFETY: as in `commit_hook`.
    let timeout = unsafe { (*shared.cast::<HookState>()).busy_timeout.load(Ordering::Relaxed) };
    c_int::from(busy_handler::wait(tried.unsigned_abs(), Duration::from_micros(timeout)))
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_panic_ends_the_opening_of_a_connection() {
        let panic = catch_unwind(|| {
            let _opening = RestoreOnDrop::set(&OPENING, true);
            panic!("lens cap");
        });
        assert!(panic.is_err() && !OPENING.get());
    }

    #[test]
    fn what_a_hook_reads_is_freed_when_its_connection_is_closed_and_not_before() {
        let opened = establish(":memory:", &SqliteUrl::memory()).unwrap();
        let held = Arc::downgrade(&opened.control.0);
        drop(opened.control);
        assert_eq!(held.strong_count(), 1);
        drop(opened.conn);
        assert_eq!(held.strong_count(), 0);
    }
}
