//! Pages of files.
//!
//! Each combination of filters has an index that ends in the rowid. A page is one seek into that index and a read along
//! it. The query names the index, because the planner only guesses how many rows have a status.
//!
//! Pages are in the order of insertion, which is the order of rowids. A time window is sorted by `created_at` first.
//! The indexes of migration 0007 hold that column if its text sorts like a time, and NULL for every other form. Rows
//! with NULL follow in the order of insertion.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use fieldfen_domain::file::{Arrival, File, FileFilter, FileStatus};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows::wrong_cursor;
use fieldfen_domain::{Cursor, Page, PageRequest, Timestamp};

use super::row::{FileColumns, FileRow, file_columns};
use crate::sqlite::columns::least_text;
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::keyset_page::{RowidRange, page_of, row_cursor};
use crate::sqlite::session::SqliteSession;

/// The indexed expression of migration 0007.
macro_rules! arrival {
    () => {
        "CASE WHEN typeof(created_at) = 'text' \
         AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' \
         AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END"
    };
}

/// A position in a time window: after the row with this `created_at` and rowid. The row need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// Empty in the order of insertion.
    arrived: String,
    rowid: i64,
}

impl Place {
    /// The cursor of this position. It contains no blank, so that it fits into a query string.
    fn cursor(&self) -> Cursor {
        match self.arrived.as_str() {
            "" => row_cursor("files", self.rowid),
            arrived => Cursor::new(format!("files-{}@{}", self.rowid, arrived.replacen(' ', "T", 1))),
        }
    }

    /// The position of a cursor in a time window.
    fn in_window(cursor: &Cursor) -> Result<Self, StoreError> {
        let read = |text: &str| {
            let (rowid, arrived) = text.strip_prefix("files-")?.split_once('@')?;
            let is_form = arrived.as_bytes().get(10) == Some(&b'T')
                && arrived.bytes().all(|byte| byte.is_ascii_digit() || b"-T:.".contains(&byte));
            is_form.then_some(Self { arrived: arrived.replacen('T', " ", 1), rowid: rowid.parse().ok()? })
        };
        read(cursor.as_str()).filter(|place| place.cursor() == *cursor).ok_or_else(|| wrong_cursor(cursor))
    }
}

/// A range of adjacent rows in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    /// The rowids above the first number and up to the second, in the order of insertion.
    Inserted { above: i64, up_to: i64 },
    /// The rows with one text in `created_at`, in the order of insertion.
    Tied { arrived: String, above: i64, up_to: i64 },
    /// The rows of a time window, by arrival and insertion: from the first text on and below the second.
    Arrived { from: String, until: String },
}

impl Span {
    /// The ranges of a page, in reading order.
    fn of_page(filter: &FileFilter, request: &PageRequest) -> Result<Vec<Self>, StoreError> {
        let Some(Arrival::Window { since, before }) = filter.arrival else {
            let RowidRange { above, up_to, .. } = RowidRange::new("files", request)?;
            return Ok(vec![Self::Inserted { above, up_to }]);
        };
        let from = least_text(since.unwrap_or(Timestamp::MIN_UTC));
        let until = least_text(before.unwrap_or(Timestamp::MAX_UTC));
        let Some(cursor) = request.cursor() else { return Ok(vec![Self::Arrived { from, until }]) };
        // SQLite cannot seek to a pair of an expression and a rowid. Any number of rows may have the same time, so they
        // are a range of their own.
        let Place { arrived, rowid } = Place::in_window(cursor)?;
        Ok(match (arrived < from, arrived >= until, request.is_ascending()) {
            (true, _, true) | (false, true, false) => vec![Self::Arrived { from, until }],
            (true, _, false) | (false, true, true) => Vec::new(),
            (false, false, true) => {
                let later = Self::Arrived { from: format!("{arrived}\0"), until };
                vec![Self::Tied { arrived, above: rowid, up_to: i64::MAX }, later]
            }
            (false, false, false) => {
                let earlier = Self::Arrived { from, until: arrived.clone() };
                vec![Self::Tied { arrived, above: i64::MIN, up_to: rowid }, earlier]
            }
        })
    }
}

/// The index in which the rows of a filter are adjacent.
const fn index(filter: &FileFilter) -> &'static str {
    match (filter.species.is_some(), filter.status.is_some(), filter.arrival.is_some()) {
        (false, false, false) => "",
        (true, false, false) => " INDEXED BY idx_files_species",
        (false, true, false) => " INDEXED BY idx_files_status",
        (true, true, false) => " INDEXED BY idx_files_species_status",
        (false, false, true) => " INDEXED BY idx_files_arrival",
        (true, false, true) => " INDEXED BY idx_files_species_arrival",
        (false, true, true) => " INDEXED BY idx_files_status_arrival",
        (true, true, true) => " INDEXED BY idx_files_species_status_arrival",
    }
}

/// A query for the rows of a page. If the order includes the arrival, the query also returns its text. The statement's
/// text depends on the filter, so diesel caches it by text.
#[derive(Debug)]
struct Rows<'a> {
    filter: &'a FileFilter,
    span: &'a Span,
    ascending: bool,
    limit: i64,
}

