//! Finds files whose publications the database may lack: publications made after the backup that the database was
//! restored from, or before its migrations were reverted.
//!
//! The file's rowid decides, not a clock: rowids follow the order of insertion. VACUUM keeps the order and only lowers
//! rowids. A newer file may then count as older, which costs one lookup.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Returns 1 if the file was inserted after the last gap, 0 otherwise.
    NewerThanTheGap<'a> { file_id: &'a str as Text } -> BigInt =
        "SELECT count(*) FROM files \
         WHERE id = ? AND rowid > (SELECT last_file FROM publication_gap WHERE id = 1)"
}

impl SqliteSession<'_> {
    /// Returns whether a platform may have been called for this file without a record in this database.
    pub(super) fn may_miss_publications(&mut self, file_id: &str) -> Result<bool, StoreError> {
        let newer: i64 = NewerThanTheGap { file_id }.get_result(self.conn).store()?;
        Ok(newer == 0)
    }
}

/// Records in a copy of a database that the original continues to publish. A store on the copy then looks up a file at
/// a platform before the first call for it. The function does not change a schema without publications.
///
/// # Errors
/// Any [`StoreError`] of SQLite. After an error, nothing has been changed.
pub fn mark_as_copy(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'publication_gap'";
    let tables: i64 = diesel::select(diesel::dsl::sql::<BigInt>(&format!("({table})"))).get_result(conn).store()?;
    if tables == 0 {
        return Ok(());
    }
    // A publication without a call counts as called once: the original may have called the platform since the copy.
    conn.immediate_transaction(|conn| {
        conn.batch_execute(
            "UPDATE publication_gap SET last_file = (SELECT coalesce(max(rowid), 0) FROM files);
             UPDATE publications SET calls = 1 WHERE calls < 1",
        )
    })
    .store()
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::publication::{Platform, ReleaseReason, ReserveOutcome, ReserveRequest, Target};
    use fieldfen_domain::store::Store as _;
    use fieldfen_domain::{FenceToken, FileId, PublicationId, Timestamp};

    use super::*;
    use crate::{OpenMode, SqliteStore, SqliteUrl, connect};

    fn insert(conn: &mut SqliteConnection, file: FileId) {
        let insert = "INSERT INTO files (id, original_filename, status) VALUES";
        conn.batch_execute(&format!("{insert} ('{file}', 'a.jpg', 'approved')")).unwrap();
    }

    /// Reserves a target of a file after a lookup found nothing there. Returns the number of possible calls.
    fn calls(store: &SqliteStore, number: u128, file_id: FileId) -> u32 {
        let at: Timestamp = "2026-11-24T03:15:00Z".parse().unwrap();
        let target = Target::listing(Platform::Etsy).with_variant(number.to_string());
        let (id, token) = (PublicationId::from_random(number), FenceToken::from_random(number));
        let request = ReserveRequest::new(id, file_id, target, token, at, at);
        store
            .write(|s| {
                let ReserveOutcome::Granted(publication) = s.publications().reserve(&request)? else {
                    panic!("not granted")
                };
                let absent = ReleaseReason::Absent;
                assert!(s.publications().release(&publication.id, &token, absent, "none", at)?.is_done());
                Ok(publication.calls)
            })
            .unwrap()
    }

    #[test]
    fn files_of_before_a_gap_may_have_been_called_for_and_newer_ones_have_not() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("shop.db").as_path());
        let conn = &mut connect(&url, OpenMode::CreateIfMissing).unwrap();
        crate::sqlite::migrations::run_pending(conn).unwrap();
        let store = SqliteStore::open(&url.to_string()).unwrap();
        let [older, newer] = [1, 2].map(FileId::from_random);
        insert(conn, older);
        assert_eq!(calls(&store, 1, older), 1, "all of its history is here");

        mark_as_copy(conn).unwrap();
        insert(conn, newer);
        assert_eq!([calls(&store, 2, older), calls(&store, 3, newer)], [2, 1]);
        assert_eq!(calls(&store, 1, older), 2, "what a lookup said before the copy is over");
        assert_eq!(calls(&store, 1, older), 1, "a lookup after it counts");
        conn.batch_execute("VACUUM").unwrap();
        assert_eq!(calls(&store, 4, older), 2);

        // Without the row of `publication_gap`, every file may have a gap.
        conn.batch_execute("DELETE FROM publication_gap").unwrap();
        assert_eq!(calls(&store, 5, newer), 2);
    }
}
