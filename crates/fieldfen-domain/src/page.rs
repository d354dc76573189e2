//! Pages of rows by cursor.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// A place between two rows of a list.
///
/// Its text is made and read by the store alone, and is fit for a query string. It leads to the same place whatever rows
/// are inserted and deleted beside it, in the database that it comes from, until the database is rebuilt or restored. It may
/// be
/// used with another filter and another [`Order`], as long as the list and the key by which its rows are sorted stay the
/// same; a store answers any other with [`StoreError::Invalid`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(Box<str>);

impl Cursor {
    /// The cursor with this text, which is checked by the store that reads it.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The error of a store to which this cursor of a request does not lead anywhere.
    #[must_use]
    pub fn refused(&self) -> StoreError {
        let value = self.0.chars().take(100).collect();
        StoreError::Invalid { what: "cursor", value, rule: "it must be one that the same store gave for the same list" }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// The oldest row comes first.
    #[default]
    Oldest,
    /// The newest row comes first.
    Newest,
}

/// Where a page begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
    First,
    After(Cursor),
    Before(Cursor),
}

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    start: Start,
    order: Order,
    limit: NonZeroU32,
}

impl PageRequest {
    /// The first page of at most `limit` rows, the oldest first; a limit of zero counts as one.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        let limit = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
        Self { start: Start::First, order: Order::Oldest, limit }
    }

    /// The same, with the newest row first.
    #[must_use]
    pub fn newest_first(self) -> Self {
        Self { order: Order::Newest, ..self }
    }

    /// The page that begins at this cursor.
    #[must_use]
    pub fn after(self, cursor: Cursor) -> Self {
        Self { start: Start::After(cursor), ..self }
    }

    /// The page that ends at this cursor. Its rows have the same order as those of any other page.
    #[must_use]
    pub fn before(self, cursor: Cursor) -> Self {
        Self { start: Start::Before(cursor), ..self }
    }

    /// How many rows the page has at the most.
    #[must_use]
    pub const fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// Which end of the list comes first.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The cursor from which a store reads; `None` where it reads from an end of the list.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Cursor> {
        match &self.start {
            Start::First => None,
            Start::After(cursor) | Start::Before(cursor) => Some(cursor),
        }
    }

    /// Whether a store reads from older rows to newer ones, which is away from the cursor.
    #[must_use]
    pub fn is_ascending(&self) -> bool {
        (self.order == Order::Oldest) != matches!(self.start, Start::Before(_))
    }
}

/// Some rows of a list, in the order that was asked for.
///
/// A page may have fewer rows than its limit, or none, although more follow: a store examines a limited number of rows
/// for a filter that it has no index for. The cursors tell whether there is more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Rows between them that hold what they must not. They count for the limit.
    pub unreadable: Vec<UnreadableRow>,
    /// Where the [page after](PageRequest::after) this one begins. It is `None` for a page that was read up to the end of
    /// the list.
    pub next: Option<Cursor>,
    /// Where the [page before](PageRequest::before) this one ends. It is `None` for a page that was read from, or up to,
    /// the beginning of the list. The page before may turn out to be empty.
    pub previous: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page from what a store has read: up to `limit + 1` rows in the order of reading, each with the place behind
    /// it. The row too many tells that there is more. So does `stopped`, the place at which the store gave up.
    #[must_use]
    pub fn from_rows<P>(
        rows: Vec<(P, Result<T, UnreadableRow>)>,
        stopped: Option<P>,
        request: &PageRequest,
        cursor: impl FnOnce(P) -> Cursor,
    ) -> Self {
        let limit = usize::try_from(request.limit.get()).unwrap_or(usize::MAX);
        let full = rows.len() > limit;
        let (mut items, mut unreadable, mut last) = (Vec::with_capacity(rows.len().min(limit)), Vec::new(), None);
        for (place, row) in rows.into_iter().take(limit) {
            last = Some(place);
            match row {
                Ok(item) => items.push(item),
                Err(row) => unreadable.push(row),
            }
        }
        let end = if full { last } else { stopped }.map(cursor);
        match request.start.clone() {
            Start::First => Self { items, unreadable, next: end, previous: None },
            Start::After(start) => Self { items, unreadable, next: end, previous: Some(start) },
            Start::Before(start) => {
                items.reverse();
                unreadable.reverse();
                Self { items, unreadable, next: Some(start), previous: end }
            }
        }
    }

    /// Whether the page has no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty() && self.unreadable.is_empty()
    }

    /// The same page, for callers that go wrong where a row is left out.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] with the first row that could not be read.
    pub fn complete(self) -> Result<Self, StoreError> {
        match self.unreadable.into_iter().next() {
            Some(row) => Err(row.into()),
            None => Ok(Self { unreadable: Vec::new(), ..self }),
        }
    }
}

