//! A claim loop without a `Worker`: it enqueues jobs and ends them in every way.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Error, anyhow};
use clap::Args;
use fieldfen_domain::job::{FencedResult, JobKind, NewJob, WorkerName};
use fieldfen_domain::store::Store as _;
use fieldfen_domain::{JobId, RawJson};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::{ClaimedJob, Queue};
use serde::{Deserialize, Serialize};

use super::job_options::{JobOptions, short_backoff};
use super::stdin::drain_flag;
use super::{FOLLOW_UP_KIND, POISON_KIND, WORK_KIND, fenced, is_empty, or_emit, queue_or_emit};
use crate::event::{Event, emit};
use crate::rng::Rng;

/// The time that an idle worker waits for a commit before it looks again.
const IDLE: Duration = Duration::from_millis(20);

/// Enqueues, claims, completes, fails and releases jobs until the queue is empty. With `churn`, some attempts end
/// without success.
#[derive(Debug, Args)]
pub struct ClaimLoop {
    /// The number of threads that share the store.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// The number of jobs of one claim.
    #[arg(long, default_value_t = 1)]
    batch: u32,
    #[command(flatten)]
    options: JobOptions,
}

/// The way in which the handler of a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scenario {
    /// Succeed.
    Plain,
    /// Take longer than the lease at the first two attempts, so that the second attempt overlaps with the first.
    Slow,
    /// Fail at the first attempt.
    Failing,
    /// Release the job at the first attempt, perhaps several times.
    Released,
    /// Succeed, with few retries: a job that is killed too often fails.
    FewRetries,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    scenario: Scenario,
}

/// One thread of a worker.
struct ClaimThread<'c> {
    command: &'c ClaimLoop,
    queue: Queue<SqliteStore>,
    rng: Rng,
    name: WorkerName,
    draining: &'c AtomicBool,
}

impl ClaimLoop {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store refuses a call, or the test has closed the pipe from stdout.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        let draining = drain_flag(!self.options.churn);
        emit(&Event::Ready)?;
        thread::scope(|scope| {
            let claim_threads: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let queue = Queue::new(store.clone(), Environment::system());
                    let claim_thread = ClaimThread {
                        command: self,
                        queue: queue.with_policies(short_backoff()),
                        rng: Rng::new(self.options.seed.wrapping_mul(1000) + thread),
                        name: WorkerName::new(format!("{}/{thread}", std::process::id())),
                        draining: &draining,
                    };
                    scope.spawn(move || claim_thread.run())
                })
                .collect();
            claim_threads
                .into_iter()
                .try_for_each(|claim_thread| claim_thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }
}

