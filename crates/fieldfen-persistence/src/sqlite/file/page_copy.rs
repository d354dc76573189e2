//! Copies a database page by page while other programs use it.
//!
//! A copy of the pages has the same row numbers, free pages and damage as the database. `VACUUM INTO` would make a
//! tidier file, on which a migration needs other time and space.

use std::fs::File;
use std::io;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use fieldfen_domain::store::StoreError;

use crate::sqlite::error::Classify as _;
use crate::sqlite::file::read_only::read_with_handle;
use crate::sqlite::url::SqliteUrl;

/// Copies the database into a new file that only its owner may read, and returns its size in bytes. The copy shows one
/// moment, even if other programs write meanwhile. They wait only if the database has a rollback journal. `progress`
/// gets the number of copied pages and that of all pages, after every few megabytes.
///
/// No file beside the database is written. An existing file at the path of the copy is replaced. The copy is not
/// flushed to the disk.
///
/// # Errors
/// The errors of [`read_database`](crate::read_database) for the database, and [`StoreError::Full`] or
/// [`StoreError::Io`] for the copy. An incomplete copy may remain.
pub fn copy_database(url: &SqliteUrl, copy: &Path, mut progress: impl FnMut(u32, u32)) -> Result<u64, StoreError> {
    read_with_handle(url, |opened| {
        create_private(copy).map_err(|error| StoreError::Io(error.into()))?;
        // In this transaction, all steps of the copy read one snapshot.
        opened.conn.batch_execute("BEGIN; SELECT count(*) FROM sqlite_schema").store()?;
        let copied = opened.handle.copy_pages(&mut opened.conn, copy, &mut progress);
        opened.conn.batch_execute("ROLLBACK").store()?;
        copied?;
        Ok(std::fs::metadata(copy).map_err(|error| StoreError::Io(error.into()))?.len())
    })
}

/// Creates an empty file. SQLite would create one that every user can read.
fn create_private(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use diesel::prelude::*;
    use diesel::sql_types::BigInt;
    use diesel::sqlite::SqliteConnection;

    use super::*;

    const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
                        INSERT INTO t SELECT i, randomblob(200) FROM n; DELETE FROM t WHERE n % 3 = 0";

    fn numbers(path: &Path, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        diesel::sql_query(query).get_result::<Row>(&mut conn).unwrap().n
    }

    #[test]
    fn a_copy_has_the_pages_of_one_moment_although_a_program_writes_meanwhile() {
        for mode in ["delete", "wal"] {
            let folder = tempfile::tempdir().unwrap();
            let (path, copy) = (folder.path().join("live.db"), folder.path().join("copy.db"));
            let mut live = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            live.batch_execute(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (n, x); {ROWS}")).unwrap();
            let (mut calls, mut last) = (0, (0, 0));
            let bytes = copy_database(&SqliteUrl::from(path.as_path()), &copy, |done, all| {
                calls += 1;
                last = (done, all);
                if mode == "wal" {
                    live.batch_execute("INSERT INTO t VALUES (-1, randomblob(9000))").unwrap();
                }
            })
            .unwrap();
            assert!(calls > 1 && last.0 == last.1, "{calls} {last:?}");
            assert_eq!(bytes, fs::metadata(&copy).unwrap().len());
            assert_eq!(numbers(&copy, "SELECT count(*) AS n FROM t"), 20_000);
            assert_eq!(numbers(&copy, "SELECT max(rowid) AS n FROM t"), 29_999);
            assert!(numbers(&copy, "SELECT freelist_count AS n FROM pragma_freelist_count") < 20_000);
            assert_eq!(numbers(&copy, "SELECT count(*) AS n FROM pragma_integrity_check"), 1);
        }
    }

    #[test]
    fn a_copy_is_its_owners_alone_and_a_place_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        let mut live = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        live.batch_execute("CREATE TABLE t (n)").unwrap();
        let copy = folder.path().join("copy.db");
        copy_database(&SqliteUrl::from(path.as_path()), &copy, |_, _| {}).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let nowhere = folder.path().join("none/copy.db");
        let failed = copy_database(&SqliteUrl::from(path.as_path()), &nowhere, |_, _| {});
        assert!(matches!(failed, Err(StoreError::Io(_))), "{failed:?}");
    }
}
