//! Threads that go on after a panic, or end the worker with an error.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use fieldfen_domain::catch_panic;
use fieldfen_domain::store::Store;

use super::context::Context;
use super::errors::WorkerFailure;
use super::stop_signal::StopSignal;

/// After so many panics in a row of one thread the worker ends with an error.
const PANICS_IN_A_ROW: u32 = 10;

/// A panic that comes later than this after the one before begins a new row.
const IN_A_ROW: Duration = Duration::from_secs(60);

/// The first and the longest wait after a panic.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Starts a thread of the worker. It runs `body` again when that panics, and `end` once when it has returned or has
/// panicked too often.
pub(super) fn spawn<S: Store>(
    context: &Arc<Context<S>>,
    name: String,
    mut body: impl FnMut(&Arc<Context<S>>) + Send + 'static,
    end: impl FnOnce(&Arc<Context<S>>) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let context = Arc::clone(context);
    Builder::new().name(name.clone()).spawn(move || {
        keep_running(&context.stop, &name, || body(&context));
        end(&context);
        // The last thread drops the handlers, and with them whatever they hold.
        if let Err(panic) = catch_panic(move || drop((body, context))) {
            log!(ERROR, thread = name, panic, "handlers or metrics panicked when they were dropped");
        }
    })
}

fn keep_running(stop: &StopSignal, name: &str, mut body: impl FnMut()) {
    let (mut pause, longest) = PAUSES;
    let (mut panics, mut last) = (0, Instant::now());
    while let Err(panic) = catch_panic(&mut body) {
        log!(ERROR, thread = name, panic, "worker thread panicked");
        if last.elapsed() > IN_A_ROW {
            (panics, pause) = (0, PAUSES.0);
        }
        (panics, last) = (panics + 1, Instant::now());
        if panics == PANICS_IN_A_ROW {
            log!(ERROR, thread = name, "worker thread panics again and again; the worker stops");
            stop.fail(WorkerFailure::Panicked { thread: name.to_owned(), panic });
            return;
        }
        stop.pause(pause);
        pause = (pause * 2).min(longest);
    }
}
