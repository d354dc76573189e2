//! Pages of rows, by cursor.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// A position between two rows of a list.
///
/// Only the store makes and reads its text, which fits into a query string. It means the same position, whatever rows
/// are inserted and deleted beside it, in the database that it comes from, until that database is rebuilt or restored.
/// It may be used with another filter and another [`Order`], if the list and its sort key are the same. For any other
/// use, a store returns [`StoreError::Invalid`](crate::store::StoreError::Invalid).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(Box<str>);

impl Cursor {
    /// A cursor with this text. The store that reads it checks it.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, which a program passes on unchanged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// The oldest row comes first.
    #[default]
    Oldest,
    /// The newest row comes first.
    Newest,
}

/// The begin or end of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
    First,
    After(Cursor),
    Before(Cursor),
}

/// A request for one page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    start: Start,
    order: Order,
    limit: NonZeroU32,
    until: Option<Cursor>,
}

impl PageRequest {
    /// The first page of at most `limit` rows, the oldest first. A limit of zero counts as one.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        let limit = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
        Self { start: Start::First, order: Order::Oldest, limit, until: None }
    }

    /// Reverses the order: the newest row comes first.
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

    /// Leaves out the rows behind this cursor in the order of insertion, as if they were not there.
    #[must_use]
    pub fn until(self, cursor: Cursor) -> Self {
        Self { until: Some(cursor), ..self }
    }

    /// The largest number of rows of the page.
    #[must_use]
    pub const fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// The direction of the list.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The cursor from which the store reads; `None` if it reads from an end of the list.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Cursor> {
        match &self.start {
            Start::First => None,
            Start::After(cursor) | Start::Before(cursor) => Some(cursor),
        }
    }

    /// The cursor behind which no row is read; `None` for all rows. Only the list of jobs has this bound.
    #[must_use]
    pub const fn bound(&self) -> Option<&Cursor> {
        self.until.as_ref()
    }

    /// Returns whether the page ends at its cursor.
    pub(crate) const fn ends_at_cursor(&self) -> bool {
        matches!(self.start, Start::Before(_))
    }

    /// Returns whether the store reads from older rows to newer ones.
    #[must_use]
    pub fn is_ascending(&self) -> bool {
        (self.order == Order::Oldest) != matches!(self.start, Start::Before(_))
    }
}

/// A part of a list, in the requested order.
///
/// A page may have fewer rows than its limit, or none, although more follow, because a store examines a bounded number
/// of rows for a filter without an index. The cursors tell whether more rows follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows that could be read, in the requested order.
    pub items: Vec<T>,
    /// Rows of this page that could not be read. They count for the limit.
    pub unreadable: Vec<UnreadableRow>,
    /// The cursor for the [page after](PageRequest::after) this one; `None` if the page ends at the end of the list.
    pub next: Option<Cursor>,
    /// The cursor for the [page before](PageRequest::before) this one; `None` if the page begins at the beginning of
    /// the list. The page before may be empty.
    pub previous: Option<Cursor>,
}

impl<T> Page<T> {
    /// Returns whether the page has no row, readable or not.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty() && self.unreadable.is_empty()
    }
}

/// A row in which a column has an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{table} {row}: column {column} holds {value}; {rule}")]
pub struct UnreadableRow {
    /// The name of the table.
    pub table: &'static str,
    /// The primary key of the row, or its position if the key cannot be read.
    pub row: String,
    /// The name of the column.
    pub column: &'static str,
    /// The value of the column, as text.
    pub value: String,
    /// The rule for values of the column.
    pub rule: String,
}
