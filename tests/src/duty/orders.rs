//! Listening to the parent.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The status with which a worker ends whose parent has gone.
const ORPHANED: i32 = 3;

/// A flag that the parent raises by writing a line. When it closes the pipe instead, the worker ends at once: no test
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
