//! The hashes of webhooks.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::store::{HashReads, Hashes, StoreError};
use fieldfen_domain::webhook::{Delivery, HashInsertOutcome, NewHash, PayloadHash};
use fieldfen_domain::{FileId, Page, PageRequest, Timestamp, truncate_to_micros};

use crate::rules::clock_ahead::{latest_written, wait_from_now};
use crate::rules::webhook_retention::{first_seen, specified_cutoff, specified_expiry};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::keyset_page::TablePage;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Inserts a hash, or replaces an expired one. A row without a creation time and an expiry never expires.
    Remember<'a> {
        hash: &'a str as Text,
        source: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        expires_at: SqlTime as SqlTimestamp,
        now: SqlTime as SqlTimestamp,
        made_until: SqlTime as SqlTimestamp,
    } = "INSERT INTO processed_hashes (hash, source, created_at, expires_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (hash) DO UPDATE SET file_id = NULL, source = excluded.source, created_at = excluded.created_at, \
         expires_at = excluded.expires_at \
         WHERE expires_at <= ? OR (expires_at IS NULL AND created_at <= ?)"
}
statement! {
    /// The stored values of a hash.
    Remembered<'a> { hash: &'a str as Text } -> (BigInt, Nullable<SqlTimestamp>, Nullable<SqlTimestamp>, Nullable<Text>) =
        "SELECT rowid, created_at, expires_at, file_id FROM processed_hashes WHERE hash = ?"
}
statement! {
    /// The hashes whose first sight is in the future, the soonest first. Texts that are not times are left out.
    SeenInFuture { after: SqlTime as SqlTimestamp, limit: i64 as BigInt } ->
        (BigInt, Nullable<SqlTimestamp>, Nullable<SqlTimestamp>) =
        "SELECT rowid, created_at, expires_at FROM processed_hashes INDEXED BY idx_processed_hashes_created_at \
         WHERE created_at > ? AND created_at GLOB \
         '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' ORDER BY created_at LIMIT ?"
}
statement! {
    /// Rewrites the first sight and the expiry of a hash.
    WriteTimes {
        created_at: SqlTime as SqlTimestamp,
        expires_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        rowid: i64 as BigInt,
    } = "UPDATE processed_hashes SET created_at = ?, expires_at = ? WHERE rowid = ?"
}
statement! {
    /// Records the file that a delivery became.
    Link<'a> { file_id: &'a str as Text, hash: &'a str as Text } =
        "UPDATE processed_hashes SET file_id = ? WHERE hash = ?"
}
statement! {
    /// Deletes expired hashes, the longest expired first, up to a limit.
    Purge { now: SqlTime as SqlTimestamp, limit: i64 as BigInt } =
        "DELETE FROM processed_hashes WHERE rowid IN (SELECT rowid FROM processed_hashes \
         INDEXED BY idx_processed_hashes_expires_at WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
}
statement! {
    /// Deletes old hashes of programs that know only the specification, the oldest first, up to a limit.
    PurgeUnlimited { made_until: SqlTime as SqlTimestamp, limit: i64 as BigInt } =
        "DELETE FROM processed_hashes WHERE rowid IN (SELECT rowid FROM processed_hashes \
         INDEXED BY idx_processed_hashes_unlimited WHERE expires_at IS NULL AND created_at <= ? \
         ORDER BY created_at LIMIT ?)"
}

/// The columns of [`DeliveryRow`], in its order.
macro_rules! delivery_columns {
    () => {
        "SELECT rowid, hash, source, file_id, created_at, expires_at FROM processed_hashes"
    };
}

/// The SQL types of [`delivery_columns`].
type DeliveryColumns =
    (BigInt, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<SqlTimestamp>, Nullable<SqlTimestamp>);

statement! {
    DeliveryWith<'a> { hash: &'a str as Text } -> DeliveryColumns = concat!(delivery_columns!(), " WHERE hash = ?")
}
statement! {
    /// Deletes the hash of a delivery.
    Forget<'a> { hash: &'a str as Text } = "DELETE FROM processed_hashes WHERE hash = ?"
}

