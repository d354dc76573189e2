//! Jobs that wait because as many jobs of their file or account run as the limit allows.

use fieldfen_domain::file::{Deletion, FileStatus};
use fieldfen_domain::job::{ClaimRequest, Job, JobKind, NewJob, ParkedFor, Partition, Priority, Retry};
use fieldfen_domain::store::Store;

use super::concurrency_limits::{act, job_of, set};
use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{LEASE, at, claim_ref, claim_request, file_id, job, work};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["waiting_jobs":
        a_full_account_does_not_hold_back_the_jobs_behind_it,
        the_order_of_the_claim_holds_within_an_account,
        a_better_job_takes_the_place_of_one_that_was_enqueued_before,
        a_job_that_is_due_later_takes_no_place,
        every_way_to_leave_a_place_admits_the_next_job,
        a_cancelled_job_that_waited_takes_no_place_when_it_is_retried,
        a_killed_job_leaves_its_place,
        the_jobs_of_a_deleted_file_leave_their_places,
        a_reclaimed_job_leaves_its_place,
        jobs_enqueued_before_the_limit_are_passed_over_too,
        many_jobs_of_a_full_account_hide_no_job_of_another,
        no_job_is_due_next_while_all_of_them_wait,
        the_limits_hold_for_jobs_enqueued_together,
        many_completions_admit_as_many_jobs,
    ]
}

fn a_full_account_does_not_hold_back_the_jobs_behind_it<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    for number in 1..=50 {
        on.enqueue(&job_of(number, 1).priority(Priority::Urgent));
    }
    on.enqueue(&job_of(51, 2).priority(Priority::Low));
    assert_eq!(ids(&on.claim(1, 1, at(0))), numbered(&[1]));
    assert_eq!(ids(&on.claim(2, 1, at(0))), numbered(&[51]));
    assert_eq!(on.claim(3, 1, at(0)), []);
}

fn the_order_of_the_claim_holds_within_an_account<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue(&job_of(1, 1).priority(Priority::Low));
    on.enqueue(&job_of(2, 1).run_at(at(3)));
    on.enqueue(&job_of(3, 1).run_at(at(2)));
    on.enqueue(&job_of(4, 1).priority(Priority::Urgent).run_at(at(5)));
    on.enqueue(&job_of(5, 1).run_at(at(2)));
    for (token, number) in (1..).zip([4, 3, 5, 2, 1]) {
        assert_eq!(ids(&on.claim(token, 9, at(9))), numbered(&[number]));
        assert!(on.complete(claim_ref(number, token), at(9)).is_done());
    }
}

fn a_better_job_takes_the_place_of_one_that_was_enqueued_before<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1)]);
    on.enqueue(&job_of(4, 1).priority(Priority::Urgent));
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[4]));
    on.enqueue(&job_of(5, 1).priority(Priority::High));
    assert!(on.complete(claim_ref(4, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(2, 9, at(1))), numbered(&[5]));
    assert!(on.complete(claim_ref(5, 2), at(1)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[1]));
}

fn a_job_that_is_due_later_takes_no_place<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue(&job_of(1, 1).priority(Priority::Urgent).run_at(at(5)));
    on.enqueue_all(&[job_of(2, 1), job_of(3, 1)]);
    assert_eq!(ids(&on.claim(1, 9, at(1))), numbered(&[2]));
    assert!(on.complete(claim_ref(2, 1), at(2)).is_done());
    assert_eq!(ids(&on.claim(2, 9, at(2))), numbered(&[3]));
    assert_eq!(on.claim(3, 9, at(5)), [], "the place of the urgent job is taken when it is due");
    assert!(on.complete(claim_ref(3, 2), at(6)).is_done());
    assert_eq!(ids(&on.claim(4, 9, at(6))), numbered(&[1]));
}

