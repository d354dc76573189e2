//! Pages in both directions, while rows come and go.

use fieldfen_domain::api_usage::ApiCallFilter;
use fieldfen_domain::file::{Arrival, FileFilter, FileStatus};
use fieldfen_domain::job::{JobFilter, JobStatus};
use fieldfen_domain::operator::{OperatorActionFilter, Subject};
use fieldfen_domain::publication::{ListingFilter, PostFilter, PublicationFilter};
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{Cursor, JobId, PageRequest};

use super::operations::{On, numbered};
use super::{Case, named};
use crate::fixtures::{
    api_call, at, file_id, foreign_post, hash, job, job_id, listing_confirmation, listing_target, operator_action,
    publication_id, reserve_request,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["pages":
        a_place_stays_where_it_is_while_rows_come_and_go,
        a_page_behind_the_last_row_leads_back_and_on,
        a_cursor_serves_every_filter_and_either_order,
        cursors_of_other_lists_are_refused,
    ]
}

/// A page of jobs: their ids, and the cursors to both sides.
type Jobs = (Vec<JobId>, Option<Cursor>, Option<Cursor>);

fn jobs<S: Store>(on: &On<'_, S>, request: &PageRequest) -> Jobs {
    jobs_of(on, &JobFilter::default(), request)
}

fn jobs_of<S: Store>(on: &On<'_, S>, filter: &JobFilter, request: &PageRequest) -> Jobs {
    let page = on.read(|s| s.jobs().page(filter, request));
    (page.items.iter().map(|job| job.id).collect(), page.previous, page.next)
}

fn a_place_stays_where_it_is_while_rows_come_and_go<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[1, 2, 3, 4, 5, 6].map(job));
    let (two, newest) = (PageRequest::first(2), PageRequest::first(2).newest_first());
    let (first, _, middle) = jobs(&on, &two);
    assert_eq!(first, numbered(&[1, 2]));
    let (last, _, late) = jobs(&on, &newest);
    assert_eq!(last, numbered(&[6, 5]));
    let (middle, late) = (middle.unwrap(), late.unwrap());
    // The rows on both sides of the place are deleted, and one is added at the end.
    for number in [2, 3] {
        let _ = on.delete(number);
    }
    on.enqueue(&job(7));
    assert_eq!(jobs(&on, &two.clone().after(middle.clone())).0, numbered(&[4, 5]));
    assert_eq!(jobs(&on, &two.before(middle.clone())), (numbered(&[1]), None, Some(middle)));
    assert_eq!(jobs(&on, &newest.clone().after(late.clone())).0, numbered(&[4, 1]));
    assert_eq!(jobs(&on, &newest.before(late.clone())).0, numbered(&[6, 5]));
    assert_eq!(jobs(&on, &PageRequest::first(9).newest_first().before(late)).0, numbered(&[7, 6, 5]));
}

fn a_page_behind_the_last_row_leads_back_and_on<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[1, 2, 3].map(job));
    let two = PageRequest::first(2);
    let end = jobs(&on, &two).2.unwrap();
    let _ = on.delete(3);
    let (none, previous, next) = jobs(&on, &two.clone().after(end.clone()));
    assert_eq!((none, next), (vec![], None));
    assert_eq!(jobs(&on, &two.clone().before(previous.unwrap())).0, numbered(&[1, 2]));
    on.enqueue(&job(4));
    assert_eq!(jobs(&on, &two.after(end)).0, numbered(&[4]));
}

fn a_cursor_serves_every_filter_and_either_order<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[1, 2, 3, 4, 5, 6].map(job));
    for number in [1, 3, 6] {
        let _ = on.cancel(number, at(1));
    }
    let middle = jobs(&on, &PageRequest::first(3)).2.unwrap();
    let all = PageRequest::first(9);
    let failed = JobFilter::new().status(JobStatus::Failed);
    for (request, every, dead) in [
        (all.clone().after(middle.clone()), [4, 5, 6].as_slice(), [6].as_slice()),
        (all.clone().before(middle.clone()), &[1, 2, 3], &[1, 3]),
        (all.clone().newest_first().after(middle.clone()), &[3, 2, 1], &[3, 1]),
        (all.newest_first().before(middle), &[6, 5, 4], &[6]),
    ] {
        assert_eq!(jobs(&on, &request).0, numbered(every), "{request:?}");
        assert_eq!(jobs_of(&on, &failed, &request).0, numbered(dead), "{request:?}");
    }
}

/// The first page of a list, or the requested one: its next cursor.
type List = (&'static str, fn(&mut dyn ReadSession, &PageRequest) -> Result<Option<Cursor>, StoreError>);

const LISTS: [List; 10] = [
    ("files", |s, page| Ok(s.files().page(&FileFilter::default(), page)?.next)),
    ("files by arrival", |s, page| {
        let filter = FileFilter::new().arrival(Some(Arrival::ANY_TIME));
        Ok(s.files().page(&filter, page)?.next)
    }),
    ("history", |s, page| Ok(s.files().history(&file_id(1), page)?.next)),
    ("jobs", |s, page| Ok(s.jobs().page(&JobFilter::default(), page)?.next)),
    ("publications", |s, page| Ok(s.publications().page(&PublicationFilter::new(), page)?.next)),
    ("actions", |s, page| Ok(s.operator_actions().page(&OperatorActionFilter::all(), page)?.next)),
    ("listings", |s, page| Ok(s.listings().page(&ListingFilter::new(), page)?.next)),
    ("posts", |s, page| Ok(s.listings().page_of_posts(&PostFilter::new(), page)?.next)),
    ("hashes", |s, page| Ok(s.hashes().page(page)?.next)),
    ("calls", |s, page| Ok(s.api_usage().page(&ApiCallFilter::new(), page)?.next)),
];

fn cursors_of_other_lists_are_refused<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[1, 2].map(job));
    for number in [1, 2] {
        on.write(|s| s.operator_actions().record(&operator_action(number, "ann", Subject::Job(job_id(number)), at(1))));
        on.write(|s| s.hashes().insert(&hash(number, at(1))));
        on.write(|s| s.api_usage().record(&api_call("etsy", 1, at(1))));
        on.file_in(number, FileStatus::Approved);
        on.write(|s| s.listings().insert_post(&foreign_post(number, file_id(number))));
        on.reserve(&reserve_request(number, file_id(number), listing_target(""), at(1)));
        on.write(|s| s.publications().confirm(&publication_id(number), &listing_confirmation(number, at(2))));
    }
    let first = PageRequest::first(1);
    let mut cursors = vec![("none", Cursor::new("")), ("none", Cursor::new("1")), ("none", Cursor::new("é\u{0}"))];
    for (name, read) in LISTS {
        cursors.push((name, on.read(|s| read(s, &first)).unwrap_or_else(|| panic!("{name} have one page"))));
    }
    for (origin, cursor) in cursors {
        for (name, read) in LISTS {
            for request in [first.clone().after(cursor.clone()), first.clone().newest_first().before(cursor.clone())] {
                match store.read(|s| read(s, &request)) {
                    Ok(_) => assert_eq!(name, origin, "{cursor} is taken"),
                    Err(StoreError::Invalid { what: "cursor", value, .. }) => {
                        assert_ne!(name, origin, "{cursor} is refused");
                        assert_eq!(value, cursor.as_str());
                    }
                    Err(error) => panic!("{name}, {cursor}: {error}"),
                }
            }
        }
    }
}
