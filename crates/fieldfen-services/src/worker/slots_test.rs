//! Tests of what may be claimed and what begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::job::{JobKind, WorkerName};
use fieldfen_testkit::{ModelStore, fixtures};

use super::events::Events;
use super::heartbeat_signal::HeartbeatSignal;
use super::running_job::RunningJob;
use super::slots::{Capacity, Slots};
use super::stop::{StopLevel, StopSignal};
use crate::Environment;
use crate::queue::Queue;

fn kind(name: &str) -> JobKind {
    JobKind::custom(name).unwrap()
}

struct Fixture {
    slots: Slots,
    stop: Arc<StopSignal>,
    heartbeat: Arc<HeartbeatSignal>,
    _events: Events,
}

impl Fixture {
    fn new() -> Self {
        let events = Events::new();
        let stop = Arc::new(StopSignal::new(events.sender()));
        let heartbeat = Arc::new(HeartbeatSignal::default());
        let slots = Slots::new(Arc::clone(&stop), Arc::clone(&heartbeat), events.sender());
        Self { slots, stop, heartbeat, _events: events }
    }

    /// Claims a job and hands it to the pool.
    fn dispatch(&self) {
        let queue = Queue::new(ModelStore::new(), Environment::system());
        let job = fixtures::job(1);
        queue.enqueue(&job).unwrap();
        let kinds = BTreeSet::from([job.kind]);
        let claims = queue.claim(&kinds, 1, Duration::from_secs(1), &WorkerName::new("test")).unwrap();
        let claimed = claims.jobs.into_iter().next().unwrap();
        let running = RunningJob::new(claimed, Arc::clone(&self.stop), Arc::clone(&self.heartbeat));
        self.slots.dispatch(vec![Arc::new(running)]);
    }
}

#[test]
fn a_limit_on_an_idle_kind_leaves_the_threads_to_the_others() {
    let (build, clean) = (kind("build"), kind("clean"));
    let capacity = Fixture::new().slots.capacity([(&build, None), (&clean, Some(1))].into_iter(), 16);
    let limits = BTreeMap::from([(clean.clone(), 1)]);
    assert_eq!(capacity, Capacity { kinds: vec![build, clean], limits, jobs: 16 });
}

#[test]
fn what_was_dispatched_before_the_stop_and_has_not_begun_is_given_back() {
    for level in [StopLevel::Graceful, StopLevel::Now] {
        let fixture = Fixture::new();
        fixture.dispatch();
        fixture.stop.request(level);
        assert_eq!(fixture.slots.capacity([(&kind("clean"), None)].into_iter(), 16), Capacity::default());
        fixture.stop.close();
        assert!(fixture.slots.next().is_none());
        assert_eq!(fixture.slots.take_not_begun().len(), 1);
    }
}

#[test]
fn a_worker_that_stops_when_idle_begins_what_it_has_claimed() {
    let fixture = Fixture::new();
    fixture.dispatch();
    fixture.stop.request(StopLevel::WhenIdle);
    assert!(fixture.slots.next().is_some());
}
