//! Workers of several processes that are stopped without a grace period, and jobs that are killed and retried.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{JobActionOutcome, JobFilter, JobStatus};
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::exit_status;
use fieldfen_tests::commands::{FailsOnce, UncancellableJob};
use fieldfen_tests::event::Event;
use fieldfen_tests::rng::Rng;

use crate::audit::ids;
use crate::database::Database;
use crate::parameters::{seed, size};
use crate::process::{PROGRAM, Process, arguments, finish_all};

#[test]
fn no_two_handlers_of_one_job_run_at_once_whoever_stops_and_whatever_is_killed() {
    let (seed, stops) = (seed(), size("FIELDFEN_WORKER_STOPS", 22));
    let (database, rng) = (Database::new(), Rng::new(seed));
    let locks = database.folder().join("locks");
    fs::create_dir(&locks).unwrap();
    let queue = Queue::new(database.store(), Environment::system());
    let jobs: Vec<_> = (0..stops * 40)
        .map(|number| {
            // A few handlers take longer than a stopping worker waits for them.
            let millis = if number % 200 == 199 { 1500 } else { rng.below(8) };
            queue.job(&UncancellableJob { millis }).unwrap()
        })
        .collect();
    queue.enqueue_many(&jobs).unwrap();
    let command = format!("restart-worker --lease-ms 10000 --stops {stops} --locks {}", locks.display());
    let mut processes: Vec<Process> =
        (0..3).map(|number| Process::start(database.path(), &format!("{command} --seed {}", seed + number))).collect();
    let killed = kill_and_retry(&queue, &mut processes, &rng);
    let events = finish_all(processes);
    let broken: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::RuleBroken(_))).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let mut runs: BTreeMap<JobId, u32> = BTreeMap::new();
    for id in ids(&events, |event| if let Event::HandlerEnded(id) = event { Some(*id) } else { None }) {
        *runs.entry(id).or_default() += 1;
    }
    for job in &jobs {
        let runs = runs.get(&job.id).copied().unwrap_or_default();
        assert!(runs == 1 || (runs > 1 && killed.contains(&job.id)), "{} ran {runs} times", job.id);
    }
    let counts = queue.count().unwrap();
    assert_eq!((counts.len(), counts[0].status, counts[0].jobs), (1, JobStatus::Completed, jobs.len() as u64));
    database.assert_sound();
    println!("{} jobs, 3 processes, {stops} stops each, {} kills", jobs.len(), killed.len());
}

/// Kills running jobs and retries them from time to time, until most are done. Returns the killed jobs.
fn kill_and_retry(
    queue: &Queue<fieldfen_persistence::SqliteStore>,
    processes: &mut [Process],
    rng: &Rng,
) -> BTreeSet<JobId> {
    let (mut kills, mut killed) = (0, BTreeSet::new());
    let running = JobFilter::new().status(JobStatus::Running);
    // The loop counts kills, not killed jobs: otherwise the last jobs would be killed and retried for ever.
    while kills < 20 && !processes.iter_mut().any(Process::has_ended) {
        thread::sleep(Duration::from_micros(rng.below(20_000)));
        let page = queue.list(&running, &PageRequest::first(9)).unwrap();
        let Some(job) = page.items.first() else { continue };
        if queue.kill(&job.id, &by_ann("an operator")).unwrap() == JobActionOutcome::Done {
            assert_eq!(queue.retry(&job.id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
            kills += 1;
            killed.insert(job.id);
        }
    }
    assert!(!killed.is_empty(), "no job was killed");
    killed
}

#[test]
fn jobs_run_in_a_process_whose_stdout_and_stderr_nobody_reads() {
    for threads in [1, 3] {
        let database = Database::new();
        let queue = Queue::new(database.store(), Environment::system());
        let jobs: Vec<_> = (0..8).map(|_| queue.job(&FailsOnce {}).unwrap()).collect();
        queue.enqueue_many(&jobs).unwrap();
        let mut child = Command::new(PROGRAM)
            .args(arguments(database.path(), &format!("closed-stdout --threads {threads}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        let status = exit_status(&mut child);
        let counts = queue.count().unwrap();
        assert!(status.success(), "{status} with {threads} threads: {counts:?}");
        assert_eq!((counts.len(), counts[0].status, counts[0].jobs), (1, JobStatus::Completed, 8));
    }
}
