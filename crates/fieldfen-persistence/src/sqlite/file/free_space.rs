//! The free space of a file system.

use std::path::Path;

/// The bytes that this user may still write into the file system of a folder; `None` if the system does not tell.
#[cfg(unix)]
#[must_use]
pub fn free_space(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The bytes that this user may still write into the file system of a folder; `None` if the system does not tell.
#[cfg(not(unix))]
#[must_use]
pub fn free_space(_: &Path) -> Option<u64> {
    None
}
