//! Jobs that have lost leases, and the jobs that run beside them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::job::JobStatus;
use fieldfen_domain::store::Store;
use fieldfen_services::worker::{ShutdownReport, Task};
use fieldfen_testkit::wait::{received, wait_until};
use fieldfen_testkit::with;

use super::panics::end_of;
use super::worker_stop::meeting;
use super::{Bench, LEASE, Note};

on_every_store!(
    a_job_that_has_lost_two_leases_runs_with_nothing_beside_it,
    a_job_that_waits_to_run_alone_is_given_back_when_another_does_not_end,
    a_job_that_is_given_back_unrun_counts_as_declined_since_it_was_first_declined,
    jobs_that_wait_to_run_alone_one_after_the_other_do_not_stop_all_others,
    a_worker_that_stops_gives_back_what_waits_and_not_what_runs,
);

/// The longest wait of a job after its second lost lease.
const SECOND_WAIT: Duration = Duration::from_secs(20);

impl<S: Store> Bench<S> {
    /// This many notes, which have lost two leases together and are not yet due.
    fn notes_of_two_dead_workers(&self, notes: u32) -> Vec<JobId> {
        let ids: Vec<_> = (0..notes).map(|number| self.note(&format!("lost {number}"))).collect();
        for _ in 0..2 {
            self.clock.advance(SECOND_WAIT);
            assert_eq!(self.claim_notes(notes).len(), ids.len());
            self.clock.advance(LEASE);
            assert_eq!(self.queue.reclaim(notes).unwrap().len(), ids.len());
        }
        ids
    }
}

fn a_job_that_has_lost_two_leases_runs_with_nothing_beside_it(store: impl Store) {
    let bench = Bench::new(store);
    let lost = bench.notes_of_two_dead_workers(4);
    for number in 0..40 {
        bench.note(&format!("other {number}"));
    }
    bench.clock.advance(SECOND_WAIT);
    let (running, most_beside) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new((0, 0))));
    let seen = Arc::clone(&most_beside);
    let handler = move |task: Task<Note>| {
        let before = running.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(3));
        let beside = before.max(running.fetch_sub(1, Ordering::SeqCst) - 1);
        let mut seen = seen.lock().unwrap();
        let most = if task.job().must_run_alone() { &mut seen.0 } else { &mut seen.1 };
        *most = beside.max(*most);
    };
    bench.drain(bench.worker().threads(4).handle(handler));
    assert!(lost.iter().all(|id| bench.status(id) == JobStatus::Completed));
    let (beside_lost, beside_others) = *most_beside.lock().unwrap();
    assert_eq!(beside_lost, 0);
    assert!(beside_others > 0, "other jobs run beside each other");
}

fn a_job_that_waits_to_run_alone_is_given_back_when_another_does_not_end(store: impl Store) {
    let bench = Bench::new(store);
    let lost = bench.notes_of_two_dead_workers(1)[0];
    bench.note("endless");
    let (meet, has_begun, let_go) = meeting();
    let handler = move |task: Task<Note>| {
        if task.text == "endless" {
            meet()
        }
    };
    let running = bench.worker().threads(3).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    bench.clock.advance(SECOND_WAIT);
    wait_until("the lost job is claimed", || bench.status(&lost) == JobStatus::Running);
    let other = bench.note("other");
    bench.clock.advance(Duration::from_secs(600 + 1));
    wait_until("the other job is completed", || bench.status(&other) == JobStatus::Completed);
    assert_eq!((bench.status(&lost), bench.job(&lost).attempts), (JobStatus::Pending, 2));
    // The job runs after the other one has ended.
    let_go.send(()).unwrap();
    bench.clock.advance(Duration::from_secs(600 + 1));
    wait_until("the lost job is completed", || bench.status(&lost) == JobStatus::Completed);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
}

fn a_job_that_is_given_back_unrun_counts_as_declined_since_it_was_first_declined(store: impl Store) {
    let bench = Bench::new(store);
    let lost = bench.notes_of_two_dead_workers(1)[0];
    bench.clock.advance(SECOND_WAIT);
    let (declined_since, hour) = (bench.now(), Duration::from_secs(3600));
    assert!(bench.queue.decline(&bench.claim_notes(1)[0], "a newer worker can", hour).unwrap().is_done());
    bench.note("endless");
    let (meet, has_begun, let_go) = meeting();
    let running = bench.worker().threads(3).handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the endless handler has begun", &has_begun);
    bench.clock.advance(Duration::from_secs(1));
    wait_until("the lost job is claimed", || bench.status(&lost) == JobStatus::Running);
    bench.clock.advance(Duration::from_secs(600 + 1));
    wait_until("the lost job is given back", || bench.status(&lost) == JobStatus::Pending);
    let job = bench.job(&lost);
    assert_eq!((job.declined_since, job.run_at), (Some(declined_since), bench.now() + Duration::from_secs(600)));
    drop(let_go);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
}

fn jobs_that_wait_to_run_alone_one_after_the_other_do_not_stop_all_others(store: impl Store) {
    let bench = Bench::new(store);
    let lost = bench.notes_of_two_dead_workers(3);
    let endless = bench.note("endless");
    let (meet, has_begun, let_go) = meeting();
    let handler = move |task: Task<Note>| {
        if task.text == "endless" {
            meet()
        }
    };
    let running = bench.worker().threads(3).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    bench.clock.advance(SECOND_WAIT);
    wait_until("a lost job is claimed", || lost.iter().any(|id| bench.status(id) == JobStatus::Running));
    let other = bench.note("other");
    bench.clock.advance(Duration::from_secs(600 + 1));
    wait_until("the other job is completed", || bench.status(&other) == JobStatus::Completed);
    let_go.send(()).unwrap();
    wait_until("the endless job is completed", || bench.status(&endless) == JobStatus::Completed);
    bench.clock.advance(Duration::from_secs(600 + 1));
    wait_until("all lost jobs are completed", || lost.iter().all(|id| bench.status(id) == JobStatus::Completed));
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
}

fn a_worker_that_stops_gives_back_what_waits_and_not_what_runs(store: impl Store) {
    let bench = Bench::new(store);
    let lost = bench.notes_of_two_dead_workers(1)[0];
    let endless = bench.note("endless");
    let (meet, has_begun, let_go) = meeting();
    let running = bench.worker().threads(3).handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    bench.clock.advance(SECOND_WAIT);
    wait_until("the lost job is claimed", || bench.status(&lost) == JobStatus::Running);
    running.stop_handle().stop_now();
    let stopped = end_of(running).unwrap();
    assert_eq!(stopped, with!(ShutdownReport::default(), released: 1, still_running: vec![endless]));
    assert_eq!([lost, endless].map(|id| bench.status(&id)), [JobStatus::Pending, JobStatus::Running]);
    let_go.send(()).unwrap();
    wait_until("the endless job is completed", || bench.status(&endless) == JobStatus::Completed);
}
