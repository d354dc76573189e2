//! Tests of where the worker's threads meet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::job::{JobKind, WorkerName};
use fieldfen_testkit::{ModelStore, fixtures};

use super::floor::{Capacity, Floor};
use super::state::Stop;
use super::task::Control;
use crate::Environment;
use crate::queue::Queue;

fn kind(name: &str) -> JobKind {
    JobKind::custom(name).unwrap()
}

fn claimed(floor: &Arc<Floor>) -> Arc<Control> {
    let queue = Queue::new(ModelStore::new(), Environment::system());
    let job = fixtures::job(1);
    queue.enqueue(&job).unwrap();
    let kinds = BTreeSet::from([job.kind]);
    let claims = queue.claim(&kinds, 1, Duration::from_secs(1), &WorkerName::new("test")).unwrap();
    Arc::new(Control::new(claims.jobs.into_iter().next().unwrap(), Arc::clone(floor)))
}

#[test]
fn a_limit_on_an_idle_kind_leaves_the_threads_to_the_others() {
    let kinds = [(kind("build"), None), (kind("clean"), Some(1))];
    let capacity = Floor::new().capacity(kinds.into_iter(), 16);
    let limits = BTreeMap::from([(kind("clean"), 1)]);
    assert_eq!(capacity, Capacity { kinds: vec![kind("build"), kind("clean")], limits, most: 16 });
}

#[test]
fn what_was_handed_out_before_the_stop_and_not_begun_is_taken_back() {
    for stop in [Stop::Gracefully, Stop::Now] {
        let floor = Arc::new(Floor::new());
        floor.hand_out(vec![claimed(&floor)]);
        floor.stop(stop);
        assert_eq!(floor.capacity([(kind("clean"), None)].into_iter(), 16).most, 0);
        floor.close();
        assert!(floor.next().is_none());
        assert_eq!(floor.take_back().len(), 1);
    }
}

#[test]
fn a_worker_that_stops_when_idle_begins_what_it_has_claimed() {
    let floor = Arc::new(Floor::new());
    floor.hand_out(vec![claimed(&floor)]);
    floor.stop(Stop::WhenIdle);
    assert!(floor.next().is_some());
}