fn every_way_to_leave_a_place_admits_the_next_job<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    let first = claim_ref(1, 1);
    let leave: [(&str, &dyn Fn()); 8] = [
        ("completed", &|| assert!(on.complete(first, at(1)).is_done())),
        ("failed for good", &|| assert!(on.fail(first, Retry::Never, at(1)).is_done())),
        ("retried later", &|| assert!(on.fail(first, Retry::At(at(99)), at(1)).is_done())),
        ("parked", &|| assert!(on.fail(first, Retry::Parked(ParkedFor::Person), at(1)).is_done())),
        ("released", &|| assert!(on.release(first, at(99)).is_done())),
        ("throttled", &|| assert!(on.write(|s| s.jobs().throttle(&first, at(99), at(1))).is_done())),
        ("declined", &|| assert!(on.write(|s| s.jobs().decline(&first, "too new", at(99), at(1))).is_done())),
        ("killed", &|| act(&on, |jobs| jobs.kill(&first.id, "it hangs", at(1)))),
    ];
    for (way, leave) in leave {
        on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1)]);
        assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1]), "{way}");
        assert_eq!(on.claim(2, 9, at(0)), [], "{way}");
        leave();
        assert_eq!(ids(&on.claim(3, 9, at(2))), numbered(&[2]), "after the first was {way}");
        assert!(on.complete(claim_ref(2, 3), at(2)).is_done(), "{way}");
        assert_eq!(ids(&on.claim(4, 9, at(2))), numbered(&[3]), "after the first was {way}");
        assert!(on.complete(claim_ref(3, 4), at(2)).is_done(), "{way}");
        for number in 1..=3 {
            act(&on, |jobs| jobs.delete(&claim_ref(number, 1).id));
        }
    }
}

fn a_cancelled_job_that_waited_takes_no_place_when_it_is_retried<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1), job_of(4, 1)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1]));
    for number in [2, 3] {
        act(&on, |jobs| jobs.cancel(&claim_ref(number, 1).id, "not wanted", at(1)));
    }
    act(&on, |jobs| jobs.retry(&claim_ref(3, 1).id, at(2)));
    assert!(on.complete(claim_ref(1, 1), at(3)).is_done());
    assert_eq!(ids(&on.claim(2, 9, at(3))), numbered(&[4]));
    assert!(on.complete(claim_ref(4, 2), at(3)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(3))), numbered(&[3]));
}

fn a_killed_job_leaves_its_place<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::All, 1);
    on.enqueue_all(&[job(1), job(2)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1]));
    act(&on, |jobs| jobs.kill(&claim_ref(1, 1).id, "it hangs", at(1)));
    assert_eq!(ids(&on.claim(2, 9, at(1))), numbered(&[2]));
}

fn the_jobs_of_a_deleted_file_leave_their_places<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    let file = on.file_in(1, FileStatus::Processing);
    on.enqueue_all(&[job_of(1, 1).file_id(file), job_of(2, 1), job_of(3, 2).file_id(file), job_of(4, 2)]);
    assert_eq!(ids(&on.claim(1, 1, at(0))), numbered(&[1]));
    on.write(|s| s.files().delete(&file_id(1), Deletion::Forced));
    assert_eq!(ids(&on.claim(2, 9, at(0))), numbered(&[2, 4]));
}

fn a_reclaimed_job_leaves_its_place<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1]));
    let dead = at(0) + LEASE;
    assert_eq!(on.claim(2, 9, dead), [], "a lease that has expired holds its place until it is reclaimed");
    assert_eq!(on.reclaim(dead, 9).len(), 1);
    assert_eq!(ids(&on.claim(3, 9, dead)), numbered(&[2]));
}

fn jobs_enqueued_before_the_limit_are_passed_over_too<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=40 {
        on.enqueue(&job_of(number, number % 2));
    }
    set(&on, Partition::Account, 2);
    assert_eq!(ids(&on.claim(1, 3, at(0))), numbered(&[1, 2, 3]));
    assert_eq!(ids(&on.claim(2, 9, at(0))), numbered(&[4]));
    assert_eq!(on.claim(3, 9, at(0)), []);
    assert!(on.complete(claim_ref(2, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(4, 9, at(1))), numbered(&[6]));
}

