//! The free space of the file system that holds the database.

use std::path::Path;

use fieldfen_domain::health::{Check, Finding};

use crate::sqlite::file::free_space::free_space;

/// With less free space than this, a checkpoint or a sort may fail.
const LEAST: u64 = 64 << 20;

/// Looks at the file system of the database at this path.
pub(super) fn check(path: &Path) -> Finding {
    let folder = path.parent().unwrap_or(path);
    let looked_at = folder.display().to_string();
    let database = std::fs::metadata(path).map_or(0, |found| found.len());
    match free_space(folder) {
        Some(free) => of_space(looked_at, free, database),
        None => Finding::ok(Check::DiskSpace, looked_at, "the system does not tell the free space"),
    }
}

fn of_space(looked_at: String, free: u64, database: u64) -> Finding {
    let (free_mib, database_mib) = (free >> 20, database.div_ceil(1 << 20));
    let found = format!("{free_mib} MiB are free; the database has {database_mib} MiB");
    if free < LEAST {
        let advice = "make room now: commits fail when the disk is full";
        return Finding::problem(Check::DiskSpace, looked_at, found, advice);
    }
    if free < database.saturating_mul(2).saturating_add(LEAST) {
        let advice = "make room: a backup or a VACUUM needs as much space as the database, and the log needs space too";
        return Finding::warning(Check::DiskSpace, looked_at, found, advice);
    }
    Finding::ok(Check::DiskSpace, looked_at, found)
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::health::Severity;

    use super::*;

    #[test]
    fn a_disk_needs_room_for_a_copy() {
        let severity = |free, database| of_space("/data".to_owned(), free, database).severity;
        assert_eq!(severity(LEAST - 1, 0), Severity::Problem);
        assert_eq!(severity(LEAST + 99, 50), Severity::Warning);
        assert_eq!(severity(LEAST + 100, 50), Severity::Ok);
        assert_eq!(severity(u64::MAX, u64::MAX), Severity::Ok);
    }
}
