//! Publications that a database may miss: what was published after the backup that it was restored from, or before its
//! migrations were taken back.
//!
//! Files are told apart by rowid, the order of their insertion, so that no clock decides. A VACUUM keeps that order and
//! only lowers rowids: a newer file may then count as older, which costs a lookup.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Whether a file is newer than every gap.
    NewerThanTheGap<'a> { file_id: &'a str as Text } -> BigInt =
        "SELECT count(*) FROM files \
         WHERE id = ? AND rowid > (SELECT last_file FROM publication_gap WHERE id = 1)"
}

impl SqliteSession<'_> {
    /// Whether a platform may have been called for a file without a trace here.
    pub(super) fn may_miss_publications(&mut self, file_id: &str) -> Result<bool, StoreError> {
        let newer: i64 = NewerThanTheGap { file_id }.get_result(self.conn).store()?;
        Ok(newer == 0)
    }
}

/// Notes in a copy of a database that the database goes on publishing. A store on the copy then looks a file of the copy up
/// at a platform before it calls that for the first time. A schema without publications is left as it is.
///
/// # Errors
/// [`StoreError`]s as SQLite has them; then nothing is changed.
pub fn mark_as_copy(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'publication_gap'";
    let tables: i64 = diesel::select(diesel::dsl::sql::<BigInt>(&format!("({table})"))).get_result(conn).store()?;
    if tables == 0 {
        return Ok(());
    }
    // A lookup that found nothing says nothing about later calls.
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

    /// Reserves a target of a file under a lookup's word that nothing is there, and says how many calls there may have
    /// been.
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

        // Without the row nothing is known of gaps.
        conn.batch_execute("DELETE FROM publication_gap").unwrap();
        assert_eq!(calls(&store, 5, newer), 2);
    }
}
