//! The handles on a worker that has been started.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use fieldfen_domain::Timestamp;
use fieldfen_domain::catch_panic;
use fieldfen_domain::store::{Store, Watch};

use super::blocking::{block_in_place, may_block};
use super::context::Context;
use super::errors::{StartError, WorkerError, WorkerFailure};
use super::shutdown::shut_down;
use super::shutdown_report::ShutdownReport;
use super::slots::Slots;
use super::stop_signal::{StopLevel, StopSignal};
use super::threads::spawn;
use super::{commit_watch, dispatcher, heartbeat, pool, queue_depth, registration};

/// A worker that has been started. It goes on until it is told to stop; dropping it stops it gracefully and waits, as
/// [`stop`](StopHandle::stop) and [`join`](Worker::join) would, so that an early return loses no work.
#[must_use = "a worker that is dropped stops; join it"]
pub struct Worker {
    stop: Arc<StopSignal>,
    slots: Arc<Slots>,
    threads: Vec<JoinHandle<()>>,
}

impl Worker {
    /// A handle to stop the worker with, from any thread: on a signal, for example.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle { stop: Arc::clone(&self.stop) }
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
    pub fn join(mut self) -> Result<ShutdownReport, WorkerError> {
        let may_block = may_block();
        if !may_block {
            let failure = WorkerFailure::JoinBlocksRuntime;
            if !self.stop.is_stopping() {
                log!(ERROR, error = %failure, "worker cannot be joined here and is stopped");
            }
            self.stop.fail(failure);
        }
        self.wait(may_block)
    }

    /// Waits for the end of a worker, and lets another thread run the tasks of this one where it may block.
    fn wait(&mut self, may_block: bool) -> Result<ShutdownReport, WorkerError> {
        let this = thread::current().id();
        if self.threads.iter().any(|thread| thread.thread().id() == this) {
            // The worker ends when this thread returns; nobody waits for its threads.
            self.threads.clear();
            self.stop.request(StopLevel::Graceful);
            return Err(WorkerError { failure: WorkerFailure::JoinedByItself, report: self.slots.report() });
        }
        if may_block { block_in_place(|| self.wait_here()) } else { self.wait_here() }
    }

    fn wait_here(&mut self) -> Result<ShutdownReport, WorkerError> {
        let report = self.slots.wait_for_end();
        for thread in self.threads.drain(..) {
            // A handler that does not return is not waited for, nor is the heartbeat that extends its lease.
            if report.still_running.is_empty() || thread.is_finished() {
                drop(thread.join());
            }
        }
        match self.stop.failure() {
            None => Ok(report),
            Some(failure) => Err(WorkerError { failure, report }),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.threads.is_empty() {
            // It was joined.
            return;
        }
        self.stop.request(StopLevel::Graceful);
        if let Err(error) = self.wait(may_block()) {
            log!(ERROR, %error, "worker was dropped after it had failed");
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("stop", &self.stop.level()).finish_non_exhaustive()
    }
}

/// Stops a worker; clones stop the same one.
#[derive(Clone)]
pub struct StopHandle {
    stop: Arc<StopSignal>,
}

impl StopHandle {
    /// Asks the worker to stop: it claims nothing more, gives back what has not begun, and lets handlers run for its grace
    /// period. Those that have not ended by then are asked to end, and waited for a second longer.
    ///
    /// A job whose handler then ends without success is given back without a retry spent. A handler that does not end
    /// keeps its job: see [`ShutdownReport::still_running`].
    pub fn stop(&self) {
        self.stop.request(StopLevel::Graceful);
    }

    /// Asks the worker to stop without a grace period.
    pub fn stop_now(&self) {
        self.stop.request(StopLevel::Now);
    }

    /// Asks the worker to stop as soon as it has nothing in hand and none of its kinds has a job that is due now or
    /// later. Jobs that other workers are running are not waited for.
    pub fn stop_when_idle(&self) {
        self.stop.request(StopLevel::WhenIdle);
    }

    /// Whether the worker has been asked to stop, be it gracefully or at once.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_stopping()
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").field("stop", &self.stop.level()).finish()
    }
}

/// Starts the threads of a worker.
pub(super) fn start<S: Store>(context: Context<S>) -> Result<Worker, StartError> {
    let watch = context.queue.store().watch()?;
    let began = context.queue.environment().now();
    context.events.close_with(watch.closer());
    let context = Arc::new(context);
    let mut worker = Worker { stop: Arc::clone(&context.stop), slots: Arc::clone(&context.slots), threads: Vec::new() };
    let started = start_threads(&context, watch, began, &mut worker.threads);
    if started.is_err() {
        // Those that have started must not wait for ever for those that have not.
        context.close();
    }
    started.map(|()| worker)
}

/// The body of a thread of the worker.
type Body<S> = Box<dyn FnMut(&Context<S>) + Send>;

fn start_threads<S: Store>(
    context: &Arc<Context<S>>,
    mut watch: Box<dyn Watch>,
    began: Timestamp,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<(), StartError> {
    for thread in 0..context.settings.threads {
        context.slots.pool_thread_began();
        let spawned = spawn(
            context,
            format!("fieldfen-job-{}", thread + 1),
            move |context| pool::run(context, thread),
            move |context| context.slots.pool_thread_ended(thread),
        );
        threads.push(spawned.inspect_err(|_| context.slots.pool_thread_ended(thread))?);
    }
    let mut start = |name: &str, mut body: Body<S>| {
        spawn(context, name.to_owned(), move |context| body(context), |_| ()).map(|thread| threads.push(thread))
    };
    let mut began = Some(began);
    start("fieldfen-beat", Box::new(move |context| heartbeat::run(context, began.take())))?;
    start("fieldfen-watch", Box::new(move |context| commit_watch::run(context, &mut *watch)))?;
    start("fieldfen-alive", Box::new(registration::run))?;
    if let Some(interval) = context.settings.metrics.queue_depth_interval() {
        start("fieldfen-depth", Box::new(move |context| queue_depth::run(context, interval)))?;
    }
    let dispatch = spawn(
        context,
        "fieldfen-work".to_owned(),
        |context| dispatcher::run(context),
        |context| {
            if let Err(panic) = catch_panic(|| shut_down(context)) {
                log!(ERROR, panic, "worker panicked during its shutdown");
            }
            context.close();
        },
    );
    threads.push(dispatch?);
    Ok(())
}
