//! Threads that go on after a panic, or end the worker with an error.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use fieldfen_domain::catch_panic;
use fieldfen_domain::store::Store;

use super::builder::Shared;
use super::floor::Floor;
use super::stopped::WorkerFailure;

/// After so many panics in a row of one thread the worker ends with an error.
const PANICS_IN_A_ROW: u32 = 10;

/// A panic that comes later than this after the one before begins a new row.
const IN_A_ROW: Duration = Duration::from_secs(60);

/// The first and the longest wait after a panic.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Starts a thread of the worker. It runs `body` again when that panics, and `end` once when it has returned or has
/// panicked too often.
pub(super) fn spawn<S: Store>(
    shared: &Arc<Shared<S>>,
    name: String,
    mut body: impl FnMut(&Arc<Shared<S>>) + Send + 'static,
    end: impl FnOnce(&Arc<Shared<S>>) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    Builder::new().name(name.clone()).spawn(move || {
        keep_running(&shared.floor, &name, || body(&shared));
        end(&shared);
        // The last thread drops the handlers, and with them whatever they hold.
        if let Err(panic) = catch_panic(move || drop((body, shared))) {
            log!(ERROR, thread = name, panic, "what the worker held panicked when it was dropped");
        }
    })
}

fn keep_running(floor: &Floor, name: &str, mut body: impl FnMut()) {
    let (mut pause, longest) = PAUSES;
    let (mut panics, mut last) = (0, Instant::now());
    while let Err(panic) = catch_panic(&mut body) {
        log!(ERROR, thread = name, panic, "a thread of the worker panicked");
        if last.elapsed() > IN_A_ROW {
            (panics, pause) = (0, PAUSES.0);
        }
        (panics, last) = (panics + 1, Instant::now());
        if panics == PANICS_IN_A_ROW {
            log!(ERROR, thread = name, "a thread of the worker panics again and again; the worker stops");
            floor.fail(WorkerFailure::Panicked { thread: name.to_owned(), panic });
            return;
        }
        floor.pause(pause);
        pause = (pause * 2).min(longest);
    }
}
