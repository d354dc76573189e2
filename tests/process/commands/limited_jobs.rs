//! Claims and ends jobs of kinds with concurrency limits, while the limits change.

use std::thread;
use std::time::Duration;

use anyhow::{Error, anyhow};
use clap::Args;
use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{
    ClaimRef, ClaimRequest, ConcurrencyLimit, FailureReport, Job, JobFilter, JobKind, JobStatus, Partition, Retry,
    WorkerName,
};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::store::{Session, Store as _, StoreError};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::concurrency_limits::ConcurrencyLimits;
use fieldfen_services::queue::Queue;

use super::job_options::{JobOptions, short_backoff};
use super::stdin::drain_flag;
use super::{is_empty, or_emit};
use crate::event::{Event, emit};
use crate::rng::Rng;

/// The kinds of the jobs, with the partition by which each kind is limited.
pub const LIMITED_KINDS: [(&str, Partition); 3] = [
    ("test.limited-in-all", Partition::All),
    ("test.limited-per-file", Partition::File),
    ("test.limited-per-account", Partition::Account),
];

/// The highest limit that is set.
const HIGHEST: u64 = 4;

/// The time that an idle thread waits for a commit before it looks again.
const IDLE: Duration = Duration::from_millis(20);

/// Claims jobs and ends them in every way until none is left, and changes the limits meanwhile. After each claim, the
/// transaction of the claim counts the running jobs of each claimed job's partition.
#[derive(Debug, Args)]
pub struct LimitedJobs {
    /// The number of threads that share the store.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    #[command(flatten)]
    options: JobOptions,
}

impl LimitedJobs {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store refuses a call, or the test has closed the pipe from stdout.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        drain_flag(true);
        emit(&Event::Ready)?;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads)
                .map(|number| {
                    let environment = Environment::system();
                    let thread = LimitedThread {
                        lease: self.options.lease(),
                        limits: ConcurrencyLimits::new(store.clone(), environment.clone()),
                        queue: Queue::new(store.clone(), environment).with_policies(short_backoff()),
                        rng: Rng::new(self.options.seed.wrapping_mul(1000) + number),
                        name: WorkerName::new(format!("{}/{number}", std::process::id())),
                    };
                    scope.spawn(move || thread.run())
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }
}

struct LimitedThread {
    lease: Duration,
    queue: Queue<SqliteStore>,
    limits: ConcurrencyLimits<SqliteStore>,
    rng: Rng,
    name: WorkerName,
}

impl LimitedThread {
    fn run(&self) -> Result<(), Error> {
        let mut watch = or_emit(self.queue.store().watch())?;
        loop {
            if self.rng.one_in(40) {
                self.change_limit()?;
            }
            if self.rng.one_in(20) {
                or_emit(self.queue.reclaim(10))?;
            }
            let jobs = self.claim()?;
            if jobs.is_empty() {
                if is_empty(&self.queue)? {
                    return Ok(());
                }
                or_emit(self.queue.reclaim(10))?;
                or_emit(watch.wait(IDLE))?;
            }
            self.end(&jobs)?;
        }
    }

    fn change_limit(&self) -> Result<(), Error> {
        let (kind, partition) = LIMITED_KINDS[usize::try_from(self.rng.below(3))?];
        let action = Action::new(Actor::new("test", Via::Library)?, "the limits change")?;
        let kind = JobKind::custom(kind)?;
        if partition != Partition::All && self.rng.one_in(6) {
            // Until the limit is set again, all jobs of the kind may run.
            or_emit(self.limits.remove(&kind, partition, &action))?;
            return Ok(());
        }
        // Both limits of a kind hold.
        let (partition, highest) =
            if self.rng.one_in(4) { (Partition::All, 2 * HIGHEST) } else { (partition, HIGHEST) };
        let most = u32::try_from(1 + self.rng.below(highest))?;
        or_emit(self.limits.set(&ConcurrencyLimit::new(kind, partition, most)?, &action))
    }

