//! Processes that are stopped (SIGSTOP) while others want to write, as by a debugger, a closed laptop or a full swap.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fieldfen_domain::JobId;
use fieldfen_tests::event::Event;
use fieldfen_tests::rng::Rng;

use crate::audit::{enqueued, ids};
use crate::database::Database;
use crate::parameters::{seed, size};
use crate::process::Process;

/// The time that a write may take beyond its timeout, on a slow machine too.
const SLACK: Duration = Duration::from_secs(60);

/// The longest wait for a lock of another process.
const TIMEOUT: Duration = Duration::from_secs(2);
const INTERPRET: &str = "--busy-timeout-ms 2000 interpret";

/// The answer to one write, which must come in time.
fn write(worker: &mut Process) -> Event {
    let began = Instant::now();
    let events = worker.run("enqueue 1 10");
    let elapsed = began.elapsed();
    assert!(elapsed < TIMEOUT + SLACK, "{events:?} after {elapsed:?}, with a timeout of {TIMEOUT:?}");
    let [event] = &events[..] else { panic!("{events:?}") };
    event.clone()
}

#[test]
fn a_stopped_process_that_holds_the_fairness_lock_does_not_keep_others_from_writing() {
    let database = Database::new();
    let mut writers: Vec<Process> = (0..2)
        .map(|_| {
            let mut writer = Process::start(database.path(), INTERPRET).wait_until_ready();
            writer.run("open");
            writer
        })
        .collect();
    let mut stopped = Process::start(database.path(), "interpret").wait_until_ready();
    assert_eq!(stopped.run("take-fairness-lock"), []);
    stopped.pause();
    for _ in 0..2 {
        for writer in &mut writers {
            assert!(matches!(write(writer), Event::Enqueued(_)), "only the fairness lock is held, not SQLite's lock");
        }
    }
    stopped.resume();
    assert_eq!(stopped.run("release-fairness-lock"), []);
    for writer in &mut writers {
        assert!(matches!(write(writer), Event::Enqueued(_)));
    }
    stopped.close();
    let events: Vec<Event> = writers.into_iter().flat_map(Process::close).collect();
    assert_eq!(database.number("SELECT count(*) FROM jobs") as usize, ids(&events, enqueued).len());
    database.assert_sound();
}

#[test]
fn a_process_that_is_stopped_amid_its_writes_makes_others_busy_at_the_most_and_goes_on_where_it_was() {
    let (seed, stops) = (seed(), size("FIELDFEN_STOPS", 20));
    let (database, rng) = (Database::new(), Rng::new(seed));
    let mut stopped = Process::start(database.path(), "interpret --threads 3").wait_until_ready();
    stopped.run("open");
    let mut other = Process::start(database.path(), INTERPRET).wait_until_ready();
    other.run("open");
    let (mut busy, mut served) = (0, 0);
    for _ in 0..stops {
        stopped.send("enqueue 150 10");
        for _ in 0..1 + rng.below(100) {
            assert!(matches!(stopped.next_event(), Some(Event::Enqueued(_))));
        }
        stopped.pause();
        match write(&mut other) {
            Event::Enqueued(_) => served += 1,
            Event::StoreFailed(failure) if failure.kind == "busy" && failure.waited_ms >= 2000 => busy += 1,
            event => panic!("{event:?}"),
        }
        stopped.resume();
        stopped.events_until(&Event::CommandDone, "enqueue");
        assert!(matches!(write(&mut other), Event::Enqueued(_)), "nobody is in its way any more");
    }
    println!("of {stops} writes beside a stopped process {served} were made and {busy} found the database busy");
    let events = [stopped.close(), other.close()].concat();
    let acknowledged: BTreeSet<JobId> = ids(&events, enqueued).into_iter().collect();
    let held: BTreeSet<JobId> = database.texts("SELECT id FROM jobs").iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(acknowledged.len() as u64, 151 * stops + served, "nothing else was refused");
    assert_eq!(held, acknowledged, "what was refused has left nothing, what was acknowledged is there");
    database.assert_sound();
}
