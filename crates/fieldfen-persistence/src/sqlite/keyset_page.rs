//! Keyset pages of a table, in the order of insertion.
//!
//! The order of insertion is the order of rowids, and every index of SQLite ends in the rowid. A page of the rows with a
//! certain value is therefore one search in the index of that value. Each query names its index, since the planner only
//! estimates how many rows have a value.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows::{self, split_bad_row, wrong_cursor};
use fieldfen_domain::{Cursor, FileId, Page, PageRequest, UnreadableRow};

use super::columns::IdFormats;
use super::error::Classify;

/// The most rows that are examined for one page whose filter has a column that the index does not have.
pub(super) const EXAMINED: i64 = 10_000;

/// The range of rowids of a page.
///
/// A cursor consists of the name of the list and a rowid. It means the position after that rowid, whether or not the
/// row exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowidRange {
    /// The rowids are greater than this one.
    pub(super) above: i64,
    /// The rowids are at most this one.
    pub(super) up_to: i64,
    pub(super) ascending: bool,
    /// The number of rows to read: one more than the page has, which shows whether another page follows.
    pub(super) limit: i64,
}

impl RowidRange {
    pub(super) fn new(list: &str, request: &PageRequest) -> Result<Self, StoreError> {
        let ascending = request.is_ascending();
        let limit = i64::from(request.limit().get()) + 1;
        let place = |cursor: &Cursor| {
            let place = cursor.as_str().strip_prefix(list).and_then(|rest| rest.strip_prefix('-')?.parse::<i64>().ok());
            place.filter(|place| row_cursor(list, *place) == *cursor).ok_or_else(|| wrong_cursor(cursor))
        };
        let up_to = request.bound().map_or(Ok(i64::MAX), place)?;
        let everything = Self { above: i64::MIN, up_to, ascending, limit };
        match request.cursor().map(place).transpose()? {
            None => Ok(everything),
            Some(place) if ascending => Ok(Self { above: place, ..everything }),
            Some(place) => Ok(Self { up_to: place.min(up_to), ..everything }),
        }
    }

    /// The position after this row, in the direction of reading.
    pub(super) const fn behind(self, rowid: i64) -> i64 {
        if self.ascending { rowid } else { rowid.saturating_sub(1) }
    }
}

/// The cursor of a position between the rows of a list.
pub(super) fn row_cursor(list: &str, place: i64) -> Cursor {
    Cursor::new(format!("{list}-{place}"))
}

/// Makes a page of the rows that were read, as [`Page::from_rows`] does. The page names the rows that cannot be read.
pub(super) fn page_of<P, T>(
    rows: impl Iterator<Item = (P, Result<T, StoreError>)>,
    stopped: Option<P>,
    request: &PageRequest,
    cursor: impl FnOnce(P) -> Cursor,
) -> Result<Page<T>, StoreError> {
    let rows = rows.map(|(place, row)| Ok((place, split_bad_row(row)?)));
    Ok(rows::page(rows.collect::<Result<_, StoreError>>()?, stopped, request, cursor))
}

/// The first rows that could not be read, at most `most`. The inner result is that of a row.
pub(super) fn unreadable(
    rows: impl Iterator<Item = Result<Result<(), StoreError>, StoreError>>,
    most: usize,
) -> Result<Vec<UnreadableRow>, StoreError> {
    let mut unreadable = Vec::new();
    for row in rows {
        unreadable.extend(split_bad_row(row?)?.err());
        if unreadable.len() >= most {
            break;
        }
    }
    Ok(unreadable)
}

/// A query for the rows of a page. Its text depends on the filter, so diesel caches it by its text.
#[derive(Debug, Clone)]
pub(super) struct TablePage<'a, C> {
    list: &'static str,
    select: &'static str,
    /// Conditions on columns of the index.
    equal: Vec<(&'static str, &'a str)>,
    /// A condition without values on which the index is built.
    indexed: &'static str,
    /// Conditions on other columns, which SQLite checks row by row.
    beyond: Vec<(&'static str, &'a str)>,
    /// A condition without values that SQLite checks row by row.
    beyond_literal: &'static str,
    range: RowidRange,
    columns: PhantomData<C>,
}

/// A query for the last row that is examined for a page; no row if there are fewer.
#[derive(Debug, Clone)]
pub(super) struct LastExamined<'p, 'a, C>(&'p TablePage<'a, C>);

impl<'a, C> TablePage<'a, C> {
    /// A query for the page of a list; `select` names the columns, the table and the index.
    pub(super) fn new(list: &'static str, select: &'static str, request: &PageRequest) -> Result<Self, StoreError> {
        let range = RowidRange::new(list, request)?;
        let (equal, beyond, columns) = (Vec::new(), Vec::new(), PhantomData);
        Ok(Self { list, select, equal, indexed: "", beyond, beyond_literal: "", range, columns })
    }

    /// Restricts the page to the rows with this value in the column, if a value is given. `column` is a text like ` AND
    /// column = `.
    pub(super) fn with(mut self, column: &'static str, value: Option<&'a str>) -> Self {
        self.equal.extend(value.map(|value| (column, value)));
        self
    }

    /// Restricts the page to the rows that satisfy the condition of a partial index, a text like ` AND column <>
    /// 'value'`.
    pub(super) const fn with_indexed(mut self, condition: &'static str) -> Self {
        self.indexed = condition;
        self
    }

    /// As [`TablePage::with_indexed`], without such an index. The page examines at most [`EXAMINED`] rows.
    pub(super) const fn with_unindexed(mut self, condition: &'static str) -> Self {
        self.beyond_literal = condition;
        self
    }

