//! Waits for the end of a worker, in cases that could hang.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use fieldfen_domain::job::JobStatus;
#[cfg(feature = "tokio")]
use fieldfen_services::worker::ShutdownReport;
use fieldfen_services::worker::{Task, Worker, WorkerFailure};
use fieldfen_services::workers::Workers;
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::wait::{received, wait_until};

use super::{Bench, LONG, Note};

type Held = Arc<Mutex<Option<Worker>>>;

fn take(held: &Held) -> Option<Worker> {
    held.lock().unwrap().take()
}

/// A worker whose handler runs a closure with the worker itself.
fn worker_in_hand(deal_with: impl Fn(Worker) + Send + Sync + 'static) -> Bench<ModelStore> {
    let bench = Bench::new(ModelStore::new());
    let (held, ended) = (Held::default(), channel());
    let holds = Arc::clone(&held);
    let handler = move |_: Task<Note>| {
        wait_until("the test has handed the worker over", || holds.lock().unwrap().is_some());
        deal_with(take(&holds).unwrap());
        ended.0.send(()).unwrap();
    };
    let running = bench.worker().grace(LONG).handle(handler).start().unwrap();
    *held.lock().unwrap() = Some(running);
    let id = bench.note("x");
    received("the handler has dealt with the worker", &ended.1);
    wait_until("the job is completed", || bench.status(&id) == JobStatus::Completed);
    bench
}

#[test]
fn a_handler_that_joins_its_own_worker_is_refused_and_the_worker_ends() {
    let (failures, failure) = channel();
    let bench = worker_in_hand(move |running| {
        let handle = running.stop_handle();
        let error = running.join().unwrap_err();
        assert!(handle.is_stopping() && error.to_string().contains("by a thread of the worker itself"), "{error}");
        failures.send((error.failure, error.report.still_running.len())).unwrap();
    });
    assert_eq!(received("the handler has joined its worker", &failure), (WorkerFailure::JoinedByItself, 1));
    // A worker that ends deletes its row of the registry. No worker is left that could run another job.
    let workers = Workers::new(bench.queue.store().clone(), bench.queue.environment().clone());
    wait_until("the worker is out of the registry", || workers.all_alive().unwrap().is_empty());
    let id = bench.note("y");
    assert_eq!(bench.status(&id), JobStatus::Pending);
}

#[test]
fn a_handler_that_drops_its_own_worker_goes_on() {
    worker_in_hand(drop);
}

#[cfg(feature = "tokio")]
mod in_runtimes {
    use std::time::Duration;

    use fieldfen_services::worker::WorkerError;
    use fieldfen_testkit::wait::with_deadline;
    use tokio::runtime::{Builder, Runtime};
    use tokio::task::{LocalSet, spawn_blocking};

    use super::*;

    fn one_thread() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
    }

    fn started() -> Worker {
        Bench::new(ModelStore::new()).worker().handle(|_: Task<Note>| ()).start().unwrap()
    }

    /// The result of joining a worker beside a task that must stop it.
    async fn joined_beside_its_stop(spawn: impl FnOnce(StopSoon)) -> Result<ShutdownReport, WorkerError> {
        let running = started();
        spawn(StopSoon(running.stop_handle()));
        running.join()
    }

    struct StopSoon(fieldfen_services::worker::StopHandle);

    impl StopSoon {
        async fn stop(self) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.0.stop();
        }
    }

    #[test]
    fn joining_where_no_task_can_run_meanwhile_is_refused() {
        let current = with_deadline("the worker is joined", || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(joined_beside_its_stop(|task| drop(tokio::spawn(task.stop()))))
        });
        let in_local_set = with_deadline("the worker is joined", || {
            let spawn = |task: StopSoon| drop(tokio::task::spawn_local(task.stop()));
            one_thread().block_on(LocalSet::new().run_until(joined_beside_its_stop(spawn)))
        });
        for joined in [current, in_local_set] {
            let error = joined.unwrap_err();
            assert_eq!(error.failure, WorkerFailure::JoinBlocksRuntime);
            let message = error.to_string();
            assert!(
                message.contains("also a task that is to stop the worker; call it through spawn_blocking"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_worker_that_was_told_to_stop_or_is_dropped_ends_on_a_current_thread_runtime() {
        let joined = with_deadline("the worker is joined", || {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                drop(started());
                let running = started();
                running.stop_handle().stop();
                running.join()
            })
        });
        assert_eq!(joined, Ok(ShutdownReport::default()));
    }

    #[test]
    fn a_blocking_thread_of_a_current_thread_runtime_may_join() {
        let joined = with_deadline("the worker is joined", || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let running = started();
                tokio::spawn(StopSoon(running.stop_handle()).stop());
                spawn_blocking(move || running.join()).await.unwrap()
            })
        });
        assert_eq!(joined, Ok(ShutdownReport::default()));
    }

    #[test]
    fn a_join_on_the_only_thread_of_a_runtime_holds_up_neither_its_tasks_nor_async_handlers() {
        let joined = with_deadline("the worker is joined", || {
            let bench = Bench::new(ModelStore::new());
            let id = bench.note("x");
            let runtime = one_thread();
            let handler = |_: Task<Note>| tokio::time::sleep(Duration::from_millis(10));
            let running = bench.worker().handle_async(runtime.handle(), handler).start().unwrap();
            running.stop_handle().stop_when_idle();
            let other = started();
            let in_a_task = runtime.spawn(async move {
                let joined = running.join();
                tokio::spawn(StopSoon(other.stop_handle()).stop());
                let joined = (joined, other.join());
                drop(started());
                joined
            });
            (runtime.block_on(in_a_task).unwrap(), bench.status(&id))
        });
        assert_eq!(joined, ((Ok(ShutdownReport::default()), Ok(ShutdownReport::default())), JobStatus::Completed));
    }
}
