//! Pages of rows by cursor.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// Where a page ended: rows are in the order of insertion, and the next page begins after this one.
///
/// Only the store that gave it out can read it, and only until that database is vacuumed or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(i64);

impl Cursor {
    /// The cursor behind the row with this sequence number.
    #[must_use]
    pub const fn after(sequence: i64) -> Self {
        Self(sequence)
    }

    /// The sequence number of the row that the page ended with.
    #[must_use]
    pub const fn sequence(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Which page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The end of the page before, or `None` for the first one.
    pub after: Option<Cursor>,
    /// How many rows at the most.
    pub limit: NonZeroU32,
}

impl PageRequest {
    /// The first page of at most `limit` rows; a limit of zero counts as one.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit: NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN) }
    }

    /// The page of the same size that follows this cursor.
    #[must_use]
    pub const fn following(self, cursor: Cursor) -> Self {
        Self { after: Some(cursor), limit: self.limit }
    }
}

/// Some rows, in the order of insertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Rows between them that hold what they must not. They count for the limit.
    pub unreadable: Vec<UnreadableRow>,
    /// Where the next page begins; `None` when this was the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` rows with their sequence numbers: the one too many tells that more follow.
    #[must_use]
    pub fn from_rows(rows: Vec<(i64, Result<T, UnreadableRow>)>, request: PageRequest) -> Self {
        let limit = usize::try_from(request.limit.get()).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        let mut page = Self { items: Vec::with_capacity(rows.len().min(limit)), unreadable: Vec::new(), next: None };
        for (sequence, row) in rows.into_iter().take(limit) {
            page.next = more.then_some(Cursor::after(sequence));
            match row {
                Ok(item) => page.items.push(item),
                Err(row) => page.unreadable.push(row),
            }
        }
        page
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

    #[test]
    fn the_row_too_many_becomes_the_cursor() {
        let request = PageRequest::first(2);
        let page = Page::from_rows(vec![(3, Ok('a')), (5, Ok('b')), (9, Ok('c'))], request);
        assert_eq!((page.items, page.next), (vec!['a', 'b'], Some(Cursor::after(5))));
        let last = Page::from_rows(vec![(9, Ok('c'))], request.following(Cursor::after(5)));
        assert_eq!((last.items, last.next), (vec!['c'], None));
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
        let rows = || vec![(3, Ok('a')), (5, Err(bad.clone())), (9, Ok('c'))];
        let page = Page::from_rows(rows(), PageRequest::first(2));
        assert_eq!((&page.items, page.next), (&vec!['a'], Some(Cursor::after(5))));
        assert_eq!(page.unreadable, std::slice::from_ref(&bad));
        assert_eq!(page.complete().unwrap_err().to_string(), bad.to_string());
        assert!(matches!(UnreadableRow::sift::<()>(Err(bad.clone().into())), Ok(Err(row)) if row == bad));
        assert!(matches!(UnreadableRow::sift::<()>(Err(StoreError::Nested)), Err(StoreError::Nested)));
    }
}