    /// As [`TablePage::with`], for a column that the index lacks. The page examines at most [`EXAMINED`] rows. In a text
    /// like ` AND instr(column, ?) > 0`, the value takes the place of the `?`.
    pub(super) fn and_beyond_the_index(mut self, column: &'static str, value: Option<&'a str>) -> Self {
        self.beyond.extend(value.map(|value| (column, value)));
        self
    }

    /// The query for the last row that is examined; `None` if the index contains only rows of the page.
    pub(super) fn last_examined(&self) -> Option<LastExamined<'_, 'a, C>> {
        (!self.beyond.is_empty() || !self.beyond_literal.is_empty()).then_some(LastExamined(self))
    }

    /// Writes the part of the query that the index answers.
    fn walk_index<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(" WHERE rowid > ");
        out.push_bind_param::<BigInt, _>(&self.range.above)?;
        out.push_sql(" AND rowid <= ");
        out.push_bind_param::<BigInt, _>(&self.range.up_to)?;
        out.push_sql(self.indexed);
        equals(out, &self.equal)
    }

    const fn order(&self) -> &'static str {
        if self.range.ascending { " ORDER BY rowid LIMIT " } else { " ORDER BY rowid DESC LIMIT " }
    }

    /// Reads the page. `read` returns the rowid of a row and its value.
    pub(super) fn read<'q, R, T>(
        mut self,
        conn: &mut SqliteConnection,
        request: &PageRequest,
        read: impl Fn(R) -> (i64, Result<T, StoreError>),
    ) -> Result<Page<T>, StoreError>
    where
        Self: LoadQuery<'q, SqliteConnection, R>,
    {
        let last = match self.last_examined() {
            Some(last) => last.get_result::<(i64,)>(conn).optional().store()?,
            None => None,
        };
        match last {
            Some((last,)) if self.range.ascending => self.range.up_to = last,
            Some((last,)) => self.range.above = last.saturating_sub(1),
            None => {}
        }
        let (list, range) = (self.list, self.range);
        let rows: Vec<R> = self.load(conn).store()?;
        let rows = rows.into_iter().map(read).map(|(rowid, row)| (range.behind(rowid), row));
        page_of(rows, last.map(|(last,)| range.behind(last)), request, |place| row_cursor(list, place))
    }
}

impl<C> QueryFragment<Sqlite> for TablePage<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(self.select);
        self.walk_index(&mut out)?;
        out.push_sql(self.beyond_literal);
        equals(&mut out, &self.beyond)?;
        out.push_sql(self.order());
        out.push_bind_param::<BigInt, _>(&self.range.limit)
    }
}

fn equals<'b>(out: &mut AstPass<'_, 'b, Sqlite>, columns: &'b [(&'static str, &str)]) -> QueryResult<()> {
    for (condition, value) in columns {
        let (before, after) = condition.split_once('?').unwrap_or((condition, ""));
        out.push_sql(before);
        out.push_bind_param::<Text, str>(value)?;
        out.push_sql(after);
    }
    Ok(())
}

impl<C> QueryFragment<Sqlite> for LastExamined<'_, '_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let Self(page) = self;
        out.push_sql("SELECT rowid FROM ");
        out.push_sql(page.select.rsplit_once(" FROM ").map_or(page.select, |(_, table)| table));
        page.walk_index(&mut out)?;
        out.push_sql(page.order());
        out.push_sql("1 OFFSET ");
        out.push_bind_param::<BigInt, _>(&(EXAMINED - 1))
    }
}

impl<C> QueryId for LastExamined<'_, '_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> Query for LastExamined<'_, '_, C> {
    type SqlType = (BigInt,);
}

impl<C> RunQueryDsl<SqliteConnection> for LastExamined<'_, '_, C> {}

impl<C> QueryId for TablePage<'_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> Query for TablePage<'_, C> {
    type SqlType = C;
}

impl<C> RunQueryDsl<SqliteConnection> for TablePage<'_, C> {}

/// A page of the rows that refer to a file; of all rows if no file is given.
///
/// Foreign keys compare texts, so all rows that refer to a file have its id in the same format as the file's own row. The
/// second format is tried only if no row has the first one.
pub(super) fn in_either_id_format<T>(
    file_id: Option<&FileId>,
    mut read: impl FnMut(Option<&str>) -> Result<Page<T>, StoreError>,
) -> Result<Page<T>, StoreError> {
    let Some(file_id) = file_id else { return read(None) };
    let [file_id, other] = file_id.formats();
    let page = read(Some(&file_id))?;
    if page.is_empty() { read(Some(&other)) } else { Ok(page) }
}

/// The SQL text of a query.
#[cfg(test)]
pub(super) fn sql(query: &impl QueryFragment<Sqlite>) -> String {
    use diesel::backend::Backend;
    use diesel::query_builder::QueryBuilder;

    let mut builder = <Sqlite as Backend>::QueryBuilder::default();
    query.to_sql(&mut builder, &Sqlite).unwrap();
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cursors_of_the_same_list_lead_anywhere() {
        let range = |cursor: &str| RowidRange::new("jobs", &PageRequest::first(2).after(Cursor::new(cursor)));
        assert_eq!(range("jobs-17").unwrap().above, 17);
        assert_eq!(range("jobs--9223372036854775808").unwrap().above, i64::MIN);
        for foreign in
            ["", "jobs", "jobs-", "17", "files-17", "jobs-017", "jobs-+17", "jobs-17 ", "jobs-9223372036854775808"]
        {
            let error = range(foreign).unwrap_err();
            assert!(matches!(&error, StoreError::Invalid { what: "cursor", value, .. } if value == foreign), "{error}");
        }
    }
}
