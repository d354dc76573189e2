//! Pages of rows by cursor.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
    /// Where the next page begins; `None` when this was the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` rows with their sequence numbers: the one too many tells that more follow.
    #[must_use]
    pub fn from_rows(rows: Vec<(i64, T)>, request: PageRequest) -> Self {
        let limit = usize::try_from(request.limit.get()).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        let mut last = None;
        let items = rows
            .into_iter()
            .take(limit)
            .map(|(sequence, item)| {
                last = Some(Cursor::after(sequence));
                item
            })
            .collect();
        Self { items, next: if more { last } else { None } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_too_many_becomes_the_cursor() {
        let request = PageRequest::first(2);
        let page = Page::from_rows(vec![(3, 'a'), (5, 'b'), (9, 'c')], request);
        assert_eq!((page.items, page.next), (vec!['a', 'b'], Some(Cursor::after(5))));
        let last = Page::from_rows(vec![(9, 'c')], request.following(Cursor::after(5)));
        assert_eq!((last.items, last.next), (vec!['c'], None));
    }
}
