//! The space that a rehearsal needs, and the space that is there.

use std::fs;
use std::path::Path;

use fieldfen_persistence::free_space;

use crate::error::{MigrateError, WithOperation as _};

/// The space for the log's index, the files of locks and the tables of a migration.
const ALLOWANCE: u64 = 8 << 20;

/// Refuses a rehearsal of this database if the folder has no room for it: a copy of the database with its log, and as
/// much again, because a migration that rebuilds every table writes each page once more.
pub(crate) fn require(database: &Path, folder: &Path) -> Result<(), MigrateError> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let log = fs::metadata(log).map_or(0, |found| found.len());
    let copy = fs::metadata(database).with_operation("look at", database)?.len().saturating_add(log);
    let needed = needed(copy);
    match free_space(folder) {
        Some(free) if free < needed => Err(MigrateError::NoRoom { folder: folder.to_owned(), copy, needed, free }),
        _ => Ok(()),
    }
}

const fn needed(copy: u64) -> u64 {
    copy.saturating_mul(2).saturating_add(ALLOWANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_database_that_is_larger_than_the_disk_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("large.db");
        let file = fs::File::create(&database).unwrap();
        require(&database, folder.path()).unwrap();
        let free = free_space(folder.path()).unwrap();
        file.set_len(free / 2 + ALLOWANCE).unwrap();
        let error = require(&database, folder.path()).unwrap_err();
        assert!(error.to_string().contains("make room") && error.to_string().contains("--scratch"), "{error}");
        assert_eq!(needed(u64::MAX), u64::MAX);
    }
}
