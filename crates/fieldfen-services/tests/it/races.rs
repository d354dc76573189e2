//! Races between the threads of workers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::RawJson;
use fieldfen_domain::job::JobStatus;
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::queue::{Completion, Queue, QueueError, complete};
use fieldfen_services::worker::{Interruption, ShutdownReport, Task};
use fieldfen_testkit::wait::{received, wait_until};
use fieldfen_testkit::with;

use super::panics::end_of;
use super::store_failures::{behind, busy, is_thread};
use super::worker_stop::meeting;
use super::{Bench, LEASE, Note};
use crate::SetUp as _;

on_every_store!(a_completion_that_panics_when_it_is_dropped_keeps_no_thread, what_a_handler_has_completed_is_not_kept);

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

fn a_completion_that_panics_when_it_is_dropped_keeps_no_thread(store: impl Store) {
    let bench = Bench::new(store);
    let ids = ["a", "b", "c"].map(|text| bench.note(text));
    let handler = |_: Task<Note>| {
        let bomb = PanicsWhenDropped;
        Completion::new().writing(move |_| {
            let _held = &bomb;
            Ok::<(), QueueError>(())
        })
    };
    bench.drain(bench.worker().threads(1).handle(handler));
    assert_eq!(ids.map(|id| bench.status(&id)), [JobStatus::Completed; 3]);
}

fn what_a_handler_has_completed_is_not_kept(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let queue: Queue<_> = bench.queue.clone();
    let handler = move |task: Task<Note>| {
        let completed = queue
            .store()
            .try_set_up(|s| complete(&mut Transaction::new(s), &task.claim(), &mut Completion::new(), task.now()));
        assert!(completed.unwrap().is_done());
        meet();
    };
    let running = bench.worker().grace(Duration::ZERO).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), with!(ShutdownReport::default(), still_running: vec![id]));
    assert_eq!(bench.status(&id), JobStatus::Completed);
    drop(let_go);
}

#[test]
fn newer_progress_is_not_overwritten_by_older() {
    let (meet, extends, go_on) = meeting();
    let holds = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&holds);
    let (bench, worker) = behind(move || match held.load(Ordering::SeqCst) {
        true if is_thread("fieldfen-beat") => Err(busy()),
        true if is_thread("fieldfen-work") => {
            meet();
            Ok(())
        }
        _ => Ok(()),
    });
    let id = bench.note("x");
    let (next, has_begun, proceed) = meeting();
    let handler = move |task: Task<Note>| {
        next();
        task.progress(&1).unwrap();
        next();
        task.progress(&2).unwrap();
        next();
    };
    let running = worker.worker().threads(1).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    holds.store(true, Ordering::SeqCst);
    proceed.send(()).unwrap();
    received("the handler has begun", &has_begun);
    // The thread that reclaims extends the worker's own leases first, besides the heartbeat.
    bench.clock.advance(LEASE / 2);
    received("a thread extends the leases", &extends);
    proceed.send(()).unwrap();
    received("the handler has begun", &has_begun);
    holds.store(false, Ordering::SeqCst);
    let second = RawJson::parse("2").unwrap();
    wait_until("the second progress is kept", || bench.job(&id).progress.as_ref() == Some(&second));
    drop(go_on);
    // After the worker has stopped, nothing is in progress any more.
    drop(proceed);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!(bench.job(&id).progress, Some(second));
}

#[test]
fn a_store_that_panics_at_a_failure_does_not_keep_the_thread() {
    let (bench, worker) = behind(|| {
        assert!(!is_thread("fieldfen-job"), "the store panics");
        Ok(())
    });
    let id = bench.note("x");
    worker.drain(worker.worker().threads(1).handle(|_: Task<Note>| Err::<(), _>("not today".to_owned())));
    assert_eq!(bench.status(&id), JobStatus::Running, "its lease will run out");
}

#[test]
fn a_store_that_panics_at_the_stop_does_not_keep_handlers_from_being_told() {
    let panics = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&panics);
    let (bench, worker) = behind(move || {
        assert!(!(now.load(Ordering::SeqCst) && is_thread("fieldfen-work")), "the store panics");
        Ok(())
    });
    bench.note("x");
    let (told, was_told) = channel();
    let told = Mutex::new(told);
    let handler = move |task: Task<Note>| {
        told.lock().unwrap().send(None).unwrap();
        wait_until("the job is told to stop", || task.is_cancelled());
        told.lock().unwrap().send(task.interruption()).unwrap();
    };
    let running = worker.worker().threads(1).grace(Duration::ZERO).handle(handler).start().unwrap();
    assert_eq!(received("the handler has been told", &was_told), None);
    panics.store(true, Ordering::SeqCst);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!(received("the handler has been told", &was_told), Some(Interruption::WorkerStops));
}
