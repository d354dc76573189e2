//! Jobs that abort the process of their worker, beside jobs that do not.

use std::os::unix::process::ExitStatusExt;

use fieldfen_domain::JobId;
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_tests::commands::AbortingJob;

use crate::database::Database;
use crate::parameters::size;
use crate::process::Process;

/// The number of SIGABRT.
const ABORT: i32 = 6;

/// The largest number of processes that the jobs may abort, even with bad luck.
const CRASHES: u64 = 200;

#[test]
fn a_job_that_aborts_its_process_takes_none_of_its_neighbours_along() {
    work_off(&[1, 0, 0, 0, 0, 0, 0, 0], size("FIELDFEN_CRASHES", 2));
}

#[test]
fn a_job_that_aborts_its_process_now_and_then_takes_none_of_its_neighbours_along() {
    work_off(&[3, 0, 0, 0, 0, 0, 0, 0], size("FIELDFEN_CRASHES", 2));
}

#[test]
fn several_jobs_that_abort_their_process_take_none_of_their_neighbours_along() {
    work_off(&[1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0], size("FIELDFEN_CRASHES", 1));
}

/// Runs such jobs in `rounds` rounds. Each job aborts its process at every n-th attempt, or never for 0.
fn work_off(aborts: &[u32], rounds: u64) {
    for round in 0..rounds {
        let database = Database::new();
        let jobs = enqueue(&database, aborts);
        let mut crashes = 0;
        loop {
            let (status, _) = Process::start(database.path(), "--normal aborting-jobs --lease-ms 300").finish();
            if status.success() {
                break;
            }
            assert_eq!(status.signal(), Some(ABORT), "{status}");
            crashes += 1;
            assert!(crashes < CRASHES, "{:?}", database.texts("SELECT status || ' ' || attempts FROM jobs"));
        }
        for (id, &aborts) in jobs.iter().zip(aborts) {
            let status = database.texts(&format!("SELECT status FROM jobs WHERE id = '{id}'"));
            assert_eq!(status, [if aborts == 0 { "completed" } else { "failed" }], "aborts: {aborts}");
        }
        assert!(crashes > 0, "no job has aborted its process");
        println!("round {round}: {crashes} crashes");
    }
}

fn enqueue(database: &Database, aborts: &[u32]) -> Vec<JobId> {
    let queue = Queue::new(database.store(), Environment::system());
    let job = |&every| queue.job(&AbortingJob { aborts_at_every: (every > 0).then_some(every) }).unwrap();
    let jobs: Vec<_> = aborts.iter().map(job).collect();
    queue.enqueue_many(&jobs).unwrap();
    jobs.iter().map(|job| job.id).collect()
}
