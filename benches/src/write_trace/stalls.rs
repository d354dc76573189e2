//! Records the times at which the machine itself did not run, because another guest had its processor or all were busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::monotonic_us;

/// The length of each sleep.
const SLEEP: Duration = Duration::from_millis(2);

/// A sleep that ends this much too late is a stall.
const LATE_US: u64 = 20_000;

/// A sleep that ended late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// The time at which the sleep should have ended, in microseconds of the monotonic clock.
    pub from_us: u64,
    /// The time at which it ended.
    pub to_us: u64,
    /// The time that the hypervisor gave to other guests meanwhile, over all processors, in milliseconds.
    pub steal_ms: u64,
}

/// A thread that sleeps repeatedly, and records the sleeps that end late.
pub struct StallWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Stall>>,
}

impl StallWatch {
    /// Starts the thread.
    #[must_use]
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        Self { stop, thread: thread::spawn(move || watch(&stopped)) }
    }

    /// Ends the thread and returns the stalls.
    #[must_use]
    pub fn end(self) -> Vec<Stall> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn watch(stop: &AtomicBool) -> Vec<Stall> {
    let mut stalls = Vec::new();
    let mut steal = steal_ms();
    while !stop.load(Ordering::Relaxed) {
        let due = monotonic_us() + u64::try_from(SLEEP.as_micros()).unwrap_or_default();
        thread::sleep(SLEEP);
        let now = monotonic_us();
        if now.saturating_sub(due) >= LATE_US {
            let before = std::mem::replace(&mut steal, steal_ms());
            stalls.push(Stall { from_us: due, to_us: now, steal_ms: steal.saturating_sub(before) });
        }
    }
    stalls
}

/// The time that the hypervisor has given to other guests since the start of the machine; 0 if the system does not
/// report it.
fn steal_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Option<u64> = text.lines().next().and_then(|line| line.split_whitespace().nth(8)?.parse().ok());
    // A tick of /proc/stat lasts 10 ms on Linux.
    ticks.unwrap_or_default() * 10
}
