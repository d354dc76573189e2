//! Jobs that a worker releases before it has tried them.

use std::time::Duration;

use fieldfen_domain::job::{JobStatus, Payload, WorkerName};
use fieldfen_testkit::ModelStore;
use serde::{Deserialize, Serialize};

use super::{ClaimedJob, Queue};
use crate::environment::{Environment, ManualClock, SeededRandomness};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Serialize, Deserialize)]
struct Count;

impl Payload for Count {
    const KIND: &'static str = "test.count";
}

#[test]
fn jobs_that_are_given_back_count_as_declined_since_they_were_first_declined() {
    let clock = ManualClock::new("2026-11-23T14:05:09Z".parse().unwrap());
    let environment = Environment::new(clock.clone(), SeededRandomness::new(1));
    let queue = Queue::new(ModelStore::new(), environment);
    queue.enqueue_many(&[queue.job(&Count).unwrap(), queue.job(&Count).unwrap()]).unwrap();
    let claim = || queue.claim(&[Count::kind()].into(), 2, HOUR, &WorkerName::new("test")).unwrap().jobs;
    let find = |claimed: &ClaimedJob| queue.find(&claimed.job.id).unwrap().unwrap();
    let began = queue.environment().now();
    // One of them has been declined, the other one has not.
    let first = claim();
    assert!(queue.decline(&first[0], "a later version can", HOUR).unwrap().is_done());
    assert!(queue.snooze(&first[1], began).unwrap().is_done());
    clock.advance(HOUR / 2);
    let second = claim();
    assert_eq!(second.len(), 2);
    assert!(queue.release_all(second.iter(), None).unwrap().iter().all(|answer| answer.is_done()));
    for claimed in &second {
        let job = find(claimed);
        assert_eq!((job.state.status(), job.attempts, job.run_at), (JobStatus::Pending, 0, claimed.job.run_at));
        assert_eq!((&job.declined_since, &job.last_error), (&claimed.job.declined_since, &claimed.job.last_error));
    }
    assert_eq!(find(&first[0]).declined_since, Some(began));
    clock.advance(HOUR / 2);
    let third = claim();
    let declined = third.iter().find(|claimed| claimed.job.id == first[0].job.id).unwrap();
    assert!(queue.decline(declined, "a later version can", HOUR).unwrap().is_done());
    assert_eq!(find(declined).state.status(), JobStatus::Failed);
}