/// Claims until a claim has neither taken nor set aside a job.
fn claim_all<S: Store>(on: &On<'_, S>, request: &ClaimRequest) -> Vec<Job> {
    let mut jobs = Vec::new();
    loop {
        let claimed = on.write(|s| s.jobs().claim(request));
        if claimed.jobs.is_empty() && claimed.set_aside == 0 {
            return jobs;
        }
        jobs.extend(claimed.jobs);
    }
}

fn many_jobs_of_a_full_account_hide_no_job_of_another<S: Store>(store: &S) {
    let on = On(store);
    let many: Vec<NewJob> = (1..=3000).map(|number| job_of(number, 1).priority(Priority::Urgent)).collect();
    on.enqueue_all(&many);
    on.enqueue(&job_of(3001, 2));
    set(&on, Partition::Account, 1);
    assert_eq!(ids(&claim_all(&on, &claim_request(1, 9, at(0)))), numbered(&[1, 3001]));
    for (number, token) in (2..=4).zip(2..) {
        assert!(on.complete(claim_ref(number - 1, token - 1), at(1)).is_done());
        assert_eq!(ids(&on.claim(token, 9, at(1))), numbered(&[number]));
    }
}

fn no_job_is_due_next_while_all_of_them_wait<S: Store>(store: &S) {
    let on = On(store);
    let next = || on.read(|s| s.jobs().next_due(&[work()]));
    for partition in [Partition::All, Partition::Account] {
        set(&on, partition, 1);
        on.enqueue_all(&[job_of(1, 1), job_of(2, 1)]);
        assert_eq!(next(), Some(at(0)));
        assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1]));
        assert_eq!(on.claim(2, 9, at(0)), []);
        assert_eq!(next(), None, "{partition}");
        assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
        assert_eq!(next(), Some(at(0)), "{partition}");
        on.write(|s| s.concurrency_limits().remove(&work(), partition));
        for number in [1, 2] {
            act(&on, |jobs| jobs.delete(&claim_ref(number, 1).id));
        }
    }
}

fn the_limits_hold_for_jobs_enqueued_together<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 3);
    on.enqueue(&job_of(900, 1).priority(Priority::Low));
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[900]));
    let low = |number| job_of(number, 1).priority(Priority::Low);
    let jobs: Vec<NewJob> = (1..=200).map(low).chain((201..=203).map(|number| job_of(number, 1))).collect();
    on.enqueue_all(&jobs);
    assert_eq!(ids(&on.claim(2, 9, at(0))), numbered(&[201, 202]));
    assert!(on.complete(claim_ref(900, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[203]));
    assert!(on.complete(claim_ref(201, 2), at(1)).is_done());
    assert_eq!(ids(&on.claim(4, 9, at(1))), numbered(&[1]));
}

fn many_completions_admit_as_many_jobs<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 3);
    let kinds: [JobKind; 1] = [work()];
    let jobs: Vec<NewJob> = (1..=9).map(|number| job_of(number, 1)).collect();
    on.enqueue_all(&jobs);
    for token in 1..=3 {
        let claimed = on.claim(token, 9, at(0));
        let first = token * 3 - 2;
        assert_eq!(ids(&claimed), numbered(&[first, first + 1, first + 2]));
        let claims: Vec<_> = (first..first + 3).map(|number| (claim_ref(number, token), None)).collect();
        let done = on.write(|s| s.jobs().complete_many(&claims, at(1)));
        assert!(done.iter().all(|answer| answer.is_done()), "{done:?}");
    }
    assert_eq!(on.read(|s| s.jobs().next_due(&kinds)), None);
}
