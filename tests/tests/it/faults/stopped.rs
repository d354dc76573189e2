//! Processes that are stopped (SIGSTOP) while others want to write: a debugger, a laptop that is shut, a full swap.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fieldfen_domain::JobId;
use fieldfen_tests::dice::Dice;
use fieldfen_tests::fact::Fact;

use crate::audit::{enqueued, ids};
use crate::database::Database;
use crate::process::Process;
use crate::size::{seed, size};

/// What a write may take beyond the timeout, on a slow machine too.
const SLACK: Duration = Duration::from_secs(60);

/// How long a lock of another process is waited for.
const TIMEOUT: Duration = Duration::from_secs(2);
const OBEY: &str = "--busy-timeout-ms 2000 obey";

/// The answer to one write, which must come in time.
fn write(worker: &mut Process) -> Fact {
    let began = Instant::now();
    let told = worker.ask("enqueue 1 10");
    let elapsed = began.elapsed();
    assert!(elapsed < TIMEOUT + SLACK, "{told:?} after {elapsed:?}, with a timeout of {TIMEOUT:?}");
    let [fact] = &told[..] else { panic!("{told:?}") };
    fact.clone()
}

#[test]
fn a_stopped_process_that_has_the_turn_at_writing_does_not_keep_others_from_it() {
    let database = Database::new();
    let mut writers: Vec<Process> = (0..2)
        .map(|_| {
            let mut writer = Process::start(database.path(), OBEY).until_ready();
            writer.ask("open");
            writer
        })
        .collect();
    let mut stopped = Process::start(database.path(), "obey").until_ready();
    assert_eq!(stopped.ask("take-turn"), []);
    stopped.pause();
    for _ in 0..2 {
        for writer in &mut writers {
            assert!(matches!(write(writer), Fact::Enqueued(_)), "only the turn is taken, nothing is locked");
        }
    }
    stopped.go_on();
    assert_eq!(stopped.ask("end-turn"), []);
    for writer in &mut writers {
        assert!(matches!(write(writer), Fact::Enqueued(_)));
    }
    stopped.dismiss();
    let told: Vec<Fact> = writers.into_iter().flat_map(Process::dismiss).collect();
    assert_eq!(database.number("SELECT count(*) FROM jobs") as usize, ids(&told, enqueued).len());
    database.assert_sound();
}

#[test]
fn a_process_that_is_stopped_amid_its_writes_makes_others_busy_at_the_most_and_goes_on_where_it_was() {
    let (seed, stops) = (seed(), size("FIELDFEN_STOPS", 20));
    let (database, dice) = (Database::new(), Dice::new(seed));
    let mut stopped = Process::start(database.path(), "obey --threads 3").until_ready();
    stopped.ask("open");
    let mut other = Process::start(database.path(), OBEY).until_ready();
    other.ask("open");
    let (mut busy, mut served) = (0, 0);
    for _ in 0..stops {
        stopped.order("enqueue 150 10");
        for _ in 0..1 + dice.throw(100) {
            assert!(matches!(stopped.hear(), Some(Fact::Enqueued(_))));
        }
        stopped.pause();
        match write(&mut other) {
            Fact::Enqueued(_) => served += 1,
            Fact::Refused(refusal) if refusal.kind == "busy" && refusal.waited_ms >= 2000 => busy += 1,
            fact => panic!("{fact:?}"),
        }
        stopped.go_on();
        while stopped.hear() != Some(Fact::Done) {}
        assert!(matches!(write(&mut other), Fact::Enqueued(_)), "nobody is in its way any more");
    }
    println!("of {stops} writes beside a stopped process {served} were made and {busy} found the database busy");
    let told = [stopped.dismiss(), other.dismiss()].concat();
    let acknowledged: BTreeSet<JobId> = ids(&told, enqueued).into_iter().collect();
    let held: BTreeSet<JobId> = database.texts("SELECT id FROM jobs").iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(acknowledged.len() as u64, 151 * stops + served, "nothing else was refused");
    assert_eq!(held, acknowledged, "what was refused has left nothing, what was acknowledged is there");
    database.assert_sound();
}
