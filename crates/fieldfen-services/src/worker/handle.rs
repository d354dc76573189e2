//! Handles on a started worker.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::thread;

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
use super::thread_handles::ThreadHandles;
use super::threads::spawn;
use super::{commit_watch, dispatcher, heartbeat, pool, queue_figures, registration, stuck_handlers};

/// A started worker. It runs until it is stopped. Dropping it stops it gracefully and waits for its end, as
/// [`stop`](StopHandle::stop) and [`join`](Worker::join) do, so that an early return loses no work.
#[must_use = "dropping a worker stops it; call `join`"]
pub struct Worker {
    stop: Arc<StopSignal>,
    slots: Arc<Slots>,
    threads: Arc<ThreadHandles>,
    /// Whether a thread has waited for the end.
    joined: bool,
}

impl Worker {
    /// Returns a handle that stops the worker from any thread, for example on a signal.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle { stop: Arc::clone(&self.stop) }
    }

    /// Waits until the worker has stopped, and returns a report of the jobs that it left behind.
    ///
    /// This does not stop the worker: without a [`StopHandle`], it waits until the worker fails. With the feature
    /// `tokio`, a thread of a multi-thread runtime may wait, since another thread takes over its tasks.
    ///
    /// If the wait could never end, `join` stops the worker gracefully and returns an error. That is so on a thread of
    /// the worker itself, for example in a handler ([`WorkerFailure::JoinedByItself`]), and on the thread that runs the
    /// tasks of a current-thread tokio runtime or a `LocalSet`, since one of these tasks may have to stop the worker
    /// ([`WorkerFailure::JoinBlocksRuntime`]). The second case is only recognised with the feature `tokio`. Other
    /// executors that run all tasks on one thread are not recognised: call `join` on another thread there.
    ///
    /// # Errors
    /// [`WorkerError`] if the worker stopped without a request, because it could not do its work or this thread could
    /// not wait for it.
    pub fn join(mut self) -> Result<ShutdownReport, WorkerError> {
        let may_block = may_block();
        if !may_block {
            let failure = WorkerFailure::JoinBlocksRuntime;
            if !self.stop.is_stopping() {
                log!(ERROR, error = %failure, "worker stopped: join not possible on this thread");
            }
            self.stop.fail(failure);
        }
        self.wait(may_block)
    }

    /// Waits for the end of a worker. If `may_block` is set, another thread runs the tasks of this one meanwhile.
    fn wait(&mut self, may_block: bool) -> Result<ShutdownReport, WorkerError> {
        self.joined = true;
        let this = thread::current().id();
        if self.threads.lock().iter().any(|thread| thread.thread().id() == this) {
            // The worker ends after this thread has returned. Nobody waits for its threads.
            self.stop.request(StopLevel::Graceful);
            return Err(WorkerError { failure: WorkerFailure::JoinedByItself, report: self.slots.report() });
        }
        if may_block { block_in_place(|| self.wait_here()) } else { self.wait_here() }
    }

    fn wait_here(&mut self) -> Result<ShutdownReport, WorkerError> {
        let report = self.slots.wait_for_end();
        let threads = mem::take(&mut *self.threads.lock());
        for thread in threads {
            // The wait does not include a handler that does not return and the heartbeat that extends its lease.
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
        if self.joined {
            return;
        }
        self.stop.request(StopLevel::Graceful);
        if let Err(error) = self.wait(may_block()) {
            log!(ERROR, %error, "failed worker dropped");
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("stop", &self.stop.level()).finish_non_exhaustive()
    }
}

/// Stops a worker. A clone stops the same one.
#[derive(Clone)]
pub struct StopHandle {
    stop: Arc<StopSignal>,
}

impl StopHandle {
    /// Asks the worker to stop. It claims no more jobs, releases the jobs that have not begun, and lets handlers run
    /// for its grace period. It then asks the remaining handlers to end, and waits one more second.
    ///
    /// If such a handler ends without success, its job is released without spending a retry. A handler that does not
    /// end keeps its job: see [`ShutdownReport::still_running`].
    pub fn stop(&self) {
        self.stop.request(StopLevel::Graceful);
    }

    /// Asks the worker to stop without a grace period.
    pub fn stop_now(&self) {
        self.stop.request(StopLevel::Now);
    }

    /// Asks the worker to stop as soon as it has no job in hand and its kinds have no job that is due now or later. It
    /// does not wait for jobs that run in other workers. For jobs whose handlers are
    /// [stuck](super::WorkerBuilder::stuck_after) it waits only for the grace period: see
    /// [`ShutdownReport::still_running`].
    pub fn stop_when_idle(&self) {
        self.stop.request(StopLevel::WhenIdle);
    }

    /// Returns whether the worker has been asked to stop, gracefully or at once.
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
    let (stop, slots) = (Arc::clone(&context.stop), Arc::clone(&context.slots));
    let worker = Worker { stop, slots, threads: Arc::clone(&context.threads), joined: false };
    let started = start_threads(&context, watch, began);
    if started.is_err() {
        // The threads that have started must not wait for those that have not.
        context.close();
    }
    started.map(|()| worker)
}

/// The body of a worker's thread.
type Body<S> = Box<dyn FnMut(&Context<S>) + Send>;

fn start_threads<S: Store>(
    context: &Arc<Context<S>>,
    mut watch: Box<dyn Watch>,
    began: Timestamp,
) -> Result<(), StartError> {
    for _ in 0..context.settings.threads {
        pool::start_thread(context)?;
    }
    let start = |name: &str, mut body: Body<S>| spawn(context, name.to_owned(), move |context| body(context), |_| ());
    let mut began = Some(began);
    start("fieldfen-beat", Box::new(move |context| heartbeat::run(context, began.take())))?;
    start("fieldfen-watch", Box::new(move |context| commit_watch::run(context, &mut *watch)))?;
    start("fieldfen-alive", Box::new(registration::run))?;
    spawn(context, "fieldfen-stuck".to_owned(), stuck_handlers::run, |_| ())?;
    if let Some(interval) = context.settings.metrics.queue_interval() {
        start("fieldfen-queue", Box::new(move |context| queue_figures::run(context, interval)))?;
    }
    spawn(
        context,
        "fieldfen-work".to_owned(),
        |context| dispatcher::run(context),
        |context| {
            if let Err(panic) = catch_panic(|| shut_down(context)) {
                log!(ERROR, panic, "worker panicked during its shutdown");
            }
            context.close();
        },
    )?;
    Ok(())
}
