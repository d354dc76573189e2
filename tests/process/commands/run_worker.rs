//! A `Worker` whose handlers end in every way.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Error, ensure};
use clap::Args;
use fieldfen_domain::job::{Job, NewJob, Payload};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::{AppliedOutcome, Completion, Metrics, Outcome, ShutdownReport, Task, Worker};
use serde::{Deserialize, Serialize};

use super::job_options::{JobOptions, short_backoff};
use super::stdin::drain_flag;
use super::{FOLLOW_UP_KIND, POISON_KIND, WORK_KIND, emit_or_ignore, fenced, is_empty, or_emit, queue_or_emit};
use crate::event::{Event, StoreFailure, emit};
use crate::rng::Rng;

/// The largest number of follow-ups that one worker runs at once.
const FOLLOW_UPS: u32 = 1;

/// Runs a worker with a thread pool, heartbeats and a limit per kind until the queue is empty. With `churn`, it is
/// sometimes stopped and another one is started.
#[derive(Debug, Args)]
pub struct RunWorker {
    /// The number of jobs that run at once.
    #[arg(long, default_value_t = 3)]
    threads: usize,
    #[command(flatten)]
    options: JobOptions,
}

/// The way in which the handler of a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scenario {
    /// Succeed.
    Plain,
    /// Take longer than the lease at the first two attempts. Heartbeats extend the lease unless the process is stopped.
    Slow,
    /// Fail at the first attempt.
    Failing,
    /// Panic at the first attempt.
    Panicking,
    /// Be throttled at the first attempt, perhaps several times.
    Throttled,
    /// Succeed, with few retries: a job that is killed too often fails.
    FewRetries,
    /// Fail for good, with no retries.
    NoRetries,
}

#[derive(Debug, Serialize, Deserialize)]
struct Work {
    scenario: Scenario,
}

/// The follow-up of the job with this id.
#[derive(Debug, Serialize, Deserialize)]
struct FollowUp(String);

/// A job that kills the process of its worker.
#[derive(Debug, Serialize, Deserialize)]
struct Poison {}

impl Payload for Work {
    const KIND: &'static str = WORK_KIND;
}

impl Payload for FollowUp {
    const KIND: &'static str = FOLLOW_UP_KIND;
}

impl Payload for Poison {
    const KIND: &'static str = POISON_KIND;
}

/// Reports the outcomes that the store has acknowledged.
struct EventMetrics;

impl Metrics for EventMetrics {
    fn job_ended(&self, job: &Job, applied: AppliedOutcome, _: Duration) {
        match applied {
            AppliedOutcome::Completed => emit_or_ignore(&Event::Completed(job.id)),
            AppliedOutcome::Lost => emit_or_ignore(&Event::LeaseLost(job.id)),
            _ => {}
        }
    }

    fn store_failed(&self, error: &StoreError) {
        emit_or_ignore(&Event::StoreFailed(StoreFailure::of(error)));
    }
}

impl RunWorker {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store refuses an enqueue, the worker does not start or leaves a job behind, or the parent no
    /// longer reads.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        let draining = drain_flag(!self.options.churn);
        let (queue, rng) = (Queue::new(store.clone(), Environment::system()), Rng::new(self.options.seed));
        let kinds = [Work::kind(), FollowUp::kind(), Poison::kind()];
        let mut worker = self.start(store)?;
        emit(&Event::Ready)?;
        while !draining.load(Ordering::SeqCst) {
            if rng.one_in(500) {
                // A handler that hangs on a slow disk is left behind with its lease. Its outcome takes effect when it
                // returns.
                worker.stop_handle().stop_now();
                worker.join()?;
                worker = self.start(store)?;
            }
            // The queue stays short, however many processes are killed, since the jobs at the end take time.
            let due = or_emit(store.read(|s| s.jobs().next_due(&kinds)))?;
            if due.is_some_and(|due| due <= queue.environment().now()) {
                thread::sleep(Duration::from_millis(1));
            } else {
                enqueue(&queue, &rng)?;
            }
        }
        while !is_empty(&queue)? {
            thread::sleep(Duration::from_millis(20));
        }
        worker.stop_handle().stop();
        let stopped = worker.join()?;
        ensure!(stopped == ShutdownReport::default(), "the queue is empty, but {stopped:?}");
        Ok(())
    }

    fn start(&self, store: &SqliteStore) -> Result<Worker, Error> {
        let lease = self.options.lease();
        let (longer_than_lease, rng) = (lease.mul_f64(1.5), Rng::new(self.options.seed));
        let running = AtomicU32::new(0);
        let worker = Worker::builder(store.clone(), Environment::system())
            .threads(self.threads)
            .lease(lease)
            .retry_policies(short_backoff())
            .metrics(EventMetrics)
            .limit::<FollowUp>(FOLLOW_UPS)
            .handle(move |task: Task<Work>| work(&task, &rng, longer_than_lease))
            .handle(move |task: Task<FollowUp>| follow_up(&task, &running))
            .handle(|task: Task<Poison>| {
                emit_or_ignore(&Event::Claimed(task.id()));
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
            });
        Ok(worker.start()?)
    }
}

