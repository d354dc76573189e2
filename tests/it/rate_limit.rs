//! Four processes of two threads that call a service which counts: no call is beyond the limit, and the limit is used.

use std::thread;
use std::time::{Duration, Instant};

use fieldfen_testkit::wait::wait_for;
use fieldfen_tests::rng::Rng;

use crate::counting_service::{Arrival, CountingService};
use crate::database::Database;
use crate::parameters::{seed, size};
use crate::process::Process;

const PROCESSES: usize = 4;
const THREADS: usize = 2;

/// The number of windows in which the whole limit is allowed.
const WINDOWS: u32 = 3;

#[test]
fn four_processes_use_the_limit_of_a_service_and_go_not_beyond_whoever_is_killed() {
    let limit = usize::try_from(size("FIELDFEN_RATE_LIMIT", 50)).unwrap();
    let window = Duration::from_millis(size("FIELDFEN_RATE_WINDOW_MS", 4000));
    let (database, service, rng) = (Database::new(), CountingService::start(limit, window), Rng::new(seed()));
    let command = format!(
        "--normal call-api --threads {THREADS} --service {} --limit {limit} --window-ms {}",
        service.address(),
        window.as_millis(),
    );
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(database.path(), &command)).collect();
    let began = wait_for("the first call arrives", || service.arrivals().first().map(|first| first.at));

    let halved = began + WINDOWS * window;
    let mut kills = 0;
    while Instant::now() < halved {
        let victim = usize::try_from(rng.below(PROCESSES as u64)).unwrap();
        std::mem::replace(&mut processes[victim], Process::start(database.path(), &command)).kill();
        kills += 1;
        thread::sleep(Duration::from_millis(20 + rng.below(800)).min(halved.saturating_duration_since(Instant::now())));
    }
    let used = taken(&service.arrivals(), began, halved);
    let refused = refused(&service.arrivals());
    println!("{kills} kills: {used} of {} calls used, {refused} refused", limit * WINDOWS as usize);
    assert_eq!(refused, 0);
    assert!(used * 100 >= limit * WINDOWS as usize * 95, "{used}");

    // Calls of before the fall count for one more window. The calls in flight when the first answer arrives are refused.
    service.set_limit(limit / 2);
    let fell = Instant::now();
    thread::sleep(window + window / 2);
    let refused_after = self::refused(&service.arrivals());
    println!("{refused_after} calls refused after the limit was halved");
    assert!(refused_after <= PROCESSES * THREADS, "{refused_after}");
    let from =
        service.arrivals().iter().find(|arrival| arrival.taken && arrival.at >= fell + window).map(|first| first.at);
    let from = from.unwrap_or_else(Instant::now);
    thread::sleep((from + 2 * window).saturating_duration_since(Instant::now()));
    let used = taken(&service.arrivals(), from, from + 2 * window);
    println!("{used} of {} calls used after the limit was halved", limit / 2 * 2);
    assert_eq!(self::refused(&service.arrivals()), refused_after);
    assert!(used * 100 >= limit / 2 * 2 * 95, "{used}");
    drop(processes);
    database.assert_sound();
}

fn taken(arrivals: &[Arrival], from: Instant, to: Instant) -> usize {
    arrivals.iter().filter(|arrival| arrival.taken && arrival.at >= from && arrival.at < to).count()
}

fn refused(arrivals: &[Arrival]) -> usize {
    arrivals.iter().filter(|arrival| !arrival.taken).count()
}
