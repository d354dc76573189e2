//! Functions that stores use to turn rows into the values of the traits. Programs do not need them.

use super::StoreError;
use crate::file::{ContradictoryFileState, FileState, FileStatus};
use crate::page::{Cursor, Page, PageRequest, UnreadableRow};

/// Makes a page from up to `limit + 1` rows in the order of reading, each with the position after it.
///
/// The row beyond the limit shows that the list goes on. So does `stopped`, the position at which the store stopped
/// reading although the page is not full. `cursor` turns a position into a cursor.
#[must_use]
pub fn page<T, P>(
    rows: Vec<(P, Result<T, UnreadableRow>)>,
    stopped: Option<P>,
    request: &PageRequest,
    cursor: impl FnOnce(P) -> Cursor,
) -> Page<T> {
    let limit = usize::try_from(request.limit().get()).unwrap_or(usize::MAX);
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
    let start = request.cursor().cloned();
    if request.ends_at_cursor() {
        items.reverse();
        unreadable.reverse();
        Page { items, unreadable, next: start, previous: end }
    } else {
        Page { items, unreadable, next: end, previous: start }
    }
}

/// Separates an unreadable row, [`StoreError::BadRow`], from the failure of a whole operation.
///
/// # Errors
/// Every [`StoreError`] except [`StoreError::BadRow`].
pub fn split_bad_row<T>(read: Result<T, StoreError>) -> Result<Result<T, UnreadableRow>, StoreError> {
    match read {
        Ok(item) => Ok(Ok(item)),
        Err(StoreError::BadRow { table, row, column, value, rule }) => {
            Ok(Err(UnreadableRow { table, row, column, value, rule }))
        }
        Err(other) => Err(other),
    }
}

/// The error of a request whose cursor belongs to another list or another store. It shows at most 100 characters of the
/// cursor.
#[must_use]
pub fn wrong_cursor(cursor: &Cursor) -> StoreError {
    let value = cursor.as_str().chars().take(100).collect();
    StoreError::Invalid { what: "cursor", value, rule: "it must come from the same store and the same list" }
}

/// The state of a file whose row has these values in `status`, `failed_from` and `failure`.
///
/// A program that knows only the specification writes neither of the last two. A failed file of such a program is
/// retried from the beginning.
///
/// # Errors
/// [`ContradictoryFileState`] if `failed_from` is set and the status is not failed, and if `failed_from` is `failed`
/// itself.
pub fn file_state(
    status: FileStatus,
    failed_from: Option<FileStatus>,
    reason: Option<String>,
) -> Result<FileState, ContradictoryFileState> {
    FileState::from_columns(status, failed_from, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(place: i32) -> Cursor {
        Cursor::new(place.to_string())
    }

    /// A page of the rows 1 to 9 from the position of the cursor, as a store would read it.
    fn nine(request: &PageRequest) -> Page<i32> {
        let from = request.cursor().map(|cursor| cursor.as_str().parse::<i32>().unwrap());
        let limit = request.limit().get() as usize + 1;
        let rows: Vec<_> = if request.is_ascending() {
            (from.unwrap_or(0) + 1..=9).take(limit).map(|row| (row, Ok(row))).collect()
        } else {
            (1..=from.unwrap_or(9)).rev().take(limit).map(|row| (row - 1, Ok(row))).collect()
        };
        page(rows, None, request, cursor)
    }

    #[test]
    fn pages_lead_to_the_end_and_back_in_either_order() {
        let oldest = PageRequest::first(4);
        let newest = oldest.clone().newest_first();
        for (request, pages) in [
            (oldest, [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9]]),
            (newest, [vec![9, 8, 7, 6], vec![5, 4, 3, 2], vec![1]]),
        ] {
            let first = nine(&request);
            let second = nine(&request.clone().after(first.next.clone().unwrap()));
            let third = nine(&request.clone().after(second.next.clone().unwrap()));
            assert_eq!([&first.items, &second.items, &third.items], [&pages[0], &pages[1], &pages[2]]);
            assert_eq!((&first.previous, &third.next), (&None, &None));
            let back = nine(&request.clone().before(third.previous.unwrap()));
            assert_eq!((&back.items, &back.next), (&pages[1], &second.next));
            let back = nine(&request.clone().before(back.previous.unwrap()));
            assert_eq!((back.items, back.next, back.previous), (pages[0].clone(), first.next, None));
        }
    }

    #[test]
    fn a_store_that_gave_up_says_where_to_go_on() {
        let request = PageRequest::first(4);
        let forth = page(vec![(3, Ok('a'))], Some(8), &request, cursor);
        assert_eq!((forth.items, forth.next), (vec!['a'], Some(cursor(8))));
        let request = request.before(cursor(9));
        let back = page(Vec::<(i32, Result<char, _>)>::new(), Some(2), &request, cursor);
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
        let page = page(rows, None, &PageRequest::first(2), cursor);
        assert_eq!((&page.items, &page.next), (&vec!['a'], &Some(cursor(5))));
        assert_eq!(page.unreadable, std::slice::from_ref(&bad));
        assert_eq!(StoreError::from(bad.clone()).to_string(), bad.to_string());
        assert!(matches!(split_bad_row::<()>(Err(bad.clone().into())), Ok(Err(row)) if row == bad));
        assert!(matches!(split_bad_row::<()>(Err(StoreError::Nested)), Err(StoreError::Nested)));
    }

    #[test]
    fn the_error_of_a_cursor_names_it() {
        let error = wrong_cursor(&Cursor::new("jobs?")).to_string();
        assert_eq!(error, "cursor \"jobs?\": it must come from the same store and the same list");
    }
}
