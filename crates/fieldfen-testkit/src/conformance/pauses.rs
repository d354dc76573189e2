//! Pauses of kinds, services and accounts.

use chrono::TimeDelta;
use fieldfen_domain::CLOCK_TOLERANCE;
use fieldfen_domain::job::{ApiAccount, ConcurrencyLimit, JobKind, NewJob, Partition, Pause, PauseScope};
use fieldfen_domain::store::Store;

use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{account, at, claim_ref, claim_request, job, kind, work};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["pauses":
        pauses_are_listed_while_they_hold,
        the_longer_one_of_two_pauses_stays,
        a_paused_kind_is_left_alone_until_it_is_resumed,
        a_pause_ends_by_itself,
        a_paused_service_stops_all_its_accounts_and_no_others,
        a_paused_account_does_not_hold_back_the_jobs_behind_it,
        jobs_of_a_paused_account_keep_their_order,
        a_job_of_a_paused_account_leaves_its_place_to_others,
        a_pause_that_is_renewed_holds_on,
        a_worker_is_told_when_the_first_pause_ends,
        many_jobs_of_a_paused_account_come_back,
        a_pause_that_a_clock_ahead_has_written_begins_anew,
    ]
}

fn of_kind(kind: JobKind) -> Pause {
    Pause::new(PauseScope::Kind(kind), "the lens is being cleaned", at(1), "ann")
}

fn of_account(account: ApiAccount) -> Pause {
    Pause::new(PauseScope::Account(account), "429 Too Many Requests", at(1), "rate limiter")
}

fn service() -> ApiAccount {
    account(1).service().parse().unwrap()
}

fn pause<S: Store>(on: &On<'_, S>, pause: &Pause) {
    assert!(on.write(|s| s.pauses().pause(pause)), "{pause:?}");
}

fn job_of(number: u64, of: u64) -> NewJob {
    job(number).account(account(of))
}

fn pauses_are_listed_while_they_hold<S: Store>(store: &S) {
    let on = On(store);
    let [first, second] = [of_kind(work()).until(at(5)), of_account(account(1))];
    for each in [&first, &second] {
        pause(&on, each);
    }
    let list = |second| on.read(|s| s.pauses().list(at(second)));
    let find = |scope: &PauseScope, second| on.read(|s| s.pauses().find(scope, at(second)));
    assert_eq!(list(4), [second.clone(), first.clone()]);
    assert_eq!(list(5), std::slice::from_ref(&second));
    assert_eq!((find(&first.scope, 4), find(&first.scope, 5)), (Some(first.clone()), None));
    let lift = |scope: &PauseScope, second| on.write(|s| s.pauses().lift(scope, at(second)));
    assert!(lift(&second.scope, 6) && !lift(&second.scope, 6) && !lift(&first.scope, 6));
    assert_eq!(list(6), []);
}

fn the_longer_one_of_two_pauses_stays<S: Store>(store: &S) {
    let on = On(store);
    let write = |pause: &Pause| on.write(|s| s.pauses().pause(pause));
    assert!(write(&of_account(service()).until(at(9))));
    assert!(!write(&of_account(service()).until(at(8))));
    assert!(write(&of_account(service()).until(at(10))));
    assert!(write(&of_account(service())));
    assert!(!write(&of_account(service()).until(at(99))));
    assert_eq!(on.read(|s| s.pauses().list(at(2))), [of_account(service())]);
    on.write(|s| s.pauses().lift(&of_account(service()).scope, at(2)));
    let later = with!(of_account(service()), since: at(3)).until(at(4));
    assert!(write(&later));
    assert_eq!(on.read(|s| s.pauses().list(at(3))), [later]);
}

fn a_paused_kind_is_left_alone_until_it_is_resumed<S: Store>(store: &S) {
    let on = On(store);
    let other = kind("b.kind");
    on.enqueue_all(&[job(1), job(2).kind(other.clone()), job(3)]);
    assert_eq!(ids(&on.claim(1, 1, at(0))), numbered(&[1]));
    pause(&on, &of_kind(work()));
    let both = |token| claim_request(token, 9, at(2)).kinds([work(), other.clone()].into());
    assert_eq!(ids(&on.claim_by(&both(2))), numbered(&[2]));
    assert_eq!(on.claim(3, 9, at(2)), []);
    assert!(on.complete(claim_ref(1, 1), at(2)).is_done(), "a job that runs goes on");
    assert!(on.write(|s| s.pauses().lift(&of_kind(work()).scope, at(2))));
    assert_eq!(ids(&on.claim_by(&both(4))), numbered(&[3]));
}

fn a_pause_ends_by_itself<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job(1), job_of(2, 1)]);
    pause(&on, &of_kind(work()).until(at(5)));
    pause(&on, &of_account(account(1)).until(at(7)));
    assert_eq!(on.claim(1, 9, at(4)), []);
    assert_eq!(ids(&on.claim(2, 9, at(5))), numbered(&[1]));
    assert_eq!(on.claim(3, 9, at(6)), []);
    assert_eq!(ids(&on.claim(4, 9, at(7))), numbered(&[2]));
    on.reclaim(at(8), 9);
    assert_eq!(on.read(|s| s.pauses().list(at(0))), [], "a reclaim forgets what is over");
}

