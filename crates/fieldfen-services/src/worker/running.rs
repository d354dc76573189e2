//! A worker at work, and the handle that stops it.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fieldfen_domain::store::{Store, Watch};
use fieldfen_domain::{Timestamp, catch_panic};

use super::blocking::{block_in_place, may_block};
use super::builder::{Shared, StartError};
use super::floor::Floor;
use super::outcome::with_causes;
use super::state::Stop;
use super::stopped::{Stopped, WorkerError, WorkerFailure};
use super::threads::spawn;
use super::wind_down::wind_down;
use super::{depth, dispatcher, heartbeat, pool, registration};

/// How long the watcher waits for commits before it looks whether the worker still wants to know.
const WATCH_FOR: Duration = Duration::from_millis(100);

/// A worker at work. It goes on until it is told to stop; dropping it stops it gracefully and waits, as
/// [`stop`](StopHandle::stop) and [`join`](RunningWorker::join) would, so that an early return loses no work.
#[must_use = "a worker that is dropped stops; join it"]
pub struct RunningWorker {
    floor: Arc<Floor>,
    threads: Vec<JoinHandle<()>>,
}

impl RunningWorker {
    /// A handle to stop the worker with, from any thread: on a signal, for example.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle { floor: Arc::clone(&self.floor) }
    }

    /// Waits until the worker has stopped, and says what it left behind.
    ///
    /// It does not stop the worker: unless a [`StopHandle`] is used, it waits until the worker fails. With the feature
    /// `tokio`, a thread of a multi-thread runtime may wait, since another thread takes over its tasks.
    ///
    /// Where the wait could never end, `join` stops the worker gracefully and returns an error that says so: on a thread
    /// of the worker itself, in a handler for example ([`WorkerFailure::JoinedByItself`]), and on the thread that runs the
    /// tasks of a current-thread tokio runtime or a `LocalSet`, one of which may be to stop the worker
    /// ([`WorkerFailure::JoinBlocksRuntime`]). The latter is noticed with the feature `tokio` alone. Other executors that
    /// run all tasks on one thread are not noticed: call `join` on another thread there.
    ///
    /// # Errors
    /// [`WorkerError`] when the worker has stopped although nobody asked it to, since it could not do its work or could
    /// not be waited for.
    pub fn join(mut self) -> Result<Stopped, WorkerError> {
        let may_block = may_block();
        if !may_block {
            let failure = WorkerFailure::JoinBlocksRuntime;
            if !self.floor.is_stopping() {
                log!(ERROR, error = %failure, "a worker cannot be waited for and is stopped");
            }
            self.floor.fail(failure);
        }
        self.wait(may_block)
    }

    /// Waits for the end of a worker, and lets another thread run the tasks of this one where it may block.
    fn wait(&mut self, may_block: bool) -> Result<Stopped, WorkerError> {
        let this = thread::current().id();
        if self.threads.iter().any(|thread| thread.thread().id() == this) {
            // The worker ends when this thread returns; nobody waits for its threads.
            self.threads.clear();
            self.floor.stop(Stop::Gracefully);
            let (stopped, _) = self.floor.left_behind();
            return Err(WorkerError { failure: WorkerFailure::JoinedByItself, stopped });
        }
        if may_block { block_in_place(|| self.wait_here()) } else { self.wait_here() }
    }

    fn wait_here(&mut self) -> Result<Stopped, WorkerError> {
        let (stopped, failure) = self.floor.wait_for_end();
        for thread in self.threads.drain(..) {
            // A handler that does not return is not waited for, nor is the heartbeat that extends its lease.
            if stopped.still_running.is_empty() || thread.is_finished() {
                drop(thread.join());
            }
        }
        match failure {
            None => Ok(stopped),
            Some(failure) => Err(WorkerError { failure, stopped }),
        }
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        if self.threads.is_empty() {
            // It was joined.
            return;
        }
        self.floor.stop(Stop::Gracefully);
        if let Err(error) = self.wait(may_block()) {
            log!(ERROR, %error, "a worker that was dropped had ended");
        }
    }
}

impl fmt::Debug for RunningWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningWorker").field("stop", &self.floor.stop_wanted()).finish_non_exhaustive()
    }
}

/// Stops a worker; clones stop the same one.
#[derive(Clone)]
pub struct StopHandle {
    floor: Arc<Floor>,
}

impl StopHandle {
    /// Asks the worker to stop: it claims nothing more, gives back what has not begun, and lets handlers run for its grace
    /// period. Those that have not ended by then are asked to end, and waited for a second longer.
    ///
    /// A job whose handler then ends without success is given back without a retry spent. A handler that does not end
    /// keeps its job: see [`Stopped::still_running`].
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

/// What a thread of the worker runs.
type Body<S> = Box<dyn FnMut(&Shared<S>) + Send>;

/// Starts the threads of a worker.
pub(super) fn start<S: Store>(shared: Shared<S>) -> Result<RunningWorker, StartError> {
    let watch = shared.queue.store().watch()?;
    let began = shared.queue.environment().now();
    let shared = Arc::new(shared);
    let mut worker = RunningWorker { floor: Arc::clone(&shared.floor), threads: Vec::new() };
    let started = start_threads(&shared, watch, began, &mut worker.threads);
    if started.is_err() {
        // Those that have started must not wait for ever for those that have not.
        shared.floor.close();
    }
    started.map(|()| worker)
}

fn start_threads<S: Store>(
    shared: &Arc<Shared<S>>,
    mut watch: Box<dyn Watch>,
    began: Timestamp,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<(), StartError> {
    for number in 1..=shared.settings.threads {
        shared.floor.thread_began();
        let spawned = spawn(
            shared,
            format!("fieldfen-job-{number}"),
            |shared| pool::run(shared),
            |shared| shared.floor.thread_ended(),
        );
        threads.push(spawned.inspect_err(|_| shared.floor.thread_ended())?);
    }
    let mut start = |name: &str, mut body: Body<S>| {
        spawn(shared, name.to_owned(), move |shared| body(shared), |_| ()).map(|thread| threads.push(thread))
    };
    let mut began = Some(began);
    start("fieldfen-beat", Box::new(move |shared| heartbeat::run(shared, began.take())))?;
    start("fieldfen-watch", Box::new(move |shared| watch_commits(shared, &mut *watch)))?;
    start("fieldfen-alive", Box::new(registration::run))?;
    if let Some(every) = shared.settings.metrics.depth_every() {
        start("fieldfen-depth", Box::new(move |shared| depth::run(shared, every)))?;
    }
    let dispatch = spawn(
        shared,
        "fieldfen-work".to_owned(),
        |shared| dispatcher::run(shared),
        |shared| {
            if let Err(panic) = catch_panic(|| wind_down(shared)) {
                log!(ERROR, panic, "the worker panicked when it stopped");
            }
            shared.floor.close();
        },
    );
    threads.push(dispatch?);
    Ok(())
}

/// Tells the dispatcher of commits, while it wants to know.
fn watch_commits<S: Store>(shared: &Shared<S>, watch: &mut dyn Watch) {
    while shared.floor.wait_until_watching() {
        match watch.wait(WATCH_FOR) {
            Ok(true) => shared.floor.tell(),
            Ok(false) => {}
            Err(error) => {
                // The dispatcher looks by itself from time to time, so nothing is lost but speed.
                log!(WARN, error = with_causes(&error), "the store cannot be watched");
                shared.settings.metrics.store_failed(&error);
                shared.floor.pause(Duration::from_secs(1));
            }
        }
    }
}