/// A page of all deliveries.
fn delivery_page(request: &PageRequest) -> Result<TablePage<'static, DeliveryColumns>, StoreError> {
    TablePage::new("hashes", delivery_columns!(), request)
}

#[derive(Debug, Queryable)]
struct DeliveryRow {
    rowid: i64,
    hash: Option<StoredText>,
    source: Option<StoredText>,
    file_id: Option<StoredText>,
    created_at: Option<StoredTime>,
    expires_at: Option<StoredTime>,
}

impl DeliveryRow {
    fn read(self) -> Result<Delivery, StoreError> {
        let row = RowRef::stored("processed_hashes", self.hash.as_ref(), self.rowid);
        let first_seen = row.nullable_time("created_at", self.created_at)?;
        let expires_at = match row.nullable_time("expires_at", self.expires_at)? {
            None => first_seen.and_then(specified_expiry),
            written => written,
        };
        Ok(Delivery::new(row.key("hash", self.hash.as_ref())?)
            .source(row.nullable_text("source", self.source)?)
            .file_id(row.parse_nullable("file_id", self.file_id.as_ref())?)
            .first_seen(first_seen)
            .expires_at(expires_at))
    }
}

impl HashReads for SqliteSession<'_> {
    fn find(&mut self, hash: &PayloadHash) -> Result<Option<Delivery>, StoreError> {
        let row = DeliveryWith { hash: &hash.to_string() }.get_result::<DeliveryRow>(self.conn);
        row.optional().store()?.map(DeliveryRow::read).transpose()
    }

    fn page(&mut self, request: &PageRequest) -> Result<Page<Delivery>, StoreError> {
        delivery_page(request)?.read(self.conn, request, |row: DeliveryRow| (row.rowid, row.read()))
    }
}

impl Hashes for SqliteSession<'_> {
    fn insert(&mut self, hash: &NewHash) -> Result<HashInsertOutcome, StoreError> {
        let text = hash.hash.to_string();
        let remember = Remember {
            hash: &text,
            source: &hash.source,
            at: SqlTime(hash.at),
            expires_at: SqlTime(hash.expires_at),
            now: SqlTime(hash.at),
            made_until: SqlTime(specified_cutoff(hash.at)),
        };
        if remember.execute(self.conn).store()? > 0 {
            return Ok(HashInsertOutcome::New);
        }
        let (rowid, seen, expires_at, file_id): (i64, Option<StoredTime>, Option<StoredTime>, Option<StoredText>) =
            Remembered { hash: &text }.get_result(self.conn).store()?;
        let row = RowRef::known("processed_hashes", &text);
        let stored = row.nullable_time("created_at", seen)?;
        let (first_seen, is_ahead) = first_seen(stored, hash.at);
        if is_ahead {
            self.restart_retention(rowid, stored, expires_at, hash.at)?;
        }
        Ok(HashInsertOutcome::Duplicate { first_seen, file_id: row.parse_nullable("file_id", file_id.as_ref())? })
    }

    fn link(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError> {
        let hash = hash.to_string();
        let file_id = self.key_of_file(file_id)?;
        let link = Link { file_id: &file_id, hash: &hash };
        let linked = link.execute(self.conn).writing(|| format!("hash {hash} of file {file_id}"))?;
        Ok(linked > 0)
    }

    fn forget(&mut self, hash: &PayloadHash) -> Result<bool, StoreError> {
        let forgotten = Forget { hash: &hash.to_string() }.execute(self.conn).store()?;
        Ok(forgotten > 0)
    }

    fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let (now, limit) = (truncate_to_micros(now), i64::from(limit));
        let after = SqlTime(latest_written(now));
        let ahead =
            SeenInFuture { after, limit }.load::<(i64, Option<StoredTime>, Option<StoredTime>)>(self.conn).store()?;
        for (rowid, seen, expires_at) in ahead {
            self.restart_retention(rowid, seen.and_then(|seen| seen.time()), expires_at, now)?;
        }
        let expired = Purge { now: SqlTime(now), limit }.execute(self.conn).store()?;
        let left = limit.saturating_sub(i64::try_from(expired).unwrap_or(i64::MAX));
        let unlimited =
            PurgeUnlimited { made_until: SqlTime(specified_cutoff(now)), limit: left }.execute(self.conn).store()?;
        Ok((expired + unlimited) as u64)
    }
}

