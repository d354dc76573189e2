//! Configures a worker.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{Backoff, ConcurrencyLimit, JobKind, OnWorkerDeath, Payload, WorkerName};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::rate_limit::CallScope;
use fieldfen_domain::store::{Store, StoreError};

use super::context::{Context, Handler};
use super::errors::StartError;
use super::handle::{self, Worker};
use super::metrics::{Metrics, PanicSafe};
use super::outcome::{IntoOutcome, Outcome};
use super::rate_limited_kinds::RateLimitedKinds;
use super::settings::Settings;
use super::task::Task;
use crate::Environment;
use crate::api_costs::ApiCosts;
use crate::concurrency_limits::ConcurrencyLimits;
use crate::queue::{FailureHook, FailureHooks, Queue, RetryPolicies, read_payload};
use crate::rate_limiter::RateLimiter;

/// The configuration of a worker; [`start`](WorkerBuilder::start) starts it.
///
/// ```
/// use std::time::Duration;
/// use fieldfen_domain::job::GenerateMetadata;
/// use fieldfen_services::{Environment, worker::{Task, Worker}};
/// use fieldfen_testkit::ModelStore;
///
/// let worker = Worker::builder(ModelStore::new(), Environment::system())
///     .threads(2)
///     .lease(Duration::from_secs(30))
///     .limit::<GenerateMetadata>(1)
///     .handle(|task: Task<GenerateMetadata>| println!("describing {}", task.file_id))
///     .start()?;
/// worker.stop_handle().stop();
/// assert!(worker.join()?.still_running.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the worker only runs after `start`"]
pub struct WorkerBuilder<S> {
    store: S,
    environment: Environment,
    policies: RetryPolicies,
    failure_hooks: FailureHooks,
    backoffs: BTreeMap<JobKind, Backoff>,
    /// The consequences of the worker's death that the payloads of the handlers name.
    consequences: BTreeMap<JobKind, OnWorkerDeath>,
    settings: Settings,
    handlers: BTreeMap<JobKind, Handler>,
    rate_limited_kinds: RateLimitedKinds<S>,
    budgets: Option<ApiCosts<S>>,
    concurrency_limits: Vec<ConcurrencyLimit>,
    /// The first setting that breaks a rule: its name, its value and the rule.
    refused: Option<(&'static str, String, &'static str)>,
}

impl Worker {
    /// Configures a worker on this store, with as many threads as the machine has cores, leases of a minute and a grace
    /// period of 30 seconds. It needs at least one handler.
    pub fn builder<S: Store>(store: S, environment: Environment) -> WorkerBuilder<S> {
        WorkerBuilder::new(store, environment)
    }
}

impl<S> fmt::Debug for WorkerBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("name", &self.settings.name)
            .field("threads", &self.settings.threads)
            .field("kinds", &self.handlers.keys())
            .finish_non_exhaustive()
    }
}

impl<S: Store> WorkerBuilder<S> {
    /// A worker on this store with as many threads as the machine has cores, leases of a minute, a grace period of 30
    /// seconds, the default retry policy, no limits, no metrics, no failure hook, and no handlers.
    pub(super) fn new(store: S, environment: Environment) -> Self {
        Self {
            store,
            environment,
            policies: RetryPolicies::default(),
            failure_hooks: FailureHooks::default(),
            backoffs: BTreeMap::new(),
            consequences: BTreeMap::new(),
            settings: Settings::default(),
            handlers: BTreeMap::new(),
            rate_limited_kinds: RateLimitedKinds::default(),
            budgets: None,
            concurrency_limits: Vec::new(),
            refused: None,
        }
    }

