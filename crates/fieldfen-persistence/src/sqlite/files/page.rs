//! Pages of files.
//!
//! Rows come in the order of insertion, which is the order of their rowids, and every index ends in the rowid: a page
//! of one species, of one status or of both is one step down its index and one along it. The planner, which guesses
//! how many rows have a status, is not asked: the index is named.
//!
//! A time window is another order than that of the page. Its rows are found by whichever way is shorter: forward from
//! the cursor, if the next [`LOOK_AHEAD`] rows fill the page, or through the window's own part of the index on
//! `created_at`. Both are exact for rows that arrived in any order. Where files arrive in the order of their
//! `created_at`, a page costs at most a pass over a window of [`SMALL_WINDOW`] rows or over [`LOOK_AHEAD`] rows, except
//! the first and the last page of a larger window, for which the window's index entries are read once.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use fieldfen_domain::file::{File, FileFilter, FileStatus};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Page, PageRequest};

use super::row::{FileColumns, FileRow, file_columns};
use crate::rows::limit;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::statement::statement;

/// A window with at most this many files is sorted at once.
const SMALL_WINDOW: i64 = 1000;

/// How many files behind the cursor are looked at before the window's own index is asked.
const LOOK_AHEAD: i64 = 1000;

statement! {
    /// The file with this rowid.
    ByRowid { rowid: i64 as BigInt } -> FileColumns =
        concat!("SELECT ", file_columns!(), " FROM files WHERE rowid = ?")
}

/// Which rows, as texts.
#[derive(Debug, Clone)]
struct Wanted {
    species: Option<String>,
    status: Option<&'static str>,
    since: Option<String>,
    before: Option<String>,
}

impl Wanted {
    fn new(filter: &FileFilter) -> Self {
        Self {
            species: filter.species.clone(),
            status: filter.status.map(FileStatus::as_str),
            since: filter.since.map(limit),
            before: filter.before.map(limit),
        }
    }

    const fn has_window(&self) -> bool {
        self.since.is_some() || self.before.is_some()
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

    fn push_species_and_status<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        for (column, value) in [(" AND species = ", self.species.as_deref()), (" AND status = ", self.status)] {
            if let Some(value) = value {
                out.push_sql(column);
                out.push_bind_param::<Text, str>(value)?;
            }
        }
        Ok(())
    }

    fn push_window<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let (since, before) = (self.since.as_deref(), self.before.as_deref());
        for (column, value) in [(" AND created_at >= ", since), (" AND created_at < ", before)] {
            if let Some(value) = value {
                out.push_sql(column);
                out.push_bind_param::<Text, str>(value)?;
            }
        }
        Ok(())
    }
}

/// What a query asks for.
#[derive(Debug, Clone, Copy)]
enum Question {
    /// The rows themselves, up to this rowid where one is given.
    Rows { until: Option<i64> },
    /// The rowid that ends the next so many rows of the species and status, and how many these are.
    Horizon,
    /// How many rows the window has; no more than the limit are counted.
    WindowSize,
    /// The first rowids of the window, sorted.
    WindowRowids,
}

/// A query over files that returns `T`. Its text depends on the filter, so that diesel caches it by its text.
#[derive(Debug)]
struct Ask<'a, T> {
    question: Question,
    wanted: &'a Wanted,
    after: i64,
    limit: i64,
    returns: PhantomData<T>,
}

impl<'a, T> Ask<'a, T> {
    const fn new(question: Question, wanted: &'a Wanted, after: i64, limit: i64) -> Self {
        Self { question, wanted, after, limit, returns: PhantomData }
    }

    /// `rowid > after` and the species and status, along their index.
    fn push_stream<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(" FROM files");
        out.push_sql(self.wanted.index());
        out.push_sql(" WHERE rowid > ");
        out.push_bind_param::<BigInt, _>(&self.after)?;
        self.wanted.push_species_and_status(out)
    }
}

impl<T> QueryFragment<Sqlite> for Ask<'_, T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut end = " ORDER BY rowid LIMIT ";
        match &self.question {
            Question::Rows { until } => {
                out.push_sql(concat!("SELECT ", file_columns!()));
                self.push_stream(&mut out)?;
                if let Some(until) = until {
                    out.push_sql(" AND rowid <= ");
                    out.push_bind_param::<BigInt, _>(until)?;
                }
                self.wanted.push_window(&mut out)?;
            }
            Question::Horizon => {
                out.push_sql("SELECT max(rowid), count(*) FROM (SELECT rowid");
                self.push_stream(&mut out)?;
            }
            Question::WindowSize => {
                out.push_sql("SELECT count(*) FROM (SELECT 1 FROM files INDEXED BY idx_files_created_at WHERE 1");
                self.wanted.push_window(&mut out)?;
                end = " LIMIT ";
            }
            Question::WindowRowids => {
                out.push_sql("SELECT rowid FROM files INDEXED BY idx_files_created_at WHERE rowid > ");
                out.push_bind_param::<BigInt, _>(&self.after)?;
                self.wanted.push_species_and_status(&mut out)?;
                self.wanted.push_window(&mut out)?;
            }
        }
        out.push_sql(end);
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        if matches!(self.question, Question::Horizon | Question::WindowSize) {
            out.push_sql(")");
        }
        Ok(())
    }
}

