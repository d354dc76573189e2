//! The first 100 bytes of the database file. A store compares them to notice that another file was copied over its
//! database.
//!
//! In WAL mode only checkpoints write the database file, and a checkpoint never lowers the counters in the header. The
//! header is read through SQLite's own file handle: closing any other descriptor would drop SQLite's locks
//! (<https://sqlite.org/fileformat2.html#the_database_header>).

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::connection::raw_handle::RawHandle;
use crate::sqlite::error::Classify;
use crate::sqlite::file::replaced_files::DatabaseStamp;

/// The pauses before the header is read again. A difference counts only if it is still there after the last pause:
/// another process may be writing the first page.
const AGAIN: [Duration; 3] = [Duration::from_millis(1), Duration::from_millis(5), Duration::from_millis(20)];

const MAGIC: &[u8] = b"SQLite format 3\0";

/// The format number of a database in WAL mode.
const WAL: [u8; 2] = [2, 2];

statement! {
    /// The number of pages and the version of the schema, as this transaction sees them.
    Size {} -> (BigInt, BigInt) = "SELECT page_count, schema_version FROM pragma_page_count, pragma_schema_version"
}

/// The header and the stamp of the database file at the last check.
#[derive(Debug)]
pub(in crate::sqlite) struct KnownHeader {
    /// An equal stamp means that no program has written the file since.
    stamp: DatabaseStamp,
    /// `None` for a file that SQLite can read only together with its log.
    header: Option<Header>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    page_size: [u8; 2],
    changes: u32,
    pages: u32,
    schema: u32,
    /// 0 unless the database is in an auto-vacuum mode.
    largest_root: u32,
}

impl Header {
    fn parse(bytes: &[u8; 100]) -> Option<Self> {
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        (bytes.starts_with(MAGIC) && bytes[18..20] == WAL).then(|| Self {
            page_size: [bytes[16], bytes[17]],
            changes: number(24),
            pages: number(28),
            schema: number(40),
            largest_root: number(52),
        })
    }

    /// Returns whether checkpoints can have turned `self` into `new`, given the present number of pages and version of
    /// the schema. Only VACUUM makes a database smaller, and VACUUM also changes the version of the schema.
    fn may_become(&self, new: &Self, pages: i64, schema: i64) -> bool {
        let shrinks = self.largest_root != 0 || new.largest_root != 0 || i64::from(self.schema) != schema;
        self.page_size == new.page_size
            && is_at_least(new.changes, self.changes)
            && is_at_least(new.schema, self.schema)
            && u32::try_from(schema).is_ok_and(|now| is_at_least(now, new.schema))
            && (shrinks || (self.pages <= new.pages && i64::from(new.pages) <= pages))
    }
}

/// Returns whether a counter can have advanced from `before` to `now`. The counter wraps around after the largest
/// number.
const fn is_at_least(now: u32, before: u32) -> bool {
    now.wrapping_sub(before) < 1 << 31
}

impl KnownHeader {
    pub(in crate::sqlite) fn of(stamp: DatabaseStamp, conn: &mut SqliteConnection, handle: &RawHandle) -> Self {
        Self { stamp, header: handle.read_header(conn).as_ref().and_then(Header::parse) }
    }

    /// Returns an error if the present header cannot follow from the last one.
    pub(in crate::sqlite) fn check(
        &mut self,
        stamp: DatabaseStamp,
        conn: &mut SqliteConnection,
        handle: &RawHandle,
    ) -> Result<(), StoreError> {
        if stamp == self.stamp {
            return Ok(());
        }
        let Some(before) = self.header else {
            *self = Self::of(stamp, conn, handle);
            return Ok(());
        };
        let mut again = AGAIN.into_iter();
        loop {
            let header = handle.read_header(conn).as_ref().and_then(Header::parse);
            let size = Size {}.get_result::<(i64, i64)>(conn).store();
            let size = match size {
                Err(busy @ StoreError::Busy { .. }) => return Err(busy),
                size => size.ok(),
            };
            let follows = |header: &Header| {
                size.is_some_and(|(pages, schema)| {
                    let shrinks = before.largest_root != 0 || i64::from(before.schema) != schema;
                    (shrinks || stamp.0 >= self.stamp.0) && before.may_become(header, pages, schema)
                })
            };
            if let Some(header) = header.filter(follows) {
                *self = Self { stamp, header: Some(header) };
                return Ok(());
            }
            let Some(pause) = again.next() else { break };
            std::thread::sleep(pause);
        }
        let found = "another file was copied over the database: stop all programs that have it open, remove its -wal and \
                     -shm, and put the file there that is wanted";
        Err(StoreError::Io(found.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Header = Header { page_size: [16, 0], changes: 100, pages: 50, schema: 20, largest_root: 0 };

    #[test]
    fn a_header_follows_another_one_by_what_checkpoints_and_vacuum_do_and_by_nothing_else() {
        let may = |new: Header, pages, schema| BEFORE.may_become(&new, pages, schema);
        assert!(may(BEFORE, 50, 20));
        assert!(may(Header { changes: 105, pages: 60, ..BEFORE }, 60, 20));
        assert!(may(Header { changes: 105, pages: 55, ..BEFORE }, 60, 20), "not all is in the file yet");
        assert!(may(Header { changes: 105, pages: 30, schema: 21, ..BEFORE }, 30, 21), "VACUUM");
        assert!(may(Header { changes: 105, pages: 90, ..BEFORE }, 30, 21), "before a VACUUM in the log");
        assert!(may(Header { changes: 105, pages: 30, largest_root: 4, ..BEFORE }, 30, 20));
        for (new, pages) in [
            (Header { changes: 99, ..BEFORE }, 50),
            (Header { schema: 19, ..BEFORE }, 50),
            (Header { schema: 21, ..BEFORE }, 50),
            (Header { pages: 49, ..BEFORE }, 50),
            (Header { pages: 51, ..BEFORE }, 50),
            (Header { page_size: [4, 0], ..BEFORE }, 50),
        ] {
            assert!(!may(new, pages, 20), "{new:?}");
        }
        let last = Header { changes: u32::MAX, ..BEFORE };
        assert!(last.may_become(&Header { changes: 0, ..BEFORE }, 50, 20), "the counter begins anew");
    }
}
