//! SIGKILL of random processes while they enqueue, claim, complete, fail, release and reclaim jobs.

use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_tests::event::Event;
use fieldfen_tests::rng::Rng;

use crate::audit::{Figures, assert_each_once};
use crate::database::Database;
use crate::parameters::{seed, size};
use crate::process::Process;

/// The number of SIGKILL.
const KILL: i32 = 9;

/// The largest number of runs in which the rare moments of the test must occur.
const RUNS: u64 = 20;

/// The processes of a run that have ended, with their events.
struct ProcessPool<'d> {
    database: &'d Database,
    command: &'static str,
    rng: Rng,
    events: Vec<Event>,
    /// The number of processes that a job has killed.
    poisoned: u64,
}

#[test]
fn no_job_is_lost_or_done_twice_when_random_processes_with_a_claim_loop_are_killed() {
    kill_until_all_was_seen("claim-loop --churn --threads 2 --batch 3 --lease-ms 300", size("FIELDFEN_KILLS", 200));
}

#[test]
fn no_job_is_lost_or_done_twice_when_random_processes_with_a_worker_are_killed() {
    kill_until_all_was_seen("run-worker --churn --threads 3 --lease-ms 300", size("FIELDFEN_WORKER_KILLS", 100));
}

/// Repeats runs until one process was killed while it held a job, and one between a commit and its acknowledgement.
fn kill_until_all_was_seen(command: &'static str, kills: u64) {
    let seed = seed();
    let (mut holding, mut unacknowledged) = (false, false);
    for run in 0..RUNS {
        let figures = kill_at_random(command, kills, seed + run);
        holding |= figures.retries > 0;
        unacknowledged |= figures.completed > figures.acknowledged;
        if holding && unacknowledged {
            return;
        }
    }
    panic!("killed while holding a job: {holding}, between a commit and its acknowledgement: {unacknowledged}");
}

/// Kills one of three processes repeatedly, lets the last ones finish, and compares their events with the database.
fn kill_at_random(command: &'static str, kills: u64, seed: u64) -> Figures {
    let began = Instant::now();
    let database = Database::new();
    let rng = Rng::new(seed);
    let mut pool = ProcessPool { database: &database, command, rng, events: Vec::new(), poisoned: 0 };
    let mut workers: Vec<Process> = (0..3).map(|_| pool.worker()).collect();
    let mut killed = 0;
    while killed < kills {
        let chosen = usize::try_from(pool.rng.below(3)).unwrap();
        // The moment is random: some processes are killed while they open the store, most of them during their work.
        for _ in 0..pool.rng.below(60) {
            if workers[chosen].next_event().is_none() {
                break;
            }
        }
        // Sometimes leases have time to expire while their holders live.
        let longest = if pool.rng.one_in(12) { 700_000 } else { 4000 };
        thread::sleep(Duration::from_micros(pool.rng.below(longest)));
        // Sometimes a process is stopped with its locks until its leases have expired, and then continues.
        if pool.rng.one_in(20) {
            let sleeper = &workers[usize::try_from(pool.rng.below(3)).unwrap()];
            sleeper.pause();
            thread::sleep(Duration::from_millis(500));
            sleeper.resume();
        }
        // Sometimes all processes are killed, so that the next one must recover the log.
        let victims = if pool.rng.one_in(12) { 0..3 } else { chosen..chosen + 1 };
        let mut victims: Vec<Process> = workers.drain(victims).collect();
        let poisoned: u64 = victims.iter_mut().map(|worker| u64::from(worker.has_ended())).sum();
        pool.poisoned += poisoned;
        killed += victims.len() as u64 - poisoned;
        victims.iter().for_each(Process::send_kill);
        pool.events.extend(victims.into_iter().flat_map(Process::kill));
        while workers.len() < 3 {
            workers.push(pool.worker());
        }
        for worker in &mut workers {
            if worker.has_ended() {
                let ended = std::mem::replace(worker, pool.worker());
                pool.wait_for_end(ended);
            }
        }
    }
    workers.iter_mut().for_each(|worker| worker.send("drain"));
    for worker in workers {
        let mut worker = worker;
        while !pool.wait_for_end(worker) {
            worker = pool.worker();
            worker.send("drain");
        }
    }
    let figures = assert_each_once(&database, &pool.events);
    println!(
        "seed {seed}: {killed} kills, {} workers killed by jobs, {figures:?}, {:.0?}",
        pool.poisoned,
        began.elapsed()
    );
    figures
}

impl ProcessPool<'_> {
    fn worker(&mut self) -> Process {
        let seed = self.rng.below(u64::from(u32::MAX));
        let command = format!("{} --seed {seed}", self.command);
        Process::start(self.database.path(), &command)
    }

    /// Waits for the end of a process. Returns `true` if it has ended by itself, and `false` if a job has killed it.
    fn wait_for_end(&mut self, worker: Process) -> bool {
        let (status, events) = worker.finish();
        self.events.extend(events);
        let killed = status.signal() == Some(KILL);
        assert!(status.success() || killed, "{status}");
        self.poisoned += u64::from(killed);
        !killed
    }
}