/// Enqueues a few jobs.
fn enqueue(queue: &Queue<SqliteStore>, rng: &Rng) -> Result<(), Error> {
    let mut jobs = Vec::new();
    for _ in 0..rng.below(12) {
        let scenario = match rng.below(60) {
            0 => Scenario::Slow,
            1..=3 => Scenario::Failing,
            4 => Scenario::Panicking,
            5..=8 => Scenario::Throttled,
            9..=16 => Scenario::FewRetries,
            17 => Scenario::NoRetries,
            _ => Scenario::Plain,
        };
        jobs.push(match scenario {
            _ if rng.one_in(150) => queue.job(&Poison {})?.max_retries(2),
            Scenario::FewRetries => queue.job(&Work { scenario })?.max_retries(1),
            Scenario::NoRetries => queue.job(&Work { scenario })?.max_retries(0),
            _ => queue.job(&Work { scenario })?.max_retries(1_000_000),
        });
    }
    queue_or_emit(queue.enqueue_many(&jobs))?;
    jobs.iter().try_for_each(|job| emit(&Event::Enqueued(job.id)))
}

fn work(task: &Task<Work>, rng: &Rng, longer_than_lease: Duration) -> Result<Completion, Outcome> {
    emit_or_ignore(&Event::Claimed(task.id()));
    let first_try = task.attempt() == 1;
    match task.scenario {
        Scenario::Slow if task.attempt() <= 2 => {
            task.progress("slow")?;
            let until = task.now() + longer_than_lease;
            while task.now() < until && !task.is_cancelled() {
                thread::sleep(Duration::from_millis(5));
            }
        }
        Scenario::Failing if first_try => return Err(Outcome::retry("the first try of a failing job")),
        // This ends like a panic, but without a backtrace in the output of the tests.
        Scenario::Panicking if first_try => resume_unwind(Box::new("the first try of a panicking job")),
        // The wait grows with each throttle, up to a minute. With more throttles the run would wait for these jobs
        // alone.
        Scenario::Throttled if first_try && task.job().throttled < 5 && !rng.one_in(3) => {
            return Err(Outcome::throttled(task.now() + Duration::from_millis(10), "the platform wants a pause"));
        }
        Scenario::NoRetries => return Err(Outcome::fail("a job without retries")),
        _ => thread::sleep(Duration::from_micros(rng.below(2000))),
    }
    let follow_up = NewJob::new(task.environment().job_id(), &FollowUp(task.id().to_string()), task.now())?;
    Ok(fenced(task.job(), task.now()).then(follow_up.max_retries(1_000_000)))
}

fn follow_up(task: &Task<FollowUp>, running: &AtomicU32) -> Completion {
    emit_or_ignore(&Event::Claimed(task.id()));
    if running.fetch_add(1, Ordering::SeqCst) >= FOLLOW_UPS {
        emit_or_ignore(&Event::RuleBroken(format!("more than {FOLLOW_UPS} follow-ups run at once")));
    }
    thread::sleep(Duration::from_micros(300));
    running.fetch_sub(1, Ordering::SeqCst);
    fenced(task.job(), task.now())
}
