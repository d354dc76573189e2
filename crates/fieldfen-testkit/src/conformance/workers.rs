//! The registry of workers.

use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::worker::RegisteredWorker;

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, at, job_id, registered_worker};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["workers":
        a_worker_is_kept_as_it_registered,
        each_sign_of_life_is_the_last_one,
        workers_are_listed_by_their_last_sign_of_life,
        a_worker_that_is_unregistered_is_gone,
        silent_workers_are_forgotten,
        a_registration_stands_or_falls_with_its_transaction,
    ]
}

fn register<S: Store>(on: &On<'_, S>, worker: &RegisteredWorker) {
    on.write(|s| s.workers().register(worker));
}

fn seen<S: Store>(on: &On<'_, S>, since: i64) -> Vec<RegisteredWorker> {
    on.read(|s| s.workers().seen_since(at(since))).into_iter().map(Result::unwrap).collect()
}

fn a_worker_is_kept_as_it_registered<S: Store>(store: &S) {
    let on = On(store);
    let mut worker = registered_worker(1, &["CreateListing", "acme.resize"], at(5));
    worker.stuck_jobs = [3, 1].map(job_id).to_vec();
    let mut registered = worker.clone();
    registered.last_seen_at = with_nanoseconds(at(5));
    register(&on, &registered);
    assert_eq!(seen(&on, 0), std::slice::from_ref(&worker));
    assert_eq!(on.write(|s| s.workers().seen_since(at(0))), [Ok(worker)], "in a session that writes, too");
}

fn each_sign_of_life_is_the_last_one<S: Store>(store: &S) {
    let on = On(store);
    for second in [1, 9, 5] {
        register(&on, &registered_worker(1, &["test.work"], at(second)));
        assert_eq!(seen(&on, 0), [registered_worker(1, &["test.work"], at(second))]);
    }
}

fn workers_are_listed_by_their_last_sign_of_life<S: Store>(store: &S) {
    let on = On(store);
    for (number, second) in [(1, 3), (2, 1), (3, 2)] {
        register(&on, &registered_worker(number, &[], at(second)));
    }
    let workers = [(2, 1), (3, 2), (1, 3)].map(|(number, second)| registered_worker(number, &[], at(second)));
    assert_eq!(seen(&on, 0), workers);
    assert_eq!(seen(&on, 2), workers[1..]);
    assert_eq!(on.read(|s| s.workers().seen_since(at(3) + TICK)), []);
}

fn a_worker_that_is_unregistered_is_gone<S: Store>(store: &S) {
    let on = On(store);
    let (one, other) = (registered_worker(1, &[], at(1)), registered_worker(2, &[], at(1)));
    register(&on, &one);
    register(&on, &other);
    assert!(on.write(|s| s.workers().unregister(&one.id)));
    assert!(!on.write(|s| s.workers().unregister(&one.id)));
    assert_eq!(seen(&on, 0), [other]);
}

fn silent_workers_are_forgotten<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=3 {
        register(&on, &registered_worker(number, &[], at(number.cast_signed())));
    }
    assert_eq!(on.write(|s| s.workers().forget_silent(at(1))), 0);
    assert_eq!(on.write(|s| s.workers().forget_silent(at(3))), 2);
    assert_eq!(seen(&on, 0), [registered_worker(3, &[], at(3))]);
}

fn a_registration_stands_or_falls_with_its_transaction<S: Store>(store: &S) {
    let on = On(store);
    let worker = registered_worker(1, &[], at(1));
    on.refuse(|s| {
        s.workers().register(&worker)?;
        Err::<(), _>(StoreError::Nested)
    });
    assert_eq!(seen(&on, 0), []);
}
