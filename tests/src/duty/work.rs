//! Enqueueing jobs and doing them, in every way a handler can end.

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

use super::orders::drain_flag;
use super::turnover::{Turnover, soon};
use super::{FOLLOW_UP_KIND, POISON_KIND, WORK_KIND, fenced, is_empty, settled, told};
use crate::dice::Dice;
use crate::fact::{Fact, tell};

/// How long an idle worker waits for a commit before it looks again.
const IDLE: Duration = Duration::from_millis(20);

/// Enqueues, claims, completes, fails and releases jobs until the queue is empty. With `churn`, some tries end without
/// success.
#[derive(Debug, Args)]
pub struct Work {
    /// How many threads share the store.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// How many jobs are claimed at once.
    #[arg(long, default_value_t = 1)]
    batch: u32,
    #[command(flatten)]
    turnover: Turnover,
}

/// What a job asks of its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Manner {
    /// Succeed.
    Plain,
    /// At the first two tries, take longer than the lease, so that the second overlaps with the first.
    Slow,
    /// At the first try, fail.
    Failing,
    /// At the first try, be given back, perhaps several times.
    Reluctant,
    /// Succeed, with few retries: who is killed too often fails.
    Fragile,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    manner: Manner,
}

/// One thread of a worker.
struct Hand<'w> {
    work: &'w Work,
    queue: Queue<SqliteStore>,
    dice: Dice,
    name: WorkerName,
    draining: &'w AtomicBool,
}

impl Work {
    /// Does the duty.
    ///
    /// # Errors
    /// When the store refuses anything, or the parent listens no more.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        let draining = drain_flag(!self.turnover.churn);
        tell(&Fact::Ready)?;
        thread::scope(|scope| {
            let hands: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let queue = Queue::new(store.clone(), Environment::system());
                    let hand = Hand {
                        work: self,
                        queue: queue.with_policies(soon()),
                        dice: Dice::new(self.turnover.seed.wrapping_mul(1000) + thread),
                        name: WorkerName::new(format!("{}/{thread}", std::process::id())),
                        draining: &draining,
                    };
                    scope.spawn(move || hand.turns())
                })
                .collect();
            hands.into_iter().try_for_each(|hand| hand.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }
}

impl Hand<'_> {
    fn turns(&self) -> Result<(), Error> {
        let environment = self.queue.environment();
        let usual: BTreeSet<JobKind> = [JobKind::custom(WORK_KIND)?, JobKind::custom(FOLLOW_UP_KIND)?].into();
        let poison: BTreeSet<JobKind> = [JobKind::custom(POISON_KIND)?].into();
        let lease = self.work.turnover.lease();
        let mut watch = told(self.queue.store().watch())?;
        loop {
            let draining = self.draining.load(Ordering::SeqCst);
            if self.work.turnover.churn && !draining {
                self.enqueue(environment)?;
            }
            if self.work.turnover.churn || self.dice.once_in(50) {
                told(self.queue.reclaim(10))?;
            }
            // Poison is claimed alone: it would take others' claims with it.
            let mut claims = told(self.queue.claim(&usual, self.work.batch, lease, &self.name))?.jobs;
            if claims.is_empty() && self.work.turnover.churn {
                claims = told(self.queue.claim(&poison, 1, lease, &self.name))?.jobs;
            }
            for claimed in &claims {
                tell(&Fact::Claimed(claimed.job.id))?;
            }
            for claimed in &claims {
                self.handle(claimed, lease)?;
            }
            if claims.is_empty() {
                if draining && is_empty(&self.queue)? {
                    return Ok(());
                }
                told(watch.wait(IDLE))?;
            }
        }
    }

    fn enqueue(&self, environment: &Environment) -> Result<(), Error> {
        let mut jobs = Vec::new();
        for _ in 0..self.dice.throw(3) {
            let manner = match self.dice.throw(80) {
                0 => Manner::Slow,
                1..=6 => Manner::Failing,
                7..=12 => Manner::Reluctant,
                13..=24 => Manner::Fragile,
                _ => Manner::Plain,
            };
            let poison = self.dice.once_in(40);
            let kind = JobKind::custom(if poison { POISON_KIND } else { WORK_KIND })?;
            let payload = RawJson::from_value(&Payload { manner })?;
            let retries = match manner {
                _ if poison => 2,
                Manner::Fragile => 1,
                _ => 1_000_000,
            };
            let job = NewJob::untyped(environment.job_id(), kind, Some(payload), environment.now())?;
            jobs.push(job.max_retries(retries));
        }
        settled(self.queue.enqueue_many(&jobs))?;
        jobs.iter().try_for_each(|job| tell(&Fact::Enqueued(job.id)))
    }

    fn handle(&self, claimed: &ClaimedJob, lease: Duration) -> Result<(), Error> {
        let (job, first_try) = (&claimed.job, claimed.job.attempts == 0);
        if job.kind.as_str() == POISON_KIND {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
        }
        let manner = match &job.payload {
            Some(payload) if job.kind.as_str() == WORK_KIND => payload.read::<Payload>()?.manner,
            _ => Manner::Plain,
        };
        match manner {
            Manner::Slow if job.attempts < 2 => {
                thread::sleep(lease.mul_f64(1.5));
                self.complete(claimed)
            }
            Manner::Failing if first_try => {
                let fenced = told(self.queue.fail(claimed, "the first try of a failing job"))?;
                self.tell_if_lost(fenced, job.id)
            }
            Manner::Reluctant if first_try && !self.dice.once_in(3) => {
                let fenced = told(self.queue.release(claimed, self.queue.environment().now()))?;
                self.tell_if_lost(fenced, job.id)
            }
            _ => {
                if self.dice.once_in(4) {
                    let progress = RawJson::from_value("half done")?;
                    told(self.queue.heartbeat(&[(claimed.claim, Some(progress))], lease))?;
                }
                self.complete(claimed)
            }
        }
    }

    /// Completes a job; its fenced writes are a call named after it and, for work, a job that follows.
    fn complete(&self, claimed: &ClaimedJob) -> Result<(), Error> {
        let (id, at) = (claimed.job.id, self.queue.environment().now());
        let mut completion = fenced(&claimed.job, at);
        if claimed.job.kind.as_str() == WORK_KIND {
            let payload = RawJson::from_value(&id.to_string())?;
            let kind = JobKind::custom(FOLLOW_UP_KIND)?;
            let follow_up = NewJob::untyped(self.queue.environment().job_id(), kind, Some(payload), at)?;
            completion = completion.then(follow_up.max_retries(1_000_000));
        }
        match settled(self.queue.complete(claimed, &mut completion))? {
            FencedResult::Done(()) => tell(&Fact::Completed(id)),
            other => self.tell_if_lost(other, id),
        }
    }

    fn tell_if_lost<T>(&self, fenced: FencedResult<T>, id: JobId) -> Result<(), Error> {
        match fenced {
            FencedResult::Done(_) => Ok(()),
            FencedResult::LeaseLost => tell(&Fact::Lost(id)),
            FencedResult::AlreadyDone { .. } => {
                Err(anyhow!("job {id} had been ended by a claim that ended it only now"))
            }
            FencedResult::NotFound => Err(anyhow!("job {id} is gone, although nobody deletes jobs")),
        }
    }
}
