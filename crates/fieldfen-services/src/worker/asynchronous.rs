//! Async handlers, on a tokio runtime of the program.

use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::Poll;
use std::time::{Duration, Instant};

use fieldfen_domain::catch_panic;
use fieldfen_domain::job::Payload;
use fieldfen_domain::store::Store;
use tokio::runtime::{Handle, RuntimeFlavor};
use tracing::Span;

use super::builder::WorkerBuilder;
use super::errors::WorkerFailure;
use super::outcome::{IntoOutcome, Outcome};
use super::running_job::RunningJob;
use super::span;
use super::task::{JobContext, Task};
use crate::api_usage::current_job::{self, CurrentJob};
use crate::queue::read_payload;

/// The interval at which the thread checks whether the outcome of a future still counts.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The time that a future has to end after a request, before it is dropped. It is shorter than a stopping worker's wait
/// for its handlers.
const TIME_TO_END: Duration = Duration::from_millis(500);

/// A future that has not begun after this time is logged.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);

impl<S: Store> WorkerBuilder<S> {
    /// Registers this async handler for the jobs of the payload's kind. Its futures run on `runtime`.
    ///
    /// A thread of the pool waits for each future, so [`threads`](WorkerBuilder::threads) limits the number of futures
    /// that run at once.
    ///
    /// A future is dropped at its present await if its job was killed or lost. It is dropped half a second after a
    /// request to cancel the job, or after the worker's request to end. A future that checks [`Task::is_cancelled`] or
    /// awaits [`Task::cancelled`] knows of a request to cancel the job and may take longer; an operator may kill a job
    /// that does not end. Work in `spawn_blocking` continues after the drop.
    ///
    /// The runtime must be multi-threaded. A current-thread runtime only runs futures while a thread drives it, so that
    /// handlers would hang after `block_on` has returned, or while it waits for the worker.
    /// [`start`](WorkerBuilder::start) refuses such a runtime. If the runtime shuts down, the job is released without
    /// spending a retry, and the worker ends with [`WorkerFailure::RuntimeGone`]: it could claim these jobs, but run
    /// none of them.
    ///
    /// The store blocks. Inside the future, call it through `tokio::task::spawn_blocking`, or return the writes as a
    /// [`Completion`](super::Completion), which the worker's own thread applies.
    ///
    /// ```
    /// use fieldfen_domain::job::GenerateMetadata;
    /// use fieldfen_services::{Environment, worker::{Completion, Outcome, Task, Worker}};
    /// use fieldfen_testkit::ModelStore;
    ///
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let worker = Worker::builder(ModelStore::new(), Environment::system())
    ///     .threads(16)
    ///     .handle_async(runtime.handle(), |task: Task<GenerateMetadata>| async move {
    ///         let title = format!("Picture {}", task.file_id);
    ///         Ok::<_, Outcome>(Completion::new().result(&title))
    ///     })
    ///     .start()?;
    /// # worker.stop_handle().stop();
    /// # worker.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn handle_async<P, F>(self, runtime: &Handle, handler: impl Fn(Task<P>) -> F + Send + Sync + 'static) -> Self
    where
        P: Payload + 'static,
        F: Future<Output: IntoOutcome + Send> + Send + 'static,
    {
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            let rule = "async handlers need a multi-thread runtime, of one thread if you like: a current-thread runtime \
                        runs no tasks unless a thread drives it";
            return self.refuse("runtime", format!("current_thread for {}", P::kind()), rule);
        }
        let runtime = runtime.clone();
        let call = move |job: JobContext| match read_payload::<P>(job.job().payload.as_ref()) {
            Ok(payload) => {
                let _entered = runtime.enter();
                let (running, environment) = (Arc::clone(&job.running), job.environment.clone());
                let future = handler(Task::new(payload, job));
                drive(&runtime, &running, future).unwrap_or_else(|reason| match reason {
                    DropReason::Aborted => Outcome::retry("its future was dropped before it ended"),
                    DropReason::RuntimeGone => {
                        log!(ERROR, "runtime of async handlers shut down: worker stops");
                        running.fail_worker(WorkerFailure::RuntimeGone);
                        Outcome::throttled(environment.now(), "the runtime has shut down")
                    }
                })
            }
            Err(error) => Outcome::of_unreadable(error),
        };
        self.handle_typed::<P>(Box::new(call))
    }
}

/// The reason why a future was dropped before it ended.
enum DropReason {
    /// The job was lost, or the future did not end in time after a request.
    Aborted,
    /// The runtime has shut down.
    RuntimeGone,
}

/// Runs a future on the runtime and waits for it. A panic of the future continues on this thread.
fn drive<F>(runtime: &Handle, running: &RunningJob, future: F) -> Result<Outcome, DropReason>
where
    F: Future<Output: IntoOutcome + Send> + Send + 'static,
{
    let (ended, end) = channel();
    let (span, begun) = (Span::current(), Arc::new(AtomicBool::new(false)));
    let (begins, job) = (Arc::clone(&begun), CurrentJob::of(&running.claimed.job));
    let spawned = runtime.spawn(async move {
        begins.store(true, Ordering::Relaxed);
        // This fails if the thread no longer waits.
        let _ = ended.send(driven(future, span, job).await);
    });
    let (mut waits_since, mut asked, mut aborted) = (Instant::now(), None, false);
    loop {
        match end.recv_timeout(LOOK_EVERY) {
            Ok(Ok(output)) => return Ok(output.into_outcome()),
            Ok(Err(panic)) => resume_unwind(Box::new(panic)),
            Err(RecvTimeoutError::Disconnected) if aborted => return Err(DropReason::Aborted),
            Err(RecvTimeoutError::Disconnected) => return Err(DropReason::RuntimeGone),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if !running.should_end() {
            asked = None;
        } else if asked.is_none() {
            asked = Some(Instant::now());
        }
        if running.is_lost() || asked.is_some_and(|asked| asked.elapsed() >= TIME_TO_END) {
            spawned.abort();
            aborted = true;
        }
        if !begun.load(Ordering::Relaxed) && waits_since.elapsed() >= BEGINS_WITHIN {
            waits_since = Instant::now();
            log!(
                ERROR,
                "the runtime has not begun a handler's future for {BEGINS_WITHIN:?}: all its threads are blocked; \
                 call what blocks through spawn_blocking"
            );
        }
    }
}

/// The output of the future, or the message of its panic. The future runs in the span of the waiting thread, and calls
/// that it makes are recorded with its job.
async fn driven<F: Future>(future: F, span: Span, job: CurrentJob) -> Result<F::Output, String> {
    let mut future = Box::pin(future);
    let output =
        poll_fn(|context| match span::within(&span, || current_job::within(job, || future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        })
        .await;
    span::end(span);
    let dropped = catch_panic(move || drop(future));
    output.and_then(|output| dropped.map(|()| output))
}
