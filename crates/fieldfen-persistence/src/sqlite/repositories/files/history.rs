//! The history of files.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::file::{FileHistoryEntry, FileStatus};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, Page, PageRequest, Timestamp, UnreadableRow};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::keyset_page::{TablePage, in_either_id_format, unreadable};
use crate::sqlite::schema::file_history;
use crate::sqlite::session::SqliteSession;

statement! {
    /// The history of all files.
    AllHistory {} -> (BigInt, Nullable<Text>, Text, Text, SqlTimestamp) =
        "SELECT id, from_status, to_status, reason, at FROM file_history"
}

/// The SQL types of a page of one file's history.
type HistoryPage<'a> = TablePage<'a, (BigInt, Nullable<Text>, Text, Text, SqlTimestamp)>;

fn history_page<'a>(file_id: Option<&'a str>, request: &PageRequest) -> Result<HistoryPage<'a>, StoreError> {
    let select = "SELECT id, from_status, to_status, reason, at FROM file_history INDEXED BY idx_file_history_file_id";
    Ok(TablePage::new("history", select, request)?.with(" AND file_id = ", file_id))
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
        Ok(FileHistoryEntry::new(
            row.parse_nullable("from_status", self.from_status.as_ref())?,
            row.parse("to_status", &self.to_status)?,
            self.reason.into_prose(),
            row.time("at", self.at)?,
        ))
    }
}

impl SqliteSession<'_> {
    /// Inserts a line into the history of a file. `file_id` is the file's id as its row holds it.
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

    /// The first rows that cannot be read as lines of a history, at most `most`.
    pub(in crate::sqlite) fn unreadable_history(&mut self, most: usize) -> Result<Vec<UnreadableRow>, StoreError> {
        let rows = AllHistory {}.load_iter::<HistoryRow, _>(self.conn).store()?;
        unreadable(rows.map(|row| row.store().map(|row| row.read().map(drop))), most)
    }

    pub(super) fn history_page(
        &mut self,
        id: &FileId,
        request: &PageRequest,
    ) -> Result<Page<FileHistoryEntry>, StoreError> {
        in_either_id_format(Some(id), |file_id| {
            history_page(file_id, request)?.read(self.conn, request, |row: HistoryRow| (row.id, row.read()))
        })
    }
}

/// Every query with its name.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    [("HistoryPage", first.clone()), ("HistoryPage, newest first", first.newest_first())]
        .map(|(name, request)| (name, sql(&history_page(Some(""), &request).unwrap())))
        .into()
}
