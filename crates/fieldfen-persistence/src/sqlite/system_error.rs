//! The error of the operating system (`errno`) that caused an error of SQLite.
//!
//! SQLite reports its own error codes, and diesel turns them into text. Neither contains `errno`. The thread's `errno` still
//! has its value when SQLite returns, because SQLite makes no other failing system call in between. Each function here
//! resets the `errno` that it finds, so that the same `errno` is not taken for the cause of a later error.

#[cfg(unix)]
use rustix::io::Errno;

/// Whether the system call for a lock failed because the file system has no locks (`ENOLCK`). SQLite reports such a lock as
/// held by another connection.
pub(in crate::sqlite) fn take_no_locks() -> bool {
    #[cfg(unix)]
    return take(&[Errno::NOLCK]);
    #[cfg(not(unix))]
    return false;
}

/// Whether a write failed because the disk or the quota is full (`ENOSPC`, `EDQUOT`), or because the file may not grow
/// (`EFBIG`, `ulimit -f`). SQLite reports a full disk as an I/O error when it extends the index of its log, and it reports
/// `EFBIG` as an I/O error.
pub(in crate::sqlite) fn take_no_room() -> bool {
    #[cfg(unix)]
    return take(&[Errno::NOSPC, Errno::DQUOT, Errno::FBIG]);
    #[cfg(not(unix))]
    return false;
}

/// Resets `errno` if it is one of these errors.
#[cfg(unix)]
fn take(errors: &[Errno]) -> bool {
    let found = errors.iter().any(|error| error.raw_os_error() == errno::errno().0);
    if found {
        errno::set_errno(errno::Errno(0));
    }
    found
}