impl QueryFragment<Sqlite> for Rows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(match self.span {
            Span::Inserted { .. } => concat!("SELECT ", file_columns!(), ", '' FROM files"),
            Span::Tied { .. } | Span::Arrived { .. } => {
                concat!("SELECT ", file_columns!(), ", created_at FROM files")
            }
        });
        out.push_sql(index(self.filter));
        match self.span {
            Span::Inserted { above, up_to } | Span::Tied { above, up_to, .. } => {
                out.push_sql(" WHERE rowid > ");
                out.push_bind_param::<BigInt, _>(above)?;
                out.push_sql(" AND rowid <= ");
                out.push_bind_param::<BigInt, _>(up_to)?;
            }
            Span::Arrived { from, until } => {
                out.push_sql(concat!(" WHERE ", arrival!(), " >= "));
                out.push_bind_param::<Text, String>(from)?;
                out.push_sql(concat!(" AND ", arrival!(), " < "));
                out.push_bind_param::<Text, String>(until)?;
            }
        }
        if let Span::Tied { arrived, .. } = self.span {
            out.push_sql(concat!(" AND ", arrival!(), " = "));
            out.push_bind_param::<Text, String>(arrived)?;
        } else if self.filter.arrival == Some(Arrival::OtherForms) {
            out.push_sql(concat!(" AND ", arrival!(), " IS NULL"));
        }
        if let Some(species) = &self.filter.species {
            out.push_sql(" AND species = ");
            out.push_bind_param::<Text, String>(species)?;
        }
        if let Some(status) = self.filter.status.map(FileStatus::as_str) {
            out.push_sql(" AND status = ");
            out.push_bind_param::<Text, str>(status)?;
        }
        out.push_sql(match (self.span, self.ascending) {
            (Span::Inserted { .. } | Span::Tied { .. }, true) => " ORDER BY rowid LIMIT ",
            (Span::Inserted { .. } | Span::Tied { .. }, false) => " ORDER BY rowid DESC LIMIT ",
            (Span::Arrived { .. }, true) => concat!(" ORDER BY ", arrival!(), ", rowid LIMIT "),
            (Span::Arrived { .. }, false) => concat!(" ORDER BY ", arrival!(), " DESC, rowid DESC LIMIT "),
        });
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl QueryId for Rows<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Rows<'_> {
    type SqlType = (FileColumns, Text);
}

impl RunQueryDsl<SqliteConnection> for Rows<'_> {}

impl SqliteSession<'_> {
    pub(super) fn file_page(&mut self, filter: &FileFilter, request: &PageRequest) -> Result<Page<File>, StoreError> {
        let (ascending, wanted) = (request.is_ascending(), i64::from(request.limit().get()) + 1);
        let mut rows: Vec<(FileRow, String)> = Vec::new();
        for span in Span::of_page(filter, request)? {
            let limit = wanted.saturating_sub_unsigned(rows.len().try_into().unwrap_or(u64::MAX));
            if limit > 0 {
                rows.extend(Rows { filter, span: &span, ascending, limit }.load(self.conn).store()?);
            }
        }
        let rows = rows.into_iter().map(|(row, arrived)| {
            // Reading backwards, the position after a row becomes the position before it in the order of insertion.
            let rowid = if ascending { row.rowid } else { row.rowid.saturating_sub(1) };
            (Place { arrived, rowid }, row.read())
        });
        page_of(rows, None, request, |place| place.cursor())
    }
}

/// The text of every query, for each kind of filter.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let inserted = Span::Inserted { above: 0, up_to: 0 };
    let tied = Span::Tied { arrived: String::new(), above: 0, up_to: 0 };
    let arrived = Span::Arrived { from: String::new(), until: String::new() };
    let (window, other_forms) = (Some(Arrival::ANY_TIME), Some(Arrival::OtherForms));
    let mut statements = Vec::new();
    for (arrival, span, ascending, names) in [
        (None, &inserted, true, ["Files", "Files, species", "Files, status", "Files, species, status"]),
        (
            window,
            &arrived,
            true,
            ["Files, window", "Files, window, species", "Files, window, status", "Files, window, species, status"],
        ),
        (
            window,
            &arrived,
            false,
            [
                "Files, window back",
                "Files, window back, species",
                "Files, window back, status",
                "Files, window back, species, status",
            ],
        ),
        (
            window,
            &tied,
            true,
            [
                "Files, one time",
                "Files, one time, species",
                "Files, one time, status",
                "Files, one time, species, status",
            ],
        ),
        (
            other_forms,
            &inserted,
            true,
            [
                "Files, other forms",
                "Files, other forms, species",
                "Files, other forms, status",
                "Files, other forms, species, status",
            ],
        ),
    ] {
        let filters = [(false, false), (true, false), (false, true), (true, true)];
        for (name, (species, status)) in names.into_iter().zip(filters) {
            let (species, status) = (species.then(String::new), status.then_some(FileStatus::Approved));
            let filter = FileFilter::new().status(status).species(species).arrival(arrival);
            statements.push((name, sql(&Rows { filter: &filter, span, ascending, limit: 1 })));
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cursors_of_a_window_lead_anywhere_in_one() {
        let place = Place { arrived: "2026-11-23 14:05:09.5".to_owned(), rowid: -7 };
        assert_eq!(place.cursor().as_str(), "files--7@2026-11-23T14:05:09.5");
        assert_eq!(Place::in_window(&place.cursor()).unwrap(), place);
        for foreign in [
            "",
            "files-7",
            "files-7@",
            "files-07@2026-11-23T14:05:09",
            "files-7@2026-11-23 14:05:09",
            "files-7@2026-11-23T14:05:09Z",
            "files-@2026-11-23T14:05:09",
            "jobs-7@2026-11-23T14:05:09",
            "files-7@9@2026-11-23T14:05:09",
        ] {
            let error = Place::in_window(&Cursor::new(foreign)).unwrap_err();
            assert!(matches!(&error, StoreError::Invalid { what: "cursor", value, .. } if value == foreign), "{error}");
        }
    }
}