impl ClaimThread<'_> {
    fn run(&self) -> Result<(), Error> {
        let environment = self.queue.environment();
        let usual: BTreeSet<JobKind> = [JobKind::custom(WORK_KIND)?, JobKind::custom(FOLLOW_UP_KIND)?].into();
        let poison: BTreeSet<JobKind> = [JobKind::custom(POISON_KIND)?].into();
        let lease = self.command.options.lease();
        let mut watch = or_emit(self.queue.store().watch())?;
        loop {
            let draining = self.draining.load(Ordering::SeqCst);
            if self.command.options.churn && !draining {
                self.enqueue(environment)?;
            }
            if self.command.options.churn || self.rng.one_in(50) {
                or_emit(self.queue.reclaim(10))?;
            }
            // A poison job is claimed alone, because it would end the claims of other jobs with it.
            let mut claims = or_emit(self.queue.claim(&usual, self.command.batch, lease, &self.name))?.jobs;
            if claims.is_empty() && self.command.options.churn {
                claims = or_emit(self.queue.claim(&poison, 1, lease, &self.name))?.jobs;
            }
            for claimed in &claims {
                emit(&Event::Claimed(claimed.job.id))?;
            }
            for claimed in &claims {
                self.handle(claimed, lease)?;
            }
            if claims.is_empty() {
                if draining && is_empty(&self.queue)? {
                    return Ok(());
                }
                or_emit(watch.wait(IDLE))?;
            }
        }
    }

    fn enqueue(&self, environment: &Environment) -> Result<(), Error> {
        let mut jobs = Vec::new();
        for _ in 0..self.rng.below(3) {
            let scenario = match self.rng.below(80) {
                0 => Scenario::Slow,
                1..=6 => Scenario::Failing,
                7..=12 => Scenario::Released,
                13..=24 => Scenario::FewRetries,
                _ => Scenario::Plain,
            };
            let poison = self.rng.one_in(40);
            let kind = JobKind::custom(if poison { POISON_KIND } else { WORK_KIND })?;
            let payload = RawJson::from_value(&Payload { scenario })?;
            let retries = match scenario {
                _ if poison => 2,
                Scenario::FewRetries => 1,
                _ => 1_000_000,
            };
            let job = NewJob::untyped(environment.job_id(), kind, Some(payload), environment.now())?;
            jobs.push(job.max_retries(retries));
        }
        queue_or_emit(self.queue.enqueue_many(&jobs))?;
        jobs.iter().try_for_each(|job| emit(&Event::Enqueued(job.id)))
    }

    fn handle(&self, claimed: &ClaimedJob, lease: Duration) -> Result<(), Error> {
        let (job, first_try) = (&claimed.job, claimed.job.attempts == 0);
        if job.kind.as_str() == POISON_KIND {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
        }
        let scenario = match &job.payload {
            Some(payload) if job.kind.as_str() == WORK_KIND => payload.read::<Payload>()?.scenario,
            _ => Scenario::Plain,
        };
        match scenario {
            Scenario::Slow if job.attempts < 2 => {
                thread::sleep(lease.mul_f64(1.5));
                self.complete(claimed)
            }
            Scenario::Failing if first_try => {
                let fenced = or_emit(self.queue.fail(claimed, "the first try of a failing job"))?;
                self.emit_if_lost(fenced, job.id)
            }
            Scenario::Released if first_try && !self.rng.one_in(3) => {
                let fenced = or_emit(self.queue.snooze(claimed, self.queue.environment().now()))?;
                self.emit_if_lost(fenced, job.id)
            }
            _ => {
                if self.rng.one_in(4) {
                    let progress = RawJson::from_value("half done")?;
                    or_emit(self.queue.heartbeat(&[(claimed.claim, Some(progress))], lease))?;
                }
                self.complete(claimed)
            }
        }
    }

    /// Completes a job. Its fenced writes are an API call named after it and, for work, a follow-up job.
    fn complete(&self, claimed: &ClaimedJob) -> Result<(), Error> {
        let (id, at) = (claimed.job.id, self.queue.environment().now());
        let mut completion = fenced(&claimed.job, at);
        if claimed.job.kind.as_str() == WORK_KIND {
            let payload = RawJson::from_value(&id.to_string())?;
            let kind = JobKind::custom(FOLLOW_UP_KIND)?;
            let follow_up = NewJob::untyped(self.queue.environment().job_id(), kind, Some(payload), at)?;
            completion = completion.then(follow_up.max_retries(1_000_000));
        }
        match queue_or_emit(self.queue.complete(claimed, &mut completion))? {
            FencedResult::Done(()) => emit(&Event::Completed(id)),
            other => self.emit_if_lost(other, id),
        }
    }

    fn emit_if_lost<T>(&self, fenced: FencedResult<T>, id: JobId) -> Result<(), Error> {
        match fenced {
            FencedResult::Done(_) => Ok(()),
            FencedResult::LeaseLost => emit(&Event::LeaseLost(id)),
            FencedResult::AlreadyDone { .. } => {
                Err(anyhow!("job {id} had been ended by a claim that ended it only now"))
            }
            FencedResult::NotFound => Err(anyhow!("job {id} is gone, although nobody deletes jobs")),
        }
    }
}