/// A row that holds what its column does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{table} {row}: column {column} holds {value}; {rule}")]
pub struct UnreadableRow {
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub row: String,
    /// The column.
    pub column: &'static str,
    /// What it holds.
    pub value: String,
    /// What it must hold.
    pub rule: String,
}

impl UnreadableRow {
    /// Tells a row that cannot be read from a store that cannot.
    ///
    /// # Errors
    /// Every [`StoreError`] but [`StoreError::BadRow`].
    pub fn sift<T>(read: Result<T, StoreError>) -> Result<Result<T, Self>, StoreError> {
        match read {
            Ok(item) => Ok(Ok(item)),
            Err(StoreError::BadRow { table, row, column, value, rule }) => {
                Ok(Err(Self { table, row, column, value, rule }))
            }
            Err(other) => Err(other),
        }
    }
}

impl From<UnreadableRow> for StoreError {
    fn from(UnreadableRow { table, row, column, value, rule }: UnreadableRow) -> Self {
        Self::BadRow { table, row, column, value, rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(place: i32) -> Cursor {
        Cursor::new(place.to_string())
    }

    /// A page of the rows 1, 2, … 9 from the place that the cursor names, as a store would read it.
    fn page(request: &PageRequest) -> Page<i32> {
        let from = request.cursor().map(|cursor| cursor.as_str().parse::<i32>().unwrap());
        let limit = request.limit().get() as usize + 1;
        let rows: Vec<_> = if request.is_ascending() {
            (from.unwrap_or(0) + 1..=9).take(limit).map(|row| (row, Ok(row))).collect()
        } else {
            (1..=from.unwrap_or(9)).rev().take(limit).map(|row| (row - 1, Ok(row))).collect()
        };
        Page::from_rows(rows, None, request, cursor)
    }

    #[test]
    fn pages_lead_to_the_end_and_back_in_either_order() {
        let oldest = PageRequest::first(4);
        let newest = oldest.clone().newest_first();
        for (request, pages) in [
            (oldest, [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9]]),
            (newest, [vec![9, 8, 7, 6], vec![5, 4, 3, 2], vec![1]]),
        ] {
            let first = page(&request);
            let second = page(&request.clone().after(first.next.clone().unwrap()));
            let third = page(&request.clone().after(second.next.clone().unwrap()));
            assert_eq!([&first.items, &second.items, &third.items], [&pages[0], &pages[1], &pages[2]]);
            assert_eq!((&first.previous, &third.next), (&None, &None));
            let back = page(&request.clone().before(third.previous.unwrap()));
            assert_eq!((&back.items, &back.next), (&pages[1], &second.next));
            let back = page(&request.clone().before(back.previous.unwrap()));
            assert_eq!((back.items, back.next, back.previous), (pages[0].clone(), first.next, None));
        }
    }

    #[test]
    fn a_store_that_gave_up_says_where_to_go_on() {
        let request = PageRequest::first(4);
        let forth = Page::from_rows(vec![(3, Ok('a'))], Some(8), &request, cursor);
        assert_eq!((forth.items, forth.next), (vec!['a'], Some(cursor(8))));
        let request = request.before(cursor(9));
        let back = Page::from_rows(Vec::<(i32, Result<char, _>)>::new(), Some(2), &request, cursor);
        assert_eq!((back.items, back.previous, back.next), (vec![], Some(cursor(2)), Some(cursor(9))));
    }

    #[test]
    fn a_row_that_cannot_be_read_takes_its_place_and_hides_no_other() {
        let bad = UnreadableRow {
            table: "jobs",
            row: "7".to_owned(),
            column: "status",
            value: "\"lost\"".to_owned(),
            rule: "it must be a status".to_owned(),
        };
        let rows = vec![(3, Ok('a')), (5, Err(bad.clone())), (9, Ok('c'))];
        let page = Page::from_rows(rows, None, &PageRequest::first(2), cursor);
        assert_eq!((&page.items, &page.next), (&vec!['a'], &Some(cursor(5))));
        assert_eq!(page.unreadable, std::slice::from_ref(&bad));
        assert_eq!(page.complete().unwrap_err().to_string(), bad.to_string());
        assert!(matches!(UnreadableRow::sift::<()>(Err(bad.clone().into())), Ok(Err(row)) if row == bad));
        assert!(matches!(UnreadableRow::sift::<()>(Err(StoreError::Nested)), Err(StoreError::Nested)));
    }

    #[test]
    fn the_error_of_a_cursor_names_it() {
        let error = Cursor::new("jobs?").refused().to_string();
        assert_eq!(error, "cursor \"jobs?\": it must be one that the same store gave for the same list");
    }
}
