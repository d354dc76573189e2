//! Actions on all jobs that match a filter.

use fieldfen_domain::job::{BulkAction, BulkProgress, FingerprintFilter, JobAction, JobFilter, JobStatus, Priority};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{BulkActionId, Cursor, JobId, PageRequest};

use super::operations::{On, numbered, walk, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{at, bulk_order, file_id, job};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["bulk_actions":
        a_bulk_action_is_kept_as_it_was_ordered,
        the_progress_moves_only_from_where_it_is,
        a_finished_bulk_action_moves_no_more,
        finished_bulk_actions_are_pruned_the_oldest_first,
        the_jobs_of_a_bulk_action_end_with_the_last_one_at_its_start,
    ]
}

fn start<S: Store>(on: &On<'_, S>, number: u64, second: i64) -> BulkAction {
    let order = bulk_order(number, JobAction::Retry, JobFilter::new(), at(second));
    on.write(|s| s.bulk_actions().start(&order))
}

fn find<S: Store>(on: &On<'_, S>, row: &BulkAction) -> Option<BulkAction> {
    on.read(|s| s.bulk_actions().find(&row.order.id))
}

fn a_bulk_action_is_kept_as_it_was_ordered<S: Store>(store: &S) {
    let on = On(store);
    let filter = JobFilter::new()
        .kind(job(1).kind)
        .file_id(file_id(1))
        .dead_letters()
        .fingerprint(FingerprintFilter::Missing)
        .ended_since(at(1))
        .payload("\"fox\"".to_owned());
    let actions = [
        JobAction::Cancel,
        JobAction::Reschedule(at(7)),
        JobAction::SetPriority(Priority::High),
        JobAction::Requeue,
        JobAction::Release,
    ];
    let mut rows = Vec::new();
    for (number, action) in (1..).zip(actions) {
        let order = bulk_order(number, action, filter.clone(), at(5));
        let started = on.write(|s| s.bulk_actions().start(&with!(order.clone(), started_at: with_nanoseconds(at(5)))));
        assert_eq!((&started.order.action, &started.progress), (&action, &BulkProgress::default()));
        let row = find(&on, &started).unwrap_or_else(|| panic!("{action:?} is not there"));
        assert_eq!((&row.order, &row.until, &row.progress), (&order, &started.until, &started.progress));
        rows.push(row);
    }
    assert_eq!(walk(|page| on.read(|s| s.bulk_actions().page(page))), rows);
    assert_eq!(on.read(|s| s.bulk_actions().find(&BulkActionId::from_random(99))), None);
    let error = on.refuse(|s| s.bulk_actions().start(&rows[0].order));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
}

fn progress(cursor: Option<&str>, done: u64, refused: u64) -> BulkProgress {
    BulkProgress::new(cursor.map(Cursor::new), done, refused, None)
}

fn the_progress_moves_only_from_where_it_is<S: Store>(store: &S) {
    let on = On(store);
    let row = start(&on, 1, 5);
    let (first, second) = (progress(Some("a"), 3, 1), progress(Some("b"), 5, 2));
    let advance =
        |from: &BulkProgress, to: &BulkProgress| on.write(|s| s.bulk_actions().advance(&row.order.id, from, to));
    assert!(!advance(&first, &second), "it is at the beginning");
    assert!(advance(&row.progress, &first));
    assert!(!advance(&row.progress, &first), "another process was first");
    assert!(advance(&first, &second));
    assert_eq!(find(&on, &row).map(|row| row.progress), Some(second));
    assert!(!on.write(|s| s.bulk_actions().advance(&BulkActionId::from_random(99), &row.progress, &first)));
}

fn a_finished_bulk_action_moves_no_more<S: Store>(store: &S) {
    let on = On(store);
    let row = start(&on, 1, 5);
    let end = with!(progress(Some("a"), 3, 1), finished_at: Some(at(9)));
    let given = with!(end.clone(), finished_at: Some(with_nanoseconds(at(9))));
    assert!(on.write(|s| s.bulk_actions().advance(&row.order.id, &row.progress, &given)));
    assert!(!on.write(|s| s.bulk_actions().advance(&row.order.id, &end, &progress(Some("b"), 4, 1))));
    assert_eq!(find(&on, &row).map(|row| row.progress), Some(end));
}

fn finished_bulk_actions_are_pruned_the_oldest_first<S: Store>(store: &S) {
    let on = On(store);
    let rows: Vec<_> =
        [(1, 3), (2, 1), (3, 2), (4, 1), (5, 9)].map(|(number, second)| start(&on, number, second)).into();
    for row in rows.iter().filter(|row| row.order.id != BulkActionId::from_random(4)) {
        let end = with!(progress(None, 0, 0), finished_at: Some(at(10)));
        assert!(on.write(|s| s.bulk_actions().advance(&row.order.id, &row.progress, &end)));
    }
    let left =
        || walk(|page| on.read(|s| s.bulk_actions().page(page))).iter().map(|row| row.order.id).collect::<Vec<_>>();
    let ids = |numbers: &[u128]| numbers.iter().map(|number| BulkActionId::from_random(*number)).collect::<Vec<_>>();
    assert_eq!(on.write(|s| s.bulk_actions().prune(at(9), 2)), 2);
    assert_eq!(left(), ids(&[1, 4, 5]));
    assert_eq!(on.write(|s| s.bulk_actions().prune(at(9), 9)), 1);
    assert_eq!(left(), ids(&[4, 5]), "an unfinished one is kept");
}

fn the_jobs_of_a_bulk_action_end_with_the_last_one_at_its_start<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(jobs_until(&on, &start(&on, 1, 0)), []);
    for number in 1..=3 {
        on.enqueue(&job(number));
    }
    let row = start(&on, 2, 5);
    for number in 4..=5 {
        on.enqueue(&job(number));
    }
    assert_eq!(jobs_until(&on, &row), numbered(&[1, 2, 3]));
    let error = on.refuse(|s| s.jobs().page(&JobFilter::new(), &PageRequest::first(1).until(Cursor::new("x"))));
    assert!(matches!(error, StoreError::Invalid { what: "cursor", .. }), "{error:?}");
}

/// The jobs that the bulk action reads, in pages from either end.
fn jobs_until<S: Store>(on: &On<'_, S>, row: &BulkAction) -> Vec<JobId> {
    let filter = JobFilter::new().status(JobStatus::Pending);
    let page = |page: &PageRequest| on.read(|s| s.jobs().page(&filter, &page.clone().until(row.until.clone())));
    walk(page).iter().map(|job| job.id).collect()
}
