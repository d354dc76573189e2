//! The place of a job in the order of the claims, and the numbers of jobs by kind.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fieldfen_domain::JobId;
use fieldfen_domain::job::{ClaimPlace, ConcurrencyLimit, ParkedFor, Partition, Pause, PauseScope, Priority, Retry};
use fieldfen_domain::store::Store;

use super::concurrency_limits::{job_of, set};
use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{account, at, claim_ref, job, job_id, work};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["claim_places":
        only_due_pending_jobs_have_a_place,
        jobs_come_in_the_order_of_the_claim,
        jobs_of_paused_accounts_take_no_place,
        a_limit_is_reached_by_running_jobs_and_by_jobs_before,
        a_limit_of_the_kind_comes_before_that_of_the_partition,
        each_status_is_counted_by_kind,
        a_count_ends_at_its_bound_and_says_so,
        files_are_counted_up_to_a_bound,
    ]
}

fn place<S: Store>(on: &On<'_, S>, number: u64, second: i64) -> Option<ClaimPlace> {
    on.read(|s| s.jobs().claim_place(&job_id(number), at(second)))
}

fn only_due_pending_jobs_have_a_place<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(place(&on, 1, 0), None);
    on.enqueue(&job(1).run_at(at(5)));
    assert_eq!(place(&on, 1, 4), None);
    assert_eq!(place(&on, 1, 5), Some(ClaimPlace::Claimable { before: 0 }));
    assert_eq!(ids(&on.claim(1, 1, at(5))), numbered(&[1]));
    assert_eq!(place(&on, 1, 5), None);
}

fn jobs_come_in_the_order_of_the_claim<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).priority(Priority::Low));
    on.enqueue(&job(2).run_at(at(3)));
    on.enqueue(&job(3).run_at(at(2)));
    on.enqueue(&job(4).priority(Priority::Urgent).run_at(at(5)));
    on.enqueue(&job(5).run_at(at(2)));
    for (before, number) in (0..).zip([4, 3, 5, 2, 1]) {
        assert_eq!(place(&on, number, 9), Some(ClaimPlace::Claimable { before }), "job {number}");
    }
    assert_eq!(place(&on, 1, 4), Some(ClaimPlace::Claimable { before: 3 }), "before the urgent job is due");
}

fn jobs_of_paused_accounts_take_no_place<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 2), job_of(3, 1)]);
    let pause = Pause::new(PauseScope::Account(account(1)), "review", at(0), "ann").until(at(10));
    on.write(|s| s.pauses().pause(&pause));
    assert_eq!(place(&on, 2, 1), Some(ClaimPlace::Claimable { before: 0 }));
    assert_eq!(ids(&on.claim(1, 1, at(1))), numbered(&[2]));
    assert_eq!(place(&on, 3, 10), Some(ClaimPlace::Claimable { before: 1 }), "the pause is over");
}

fn a_limit_is_reached_by_running_jobs_and_by_jobs_before<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 2);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1), job_of(4, 2)]);
    let limited = |running: &[u64]| {
        Some((running.len() as u32, running.iter().map(|number| job_id(*number)).collect::<BTreeSet<JobId>>()))
    };
    let found = |number| match place(&on, number, 1) {
        Some(ClaimPlace::Limited { limit, running, jobs }) => {
            assert_eq!(limit, ConcurrencyLimit::new(work(), Partition::Account, 2).unwrap());
            Some((running, jobs.into_iter().collect()))
        }
        _ => None,
    };
    assert_eq!(place(&on, 2, 1), Some(ClaimPlace::Claimable { before: 1 }));
    assert_eq!(found(3), limited(&[]));
    assert_eq!(place(&on, 4, 1), Some(ClaimPlace::Claimable { before: 2 }));
    assert_eq!(ids(&on.claim(1, 1, at(1))), numbered(&[1]));
    assert_eq!(found(3), limited(&[1]));
    assert_eq!(ids(&on.claim(2, 1, at(1))), numbered(&[2]));
    assert_eq!(found(3), limited(&[1, 2]));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(place(&on, 3, 1), Some(ClaimPlace::Claimable { before: 0 }));
}

fn a_limit_of_the_kind_comes_before_that_of_the_partition<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    set(&on, Partition::All, 2);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 2), job_of(3, 3)]);
    assert_eq!(on.claim(1, 2, at(1)).len(), 2);
    let Some(ClaimPlace::Limited { limit, running, jobs }) = place(&on, 3, 1) else { panic!("not limited") };
    assert_eq!((limit.partition, running, jobs.len()), (Partition::All, 2, 2));
}

fn each_status_is_counted_by_kind<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&(1..=9).map(job).collect::<Vec<_>>());
    on.enqueue(&job(10).run_at(at(1000)));
    assert_eq!(on.claim(1, 6, at(1)).len(), 6);
    assert!(on.complete(claim_ref(1, 1), at(2)).is_done());
    assert!(on.complete(claim_ref(2, 1), at(50)).is_done());
    assert!(on.fail(claim_ref(3, 1), Retry::Never, at(9)).is_done());
    assert!(on.fail(claim_ref(4, 1), Retry::Never, at(8)).is_done());
    assert!(on.fail(claim_ref(5, 1), Retry::Parked(ParkedFor::Person), at(9)).is_done());
    let flow = on.read(|s| s.jobs().flow(at(10), at(60), 100));
    assert_eq!(flow.len(), 1);
    let counts = [flow[0].waiting, flow[0].running, flow[0].parked, flow[0].dead.count, flow[0].completed];
    assert_eq!(counts.map(|count| count.to_string()), ["3", "1", "1", "2", "1"], "{flow:?}");
    assert_eq!(flow[0].kind, work().as_str());
    assert_eq!(flow[0].waiting_since, Some(at(0)));
    assert_eq!((flow[0].dead.since, flow[0].dead.example), (Some(at(8)), Some(job_id(4))));
    let for_person = flow[0].for_person;
    assert_eq!((for_person.count.number, for_person.since, for_person.example), (1, Some(at(9)), Some(job_id(5))));
    assert_eq!(on.read(|s| s.jobs().flow(at(1), at(60) + TimeDelta::hours(1), 100))[0].waiting.to_string(), "4");
    for (since, until, most, completed) in
        [(2, 50, 9, "1"), (3, 51, 9, "1"), (2, 51, 9, "2"), (2, 51, 1, "1+"), (3, 50, 9, "0")]
    {
        let count = on.read(|s| s.jobs().count_completed(at(since), at(until), most));
        assert_eq!(count.to_string(), completed, "from {since} to {until}");
    }
}

fn a_count_ends_at_its_bound_and_says_so<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue_all(&(1..=9).map(|number| job_of(number, number % 2)).collect::<Vec<_>>());
    let waiting = |most| on.read(|s| s.jobs().flow(at(0), at(60), most))[0].waiting.to_string();
    assert_eq!(waiting(100), "9");
    let capped = waiting(5);
    assert!(capped.ends_with('+'), "{capped}");
}

fn files_are_counted_up_to_a_bound<S: Store>(store: &S) {
    use fieldfen_domain::file::FileStatus;
    let on = On(store);
    for number in 1..=4 {
        on.file_in(number, if number == 4 { FileStatus::Failed } else { FileStatus::Processed });
    }
    let count = |most| on.read(|s| s.files().count_up_to(FileStatus::Processed, most)).to_string();
    assert_eq!((count(4), count(3), count(2)), ("3".to_owned(), "3+".to_owned(), "2+".to_owned()));
}
