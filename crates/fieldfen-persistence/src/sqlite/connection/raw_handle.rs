//! Reads the database file, its log and the log's index through the files that SQLite has open.
//!
//! Closing any other descriptor of these files would drop SQLite's locks.

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::catch_panic;
use libsqlite3_sys as ffi;

/// The size in bytes of the parts in which SQLite maps the index of the log (`-shm`).
const INDEX_PART: c_int = 32768;

/// The number of steps of SQLite's programs between two questions of a progress handler.
const STEPS: c_int = 10_000;

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
