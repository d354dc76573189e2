//! Pages of files.
//!
//! Rows come in the order of insertion, which is the order of their rowids, and every index ends in the rowid: a page
//! of one species, of one status or of both is one step down its index and one along it. The planner, which guesses
//! how many rows have a status, is not asked: the index is named.
//!
//! A window of `created_at` is another order. Rows whose `created_at` is more than [`SLACK`] before that of an earlier
//! row are marked by a trigger (migration 0007). For all others the window is a span of rowids: whatever they hold, the
//! first one of the window by time is at most [`SLACK`] later than the first one by insertion, and so with the last.
//! The page reads that span, and beside it the marked rows of the window, wherever they are. A marked row costs time
//! only; none is left out. Rows without a readable `created_at` are in no window.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use diesel::sqlite::{Sqlite, SqliteConnection};
use fieldfen_domain::file::{File, FileFilter, FileStatus};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Page, PageRequest, Timestamp};

use super::row::{FileColumns, FileRow, file_columns};
use crate::rows::{StoredText, StoredTime, limit};
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::page::sql;
use crate::sqlite::page::{Reach, page_of, row_cursor};
use crate::sqlite::session::SqliteSession;
use crate::sqlite::statement::statement;

/// How far rows in order may be from the order of their times: the trigger's five seconds, and one for its rounding.
const SLACK: TimeDelta = TimeDelta::seconds(6);

statement! {
    /// The first row in order of the window, by time.
    First<'a> { since: &'a str as Text, before: &'a str as Text } -> (Text, Nullable<SqlTimestamp>) =
        "SELECT created_at, strftime('%Y-%m-%d %H:%M:%f', created_at) FROM files INDEXED BY idx_files_in_order WHERE out_of_order IS NULL AND created_at >= ? \
         AND created_at < ? ORDER BY created_at LIMIT 1"
}
statement! {
    /// The last row in order of the window, by time.
    Last<'a> { since: &'a str as Text, before: &'a str as Text } -> (Text, Nullable<SqlTimestamp>) =
        "SELECT created_at, strftime('%Y-%m-%d %H:%M:%f', created_at) FROM files INDEXED BY idx_files_in_order WHERE out_of_order IS NULL AND created_at >= ? \
         AND created_at < ? ORDER BY created_at DESC LIMIT 1"
}
statement! {
    /// The first and the last rowid in a window of rows in order.
    Ends<'a> { since: &'a str as Text, before: &'a str as Text } -> (Nullable<BigInt>, Nullable<BigInt>) =
        "SELECT min(rowid), max(rowid) FROM files INDEXED BY idx_files_in_order WHERE out_of_order IS NULL \
         AND created_at >= ? AND created_at < ?"
}

/// A window of `created_at`, as limits of texts.
#[derive(Debug, Clone)]
struct Window {
    since: String,
    before: String,
}

/// The first or the last `created_at` of a window, as it is spelled and as SQLite reads it: as in the trigger, 24:00:00 is
/// the beginning of the next day.
#[derive(Debug, Queryable)]
struct Edge {
    spelled: StoredText,
    read: Option<StoredTime>,
}

impl Edge {
    /// A limit above all rows that came before this one and are in order.
    fn later(&self) -> Option<String> {
        let (spelled, time) = self.both()?;
        let later = limit(time.checked_add_signed(SLACK).unwrap_or(Timestamp::MAX_UTC));
        // Above its own text too, however that is spelled.
        Some(later.max(format!("{spelled} ")))
    }

    /// A limit below all rows that came after this one and are in order.
    fn earlier(&self) -> Option<String> {
        let (spelled, time) = self.both()?;
        let earlier = limit(time.checked_sub_signed(SLACK).unwrap_or(Timestamp::MIN_UTC));
        Some(earlier.min(spelled.to_owned()))
    }

    fn both(&self) -> Option<(&str, Timestamp)> {
        match (&self.spelled, &self.read) {
            (StoredText::Text(spelled), Some(StoredTime::Time(time))) => Some((spelled, *time)),
            _ => None,
        }
    }
}

/// Which rows.
#[derive(Debug, Clone)]
struct Wanted {
    species: Option<String>,
    status: Option<&'static str>,
    window: Option<Window>,
}

impl Wanted {
    fn new(filter: &FileFilter) -> Self {
        let window = (filter.since.is_some() || filter.before.is_some()).then(|| Window {
            since: limit(filter.since.unwrap_or(Timestamp::MIN_UTC)),
            before: limit(filter.before.unwrap_or(Timestamp::MAX_UTC)),
        });
        Self { species: filter.species.clone(), status: filter.status.map(FileStatus::as_str), window }
    }

    /// The index whose entries for this species and status are in the order of insertion.
    const fn index(&self) -> &'static str {
        match (self.species.is_some(), self.status.is_some()) {
            (false, false) => "",
            (true, false) => " INDEXED BY idx_files_species",
            (false, true) => " INDEXED BY idx_files_status",
            (true, true) => " INDEXED BY idx_files_species_status",
        }
    }
}

/// Rowids from the first to the last, both included.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
}

impl Span {
    const EVERYTHING: Self = Self { first: i64::MIN, last: i64::MAX };
    const NOTHING: Self = Self { first: i64::MAX, last: i64::MIN };
}

/// Where to look for rows.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Everywhere.
    Within,
    /// Outside of this span, among the rows out of order.
    Beyond(Span),
}

/// A query for the rows of a page. Its text depends on the filter, so that diesel caches it by its text.
#[derive(Debug)]
struct Rows<'a> {
    wanted: &'a Wanted,
    place: Place,
    reach: Reach,
}

