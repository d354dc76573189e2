//! Reads the database file, its log and the log's index through the files that SQLite has open.
//!
//! Closing any other descriptor of these files would drop SQLite's locks.

use std::ffi::{CStr, CString, c_int, c_void};
use std::path::Path;
use std::ptr::{self, NonNull};

use diesel::result::{DatabaseErrorKind, Error};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::catch_panic;
use fieldfen_domain::store::StoreError;
use libsqlite3_sys as ffi;

use crate::sqlite::error::classify;

/// The size in bytes of the parts in which SQLite maps the index of the log (`-shm`).
const INDEX_PART: c_int = 32768;

/// The number of steps of SQLite's programs between two questions of a progress handler.
const STEPS: c_int = 10_000;

/// The number of pages that a copy takes over between two calls of its observer.
const PAGES: c_int = 1024;

/// The progress handler: any answer but 0 ends the statement.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn is_forbidden(asked: *mut c_void) -> c_int {
    // SAFETY: SQLite passes the pointer that it got in `while_allowed`.
    let go_on = unsafe { &mut *asked.cast::<&mut dyn FnMut() -> bool>() };
    c_int::from(!catch_panic(go_on).unwrap_or(false))
}

/// The first 100 bytes of the index: two copies of its header, and the number of frames that checkpoints have copied.
pub(in crate::sqlite) type IndexHeader = [u8; 100];

/// The content of the log file (`-wal`).
pub(in crate::sqlite) struct LogFile {
    /// Whether the file has at least the requested length.
    pub(in crate::sqlite) is_complete: bool,
    /// The first 32 bytes. Missing bytes are zeros.
    pub(in crate::sqlite) header: [u8; 32],
}

/// SQLite's handle of a connection. It must not be used after the connection is closed.
#[derive(Debug)]
pub(in crate::sqlite) struct RawHandle(pub(super) NonNull<ffi::sqlite3>);

// SAFETY: the handle is only used together with an exclusive reference to its connection. Connections may move between
// threads.
#[expect(unsafe_code, reason = "a handle moves between threads with its connection")]
unsafe impl Send for RawHandle {}

impl RawHandle {
    /// Reads the header of the database file, its first 100 bytes. Returns `None` if the read fails.
    pub(in crate::sqlite) fn read_header(&self, _conn: &mut SqliteConnection) -> Option<[u8; 100]> {
        let mut header = [0_u8; 100];
        // SAFETY: the connection is open for the duration of the borrow, and nobody else uses it. SQLite returns the
        // file that it has open. The buffers have room for the number of bytes that are read.
        #[expect(unsafe_code, reason = "reads through the file that SQLite has open")]
        unsafe {
            let file = self.file(ffi::SQLITE_FCNTL_FILE_POINTER)?;
            let methods = (*file).pMethods.as_ref()?;
            let code = (methods.xRead?)(file, header.as_mut_ptr().cast(), 100, 0);
            (code == ffi::SQLITE_OK).then_some(header)
        }
    }

    /// Reads the header of the log's index. The connection must have a transaction open. Returns `None` if the
    /// database has no such index.
    pub(in crate::sqlite) fn read_log_index(&self, _conn: &mut SqliteConnection) -> Option<IndexHeader> {
        let mut header: IndexHeader = [0; 100];
        let mut index: *mut c_void = ptr::null_mut();
        // SAFETY: as in `read_header`. The connection has read the database, so the first part of the index is mapped
        // and stays mapped. That part is larger than the header and begins at a page boundary. Other processes may
        // write it at any time, so each number is read once.
        #[expect(unsafe_code, reason = "reads the index that SQLite has mapped")]
        unsafe {
            let file = self.file(ffi::SQLITE_FCNTL_FILE_POINTER)?;
            let methods = (*file).pMethods.as_ref().filter(|methods| methods.iVersion >= 2)?;
            let code = (methods.xShmMap?)(file, 0, INDEX_PART, 0, &raw mut index);
            if code != ffi::SQLITE_OK || index.is_null() {
                return None;
            }
            for (number, bytes) in header.chunks_exact_mut(4).enumerate() {
                bytes.copy_from_slice(&index.cast::<u32>().add(number).read_volatile().to_ne_bytes());
            }
        }
        Some(header)
    }

    /// Reads the header and the last byte of the log, which should have `bytes` bytes. The connection must have a
    /// transaction open. Returns `None` if a read fails.
    pub(in crate::sqlite) fn read_log(&self, _conn: &mut SqliteConnection, bytes: u64) -> Option<LogFile> {
        let (mut header, mut last) = ([0_u8; 32], 0_u8);
        let end = i64::try_from(bytes).ok()?.checked_sub(1)?;
        // SAFETY: as in `read_header`; SQLite fills missing bytes with zeros. The last byte is read instead of the
        // length, since `xFileSize` also reads the times of the file (`FileStatus::without_times` gives the reason
        // against that).
        #[expect(unsafe_code, reason = "reads through the file that SQLite has open")]
        let codes = unsafe {
            let file = self.file(ffi::SQLITE_FCNTL_JOURNAL_POINTER)?;
            let read = (*file).pMethods.as_ref()?.xRead?;
            [read(file, header.as_mut_ptr().cast(), 32, 0), read(file, (&raw mut last).cast(), 1, end)]
        };
        let are_read = codes.iter().all(|code| [ffi::SQLITE_OK, ffi::SQLITE_IOERR_SHORT_READ].contains(code));
        are_read.then_some(LogFile { is_complete: codes[1] == ffi::SQLITE_OK, header })
    }

