//! One table of the model: numbered rows, the index of their keys, and the undo log of the open transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows::{self, wrong_cursor};
use fieldfen_domain::{Cursor, Page, PageRequest};

/// A row with keys.
pub(super) trait Row: Clone {
    /// The type of its keys.
    type Key: Ord + Clone;

    /// All keys of this row.
    fn keys(&self) -> Vec<Self::Key>;
}

/// Rows by number, in the order of insertion. A number is never used twice.
pub(super) struct Table<R: Row> {
    rows: BTreeMap<i64, R>,
    index: BTreeSet<(R::Key, i64)>,
    last: i64,
    undo: Vec<(i64, Option<R>)>,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), index: BTreeSet::new(), last: 0, undo: Vec::new() }
    }
}

impl<R: Row> Table<R> {
    /// Inserts a row with the next number.
    pub(super) fn insert(&mut self, row: R) {
        self.last += 1;
        self.put(self.last, Some(row));
    }

    /// Replaces the row with this number.
    pub(super) fn update(&mut self, number: i64, row: R) {
        self.put(number, Some(row));
    }

    /// Removes the row with this number.
    pub(super) fn remove(&mut self, number: i64) {
        self.put(number, None);
    }

    /// Removes every row with this key.
    pub(super) fn remove_all(&mut self, key: &R::Key) {
        for (number, _) in self.all(key) {
            self.remove(number);
        }
    }

    /// The first row with this key, and its number.
    pub(super) fn find(&self, key: &R::Key) -> Option<(i64, R)> {
        self.span(key.clone(), key.clone()).next().map(|(number, row)| (number, row.clone()))
    }

    /// Every row with this key in the order of insertion.
    pub(super) fn all(&self, key: &R::Key) -> Vec<(i64, R)> {
        self.span(key.clone(), key.clone()).map(|(number, row)| (number, row.clone())).collect()
    }

