//! The operating system's error behind SQLite's answer.
//!
//! SQLite answers with its own codes, of which diesel hands on a text. The thread still has the system's error: between
//! the call that failed and its answer, SQLite makes no other call that fails. An error that has been taken is forgotten,
//! so that it explains no later answer.

#[cfg(unix)]
use rustix::io::Errno;

/// Whether the system has refused a lock because it has none: SQLite takes that for a lock that somebody else holds.
pub(in crate::sqlite) fn take_no_locks() -> bool {
    #[cfg(unix)]
    return take(&[Errno::NOLCK]);
    #[cfg(not(unix))]
    return false;
}

/// Whether the system had no room for what was written, or allows no larger file (`ulimit -f`): SQLite calls it an I/O
/// error where it extends the index of its log, or where the size of files is limited.
pub(in crate::sqlite) fn take_no_room() -> bool {
    #[cfg(unix)]
    return take(&[Errno::NOSPC, Errno::DQUOT, Errno::FBIG]);
    #[cfg(not(unix))]
    return false;
}

#[cfg(unix)]
fn take(errors: &[Errno]) -> bool {
    let found = errors.iter().any(|error| error.raw_os_error() == errno::errno().0);
    if found {
        errno::set_errno(errno::Errno(0));
    }
    found
}
