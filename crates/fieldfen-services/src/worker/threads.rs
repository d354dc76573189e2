//! Threads that are restarted after a panic, or end the worker with an error.

use std::io;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use fieldfen_domain::catch_panic;
use fieldfen_domain::store::Store;

use super::context::Context;
use super::errors::WorkerFailure;
use super::stop_signal::StopSignal;

/// The number of consecutive panics of one thread that ends the worker with an error.
const PANICS_IN_A_ROW: u32 = 10;

/// A panic that follows the one before after more than this time starts a new count.
const IN_A_ROW: Duration = Duration::from_secs(60);

/// The first and the longest pause after a panic.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Starts a thread of the worker. The thread runs `body` again after a panic. It runs `end` once, after `body` has
/// returned or has panicked too often.
pub(super) fn spawn<S: Store>(
    context: &Arc<Context<S>>,
    name: String,
    mut body: impl FnMut(&Arc<Context<S>>) + Send + 'static,
    end: impl FnOnce(&Arc<Context<S>>) + Send + 'static,
) -> io::Result<()> {
    let (threads, context) = (Arc::clone(&context.threads), Arc::clone(context));
    let thread = Builder::new().name(name.clone()).spawn(move || {
        keep_running(&context.stop, &name, || body(&context));
        end(&context);
        // The last thread drops the handlers and the values that they own.
        if let Err(panic) = catch_panic(move || drop((body, context))) {
            log!(ERROR, thread = name, panic, "drop of handlers or metrics panicked");
        }
    })?;
    threads.push(thread);
    Ok(())
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
            log!(ERROR, thread = name, "worker thread panics repeatedly: worker stops");
            stop.fail(WorkerFailure::Panicked { thread: name.to_owned(), panic });
            return;
        }
        stop.pause(pause);
        pause = (pause * 2).min(longest);
    }
}