    /// The rows with a key between these two, both included, in the order of their keys and of insertion.
    pub(super) fn span(&self, from: R::Key, to: R::Key) -> impl Iterator<Item = (i64, &R)> + use<'_, R> {
        let bounds = (Bound::Included((from, i64::MIN)), Bound::Included((to, i64::MAX)));
        self.index.range(bounds).filter_map(|(_, number)| Some((*number, self.rows.get(number)?)))
    }

    /// Every row in the order of insertion.
    pub(super) fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.values()
    }

    /// Every row with its number, in the order of insertion.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (i64, R)> + use<'_, R> {
        self.rows.iter().map(|(number, row)| (*number, row.clone()))
    }

    /// A page of the rows that pass `wanted`, in the order of insertion. A cursor consists of the name of the list and
    /// the number of the row before it.
    pub(super) fn page<T>(
        &self,
        list: &str,
        request: &PageRequest,
        wanted: impl Fn(&R) -> bool,
        item: impl Fn(&R) -> T,
    ) -> Result<Page<T>, StoreError> {
        let place = |cursor: &Cursor| cursor.as_str().strip_prefix(list)?.strip_prefix(" after ")?.parse::<i64>().ok();
        let place = |cursor: &Cursor| place(cursor).ok_or_else(|| wrong_cursor(cursor));
        let from = request.cursor().map(place).transpose()?;
        let until = request.bound().map(place).transpose()?.unwrap_or(i64::MAX);
        let limit = usize::try_from(request.limit().get()).map_or(usize::MAX, |limit| limit.saturating_add(1));
        let read = |(number, row): (&i64, &R)| (*number, wanted(row).then(|| item(row)));
        let rows: Vec<_> = if request.is_ascending() {
            let rows = self.rows.range((from.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
            let rows = rows.take_while(|(number, _)| **number <= until).map(read);
            rows.filter_map(|(number, row)| Some((number, Ok(row?)))).take(limit).collect()
        } else {
            let from = from.unwrap_or(i64::MAX).min(until);
            let rows = self.rows.range((Bound::Unbounded, Bound::Included(from))).rev().map(read);
            rows.filter_map(|(number, row)| Some((number - 1, Ok(row?)))).take(limit).collect()
        };
        Ok(rows::page(rows, None, request, |place| Cursor::new(format!("{list} after {place}"))))
    }

    /// The cursor of the position after the last row of a list in the order of insertion.
    pub(super) fn end(&self, list: &str) -> Cursor {
        Cursor::new(format!("{list} after {}", self.last))
    }

    /// A page of the rows with a sort key, in the order of that key, then of insertion. A cursor consists of the name
    /// of the list, and of the sort key and number of the row before it.
    pub(super) fn sorted_page<T>(
        &self,
        list: &str,
        request: &PageRequest,
        sorted_by: impl Fn(&R) -> Option<i64>,
        item: impl Fn(&R) -> T,
    ) -> Result<Page<T>, StoreError> {
        let place = |cursor: &Cursor| {
            let (key, number) = cursor.as_str().strip_prefix(list)?.strip_prefix(" after ")?.split_once(' ')?;
            Some((key.parse::<i64>().ok()?, number.parse::<i64>().ok()?))
        };
        let from = match request.cursor() {
            Some(cursor) => Some(place(cursor).ok_or_else(|| wrong_cursor(cursor))?),
            None => None,
        };
        let sorted: BTreeMap<(i64, i64), &R> =
            self.rows.iter().filter_map(|(number, row)| Some(((sorted_by(row)?, *number), row))).collect();
        let limit = usize::try_from(request.limit().get()).map_or(usize::MAX, |limit| limit.saturating_add(1));
        let rows: Vec<_> = if request.is_ascending() {
            let rows = sorted.range((from.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
            rows.take(limit).map(|(place, row)| (*place, Ok(item(row)))).collect()
        } else {
            let rows = sorted.range((Bound::Unbounded, from.map_or(Bound::Unbounded, Bound::Included)));
            rows.rev().take(limit).map(|((key, number), row)| ((*key, number - 1), Ok(item(row)))).collect()
        };
        Ok(rows::page(rows, None, request, |(key, number)| Cursor::new(format!("{list} after {key} {number}"))))
    }

    /// Commits the open transaction. Returns whether it changed anything.
    pub(super) fn commit(&mut self) -> bool {
        let changed = !self.undo.is_empty();
        self.undo.clear();
        changed
    }

    /// Rolls back every change since the last commit.
    pub(super) fn roll_back(&mut self) {
        let undo = std::mem::take(&mut self.undo);
        for (number, row) in undo.into_iter().rev() {
            self.put(number, row);
        }
        self.undo.clear();
    }

    fn put(&mut self, number: i64, row: Option<R>) {
        if let Some(row) = &row {
            self.index.extend(row.keys().into_iter().map(|key| (key, number)));
        }
        let before = match row.clone() {
            Some(row) => self.rows.insert(number, row),
            None => self.rows.remove(&number),
        };
        if let Some(before) = &before {
            let kept = row.map(|row| row.keys()).unwrap_or_default();
            for key in before.keys().into_iter().filter(|key| !kept.contains(key)) {
                self.index.remove(&(key, number));
            }
        }
        self.undo.push((number, before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Word(&'static str);

    impl Row for Word {
        type Key = usize;

        fn keys(&self) -> Vec<usize> {
            vec![self.0.len()]
        }
    }

    #[test]
    fn rows_are_found_by_their_keys_until_they_change() {
        let mut table = Table::default();
        for word in ["elk", "moose", "fox"] {
            table.insert(Word(word));
        }
        assert_eq!(table.all(&3), [(1, Word("elk")), (3, Word("fox"))]);
        table.update(1, Word("hare"));
        assert_eq!((table.find(&3), table.find(&4)), (Some((3, Word("fox"))), Some((1, Word("hare")))));
        assert_eq!(table.span(3, 4).map(|(number, _)| number).collect::<Vec<_>>(), [3, 1]);
        table.remove_all(&3);
        assert_eq!(table.rows().collect::<Vec<_>>(), [&Word("hare"), &Word("moose")]);
    }

    #[test]
    fn what_is_rolled_back_leaves_neither_rows_nor_keys() {
        let mut table = Table::default();
        table.insert(Word("elk"));
        assert!(table.commit());
        table.update(1, Word("moose"));
        table.insert(Word("fox"));
        table.remove(1);
        table.roll_back();
        assert_eq!((table.all(&3), table.find(&5)), (vec![(1, Word("elk"))], None));
        assert!(!table.commit());
    }
}
