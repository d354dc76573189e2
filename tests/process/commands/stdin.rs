//! The pipe from the test.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The exit status after the test has closed the pipe.
const ORPHANED: i32 = 3;

/// A flag that the line `drain` raises. If the test closes the pipe instead, the process ends at once, so that no test
/// leaves a process behind.
pub(super) fn drain_flag(raised: bool) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(raised));
    let heard = Arc::clone(&flag);
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_ok_and(|line| line == "drain") {
                heard.store(true, Ordering::SeqCst);
            }
        }
        std::process::exit(ORPHANED);
    });
    flag
}
