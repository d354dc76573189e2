//! SIGKILL of random workers while they enqueue, claim, complete, fail, release and reclaim.

use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_tests::dice::Dice;
use fieldfen_tests::fact::Fact;

use crate::audit::{Figures, assert_each_once};
use crate::database::Database;
use crate::process::Process;
use crate::size::{seed, size};

/// The number of SIGKILL.
const KILL: i32 = 9;

/// In so many runs at the most, moments that only chance decides must have come.
const RUNS: u64 = 20;

/// Who has ended, and what they all told.
struct Crew<'d> {
    database: &'d Database,
    duty: &'static str,
    dice: Dice,
    told: Vec<Fact>,
    started: u64,
    /// Workers that a job has killed.
    poisoned: u64,
}

#[test]
fn no_job_is_lost_or_done_twice_when_random_workers_are_killed() {
    kill_until_all_was_seen("work --churn --threads 2 --batch 3 --lease-ms 300", size("FIELDFEN_KILLS", 200));
}

#[test]
fn no_job_is_lost_or_done_twice_when_random_processes_of_the_worker_of_the_services_are_killed() {
    kill_until_all_was_seen("serve --churn --threads 3 --lease-ms 300", size("FIELDFEN_WORKER_KILLS", 100));
}

/// Runs until somebody was killed while it held a job, and somebody between a commit and its acknowledgement.
fn kill_until_all_was_seen(duty: &'static str, kills: u64) {
    let seed = seed();
    let (mut holding, mut unacknowledged) = (false, false);
    for run in 0..RUNS {
        let figures = kill_at_random(duty, kills, seed + run);
        holding |= figures.retries > 0;
        unacknowledged |= figures.completed > figures.acknowledged;
        if holding && unacknowledged {
            return;
        }
    }
    panic!("killed while holding a job: {holding}, between a commit and its acknowledgement: {unacknowledged}");
}

/// Kills one of three processes of this duty again and again, lets the last ones finish, and compares what they told
/// with what the database holds.
fn kill_at_random(duty: &'static str, kills: u64, seed: u64) -> Figures {
    let began = Instant::now();
    let database = Database::new();
    let dice = Dice::new(seed);
    let mut crew = Crew { database: &database, duty, dice, told: Vec::new(), started: 0, poisoned: 0 };
    let mut workers: Vec<Process> = (0..3).map(|_| crew.worker()).collect();
    let mut killed = 0;
    while killed < kills {
        let chosen = usize::try_from(crew.dice.throw(3)).unwrap();
        // The moment is random: some are killed while they open the store, most amid their work.
        for _ in 0..crew.dice.throw(60) {
            if workers[chosen].hear().is_none() {
                break;
            }
        }
        // Now and then there is time for leases to run out while their holders live.
        let longest = if crew.dice.once_in(12) { 700_000 } else { 4000 };
        thread::sleep(Duration::from_micros(crew.dice.throw(longest)));
        // Now and then somebody sleeps through its leases, with whatever lock it holds, and wakes up.
        if crew.dice.once_in(20) {
            let sleeper = &workers[usize::try_from(crew.dice.throw(3)).unwrap()];
            sleeper.pause();
            thread::sleep(Duration::from_millis(500));
            sleeper.go_on();
        }
        // Now and then nobody survives who knows the state of the log.
        let victims = if crew.dice.once_in(12) { 0..3 } else { chosen..chosen + 1 };
        let mut victims: Vec<Process> = workers.drain(victims).collect();
        let poisoned: u64 = victims.iter_mut().map(|worker| u64::from(worker.has_ended())).sum();
        crew.poisoned += poisoned;
        killed += victims.len() as u64 - poisoned;
        victims.iter().for_each(Process::send_kill);
        crew.told.extend(victims.into_iter().flat_map(Process::kill));
        while workers.len() < 3 {
            workers.push(crew.worker());
        }
        for worker in &mut workers {
            if worker.has_ended() {
                let ended = std::mem::replace(worker, crew.worker());
                crew.bury(ended);
            }
        }
    }
    workers.iter_mut().for_each(|worker| worker.order("drain"));
    for worker in workers {
        let mut worker = worker;
        while !crew.bury(worker) {
            worker = crew.worker();
            worker.order("drain");
        }
    }
    let figures = assert_each_once(&database, &crew.told);
    println!(
        "seed {seed}: {killed} kills, {} workers killed by jobs, {figures:?}, {:.0?}",
        crew.poisoned,
        began.elapsed()
    );
    figures
}

impl Crew<'_> {
    fn worker(&mut self) -> Process {
        self.started += 1;
        let seed = self.dice.throw(u64::from(u32::MAX));
        let duty = format!("{} --seed {seed}", self.duty);
        Process::start(self.database.path(), &duty)
    }

    /// Waits for a worker's end; `true` when it has ended by itself, `false` when a job has killed it.
    fn bury(&mut self, worker: Process) -> bool {
        let (status, told) = worker.finish();
        self.told.extend(told);
        let killed = status.signal() == Some(KILL);
        assert!(status.success() || killed, "{status}");
        self.poisoned += u64::from(killed);
        !killed
    }
}