impl<T> QueryId for Ask<'_, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> Query for Ask<'_, T> {
    type SqlType = T;
}

impl<T> RunQueryDsl<SqliteConnection> for Ask<'_, T> {}

impl SqliteSession<'_> {
    /// A page of files.
    pub(super) fn file_page(&mut self, filter: &FileFilter, page: PageRequest) -> Result<Page<File>, StoreError> {
        let wanted = Wanted::new(filter);
        let after = page.after.map_or(i64::MIN, |cursor| cursor.sequence());
        let limit = i64::from(page.limit.get()) + 1;
        let rows = if wanted.has_window() {
            self.rows_in_window(&wanted, after, limit)?
        } else {
            self.rows_ahead(&wanted, after, limit, None)?
        };
        let rows: Result<Vec<_>, StoreError> = rows.into_iter().map(|row| Ok((row.rowid, row.read()?))).collect();
        Ok(Page::from_rows(rows?, page))
    }

    fn rows_ahead(
        &mut self,
        wanted: &Wanted,
        after: i64,
        limit: i64,
        until: Option<i64>,
    ) -> Result<Vec<FileRow>, StoreError> {
        Ask::<FileColumns>::new(Question::Rows { until }, wanted, after, limit).load(self.conn).store()
    }

    fn rows_in_window(&mut self, wanted: &Wanted, after: i64, limit: i64) -> Result<Vec<FileRow>, StoreError> {
        let size = Ask::<(BigInt,)>::new(Question::WindowSize, wanted, after, SMALL_WINDOW + 1);
        let (size,): (i64,) = size.get_result(self.conn).store()?;
        if size > SMALL_WINDOW {
            let look_ahead = LOOK_AHEAD + limit;
            let horizon = Ask::<(Nullable<BigInt>, BigInt)>::new(Question::Horizon, wanted, after, look_ahead);
            let (horizon, seen): (Option<i64>, i64) = horizon.get_result(self.conn).store()?;
            let rows = self.rows_ahead(wanted, after, limit, horizon)?;
            if seen < look_ahead || i64::try_from(rows.len()).is_ok_and(|found| found >= limit) {
                return Ok(rows);
            }
        }
        let rowids = Ask::<(BigInt,)>::new(Question::WindowRowids, wanted, after, limit);
        let rowids: Vec<(i64,)> = rowids.load(self.conn).store()?;
        rowids.into_iter().map(|(rowid,)| ByRowid { rowid }.get_result(self.conn).store()).collect()
    }
}

/// The text of every query, for each kind of filter.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    use diesel::backend::Backend;
    use diesel::query_builder::QueryBuilder;

    let sql = |question, wanted: &Wanted| {
        let mut builder = <Sqlite as Backend>::QueryBuilder::default();
        Ask::<()>::new(question, wanted, 0, 0).to_sql(&mut builder, &Sqlite).unwrap();
        builder.finish()
    };
    let window = || Some(String::new());
    let all = Wanted { species: None, status: None, since: None, before: None };
    let species = Wanted { species: window(), ..all.clone() };
    let status = Wanted { status: Some(""), ..all.clone() };
    let both = Wanted { species: window(), status: Some(""), ..all.clone() };
    let times = Wanted { since: window(), before: window(), ..all.clone() };
    let everything = Wanted { since: window(), before: window(), ..both.clone() };
    let rows = Question::Rows { until: None };
    vec![
        ("Rows, all", sql(rows, &all)),
        ("Rows, species", sql(rows, &species)),
        ("Rows, status", sql(rows, &status)),
        ("Rows, species and status", sql(rows, &both)),
        ("Rows, window, up to the horizon", sql(Question::Rows { until: Some(0) }, &times)),
        ("Rows, everything, up to the horizon", sql(Question::Rows { until: Some(0) }, &everything)),
        ("Horizon, all", sql(Question::Horizon, &times)),
        ("Horizon, species and status", sql(Question::Horizon, &everything)),
        ("WindowSize", sql(Question::WindowSize, &everything)),
        ("WindowRowids", sql(Question::WindowRowids, &times)),
        ("WindowRowids, species and status", sql(Question::WindowRowids, &everything)),
        ("ByRowid", ByRowid::SQL.to_owned()),
    ]
}
