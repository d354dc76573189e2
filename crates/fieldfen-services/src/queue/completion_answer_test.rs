//! Completions whose result is the value of a write. The write runs once for each job, and only under the claim that
//! ends the job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fieldfen_domain::job::{FencedResult, JobState, Payload, WorkerName};
use fieldfen_domain::store::StoreError;
use fieldfen_testkit::ModelStore;
use serde::{Deserialize, Serialize};

use super::{ClaimedJob, Completion, Queue};
use crate::environment::{Environment, ManualClock, SeededRandomness};

const LEASE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Count;

impl Payload for Count {
    const KIND: &'static str = "test.count";
}

struct Bench {
    queue: Queue<ModelStore>,
    clock: ManualClock,
    runs: Arc<AtomicU32>,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new("2026-11-23T14:05:09Z".parse().unwrap());
        let environment = Environment::new(clock.clone(), SeededRandomness::new(1));
        let queue = Queue::new(ModelStore::new(), environment);
        queue.enqueue(&queue.job(&Count).unwrap()).unwrap();
        Self { queue, clock, runs: Arc::default() }
    }

    fn claim(&self) -> ClaimedJob {
        let claims = self.queue.claim(&[Count::kind()].into(), 1, LEASE, &WorkerName::new("test")).unwrap();
        claims.jobs.into_iter().next().unwrap()
    }

    /// A completion whose result is the number of runs of all such completions.
    fn counting(&self) -> Completion {
        let runs = Arc::clone(&self.runs);
        Completion::new().answering(move |_| Ok(runs.fetch_add(1, Ordering::Relaxed) + 1))
    }

    fn result(&self, claimed: &ClaimedJob) -> Option<String> {
        self.queue.find(&claimed.job.id).unwrap().unwrap().result.map(|json| json.as_str().to_owned())
    }
}

#[test]
fn the_answer_is_the_result_and_is_not_written_again_when_the_completion_is_repeated() {
    let bench = Bench::new();
    let claimed = bench.claim();
    assert_eq!(bench.queue.complete(&claimed, &mut bench.counting()).unwrap(), FencedResult::Done(()));
    let repeated = bench.queue.complete(&claimed, &mut bench.counting()).unwrap();
    assert!(matches!(repeated, FencedResult::AlreadyDone { .. }), "{repeated:?}");
    assert_eq!((bench.result(&claimed).as_deref(), bench.runs.load(Ordering::Relaxed)), (Some("1"), 1));
}

#[test]
fn a_claim_that_was_lost_does_not_run_its_answer() {
    let bench = Bench::new();
    let lost = bench.claim();
    bench.clock.advance(LEASE * 2);
    assert_eq!(bench.queue.reclaim(10).unwrap().len(), 1);
    assert_eq!(bench.queue.complete(&lost, &mut bench.counting()).unwrap(), FencedResult::LeaseLost);
    bench.clock.advance(LEASE);
    let next = bench.claim();
    assert_eq!(bench.queue.complete(&lost, &mut bench.counting()).unwrap(), FencedResult::LeaseLost);
    assert_eq!(bench.runs.load(Ordering::Relaxed), 0);
    assert_eq!(bench.queue.complete(&next, &mut bench.counting()).unwrap(), FencedResult::Done(()));
    assert_eq!((bench.result(&next).as_deref(), bench.runs.load(Ordering::Relaxed)), (Some("1"), 1));
}

#[test]
fn an_answer_that_fails_leaves_the_job_running() {
    let bench = Bench::new();
    let claimed = bench.claim();
    let broken = |_: &mut crate::Transaction<'_>| Err::<u32, _>(StoreError::Nested);
    assert!(bench.queue.complete(&claimed, &mut Completion::new().answering(broken)).is_err());
    let job = bench.queue.find(&claimed.job.id).unwrap().unwrap();
    assert!(matches!(job.state, JobState::Running { .. }) && job.result.is_none(), "{job:?}");
}