fn a_paused_service_stops_all_its_accounts_and_no_others<S: Store>(store: &S) {
    let on = On(store);
    let other: ApiAccount = "etsy2/1".parse().unwrap();
    on.enqueue_all(&[job_of(1, 1), job(2).account(service()), job(3).account(other), job(4), job_of(5, 2)]);
    pause(&on, &of_account(service()));
    assert_eq!(ids(&on.claim(1, 9, at(2))), numbered(&[3, 4]));
    pause(&on, &of_account(account(1)));
    on.write(|s| s.pauses().lift(&of_account(service()).scope, at(3)));
    assert_eq!(ids(&on.claim(2, 9, at(3))), numbered(&[2, 5]));
    on.write(|s| s.pauses().lift(&of_account(account(1)).scope, at(3)));
    assert_eq!(ids(&on.claim(3, 9, at(3))), numbered(&[1]));
}

fn a_paused_account_does_not_hold_back_the_jobs_behind_it<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=30 {
        on.enqueue(&job_of(number, 1));
    }
    pause(&on, &of_account(account(1)));
    for number in 31..=60 {
        on.enqueue(&job_of(number, 1));
    }
    on.enqueue(&job_of(61, 2));
    assert_eq!(ids(&on.claim(1, 1, at(2))), numbered(&[61]));
    assert_eq!(on.claim(2, 9, at(2)), []);
}

fn jobs_of_a_paused_account_keep_their_order<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job(3)]);
    pause(&on, &of_account(account(1)));
    assert_eq!(ids(&on.claim(1, 9, at(2))), numbered(&[3]));
    on.enqueue(&job_of(4, 1).run_at(at(-5)));
    assert_eq!(on.claim(2, 9, at(2)), []);
    on.write(|s| s.pauses().lift(&of_account(account(1)).scope, at(2)));
    assert_eq!(ids(&on.claim(3, 9, at(2))), numbered(&[4, 1, 2]));
}

fn a_job_of_a_paused_account_leaves_its_place_to_others<S: Store>(store: &S) {
    let on = On(store);
    let file = on.file_in(1, fieldfen_domain::file::FileStatus::Processing);
    let limit = ConcurrencyLimit::new(work(), Partition::File, 1).unwrap();
    on.write(|s| s.concurrency_limits().set(&limit));
    on.enqueue_all(&[job_of(1, 1).file_id(file), job_of(2, 2).file_id(file), job_of(3, 1).file_id(file)]);
    pause(&on, &of_account(account(1)));
    assert_eq!(ids(&on.claim(1, 9, at(2))), numbered(&[2]));
    assert!(on.complete(claim_ref(2, 1), at(2)).is_done());
    assert_eq!(on.claim(2, 9, at(2)), []);
    on.write(|s| s.pauses().lift(&of_account(account(1)).scope, at(3)));
    assert_eq!(ids(&on.claim(3, 9, at(3))), numbered(&[1]));
    assert!(on.complete(claim_ref(1, 3), at(3)).is_done());
    assert_eq!(ids(&on.claim(4, 9, at(3))), numbered(&[3]));
}

fn a_pause_that_is_renewed_holds_on<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job_of(1, 1));
    pause(&on, &of_account(account(1)).until(at(3)));
    assert_eq!(on.claim(1, 9, at(2)), []);
    pause(&on, &with!(of_account(account(1)), since: at(3)).until(at(9)));
    assert_eq!(on.claim(2, 9, at(4)), []);
    on.reclaim(at(5), 9);
    assert_eq!(on.claim(3, 9, at(8)), []);
    assert_eq!(ids(&on.claim(4, 9, at(9))), numbered(&[1]));
}

fn a_worker_is_told_when_the_first_pause_ends<S: Store>(store: &S) {
    let on = On(store);
    let other = kind("b.kind");
    let next = || on.read(|s| s.jobs().next_due(&[work(), other.clone()]));
    on.enqueue_all(&[job(1).run_at(at(2)), job_of(2, 1).kind(other.clone())]);
    pause(&on, &of_kind(work()).until(at(8)));
    pause(&on, &of_account(account(1)).until(at(6)));
    let both = |token, second| claim_request(token, 9, at(second)).kinds([work(), other.clone()].into());
    assert_eq!(on.claim_by(&both(1, 2)), []);
    assert_eq!(next(), Some(at(6)));
    assert_eq!(ids(&on.claim_by(&both(2, 6))), numbered(&[2]));
    assert_eq!(next(), Some(at(8)));
    pause(&on, &of_kind(work()));
    assert_eq!(next(), None);
    assert_eq!(on.claim_by(&both(3, 9)), []);
}

fn many_jobs_of_a_paused_account_come_back<S: Store>(store: &S) {
    let on = On(store);
    let jobs: Vec<NewJob> = (1..=2500).map(|number| job_of(number, 1)).collect();
    on.enqueue_all(&jobs);
    pause(&on, &of_account(account(1)));
    for token in 1..=4 {
        assert_eq!(on.claim(token, 9, at(2)), []);
    }
    on.write(|s| s.pauses().lift(&of_account(account(1)).scope, at(3)));
    let mut found = 0;
    for token in 5..10 {
        found += on.claim(token, 600, at(3)).len();
    }
    assert_eq!(found, 2500);
}

fn a_pause_that_a_clock_ahead_has_written_begins_anew<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job_of(1, 1));
    let ahead = at(5) + CLOCK_TOLERANCE + TimeDelta::hours(1);
    let until = ahead + TimeDelta::seconds(10);
    pause(&on, &with!(of_account(account(1)), since: ahead).until(until));
    assert_eq!(on.claim(1, 9, at(5)), []);
    on.reclaim(at(5), 9);
    assert_eq!(on.claim(2, 9, at(14)), []);
    assert_eq!(ids(&on.claim(3, 9, at(15))), numbered(&[1]));
}