impl SqliteSession<'_> {
    /// Restarts the retention of a hash now, with its earlier length. If that length is unknown, it is the
    /// specification's 24 hours.
    fn restart_retention(
        &mut self,
        rowid: i64,
        seen: Option<Timestamp>,
        expires_at: Option<StoredTime>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at = wait_from_now(seen, expires_at.and_then(|end| end.time()), now);
        let write = WriteTimes { created_at: SqlTime(now), expires_at: expires_at.map(SqlTime), rowid };
        write.execute(self.conn).store().map(drop)
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    let page = |request: &PageRequest| sql(&delivery_page(request).unwrap());
    let fixed = [
        ("Remember", Remember::SQL),
        ("Remembered", Remembered::SQL),
        ("SeenInFuture", SeenInFuture::SQL),
        ("WriteTimes", WriteTimes::SQL),
        ("Link", Link::SQL),
        ("Purge", Purge::SQL),
        ("PurgeUnlimited", PurgeUnlimited::SQL),
        ("DeliveryWith", DeliveryWith::SQL),
        ("Forget", Forget::SQL),
    ];
    let mut statements = fixed.map(|(name, sql)| (name, sql.to_owned())).to_vec();
    statements.push(("Deliveries", page(&first)));
    statements.push(("Deliveries, newest first", page(&first.newest_first())));
    statements
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::{TICK, at, file, hash};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session, text};

    const DAY: i64 = 24 * 3600;

    /// Inserts a hash as a program does that knows only the specification.
    fn insert_row_of_another_program(conn: &mut diesel::SqliteConnection, number: u64, created_at: &str) {
        let hash = hash(number, at(0)).hash;
        conn.batch_execute(&format!("INSERT INTO processed_hashes (hash, created_at) VALUES ('{hash}', {created_at})"))
            .unwrap();
    }

    #[test]
    fn a_hash_of_another_program_counts_for_24_hours() {
        for created_at in ["'2026-01-01 00:00:00'", "'2026-01-01 00:00:00.000000'"] {
            let mut conn = database();
            insert_row_of_another_program(&mut conn, 1, created_at);
            let mut s = session(&mut conn);
            let seen = HashInsertOutcome::Duplicate { first_seen: Some(at(0)), file_id: None };
            assert_eq!(Hashes::insert(&mut s, &hash(1, at(DAY) - TICK)).unwrap(), seen);
            assert_eq!(s.purge(at(DAY) - TICK, 9).unwrap(), 0);
            assert_eq!(Hashes::insert(&mut s, &hash(1, at(DAY))).unwrap(), HashInsertOutcome::New);
            let seen = HashInsertOutcome::Duplicate { first_seen: Some(at(DAY)), file_id: None };
            assert_eq!(Hashes::insert(&mut s, &hash(1, at(DAY + 1))).unwrap(), seen);
        }
    }

    #[test]
    fn a_hash_without_any_time_never_expires() {
        let mut conn = database();
        insert_row_of_another_program(&mut conn, 1, "NULL");
        let mut s = session(&mut conn);
        let seen = HashInsertOutcome::Duplicate { first_seen: None, file_id: None };
        assert_eq!(Hashes::insert(&mut s, &hash(1, at(DAY * 9999))).unwrap(), seen);
        assert_eq!(s.purge(at(DAY * 9999), 9).unwrap(), 0);
    }

    #[test]
    fn deliveries_of_other_programs_are_listed_and_bad_rows_are_named() {
        let mut conn = database();
        insert_row_of_another_program(&mut conn, 1, "'2026-01-01 00:00:00'");
        insert_row_of_another_program(&mut conn, 2, "NULL");
        insert_row_of_another_program(&mut conn, 3, "'tomorrow'");
        conn.batch_execute("INSERT INTO processed_hashes (hash) VALUES ('abc'), (NULL)").unwrap();
        let page = HashReads::page(&mut session(&mut conn), &PageRequest::first(9)).unwrap();
        let delivery = |number, first_seen, expires_at| {
            Delivery::new(hash(number, at(0)).hash).first_seen(first_seen).expires_at(expires_at)
        };
        assert_eq!(page.items, [delivery(1, Some(at(0)), Some(at(DAY))), delivery(2, None, None)]);
        let columns: Vec<_> = page.unreadable.iter().map(|row| (row.row.as_str(), row.column)).collect();
        let third = hash(3, at(0)).hash.to_string();
        assert_eq!(columns, [(third.as_str(), "created_at"), ("abc", "hash"), ("without id (rowid 5)", "hash")]);
    }

    #[test]
    fn a_hash_that_a_clock_ahead_has_written_is_remembered_for_24_hours() {
        for created_at in ["'2027-01-01 00:00:00'", "'2027-02-30 00:00:00'", "'2027-01-01 00:00:00.000000'"] {
            let mut conn = database();
            insert_row_of_another_program(&mut conn, 1, created_at);
            insert_row_of_another_program(&mut conn, 2, "'tomorrow'");
            let mut s = session(&mut conn);
            let purged: Vec<u64> = [at(0), at(DAY) - TICK, at(DAY)].map(|now| s.purge(now, 1).unwrap()).to_vec();
            assert_eq!(purged, [0, 0, 1], "{created_at}");
        }
    }

    #[test]
    fn a_purge_takes_both_kinds_of_expired_hashes_up_to_its_limit() {
        let mut conn = database();
        for number in 0..4 {
            Hashes::insert(&mut session(&mut conn), &hash(number, at(0))).unwrap();
            insert_row_of_another_program(&mut conn, 10 + number, "'2026-01-01 00:00:00'");
        }
        Hashes::insert(&mut session(&mut conn), &hash(5, at(1))).unwrap();
        insert_row_of_another_program(&mut conn, 15, "'2026-01-01 00:00:01'");
        let mut s = session(&mut conn);
        let purged: Vec<u64> = (0..4).map(|_| s.purge(at(DAY), 3).unwrap()).collect();
        assert_eq!(purged, [3, 3, 2, 0]);
        assert_eq!(text(&mut conn, "SELECT count(*) || '' FROM processed_hashes"), "2");
    }

    #[test]
    fn a_link_is_spelled_as_the_row_of_its_file() {
        let mut conn = database();
        let row = "INSERT INTO files (id, original_filename, status) VALUES ('{}', 'a.jpg', 'ingested')";
        conn.batch_execute(&row.replace("{}", &file(1).id.uuid().simple().to_string())).unwrap();
        let mut s = session(&mut conn);
        Hashes::insert(&mut s, &hash(1, at(0))).unwrap();
        assert!(s.link(&hash(1, at(0)).hash, &file(1).id).unwrap());
        let seen = HashInsertOutcome::Duplicate { first_seen: Some(at(0)), file_id: Some(file(1).id) };
        assert_eq!(Hashes::insert(&mut s, &hash(1, at(1))).unwrap(), seen);
        let error = s.link(&hash(1, at(0)).hash, &file(2).id).unwrap_err();
        assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
    }

    #[test]
    fn what_no_hash_can_hold_is_named_with_table_row_and_column() {
        let mut conn = database();
        insert_row_of_another_program(&mut conn, 1, "'tomorrow'");
        let text = hash(1, at(0)).hash.to_string();
        let error = Hashes::insert(&mut session(&mut conn), &hash(1, at(0))).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("processed_hashes {text}: column created_at holds \"tomorrow\"")),
            "{error}"
        );
    }
}
