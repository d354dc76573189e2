//! Pages of files: their order, their filters, and windows of time.

use chrono::TimeDelta;
use fieldfen_domain::file::{Arrival, Deletion, File, FileEdit, FileEvent, FileFilter, FileStatus};
use fieldfen_domain::store::Store;
use fieldfen_domain::{Page, PageRequest};

use super::operations::{On, walk, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{at, file, file_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["file_pages":
        pages_follow_each_other_in_the_order_of_insertion,
        filters_hold_all_at_once,
        a_time_window_includes_its_beginning_and_not_its_end,
        a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted,
        a_cursor_of_a_window_keeps_its_place_in_other_windows_while_files_come_and_go,
    ]
}

fn pages_follow_each_other_in_the_order_of_insertion<S: Store>(store: &S) {
    let on = On(store);
    let numbers = [5, 3, 9, 1, 7];
    for number in numbers {
        let new = file(number).at(at(0) - TimeDelta::seconds(i64::try_from(number).unwrap()));
        on.write(|s| s.files().insert(&new));
    }
    let all = walk(|page| on.read(|s| s.files().page(&FileFilter::default(), page)));
    assert_eq!(all.iter().map(|file| file.id).collect::<Vec<_>>(), numbers.map(file_id));
    assert_eq!(all[1], on.file(3));
}

fn matching<S: Store>(on: &On<'_, S>, filter: &FileFilter) -> Vec<u64> {
    let files = walk(|page| on.read(|s| s.files().page(filter, page)));
    files.iter().map(|file| (0..20).find(|&number| file.id == file_id(number)).unwrap()).collect()
}

fn filters_hold_all_at_once<S: Store>(store: &S) {
    let on = On(store);
    for number in 0..12 {
        let status = if number % 2 == 0 { FileStatus::Processed } else { FileStatus::Ingested };
        on.file_in(number, status);
        let species = if number % 3 == 0 { "fox" } else { "elk" };
        on.write(|s| s.files().edit(&file_id(number), &FileEdit::new().species(species), at(1)));
    }
    let fox = Some("fox".to_owned());
    let filter = FileFilter::new().species(fox.clone());
    assert_eq!(matching(&on, &filter), [0, 3, 6, 9]);
    let filter = FileFilter::new().status(FileStatus::Processed);
    assert_eq!(matching(&on, &filter), [0, 2, 4, 6, 8, 10]);
    let filter = FileFilter::new().status(FileStatus::Processed).species(fox);
    assert_eq!(matching(&on, &filter), [0, 6]);
    let filter = filter.arrival(Some(Arrival::since(at(1))));
    assert_eq!(matching(&on, &filter), [0_u64; 0]);
    let filter = FileFilter::new().status(FileStatus::Failed);
    assert_eq!(matching(&on, &filter), [0_u64; 0]);
}

fn a_time_window_includes_its_beginning_and_not_its_end<S: Store>(store: &S) {
    let on = On(store);
    for (number, second) in [(0, 5), (1, 2), (2, 9), (3, 3), (4, 8), (5, 4)] {
        on.write(|s| s.files().insert(&file(number).at(at(second))));
    }
    let matching = |arrival| matching(&on, &arriving(arrival));
    assert_eq!(matching(Arrival::since(at(3))), [3, 5, 0, 4, 2]);
    assert_eq!(matching(Arrival::before(at(8))), [1, 3, 5, 0]);
    assert_eq!(matching(Arrival::between(at(3), at(8))), [3, 5, 0]);
    assert_eq!(matching(Arrival::between(at(8), at(3))), [0_u64; 0]);
    assert_eq!(matching(Arrival::between(with_nanoseconds(at(3)), with_nanoseconds(at(8)))), [3, 5, 0]);
}

fn arriving(arrival: Arrival) -> FileFilter {
    FileFilter::new().arrival(Some(arrival))
}

fn a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted<S: Store>(store: &S) {
    let on = On(store);
    // Many files of one time, so that pages end between them.
    let seconds = [5, 2, 5, 5, 3, 5, 8, 2, 5, 5, 3, 5];
    for (number, second) in (0..).zip(seconds) {
        on.write(|s| s.files().insert(&file(number).at(at(second))));
        let species = if number % 2 == 0 { "fox" } else { "elk" };
        on.write(|s| s.files().edit(&file_id(number), &FileEdit::new().species(species), at(9)));
        if number % 3 == 0 {
            let change = on.file(number).after(FileEvent::ProcessingStarted, "", at(9)).unwrap();
            on.write(|s| s.files().change(&change));
        }
    }
    let sorted = [1, 7, 4, 10, 0, 2, 3, 5, 8, 9, 11, 6];
    assert_eq!(matching(&on, &arriving(Arrival::ANY_TIME)), sorted);
    assert_eq!(matching(&on, &arriving(Arrival::OtherForms)), [0_u64; 0]);
    for arrival in [Arrival::ANY_TIME, Arrival::since(at(3)), Arrival::before(at(8)), Arrival::between(at(3), at(8))] {
        let Arrival::Window { since, before } = arrival else { panic!("{arrival:?}") };
        for (fox, processing) in [(false, false), (true, false), (false, true), (true, true)] {
            let species = fox.then(|| "fox".to_owned());
            let filter = arriving(arrival).species(species).status(processing.then_some(FileStatus::Processing));
            let is_wanted = |number: &u64| {
                let arrived = at(seconds[usize::try_from(*number).unwrap()]);
                since.is_none_or(|since| arrived >= since)
                    && before.is_none_or(|before| arrived < before)
                    && (!fox || number.is_multiple_of(2))
                    && (!processing || number.is_multiple_of(3))
            };
            let expected: Vec<u64> = sorted.into_iter().filter(is_wanted).collect();
            assert_eq!(matching(&on, &filter), expected, "{filter:?}");
        }
    }
}

fn a_cursor_of_a_window_keeps_its_place_in_other_windows_while_files_come_and_go<S: Store>(store: &S) {
    let on = On(store);
    for (number, second) in (0..).zip([4, 1, 4, 7, 4]) {
        on.write(|s| s.files().insert(&file(number).at(at(second))));
    }
    let page = |arrival, request: &PageRequest| on.read(|s| s.files().page(&arriving(arrival), request));
    let ids = |page: Page<File>| page.items.iter().map(|file| file.id).collect::<Vec<_>>();
    let numbered = |numbers: &[u64]| numbers.iter().copied().map(file_id).collect::<Vec<_>>();
    // 1, 0, 2 | 4, 3
    let place = page(Arrival::ANY_TIME, &PageRequest::first(3)).next.unwrap();
    on.write(|s| s.files().delete(&file_id(2), Deletion::KeepLiveListings));
    for (number, second) in [(5, 4), (6, 0), (7, 9)] {
        on.write(|s| s.files().insert(&file(number).at(at(second))));
    }
    let (after, before) = (PageRequest::first(9).after(place.clone()), PageRequest::first(9).before(place));
    for (arrival, behind, ahead) in [
        (Arrival::ANY_TIME, [4, 5, 3, 7].as_slice(), [6, 1, 0].as_slice()),
        (Arrival::since(at(4)), &[4, 5, 3, 7], &[0]),
        (Arrival::since(at(5)), &[3, 7], &[]),
        (Arrival::before(at(4)), &[], &[6, 1]),
        (Arrival::between(at(1), at(7)), &[4, 5], &[1, 0]),
    ] {
        assert_eq!(ids(page(arrival, &after)), numbered(behind), "{arrival:?}");
        assert_eq!(ids(page(arrival, &before)), numbered(ahead), "{arrival:?}");
        let newest = |request: &PageRequest| request.clone().newest_first();
        let reversed = |numbers: &[u64]| numbered(&numbers.iter().rev().copied().collect::<Vec<_>>());
        assert_eq!(ids(page(arrival, &newest(&after))), reversed(ahead), "{arrival:?}");
        assert_eq!(ids(page(arrival, &newest(&before))), reversed(behind), "{arrival:?}");
    }
}
