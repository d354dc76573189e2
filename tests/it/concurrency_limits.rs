//! Concurrency limits that change while threads and processes claim: never do more jobs run than a limit allows, and
//! every job is done in the end.

use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{ConcurrencyLimit, JobKind, NewJob};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_services::Environment;
use fieldfen_testkit::fixtures::{account, file_in};
use fieldfen_tests::commands::LIMITED_KINDS;
use fieldfen_tests::event::Event;
use fieldfen_tests::rng::Rng;

use crate::database::Database;
use crate::parameters::{seed, size};
use crate::process::{Process, finish_all};

const PROCESSES: usize = 4;

/// The number of SIGKILL.
const KILL: i32 = 9;

#[test]
fn threads_keep_to_limits_that_change() {
    let jobs = size("FIELDFEN_LIMITED_JOBS", 600);
    let database = with_limited_jobs(jobs);
    let command = format!("--normal limited-jobs --threads 8 --lease-ms 500 --seed {}", seed());
    let events = finish_all(vec![Process::start(database.path(), &command)]);
    assert_limits_held_and_all_done(&database, &events, jobs);
}

#[test]
fn processes_that_are_killed_keep_to_limits_that_change() {
    let (jobs, kills) = (size("FIELDFEN_LIMITED_JOBS", 600), size("FIELDFEN_LIMIT_KILLS", 20));
    let (database, rng) = (with_limited_jobs(jobs), Rng::new(seed()));
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| start_limited(&database, &rng)).collect();
    let (mut events, mut killed) = (Vec::new(), 0);
    while killed < kills {
        thread::sleep(Duration::from_millis(rng.below(150)));
        let (was_killed, seen) = kill_one(&database, &mut processes, jobs, &rng);
        killed += u64::from(was_killed);
        events.extend(seen);
    }
    events.extend(finish_all(processes));
    println!("{killed} kills");
    assert_limits_held_and_all_done(&database, &events, jobs);
}

/// Starts a process that claims jobs of the limited kinds.
pub(crate) fn start_limited(database: &Database, rng: &Rng) -> Process {
    let seed = rng.below(u64::from(u32::MAX));
    Process::start(database.path(), &format!("--normal limited-jobs --threads 3 --lease-ms 300 --seed {seed}"))
}

/// Kills one of the processes and starts another in its place. Returns whether it was killed before its end, and its
/// events. A process that has ended found no job left; this number of jobs of each kind keeps the next ones busy.
pub(crate) fn kill_one(database: &Database, processes: &mut [Process], jobs: u64, rng: &Rng) -> (bool, Vec<Event>) {
    let victim = usize::try_from(rng.below(processes.len() as u64)).unwrap();
    let victim = std::mem::replace(&mut processes[victim], start_limited(database, rng));
    victim.send_kill();
    let (status, events) = victim.finish();
    let was_killed = status.signal() == Some(KILL);
    if !was_killed {
        assert!(status.success(), "{status}");
        enqueue(database, jobs);
    }
    (was_killed, events)
}

/// A database with limits and this number of jobs of each limited kind.
pub(crate) fn with_limited_jobs(jobs: u64) -> Database {
    let database = Database::new();
    let limits = LIMITED_KINDS
        .map(|(kind, partition)| ConcurrencyLimit::new(JobKind::custom(kind).unwrap(), partition, 2).unwrap());
    let store = database.store();
    store.write(|s| limits.iter().try_for_each(|limit| s.concurrency_limits().set(limit))).unwrap();
    enqueue(&database, jobs);
    database
}

/// Enqueues this number of jobs of each kind, each about one of four files and accounts. Half of the jobs belong to the
/// first one.
fn enqueue(database: &Database, jobs: u64) {
    let (store, environment) = (database.store(), Environment::system());
    for (kind, _) in LIMITED_KINDS {
        let kind = JobKind::custom(kind).unwrap();
        let write = store.write(|s| {
            let mut new = Vec::new();
            for number in 0..jobs {
                let of = if number % 2 == 0 { 1 } else { 1 + number % 4 };
                let file = file_in(s, of, FileStatus::Processing)?;
                let job = NewJob::untyped(environment.job_id(), kind.clone(), None, environment.now());
                let job = job.map_err(|error| StoreError::Database(error.into()))?;
                new.push(job.file_id(file).account(account(of)).max_retries(1_000_000));
            }
            s.jobs().enqueue_many(&new)
        });
        write.unwrap();
    }
}

fn assert_limits_held_and_all_done(database: &Database, events: &[Event], jobs: u64) {
    let wrong: Vec<&Event> =
        events.iter().filter(|event| matches!(event, Event::StoreFailed(_) | Event::RuleBroken(_))).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE status <> 'completed'"), 0);
    let completed = database.number("SELECT count(*) FROM jobs WHERE status = 'completed'");
    println!("{completed} jobs completed");
    assert!(completed >= i64::try_from(3 * jobs).unwrap());
    database.assert_sound();
}
