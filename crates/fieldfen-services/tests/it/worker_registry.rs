//! The registry of workers.

use std::time::Duration;

use super::panics::end_of;
use super::worker_stop::meeting;
use fieldfen_domain::job::{GenerateMetadata, Payload};
use fieldfen_domain::store::Store;
use fieldfen_services::worker::{Task, Worker};
use fieldfen_services::workers::Workers;
use fieldfen_testkit::fixtures::{at, registered_worker};
use fieldfen_testkit::wait::{received, wait_until};

use crate::{Bench, Note, SetUp as _};

on_every_store!(
    a_worker_is_registered_while_it_runs,
    a_dead_worker_ages_out,
    the_row_of_a_worker_names_its_stuck_jobs_while_they_are_stuck,
);

fn a_worker_is_registered_while_it_runs(store: impl Store) {
    let bench = Bench::new(store);
    let workers = Workers::new(bench.queue.store().clone(), bench.queue.environment().clone());
    assert_eq!(workers.alive(&Note::kind()).unwrap(), []);
    let worker = Worker::builder(bench.queue.store().clone(), bench.queue.environment().clone())
        .name("painter")
        .version("painter 1.2.3")
        .threads(3)
        .handle(|_: Task<Note>| ())
        .start()
        .unwrap();
    let alive = wait_for(|| workers.alive(&Note::kind()).unwrap().pop());
    assert_eq!((alive.name.as_str(), alive.version.as_str(), alive.threads), ("painter", "painter 1.2.3", 3));
    assert_eq!((alive.process, alive.started_at), (std::process::id(), bench.now()));
    assert!(!alive.host.is_empty());
    assert_eq!(workers.alive(&GenerateMetadata::kind()).unwrap(), []);
    worker.stop_handle().stop();
    end_of(worker).unwrap();
    assert_eq!(workers.all_alive().unwrap(), []);
}

fn the_row_of_a_worker_names_its_stuck_jobs_while_they_are_stuck(store: impl Store) {
    let bench = Bench::new(store);
    let workers = Workers::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let id = bench.note("hangs");
    let (meet, has_begun, let_go) = meeting();
    let worker = bench.worker().timeout::<Note>(Duration::from_millis(100)).stuck_after(Duration::ZERO);
    let running = worker.handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    let stuck = || workers.all_alive().unwrap().pop().map(|worker| worker.stuck_jobs);
    wait_until("the row names the job", || stuck() == Some(vec![id]));
    let_go.send(()).unwrap();
    wait_until("the row names no job", || stuck() == Some(vec![]));
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn a_dead_worker_ages_out(store: impl Store) {
    let bench = Bench::new(store);
    let workers = Workers::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let dead = registered_worker(1, &["test.note"], bench.now());
    bench.queue.store().set_up(|s| s.workers().register(&dead)).unwrap();
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(workers.alive(&Note::kind()).unwrap(), std::slice::from_ref(&dead));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(workers.alive(&Note::kind()).unwrap(), []);
    let kept = bench.queue.store().read(|s| s.workers().seen_since(at(0))).unwrap();
    assert_eq!(kept, [Ok(dead)], "a person can still see when it was last alive");
}

fn wait_for<T>(mut find: impl FnMut() -> Option<T>) -> T {
    for _ in 0..6000 {
        if let Some(found) = find() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("nothing came within a minute");
}