    /// Sets the name under which the worker claims jobs, for people to read: for example host and program.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.settings.name = WorkerName::new(name);
        self
    }

    /// Sets the version of the program, for people to read in the [registry of workers](crate::workers).
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.settings.version = version.into();
        self
    }

    /// Names a secret, such as an API key or a password of at least 6 bytes, which is removed from the errors of jobs
    /// before they are stored and logged. Secrets in the usual forms are removed without that:
    /// [`Secrets`](fieldfen_domain::Secrets).
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.settings.secrets = self.settings.secrets.and(secret.into());
        self
    }

    /// Sets the number of handlers that run at once, at least one.
    pub const fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = threads;
        self
    }

    /// Sets the rate limiter that knows whether the services of [`calls`](Self::calls) take calls now.
    pub fn rate_limiter(mut self, limiter: RateLimiter<S>) -> Self {
        self.rate_limited_kinds.limiter = Some(limiter);
        self
    }

    /// Says that the handler of a kind calls this service. While the [rate limiter](Self::rate_limiter) lets no call to
    /// the service pass, or the service is [paused](crate::pauses::Pauses), the worker claims no job of the kind: the
    /// jobs keep their places and their retries, and jobs of other kinds run. A handler of a kind with several services
    /// waits for all of them.
    ///
    /// The worker asks the limiter at most every 50 ms. Each call acquires a permit for itself, and a handler whose
    /// call is refused returns [`Outcome::Throttled`].
    pub fn calls<P: Payload>(mut self, service: CallScope) -> Self {
        self.rate_limited_kinds.calls.entry(P::kind()).or_default().push(service);
        self
    }

    /// Sets the time that a claim lasts without a heartbeat, from 100 ms to 24 hours. After this time, other workers
    /// reclaim the jobs of a dead worker. Three heartbeats come in each lease, and at least one every 5 seconds.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// Sets the time that running handlers have after a request to stop, before they are asked to end.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Sets the time for which jobs that this worker cannot run are left to other workers, from the first time that a
    /// worker declined them; by default an hour. The job fails for good after it. These are jobs whose payload [may be
    /// a newer version's](fieldfen_domain::job::InvalidPayload::may_be_newer), and jobs whose handler returns
    /// [`Outcome::Decline`]. A program whose workers all have one version may set zero: such a job then fails at once.
    ///
    /// A wrong payload whose JSON has another shape looks like one of a newer version, and waits too. Meanwhile the job
    /// shows its error and `declined_since`, the log has a warning of the first time, and the metrics count
    /// [`AppliedOutcome::Declined`](super::AppliedOutcome::Declined). A payload that breaks a rule of
    /// [`Payload::check`], or is not JSON, fails its job at once.
    pub const fn decline_for(mut self, patience: Duration) -> Self {
        self.settings.decline_for = patience;
        self
    }

    /// Sets the backoff of each kind of job that has no [`backoff`](WorkerBuilder::backoff) of its own, and the
    /// consequence of this worker's death for jobs that were enqueued without one, for example by a program that knows
    /// only the initial schema. [`Payload::ON_WORKER_DEATH`] of a handler's payload comes before the policy of its
    /// kind. The number of retries was stored with each job when it was enqueued.
    pub fn retry_policies(mut self, policies: RetryPolicies) -> Self {
        self.policies = policies;
        self
    }

    /// Sets the backoff of one kind of job.
    pub fn backoff<P: Payload>(mut self, backoff: Backoff) -> Self {
        self.backoffs.insert(P::kind(), backoff);
        self
    }

    /// Adds a hook that runs when a job fails for good, in the same transaction, after the hooks that were added
    /// before.
    pub fn failure_hook(mut self, hook: impl FailureHook + 'static) -> Self {
        self.failure_hooks.push(hook);
        self
    }

    /// Sets the largest number of jobs of one kind that this worker runs at once, at least one. Jobs of a kind with a
    /// limit are only claimed when a thread is free.
    pub fn limit<P: Payload>(mut self, jobs: u32) -> Self {
        self.settings.limits.insert(P::kind(), jobs);
        self
    }

    /// As [`limit`](Self::limit), for a kind that is only known when the program runs.
    pub fn limit_kind(mut self, kind: JobKind, jobs: u32) -> Self {
        self.settings.limits.insert(kind, jobs);
        self
    }

    /// Sets the longest time for which a handler of a kind should run, at least 100 ms. By default it may run for any
    /// time.
    ///
    /// After this time the handler is [interrupted](super::Interruption::TimedOut), which the log and the metrics tell.
    /// The job keeps its lease and its place in all limits until the handler returns or the process ends, so that no
    /// second handler of the job runs beside the first. If the handler then returns a completion, its work is done and
    /// the job completes: the job is only [counted as late](Metrics::completed_late), because a second attempt would
    /// repeat the effects of the first. A failure for good is applied as it is. Every other outcome is a failure that
    /// spends the attempt, with the error "timed out after 60 s" and the handler's own.
    ///
    /// A handler that does not return is [stuck](Self::stuck_after).
    pub fn timeout<P: Payload>(self, timeout: Duration) -> Self {
        self.timeout_kind(P::kind(), timeout)
    }

    /// As [`timeout`](Self::timeout), for a kind that is only known when the program runs.
    pub fn timeout_kind(mut self, kind: JobKind, timeout: Duration) -> Self {
        self.settings.timeouts.insert(kind, timeout);
        self
    }

    /// Sets the time that a handler has to return after its timeout, or after its job was killed or lost; by default 5
    /// seconds.
    ///
    /// After this time the handler counts as stuck, which the log, the metrics and the [registry of
    /// workers](crate::workers) tell. Another thread takes the place of its thread, so that the worker serves other
    /// jobs. The job of the stuck handler keeps its lease and counts in all limits. When the handler returns, its
    /// outcome is applied and its thread ends.
    ///
    /// A job that must run alone waits for stuck handlers too, at most ten minutes, and then goes back for ten minutes:
    /// if it ends the process, the job of the stuck handler loses its lease as well. If the job that runs alone is
    /// itself stuck, other jobs run beside it, because the worker would otherwise serve none.
    pub const fn stuck_after(mut self, time: Duration) -> Self {
        self.settings.stuck_after = time;
        self
    }

    /// Sets the largest number of handlers that may be stuck at once. If more are, the worker stops with
    /// [`WorkerFailure::StuckHandlers`](super::WorkerFailure::StuckHandlers), and its program should end, so that a
    /// supervisor starts it anew. With zero, the first stuck handler stops the worker.
    ///
    /// The default is the number of [`threads`](Self::threads). The worker then never has more than twice its threads,
    /// and stuck handlers hold no more memory and connections than those that work. A worker of one thread goes on
    /// beside one stuck handler.
    pub const fn max_stuck_handlers(mut self, handlers: usize) -> Self {
        self.settings.max_stuck_handlers = Some(handlers);
        self
    }

    /// Sets these [concurrency limits](crate::concurrency_limits) in the store when the worker starts. They hold for
    /// all processes, while [`limit`](Self::limit) holds for this worker. Another number of a limit that is set already
    /// replaces it. A limit that is no longer given stays until it is removed, and limits of other kinds stay as they
    /// are. [`Shop::concurrency_limits`](crate::shop::Shop::concurrency_limits) reads limits from `fieldfen.toml`.
    pub fn concurrency_limits(mut self, limits: impl IntoIterator<Item = ConcurrencyLimit>) -> Self {
        self.concurrency_limits.extend(limits);
        self
    }

    /// Passes the worker's figures to `metrics`, instead of those that were set before.
    pub fn metrics(mut self, metrics: impl Metrics + 'static) -> Self {
        self.settings.metrics = Arc::new(PanicSafe(metrics));
        self
    }

    /// Sets the budgets whose rest the [metrics](Metrics::queue) receive.
    pub fn budgets(mut self, costs: ApiCosts<S>) -> Self {
        self.budgets = Some(costs);
        self
    }

    /// Registers this handler for the jobs of the payload's kind.
    ///
    /// A job whose payload cannot be read is [declined](WorkerBuilder::decline_for), or fails at once. If a handler
    /// panics, its attempt has failed. [`IntoOutcome`] lists the types that a handler may return.
    pub fn handle<P, R>(self, handler: impl Fn(Task<P>) -> R + Send + Sync + 'static) -> Self
    where
        P: Payload + 'static,
        R: IntoOutcome,
    {
        self.handle_typed::<P>(Box::new(move |job| match read_payload::<P>(job.job().payload.as_ref()) {
            Ok(payload) => handler(Task::new(payload, job)).into_outcome(),
            Err(error) => Outcome::of_unreadable(error),
        }))
    }

    /// Registers this handler for the jobs of a kind that is only known when the program runs. The handler gets the
    /// payload as it was stored, and checks it itself; `None` if the job has none.
    pub fn handle_kind<R: IntoOutcome>(
        self,
        kind: JobKind,
        handler: impl Fn(Task<Option<RawJson>>) -> R + Send + Sync + 'static,
    ) -> Self {
        self.handle_erased(
            kind,
            Box::new(move |job| {
                let payload = job.job().payload.clone();
                handler(Task::new(payload, job)).into_outcome()
            }),
        )
    }

    pub(super) fn handle_typed<P: Payload>(mut self, handler: Handler) -> Self {
        self.consequences.extend(P::ON_WORKER_DEATH.map(|consequence| (P::kind(), consequence)));
        self.handle_erased(P::kind(), handler)
    }

    fn handle_erased(mut self, kind: JobKind, handler: Handler) -> Self {
        if self.handlers.insert(kind.clone(), handler).is_some() {
            self.refused = Some(("handler", kind.to_string(), "a kind of job can have only one handler"));
        }
        self
    }

    #[cfg(feature = "tokio")]
    pub(super) fn refuse(mut self, what: &'static str, value: String, rule: &'static str) -> Self {
        self.refused = Some((what, value, rule));
        self
    }

    /// Starts the worker's threads.
    ///
    /// # Errors
    /// [`StartError`] if the worker has no handler, a setting breaks a rule, the store cannot be watched, or the
    /// operating system starts no more threads.
    pub fn start(self) -> Result<Worker, StartError> {
        self.check()?;
        self.set_concurrency_limits()?;
        let policies = self
            .backoffs
            .into_iter()
            .fold(self.policies, |policies, (kind, backoff)| policies.with_backoff(kind, backoff));
        let policies = self
            .consequences
            .into_iter()
            .fold(policies, |policies, (kind, consequence)| policies.with_on_worker_death(kind, consequence));
        let queue =
            Queue::new(self.store, self.environment).with_policies(policies).with_failure_hooks(self.failure_hooks);
        handle::start(Context::new(queue, self.settings, self.handlers, self.rate_limited_kinds, self.budgets))
    }

    fn set_concurrency_limits(&self) -> Result<(), StartError> {
        if self.concurrency_limits.is_empty() {
            return Ok(());
        }
        // The name of a worker may be blank, that of an operator may not.
        let name =
            Actor::new(self.settings.name.as_str(), Via::Library).or_else(|_| Actor::new("worker", Via::Library));
        let action = name.and_then(|by| Action::new(by, "the worker sets its limits at its start"));
        let action = action.map_err(|error| StoreError::Database(error.into()))?;
        let limits = ConcurrencyLimits::new(self.store.clone(), self.environment.clone());
        Ok(limits.set_all(&self.concurrency_limits, &action)?)
    }

    fn check(&self) -> Result<(), StartError> {
        let refused = |what, value: String, rule| Err(StartError::Setting { what, value, rule });
        if let Some((what, value, rule)) = &self.refused {
            return refused(what, value.clone(), rule);
        }
        if self.handlers.is_empty() {
            return Err(StartError::NoHandler);
        }
        self.settings.check()?;
        let Settings { limits, timeouts, .. } = &self.settings;
        let limited = limits.keys().map(|kind| ("limit", kind));
        let timed = timeouts.keys().map(|kind| ("timeout", kind));
        let mut set = limited.chain(timed).chain(self.backoffs.keys().map(|kind| ("backoff", kind)));
        match set.find(|(_, kind)| !self.handlers.contains_key(*kind)) {
            Some((what, kind)) => refused(what, kind.to_string(), "the worker has no handler for jobs of this kind"),
            None => Ok(()),
        }
    }
}