    /// Runs `f`. SQLite asks `go_on` at least every [`STEPS`] steps of its programs, and `false` ends the statement
    /// that runs with an error.
    pub(in crate::sqlite) fn while_allowed<T>(
        &self,
        conn: &mut SqliteConnection,
        mut go_on: impl FnMut() -> bool,
        f: impl FnOnce(&mut SqliteConnection) -> T,
    ) -> T {
        /// Takes the progress handler back, also after a panic.
        struct Handler(NonNull<ffi::sqlite3>);
        impl Drop for Handler {
            fn drop(&mut self) {
                // SAFETY: the handler is dropped before the borrow of the connection ends.
                #[expect(unsafe_code, reason = "uses a handle that diesel keeps to itself")]
                unsafe {
                    ffi::sqlite3_progress_handler(self.0.as_ptr(), 0, None, ptr::null_mut());
                }
            }
        }
        let mut go_on: &mut dyn FnMut() -> bool = &mut go_on;
        // SAFETY: the connection is open for the duration of the borrow. `go_on` outlives the handler, and only the
        // handler uses it meanwhile.
        #[expect(unsafe_code, reason = "uses a handle that diesel keeps to itself")]
        unsafe {
            let asked = (&raw mut go_on).cast();
            ffi::sqlite3_progress_handler(self.0.as_ptr(), STEPS, Some(is_forbidden), asked);
        }
        let _handler = Handler(self.0);
        f(conn)
    }

    /// Copies the pages of the database over an existing file. The connection must have a transaction open. `progress`
    /// gets the number of copied pages and that of all pages.
    pub(in crate::sqlite) fn copy_pages(
        &self,
        _conn: &mut SqliteConnection,
        copy: &Path,
        progress: &mut dyn FnMut(u32, u32),
    ) -> Result<(), StoreError> {
        /// The connection to the copy, and the copying.
        struct Copying(*mut ffi::sqlite3, *mut ffi::sqlite3_backup);
        impl Drop for Copying {
            fn drop(&mut self) {
                // SAFETY: both pointers are null or open, and nobody else has them. SQLite ignores null.
                #[expect(unsafe_code, reason = "closes a connection that diesel does not know")]
                unsafe {
                    if !self.1.is_null() {
                        ffi::sqlite3_backup_finish(self.1);
                    }
                    ffi::sqlite3_close(self.0);
                }
            }
        }
        let path = copy.to_str().and_then(|path| CString::new(path).ok());
        let path = path.ok_or_else(|| StoreError::Io(format!("{} is not valid UTF-8", copy.display()).into()))?;
        let mut copying = Copying(ptr::null_mut(), ptr::null_mut());
        // SAFETY: the connection is open for the duration of the borrow. All texts end with a zero byte. `Copying`
        // closes what is opened here. The observer cannot reach the connections.
        #[expect(unsafe_code, reason = "diesel has no interface to SQLite's copies of pages")]
        unsafe {
            let code = ffi::sqlite3_open_v2(
                path.as_ptr(),
                &raw mut copying.0,
                ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_NOMUTEX,
                ptr::null(),
            );
            of_code(code)?;
            // An incomplete copy is of no use to anybody, so that it needs no journal and no flush.
            let settings = c"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF";
            of_code(ffi::sqlite3_exec(copying.0, settings.as_ptr(), None, ptr::null_mut(), ptr::null_mut()))?;
            let main = c"main".as_ptr();
            copying.1 = ffi::sqlite3_backup_init(copying.0, main, self.0.as_ptr(), main);
            if copying.1.is_null() {
                return of_code(ffi::sqlite3_errcode(copying.0));
            }
            loop {
                let code = ffi::sqlite3_backup_step(copying.1, PAGES);
                if code != ffi::SQLITE_DONE {
                    of_code(code)?;
                }
                let all = ffi::sqlite3_backup_pagecount(copying.1).unsigned_abs();
                let missing = ffi::sqlite3_backup_remaining(copying.1).unsigned_abs();
                progress(all.saturating_sub(missing), all);
                if code == ffi::SQLITE_DONE {
                    return Ok(());
                }
            }
        }
    }

    /// Returns one of the files that SQLite has open for the database.
    ///
    /// # Safety
    /// The connection must be open, and nobody else may use it while the file is in use.
    #[expect(unsafe_code, reason = "uses a handle that diesel keeps to itself")]
    unsafe fn file(&self, which: c_int) -> Option<*mut ffi::sqlite3_file> {
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        // SAFETY: the caller guarantees an open connection. SQLite writes a pointer into `file`.
        let code = unsafe {
            ffi::sqlite3_file_control(self.0.as_ptr(), c"main".as_ptr(), which, ptr::from_mut(&mut file).cast())
        };
        (code == ffi::SQLITE_OK && !file.is_null()).then_some(file)
    }
}

/// The error of a result code.
fn of_code(code: c_int) -> Result<(), StoreError> {
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    // SAFETY: SQLite returns a static text for every number.
    #[expect(unsafe_code, reason = "reads SQLite's text for a result code")]
    let text = unsafe { CStr::from_ptr(ffi::sqlite3_errstr(code)) }.to_string_lossy().into_owned();
    Err(classify(Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(text))))
}