impl QueryFragment<Sqlite> for Rows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(concat!("SELECT ", file_columns!(), " FROM files"));
        out.push_sql(match &self.place {
            Place::Within => self.wanted.index(),
            Place::Beyond(_) => " INDEXED BY idx_files_out_of_order",
        });
        out.push_sql(" WHERE rowid > ");
        out.push_bind_param::<BigInt, _>(&self.reach.above)?;
        out.push_sql(" AND rowid <= ");
        out.push_bind_param::<BigInt, _>(&self.reach.up_to)?;
        if let Place::Beyond(span) = &self.place {
            out.push_sql(" AND out_of_order IS NOT NULL AND (rowid < ");
            out.push_bind_param::<BigInt, _>(&span.first)?;
            out.push_sql(" OR rowid > ");
            out.push_bind_param::<BigInt, _>(&span.last)?;
            out.push_sql(")");
        }
        let window = self.wanted.window.as_ref();
        for (column, value) in [
            (" AND species = ", self.wanted.species.as_deref()),
            (" AND status = ", self.wanted.status),
            (" AND created_at >= ", window.map(|window| window.since.as_str())),
            (" AND created_at < ", window.map(|window| window.before.as_str())),
        ] {
            if let Some(value) = value {
                out.push_sql(column);
                out.push_bind_param::<Text, str>(value)?;
            }
        }
        out.push_sql(if self.reach.ascending { " ORDER BY rowid LIMIT " } else { " ORDER BY rowid DESC LIMIT " });
        out.push_bind_param::<BigInt, _>(&self.reach.limit)
    }
}

impl QueryId for Rows<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Rows<'_> {
    type SqlType = FileColumns;
}

impl RunQueryDsl<SqliteConnection> for Rows<'_> {}

impl SqliteSession<'_> {
    /// A page of files.
    pub(super) fn file_page(&mut self, filter: &FileFilter, request: &PageRequest) -> Result<Page<File>, StoreError> {
        let wanted = Wanted::new(filter);
        let reach = Reach::new("files", request)?;
        let span = match &wanted.window {
            Some(window) => self.span(window)?,
            None => Span::EVERYTHING,
        };
        let within =
            Reach { above: reach.above.max(span.first.saturating_sub(1)), up_to: reach.up_to.min(span.last), ..reach };
        let rows = Rows { wanted: &wanted, place: Place::Within, reach: within };
        let mut rows: Vec<FileRow> = rows.load(self.conn).store()?;
        if wanted.window.is_some() {
            let others = Rows { wanted: &wanted, place: Place::Beyond(span), reach };
            rows.extend(others.load::<FileRow>(self.conn).store()?);
            rows.sort_unstable_by_key(|row| row.rowid);
            if !reach.ascending {
                rows.reverse();
            }
            rows.truncate(usize::try_from(reach.limit).unwrap_or(usize::MAX));
        }
        let rows = rows.into_iter().map(|row| (reach.behind(row.rowid), row.read()));
        page_of(rows, None, request, |place| row_cursor("files", place))
    }

    /// The span of rowids that holds every row in order of this window.
    fn span(&mut self, window: &Window) -> Result<Span, StoreError> {
        let Window { since, before } = window;
        let first = First { since, before }.get_result::<Edge>(self.conn).optional().store()?;
        let last = Last { since, before }.get_result::<Edge>(self.conn).optional().store()?;
        let (Some(first), Some(last)) = (first, last) else { return Ok(Span::NOTHING) };
        // A text that SQLite does not read as a time has passed the trigger, and tells nothing about the rows beside
        // it.
        let (Some(begin), Some(end)) = (first.later(), last.earlier()) else { return Ok(Span::EVERYTHING) };
        let (first, _) = self.ends(since, begin.min(before.clone()).as_str())?;
        let (_, last) = self.ends(end.max(since.clone()).as_str(), before)?;
        Ok(match (first, last) {
            (Some(first), Some(last)) => Span { first, last },
            _ => Span::EVERYTHING,
        })
    }

    fn ends(&mut self, since: &str, before: &str) -> Result<(Option<i64>, Option<i64>), StoreError> {
        Ends { since, before }.get_result(self.conn).store()
    }
}

/// The text of every query, for each kind of filter.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let reach = Reach::new("files", &PageRequest::first(1)).unwrap();
    let sql = |place, wanted: &Wanted| sql(&Rows { wanted, place, reach });
    let (within, beyond) = (Place::Within, Place::Beyond(Span::EVERYTHING));
    let all = Wanted { species: None, status: None, window: None };
    let species = Wanted { species: Some(String::new()), ..all.clone() };
    let status = Wanted { status: Some(""), ..all.clone() };
    let both = Wanted { status: Some(""), ..species.clone() };
    let window = Some(Window { since: String::new(), before: String::new() });
    let times = Wanted { window: window.clone(), ..all.clone() };
    let everything = Wanted { window, ..both.clone() };
    vec![
        ("Rows, all", sql(within, &all)),
        ("Rows, species", sql(within, &species)),
        ("Rows, status", sql(within, &status)),
        ("Rows, species and status", sql(within, &both)),
        ("Rows, window", sql(within, &times)),
        ("Rows, everything", sql(within, &everything)),
        ("Rows out of order, window", sql(beyond, &times)),
        ("Rows out of order, everything", sql(beyond, &everything)),
        ("First", First::SQL.to_owned()),
        ("Last", Last::SQL.to_owned()),
        ("Ends", Ends::SQL.to_owned()),
    ]
}