    /// Claims jobs and checks in the same transaction that no limit is exceeded in the partition of a claimed job.
    fn claim(&self) -> Result<Vec<(ClaimRef, Job)>, Error> {
        let environment = self.queue.environment();
        let mut kinds: Vec<JobKind> =
            LIMITED_KINDS.iter().map(|(kind, _)| JobKind::custom(*kind)).collect::<Result<_, _>>()?;
        if self.rng.one_in(2) {
            kinds = vec![kinds.swap_remove(usize::try_from(self.rng.below(3))?)];
        }
        let (token, most) = (environment.token(), u32::try_from(1 + self.rng.below(4))?);
        let request = ClaimRequest::new(
            kinds.into_iter().collect(),
            most,
            token,
            environment.now(),
            self.lease,
            self.name.clone(),
        );
        let (jobs, exceeded) = or_emit(self.queue.store().write(|s| {
            let jobs = s.jobs().claim(&request)?.jobs;
            let exceeded = exceeded_limit(s, &jobs)?;
            Ok::<_, StoreError>((jobs, exceeded))
        }))?;
        if let Some(rule) = exceeded {
            emit(&Event::RuleBroken(rule))?;
        }
        Ok(jobs.into_iter().map(|job| (ClaimRef { id: job.id, token }, job)).collect())
    }

    /// Ends jobs in one of the ways in which a job can end, or lets their leases lapse.
    fn end(&self, jobs: &[(ClaimRef, Job)]) -> Result<(), Error> {
        if self.rng.one_in(40) {
            thread::sleep(self.lease.mul_f64(1.5));
        } else if self.rng.one_in(4) {
            thread::sleep(Duration::from_micros(self.rng.below(3000)));
        }
        let now = self.queue.environment().now();
        let way = self.rng.below(12);
        or_emit(self.queue.store().write(|s| {
            let claims: Vec<ClaimRef> = jobs.iter().map(|(claim, _)| *claim).collect();
            let jobs = s.jobs();
            match way {
                0 => claims.iter().try_for_each(|claim| {
                    jobs.fail(claim, &FailureReport::new("fails now and then", Retry::At(now), now)).map(drop)
                }),
                1 => claims.iter().try_for_each(|claim| jobs.release(claim, now, now).map(drop)),
                2 => jobs.release_many(&claims, now, now).map(drop),
                3 => claims.iter().try_for_each(|claim| jobs.throttle(claim, now, now).map(drop)),
                4 => claims.iter().try_for_each(|claim| jobs.decline(claim, "not now", now, now).map(drop)),
                5 => claims.iter().try_for_each(|claim| jobs.complete(claim, None, now).map(drop)),
                _ => {
                    let completions: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
                    jobs.complete_many(&completions, now).map(drop)
                }
            }
        }))
    }
}

/// Describes a limit of which more jobs run than it allows, in a partition in which this transaction has claimed a job.
fn exceeded_limit(s: &mut dyn Session, claimed: &[Job]) -> Result<Option<String>, StoreError> {
    let limits = s.concurrency_limits().list()?;
    for job in claimed {
        let filter = JobFilter::new().status(JobStatus::Running).kind(job.kind.clone());
        let page = s.jobs().page(&filter, &PageRequest::first(1000))?;
        for limit in limits.iter().filter(|limit| limit.kind == job.kind) {
            let key = |file_id, account| limit.partition.key(file_id, account);
            let Some(of_job) = key(job.file_id, job.account.as_ref()) else { continue };
            let running = page.items.iter().filter_map(|running| key(running.file_id, running.account.as_ref()));
            let running = running.filter(|key| *key == of_job).count();
            if running > usize::try_from(limit.max_running).unwrap_or(usize::MAX) {
                return Ok(Some(format!("{limit}, and {running} run in {of_job:?} after the claim of {}", job.id)));
            }
        }
    }
    Ok(None)
}
