//! Async handlers.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::task::{Context, Poll};
use std::time::Duration;

use fieldfen_domain::job::{JobActionOutcome, JobStatus};
use fieldfen_domain::store::Store;
use fieldfen_services::queue::WaitOutcome;
use fieldfen_services::worker::{Completion, Outcome, ShutdownReport, Task, WorkerFailure};
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::{received, wait_until};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use super::panics::end_of;
use super::{Bench, LONG, Note};

on_every_store!(
    async_handlers_run_at_once_and_their_outcomes_are_applied,
    a_future_that_panics_fails_its_try,
    a_future_is_dropped_when_the_worker_stops_and_its_job_given_back,
    a_runtime_that_shuts_down_stops_the_worker_and_spends_no_retry,
    a_future_runs_in_the_span_of_its_job,
    a_future_that_does_not_listen_is_dropped_when_its_job_is_cancelled,
    a_future_that_looks_at_its_job_when_it_is_dropped_ends_no_worker,
    a_future_is_dropped_when_its_job_is_killed,
    a_future_that_listens_hears_of_the_cancel_and_takes_its_time,
    a_future_that_listens_hears_of_the_stop_and_may_complete,
    a_future_that_listens_hears_of_its_timeout_and_one_that_does_not_is_dropped,
);

fn async_handlers_run_at_once_and_their_outcomes_are_applied(store: impl Store) {
    let bench = Bench::new(store);
    let ids: Vec<_> = (0..8).map(|number| bench.note(&number.to_string())).collect();
    let runtime = Runtime::new().unwrap();
    // No future passes the barrier before all eight have reached it.
    let barrier = Arc::new(Barrier::new(8));
    let handler = move |task: Task<Note>| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            if task.text == "3" { Err(Outcome::fail("three")) } else { Ok(Completion::new().result(&task.text)) }
        }
    };
    bench.drain(bench.worker().threads(8).handle_async(runtime.handle(), handler));
    for (number, id) in ids.iter().enumerate() {
        let job = bench.job(id);
        if number == 3 {
            assert_eq!(job.last_error.as_deref(), Some("three"));
        } else {
            assert_eq!(job.result.unwrap().as_str(), format!("\"{number}\""));
        }
    }
}

fn a_future_that_panics_fails_its_try(store: impl Store) {
    let bench = Bench::new(store);
    let job = bench.queue.job(&Note::new("x")).unwrap().max_retries(0);
    bench.queue.enqueue(&job).unwrap();
    let runtime = Runtime::new().unwrap();
    let handler = |task: Task<Note>| async move { assert!(task.text.is_empty(), "in the middle of {}", task.text) };
    bench.drain(bench.worker().handle_async(runtime.handle(), handler));
    assert_eq!(bench.job(&job.id).last_error.as_deref(), Some("the handler panicked: in the middle of x"));
}

/// Counts its drops.
struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn a_future_is_dropped_when_the_worker_stops_and_its_job_given_back(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let runtime = Runtime::new().unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let (begun, has_begun) = std::sync::mpsc::sync_channel(1);
    let counted = Arc::clone(&dropped);
    let handler = move |_: Task<Note>| {
        begun.send(()).unwrap();
        let held = CountDrop(Arc::clone(&counted));
        async move {
            let _held = held;
            std::future::pending::<()>().await;
        }
    };
    let running = bench.worker().handle_async(runtime.handle(), handler).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop_now();
    assert_eq!(end_of(running).unwrap().released, 1);
    wait_until("the future has been dropped", || dropped.load(Ordering::SeqCst) > 0);
    assert_eq!((bench.status(&id), bench.job(&id).attempts), (JobStatus::Pending, 0));
}

fn a_runtime_that_shuts_down_stops_the_worker_and_spends_no_retry(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let runtime = Runtime::new().unwrap();
    let (begun, has_begun) = std::sync::mpsc::sync_channel(1);
    let handler = move |_: Task<Note>| {
        // After the first attempt, nobody listens any more.
        let _ = begun.try_send(());
        std::future::pending::<()>()
    };
    let running = bench.worker().grace(LONG).handle_async(runtime.handle(), handler).start().unwrap();
    received("the handler has begun", &has_begun);
    runtime.shutdown_background();
    // Nobody stops the worker.
    let error = end_of(running).unwrap_err();
    assert_eq!((error.failure, error.report.still_running), (WorkerFailure::RuntimeGone, vec![]));
    assert_eq!((bench.status(&id), bench.job(&id).attempts), (JobStatus::Pending, 0));
}

