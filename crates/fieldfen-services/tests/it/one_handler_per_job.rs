//! No two handlers of one job run at once, even if a worker stops or an operator kills the job.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::job::{JobActionOutcome, JobStatus};
use fieldfen_domain::store::Store;
use fieldfen_services::environment::{Randomness as _, SeededRandomness};
use fieldfen_services::worker::Task;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::wait_until;

use super::panics::end_of;
use super::{Bench, Note};

on_every_store!(
    handlers_that_are_stopped_without_grace_run_once_and_never_beside_each_other,
    the_retry_of_a_killed_job_waits_for_its_handler,
);

/// The observed runs of the handlers.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<HashMap<JobId, Runs>>>);

#[derive(Default)]
struct Runs {
    now: u32,
    most: u32,
    ended: u32,
}

impl Seen {
    /// Observes one run of a handler.
    fn run(&self, id: JobId, handler: impl FnOnce()) {
        {
            let mut seen = self.0.lock().unwrap();
            let runs = seen.entry(id).or_default();
            runs.now += 1;
            runs.most = runs.most.max(runs.now);
        }
        handler();
        let mut seen = self.0.lock().unwrap();
        let runs = seen.entry(id).or_default();
        runs.now -= 1;
        runs.ended += 1;
    }

    fn count(&self, of: impl Fn(&Runs) -> bool) -> usize {
        self.0.lock().unwrap().values().filter(|runs| of(runs)).count()
    }
}

fn handlers_that_are_stopped_without_grace_run_once_and_never_beside_each_other(store: impl Store) {
    const JOBS: u32 = 600;
    let bench = Bench::new(store);
    let jobs: Vec<_> = (0..JOBS).map(|number| bench.queue.job(&Note::new(number.to_string())).unwrap()).collect();
    bench.queue.enqueue_many(&jobs).unwrap();
    let seen = Seen::default();
    let start = || {
        let seen = seen.clone();
        let handler = move |task: Task<Note>| {
            let number: u64 = task.text.parse().unwrap();
            // A few handlers take longer than a stopping worker waits.
            let millis = if number % 150 == 149 { 1500 } else { number % 4 };
            seen.run(task.id(), || thread::sleep(Duration::from_millis(millis)));
        };
        bench.worker().threads(4).handle(handler).start().unwrap()
    };
    let random = SeededRandomness::new(1);
    for _ in 0..64 {
        let running = start();
        thread::sleep(Duration::from_millis(u64::try_from(random.bits() >> 125).unwrap()));
        running.stop_handle().stop_now();
        end_of(running).unwrap();
    }
    let running = start();
    running.stop_handle().stop_when_idle();
    end_of(running).unwrap();
    wait_until("all jobs are completed", || jobs.iter().all(|job| bench.status(&job.id) == JobStatus::Completed));
    assert_eq!(seen.count(|runs| runs.most > 1), 0, "jobs whose handlers ran beside each other");
    assert_eq!(seen.count(|runs| runs.ended > 1), 0, "jobs whose handlers ran to their end twice");
    assert_eq!(seen.count(|runs| runs.ended == 1), JOBS as usize);
}

fn the_retry_of_a_killed_job_waits_for_its_handler(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let seen = Seen::default();
    let (watching, go) = (seen.clone(), Arc::new(Mutex::new(false)));
    let may_end = Arc::clone(&go);
    // The handler does not check whether its job was killed.
    let handler = move |task: Task<Note>| {
        watching.run(task.id(), || wait_until("the test lets the handler end", || *may_end.lock().unwrap()))
    };
    let running = bench.worker().threads(2).handle(handler).start().unwrap();
    wait_until("one handler runs", || seen.count(|runs| runs.now == 1) == 1);
    assert_eq!(bench.queue.kill(&id, &by_ann("hangs")).unwrap(), JobActionOutcome::Done);
    assert_eq!(bench.queue.retry(&id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
    // While the handler runs, its heartbeats delay the job: by two leases here.
    let due = bench.job(&id).run_at;
    assert!(due > bench.now());
    while bench.now() < due + Duration::from_secs(60) {
        bench.clock.advance(Duration::from_secs(5));
        wait_until("a heartbeat has put the job off", || bench.job(&id).run_at > bench.now() + Duration::from_secs(50));
    }
    assert_eq!(seen.count(|runs| runs.ended > 0), 0);
    *go.lock().unwrap() = true;
    // If the clock leapt beyond the lease while the handler ran, the job would run a second time beside itself.
    wait_until("the handler has ended", || seen.count(|runs| runs.ended > 0) == 1);
    // A heartbeat in progress may have delayed the job once more.
    wait_until("the retried job is completed", || {
        bench.clock.advance(Duration::from_secs(1));
        bench.status(&id) == JobStatus::Completed
    });
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert_eq!((seen.count(|runs| runs.most > 1), seen.count(|runs| runs.ended == 2)), (0, 1));
}
