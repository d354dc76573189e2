//! The history of files.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::file::{FileHistoryEntry, FileStatus};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, Page, PageRequest, Timestamp};

use crate::rows::{RowRef, Spellings, SqlTime, StoredText, StoredTime, read_page};
use crate::schema::file_history;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::statement::statement;

statement! {
    /// A page of one file's history.
    HistoryPage<'a> { file_id: &'a str as Text, after: i64 as BigInt, limit: i64 as BigInt }
        -> (BigInt, Nullable<Text>, Text, Text, SqlTimestamp) =
        "SELECT id, from_status, to_status, reason, at FROM file_history INDEXED BY idx_file_history_file_id \
         WHERE file_id = ? AND id > ? ORDER BY id LIMIT ?"
}

#[derive(Debug, Queryable)]
struct HistoryRow {
    id: i64,
    from_status: Option<StoredText>,
    to_status: StoredText,
    reason: StoredText,
    at: StoredTime,
}

impl HistoryRow {
    fn read(self) -> Result<FileHistoryEntry, StoreError> {
        let name = self.id.to_string();
        let row = RowRef::known("file_history", &name);
        Ok(FileHistoryEntry {
            from: row.parse_nullable("from_status", self.from_status.as_ref())?,
            to: row.parse("to_status", &self.to_status)?,
            reason: self.reason.into_prose(),
            at: row.time("at", self.at)?,
        })
    }
}

impl SqliteSession<'_> {
    /// Adds a line to the history of the file whose row spells its id like this.
    pub(super) fn write_history(
        &mut self,
        file_id: &str,
        from: Option<FileStatus>,
        to: FileStatus,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let line = (
            file_history::file_id.eq(file_id),
            file_history::from_status.eq(from.map(FileStatus::as_str)),
            file_history::to_status.eq(to.as_str()),
            file_history::reason.eq(reason),
            file_history::at.eq(SqlTime(at)),
        );
        diesel::insert_into(file_history::table)
            .values(line)
            .execute(self.conn)
            .writing(|| format!("a history line of file {file_id}"))?;
        Ok(())
    }

    /// A page of a file's history, the oldest line first.
    pub(super) fn history_page(
        &mut self,
        id: &FileId,
        page: PageRequest,
    ) -> Result<Page<FileHistoryEntry>, StoreError> {
        let after = page.after.map_or(i64::MIN, |cursor| cursor.sequence());
        let limit = i64::from(page.limit.get()) + 1;
        let mut rows: Vec<HistoryRow> = Vec::new();
        for file_id in id.spellings() {
            // The foreign key compares texts, so that all lines of a file have the spelling of its row.
            if rows.is_empty() {
                rows = HistoryPage { file_id: &file_id, after, limit }.load(self.conn).store()?;
            }
        }
        read_page(rows.into_iter().map(|row| (row.id, row.read())), page)
    }
}