fn a_future_runs_in_the_span_of_its_job(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    super::panics::set_log();
    let runtime = Runtime::new().unwrap();
    let handler = |_: Task<Note>| async {
        tokio::task::yield_now().await;
        let span = tracing::Span::current().metadata().map(tracing::Metadata::name);
        Completion::new().result(&span)
    };
    bench.drain(bench.worker().handle_async(runtime.handle(), handler));
    assert_eq!(bench.job(&id).result.unwrap().as_str(), r#""job""#);
}

/// A handler whose futures never end and count their drops.
fn endless(dropped: &Arc<AtomicUsize>) -> (impl Fn(Task<Note>) -> Endless + Send + Sync + 'static, Receiver<()>) {
    let (begun, has_begun) = sync_channel(1);
    let dropped = Arc::clone(dropped);
    (
        move |_: Task<Note>| {
            begun.send(()).unwrap();
            Endless(CountDrop(Arc::clone(&dropped)))
        },
        has_begun,
    )
}

/// A future that never ends.
struct Endless(#[expect(dead_code, reason = "it is there to be dropped")] CountDrop);

impl Future for Endless {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

fn a_future_that_does_not_listen_is_dropped_when_its_job_is_cancelled(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let runtime = Runtime::new().unwrap();
    let dropped = Arc::default();
    let (handler, has_begun) = endless(&dropped);
    let running = bench.worker().handle_async(runtime.handle(), handler).start().unwrap();
    received("the handler has begun", &has_begun);
    assert_eq!(bench.queue.cancel(&id, &by_ann("wrong picture")).unwrap(), JobActionOutcome::CancelRequested);
    bench.clock.advance(Duration::from_secs(5));
    let waited = bench.queue.wait_for(&id, LONG).unwrap();
    let reason = "wrong picture (its future was dropped before it ended)".to_owned();
    assert_eq!((waited, dropped.load(Ordering::SeqCst)), (WaitOutcome::Failed { reason }, 1));
    running.stop_handle().stop();
    end_of(running).unwrap();
}

/// A future that never ends, and checks at its drop whether it should end.
struct LooksWhenDropped(Task<Note>);

impl Future for LooksWhenDropped {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for LooksWhenDropped {
    fn drop(&mut self) {
        assert!(self.0.is_cancelled());
    }
}

fn a_future_that_looks_at_its_job_when_it_is_dropped_ends_no_worker(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let runtime = Runtime::new().unwrap();
    let (begun, has_begun) = sync_channel(1);
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        LooksWhenDropped(task)
    };
    let running = bench.worker().handle_async(runtime.handle(), handler).start().unwrap();
    received("the handler has begun", &has_begun);
    assert_eq!(bench.queue.cancel(&id, &by_ann("wrong picture")).unwrap(), JobActionOutcome::CancelRequested);
    bench.clock.advance(Duration::from_secs(5));
    assert!(matches!(bench.queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Failed { .. }));
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
}

fn a_future_is_dropped_when_its_job_is_killed(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let runtime = Runtime::new().unwrap();
    let dropped = Arc::default();
    let (handler, has_begun) = endless(&dropped);
    let running = bench.worker().handle_async(runtime.handle(), handler).start().unwrap();
    received("the handler has begun", &has_begun);
    assert_eq!(bench.queue.kill(&id, &by_ann("hangs")).unwrap(), JobActionOutcome::Done);
    bench.clock.advance(Duration::from_secs(5));
    wait_until("the handler's future is dropped", || dropped.load(Ordering::SeqCst) == 1);
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert_eq!(bench.job(&id).last_error.as_deref(), Some("hangs"));
}

fn a_future_that_listens_hears_of_the_cancel_and_takes_its_time(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let runtime = Runtime::new().unwrap();
    let (begun, has_begun) = sync_channel(1);
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        async move {
            let interruption = task.cancelled().await;
            // Longer than the time of a future that ignores the request to end.
            tokio::time::sleep(Duration::from_secs(2)).await;
            Err::<(), _>(format!("{interruption:?}"))
        }
    };
    let running = bench.worker().handle_async(runtime.handle(), handler).start().unwrap();
    received("the handler has begun", &has_begun);
    assert_eq!(bench.queue.cancel(&id, &by_ann("wrong picture")).unwrap(), JobActionOutcome::CancelRequested);
    bench.clock.advance(Duration::from_secs(5));
    let reason = "wrong picture (CancelRequested)".to_owned();
    assert_eq!(bench.queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Failed { reason });
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn a_future_that_listens_hears_of_the_stop_and_may_complete(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let runtime = Runtime::new().unwrap();
    let (begun, has_begun) = sync_channel(1);
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        async move { Completion::new().result(&format!("{:?}", task.cancelled().await)) }
    };
    let running = bench.worker().handle_async(runtime.handle(), handler).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop_now();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!(bench.job(&id).result.unwrap().as_str(), r#""WorkerStops""#);
}

#[test]
fn a_runtime_that_runs_only_while_somebody_drives_it_is_refused() {
    let bench = Bench::new(ModelStore::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let worker = bench.worker().handle_async(runtime.handle(), |_: Task<Note>| async {});
    let error = worker.start().unwrap_err().to_string();
    assert!(error.starts_with(r#"cannot start the worker with runtime "current_thread for test.note": "#), "{error}");
    assert!(error.contains("multi-thread"), "{error}");
}

fn a_future_that_listens_hears_of_its_timeout_and_one_that_does_not_is_dropped(store: impl Store) {
    let bench = Bench::new(store);
    let [listens, deaf] = ["listens", "deaf"].map(|text| bench.note(text));
    let runtime = Runtime::new().unwrap();
    let handler = |task: Task<Note>| async move {
        if task.text == "listens" {
            return Err::<(), _>(format!("{:?}", task.cancelled().await));
        }
        std::future::pending().await
    };
    let timeout = Duration::from_millis(100);
    let worker = bench.worker().timeout::<Note>(timeout).handle_async(runtime.handle(), handler);
    let running = worker.start().unwrap();
    wait_until("both attempts have failed", || [listens, deaf].iter().all(|id| bench.job(id).attempts == 1));
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    let error = |id| bench.job(&id).last_error.unwrap_or_default();
    assert_eq!(error(listens), "timed out after 0.1 s: TimedOut");
    assert_eq!(error(deaf), "timed out after 0.1 s: its future was dropped before it ended");
}
