//! Workers of several threads and processes without kills: each job runs exactly once, and no write is refused as busy.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use fieldfen_domain::job::{JobKind, WorkerName};
use fieldfen_domain::store::Store as _;
use fieldfen_services::Environment;
use fieldfen_services::queue::{Completion, Queue};
use fieldfen_testkit::wait::{DeadlineBarrier, scope_within};
use fieldfen_tests::commands::WORK_KIND;
use fieldfen_tests::event::Event;

use crate::audit::{assert_each_once, completed, enqueued, ids};
use crate::database::Database;
use crate::parameters::size;
use crate::process::{PATIENCE, Process, finish_all};

#[test]
fn processes_do_each_job_once() {
    let jobs = size("FIELDFEN_JOBS", 1000);
    let database = Database::new();
    database.enqueue(WORK_KIND, jobs);
    let commands = [
        "--normal claim-loop",
        "--normal claim-loop --batch 7",
        "claim-loop --threads 3",
        "claim-loop --threads 2 --batch 3",
    ];
    let events = finish_all(commands.map(|command| Process::start(database.path(), command)).into());
    let figures = assert_each_once(&database, &events);
    // Each job had a follow-up, and no process was killed: every completion was reported.
    assert_eq!(figures.completed as u64, 2 * jobs);
    assert_eq!(figures.acknowledged, figures.completed);
    assert_eq!((figures.lost, figures.failed, figures.retries), (0, 0, 0));
}

#[test]
fn threads_do_each_job_once_beside_readers() {
    const THREADS: usize = 8;
    let jobs = size("FIELDFEN_JOBS", 1000);
    let database = Database::new();
    let all = database.enqueue("test.simple", jobs);
    let queue = Queue::new(database.store(), Environment::system());
    let kinds: BTreeSet<JobKind> = [JobKind::custom("test.simple").unwrap()].into();
    let lease = Duration::from_secs(3600);
    let together = DeadlineBarrier::new(THREADS + 1);
    let done: Vec<_> = scope_within(PATIENCE, "no job is left", |scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (queue, kinds, together) = (&queue, &kinds, &together);
                scope.spawn(move || {
                    let name = WorkerName::new(format!("thread {number}"));
                    let mut done = Vec::new();
                    together.wait("all threads have started");
                    loop {
                        let claims = queue.claim(kinds, 1 + (number as u32 % 3), lease, &name).unwrap();
                        if claims.jobs.is_empty() {
                            return done;
                        }
                        for claimed in claims.jobs {
                            assert!(queue.complete(&claimed, &mut Completion::new()).unwrap().is_done());
                            done.push(claimed.job.id);
                        }
                    }
                })
            })
            .collect();
        together.wait("all threads have started");
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            let seen: u64 = queue.count().unwrap().iter().map(|count| count.jobs).sum();
            assert_eq!(seen, jobs, "a reader sees every job, whatever state it is in");
        }
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(done.len(), all.len(), "no job was done twice");
    assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), all.into_iter().collect(), "no job was left out");
    database.assert_sound();
}

#[test]
fn processes_that_ask_for_the_same_jobs_make_each_once() {
    const KEYS: usize = 200;
    let database = Database::new();
    let mut processes: Vec<Process> =
        (0..4).map(|_| Process::start(database.path(), "--normal interpret").wait_until_ready()).collect();
    for process in &mut processes {
        process.run("open");
    }
    for process in &mut processes {
        process.send(&format!("ask-for {KEYS}"));
    }
    let events: Vec<Event> = processes.into_iter().flat_map(Process::close).collect();
    let made: BTreeSet<_> = ids(&events, enqueued).into_iter().collect();
    let met = ids(&events, |event| if let Event::AlreadyEnqueued(id) = event { Some(*id) } else { None });
    assert_eq!((made.len(), met.len()), (KEYS, 3 * KEYS));
    assert!(met.iter().all(|id| made.contains(id)), "each duplicate was events its job");
    assert_eq!(database.number("SELECT count(*) FROM jobs") as usize, KEYS);
}

#[test]
fn a_worker_that_was_overtaken_changes_nothing() {
    let database = Database::new();
    let [job] = database.enqueue(WORK_KIND, 1)[..] else { unreachable!() };
    let mut late = Process::start(database.path(), "interpret").wait_until_ready();
    late.run("open");
    // The lease has expired before another process looks.
    assert_eq!(late.run("claim 0"), [Event::Claimed(job)]);
    let queue = Queue::new(database.store(), Environment::system());
    let reclaimed = queue.reclaim(10).unwrap();
    assert_eq!((reclaimed.len(), reclaimed[0].worker.clone()), (1, Some(late.id().to_string())));
    let row = "SELECT quote(status) || quote(attempts) || quote(last_error) || quote(run_at) || quote(lease_token) \
               || quote(completed_at) || quote(result_json) FROM jobs";
    let before = database.texts(row);
    assert_eq!(late.run("complete"), [Event::LeaseLost(job)]);
    assert_eq!(database.texts(row), before);
    // The job waits after a lost lease, but the test does not.
    database.foreign().execute_batch("UPDATE jobs SET run_at = '2026-01-01 00:00:00'").unwrap();
    let mut next = Process::start(database.path(), "interpret").wait_until_ready();
    next.run("open");
    assert_eq!(next.run("claim 60000"), [Event::Claimed(job)]);
    assert_eq!(late.run("complete"), [Event::LeaseLost(job)]);
    assert_eq!(next.run("complete"), [Event::Completed(job)]);
    let events = [late.close(), next.close()].concat();
    assert_eq!(ids(&events, completed), [job]);
}

#[test]
fn a_completion_after_the_lease_counts_while_nobody_has_taken_the_job_back() {
    let database = Database::new();
    let [job] = database.enqueue(WORK_KIND, 1)[..] else { unreachable!() };
    let mut late = Process::start(database.path(), "interpret").wait_until_ready();
    late.run("open");
    assert_eq!(late.run("claim 0"), [Event::Claimed(job)]);
    assert_eq!(late.run("complete"), [Event::Completed(job)]);
    late.close();
    let counts = database.store().read(|s| s.jobs().count()).unwrap();
    assert_eq!(counts[0].status.as_str(), "completed");
}
