//! A worker at work, and the handle that stops it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fieldfen_domain::store::{Store, Watch};

use super::builder::{Shared, StartError};
use super::floor::{Floor, Stop};
use super::outcome::with_causes;
use super::pool::panic_message;
use super::wind_down::{LeftBehind, wind_down};
use super::{depth, dispatcher, heartbeat, pool};

/// How long the watcher waits for commits before it looks whether the worker still wants to know.
const WATCH_FOR: Duration = Duration::from_millis(100);

/// A worker at work. It goes on until it is told to stop; dropping it stops it gracefully and waits, as
/// [`stop`](StopHandle::stop) and [`join`](RunningWorker::join) would, so that an early return loses no work.
#[must_use = "a worker that is dropped stops; join it"]
pub struct RunningWorker {
    floor: Arc<Floor>,
    dispatcher: Option<JoinHandle<LeftBehind>>,
    others: Vec<JoinHandle<()>>,
}

impl RunningWorker {
    /// A handle to stop the worker with, from any thread: on a signal, for example.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle { floor: Arc::clone(&self.floor) }
    }

    /// Waits until the worker has stopped, and says what it left behind.
    ///
    /// Does not stop it; without anybody who does, this waits for ever.
    pub fn join(mut self) -> Stopped {
        self.wait()
    }

    fn wait(&mut self) -> Stopped {
        let left = self.dispatcher.take().and_then(|dispatcher| dispatcher.join().ok()).unwrap_or_default();
        let abandoned = self.floor.wait_for_threads();
        for thread in self.others.drain(..) {
            // A thread whose handler does not return cannot be waited for; it ends with the process.
            if abandoned == 0 || thread.is_finished() {
                drop(thread.join());
            }
        }
        Stopped { released: left.released, kept: left.kept, abandoned }
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.floor.stop(Stop::Gracefully);
        self.wait();
    }
}

impl fmt::Debug for RunningWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningWorker").field("stop", &self.floor.stop_wanted()).finish_non_exhaustive()
    }
}

/// What a worker left behind when it stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Jobs that were given back without a retry spent.
    pub released: usize,
    /// Jobs that the store refused to take back. They come back, with a retry spent, when their leases have run out.
    pub kept: usize,
    /// Handlers that were still running and did not look at [`Task::is_cancelled`](super::Task::is_cancelled). Their
    /// threads end with the handler, or with the process.
    pub abandoned: usize,
}

/// Stops a worker; clones stop the same one.
#[derive(Clone)]
pub struct StopHandle {
    floor: Arc<Floor>,
}

impl StopHandle {
    /// Asks the worker to stop: it claims nothing more, lets handlers run for its grace period, and gives back what is
    /// not done by then, without spending a retry.
    pub fn stop(&self) {
        self.floor.stop(Stop::Gracefully);
    }

    /// Asks the worker to stop without a grace period.
    pub fn stop_now(&self) {
        self.floor.stop(Stop::Now);
    }

    /// Asks the worker to stop as soon as it has nothing in hand and none of its kinds has a job that is due now or
    /// later. Jobs that other workers are running are not waited for.
    pub fn stop_when_idle(&self) {
        self.floor.stop(Stop::WhenIdle);
    }

    /// Whether the worker has been asked to stop, be it gracefully or at once.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.floor.is_stopping()
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").field("stop", &self.floor.stop_wanted()).finish()
    }
}

/// Starts the threads of a worker.
pub(super) fn start<S: Store>(shared: Shared<S>) -> Result<RunningWorker, StartError> {
    let watch = shared.queue.store().watch()?;
    let shared = Arc::new(shared);
    let mut worker = RunningWorker { floor: Arc::clone(&shared.floor), dispatcher: None, others: Vec::new() };
    let started = start_threads(&shared, watch, &mut worker);
    if started.is_err() {
        // Those that have started must not wait for ever for those that have not.
        shared.floor.close();
    }
    started.map(|()| worker)
}

fn start_threads<S: Store>(
    shared: &Arc<Shared<S>>,
    watch: Box<dyn Watch>,
    worker: &mut RunningWorker,
) -> Result<(), StartError> {
    let named = |name: String| thread::Builder::new().name(name);
    for number in 1..=shared.settings.threads {
        let of_pool = Arc::clone(shared);
        shared.floor.thread_began();
        let spawned = named(format!("fieldfen-job-{number}")).spawn(move || pool::run(&of_pool));
        match spawned {
            Ok(thread) => worker.others.push(thread),
            Err(error) => {
                shared.floor.thread_ended();
                return Err(error.into());
            }
        }
    }
    let (beating, began) = (Arc::clone(shared), shared.queue.environment().now());
    worker.others.push(named("fieldfen-beat".to_owned()).spawn(move || heartbeat::run(&beating, began))?);
    let watching = Arc::clone(shared);
    worker.others.push(named("fieldfen-watch".to_owned()).spawn(move || watch_commits(&watching, watch))?);
    if let Some(every) = shared.settings.metrics.depth_every() {
        let counting = Arc::clone(shared);
        worker.others.push(named("fieldfen-depth".to_owned()).spawn(move || depth::run(&counting, every))?);
    }
    let dispatching = Arc::clone(shared);
    let dispatch = move || {
        let left = catch_unwind(AssertUnwindSafe(|| {
            dispatcher::run(&dispatching);
            wind_down(&dispatching)
        }));
        dispatching.floor.close();
        left.unwrap_or_default()
    };
    worker.dispatcher = Some(named("fieldfen-work".to_owned()).spawn(dispatch)?);
    Ok(())
}

/// Tells the dispatcher of commits, while it wants to know.
fn watch_commits<S: Store>(shared: &Shared<S>, mut watch: Box<dyn Watch>) {
    while shared.floor.wait_until_watching() {
        match catch_unwind(AssertUnwindSafe(|| watch.wait(WATCH_FOR))) {
            Ok(Ok(true)) => shared.floor.tell(),
            Ok(Ok(false)) => {}
            Err(panic) => {
                tracing::error!(panic = panic_message(&*panic), "the store panicked when it was watched");
                shared.floor.pause(Duration::from_secs(1));
            }
            Ok(Err(error)) => {
                // The dispatcher looks by itself from time to time, so nothing is lost but speed.
                tracing::warn!(error = with_causes(&error), "the store cannot be watched");
                shared.settings.metrics.store_failed(&error);
                shared.floor.pause(Duration::from_secs(1));
            }
        }
    }
}
