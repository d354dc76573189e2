//! Concurrency limits that a worker sets when it starts.

use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{ConcurrencyLimit, Partition, Payload};
use fieldfen_domain::operator::{OperatorActionFilter, Subject};
use fieldfen_domain::store::Store;
use fieldfen_services::concurrency_limits::ConcurrencyLimits;
use fieldfen_services::worker::{StartError, Task};

use crate::{Bench, Note};

on_every_store!(
    a_worker_sets_its_limits_and_changes_none_that_is_set,
    limits_that_contradict_each_other_start_no_worker
);

fn limit(partition: Partition, most: u32) -> ConcurrencyLimit {
    ConcurrencyLimit::new(Note::kind(), partition, most).unwrap()
}

fn limits<S: Store>(bench: &Bench<S>) -> Vec<ConcurrencyLimit> {
    ConcurrencyLimits::new(bench.queue.store().clone(), bench.queue.environment().clone()).list().unwrap()
}

fn a_worker_sets_its_limits_and_changes_none_that_is_set(store: impl Store) {
    let bench = Bench::new(store);
    for most in [2, 2, 3] {
        bench.note("work");
        let set = [limit(Partition::All, most), limit(Partition::File, 1)];
        bench.drain(bench.worker().concurrency_limits(set.clone()).handle(|_: Task<Note>| ()));
        assert_eq!(limits(&bench), set);
    }
    let filter = OperatorActionFilter::of(Subject::Kind(Note::kind()));
    let actions = bench.queue.store().read(|s| s.operator_actions().page(&filter, &PageRequest::first(9))).unwrap();
    assert_eq!(actions.items.len(), 3, "two limits, and one change");
}

fn limits_that_contradict_each_other_start_no_worker(store: impl Store) {
    let bench = Bench::new(store);
    let set = [limit(Partition::File, 1), limit(Partition::Account, 1)];
    let started = bench.worker().concurrency_limits(set).handle(|_: Task<Note>| ()).start();
    assert!(matches!(started, Err(StartError::Store(_))));
    assert_eq!(limits(&bench), []);
}
