//! Setting a worker up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::job::{Backoff, JobKind, LONGEST_LEASE, Payload, WorkerName};
use fieldfen_domain::store::Store;

use super::context::{Context, Handler, Settings};
use super::errors::StartError;
use super::handle::{self, Worker};
use super::metrics::{Metrics, NoMetrics, PanicSafe};
use super::outcome::{IntoOutcome, Outcome};
use super::task::Task;
use crate::Environment;
use crate::queue::{FailureHook, FailureHooks, Queue, RetryPolicies, read_payload};

/// A shorter lease cannot be held: a heartbeat waits for the write lock and for the disk.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// A worker that is being set up; [`start`](WorkerBuilder::start) starts it.
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
#[must_use = "a worker does nothing before it is started"]
pub struct WorkerBuilder<S> {
    store: S,
    environment: Environment,
    policies: RetryPolicies,
    failure_hooks: FailureHooks,
    backoffs: BTreeMap<JobKind, Backoff>,
    settings: Settings,
    handlers: BTreeMap<JobKind, Handler>,
    /// A setting that breaks a rule: its name, its value and the rule.
    refused: Option<(&'static str, String, &'static str)>,
}

impl Worker {
    /// Sets up a worker on this store, with as many threads as the machine has cores, leases of a minute and a grace period
    /// of 30 seconds. It needs at least one handler.
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
    /// A worker on this store: as many threads as the machine has cores, leases of a minute, a grace period of 30
    /// seconds, the default retry policy, no limits, no metrics, no failure hook, and no handlers yet.
    pub(super) fn new(store: S, environment: Environment) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            store,
            environment,
            policies: RetryPolicies::default(),
            failure_hooks: FailureHooks::default(),
            backoffs: BTreeMap::new(),
            settings: Settings {
                name: WorkerName::new(format!("process {}", std::process::id())),
                version: concat!("fieldfen ", env!("CARGO_PKG_VERSION")).to_owned(),
                threads,
                lease: Duration::from_secs(60),
                grace: Duration::from_secs(30),
                decline_for: Duration::from_secs(3600),
                limits: BTreeMap::new(),
                metrics: Arc::new(NoMetrics),
            },
            handlers: BTreeMap::new(),
            refused: None,
        }
    }

    /// The name under which the worker claims jobs, for people to read: host and program, for example.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.settings.name = WorkerName::new(name);
        self
    }

    /// The version of its program, for people to read in the [registry of workers](crate::workers).
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.settings.version = version.into();
        self
    }

    /// How many handlers run at once: at least one.
    pub const fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = threads;
        self
    }

    /// How long a claim holds without a heartbeat, from 100 ms to 24 hours: so long a job of a worker that died waits for
    /// another one. Heartbeats come three times as often, at least every 5 seconds.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How long running handlers may go on once the worker is asked to stop, before they are asked to end.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// For how long jobs that this worker cannot do are left to others, counted from the first time that a worker has
    /// declined them: those whose payload [may be a newer version's](fieldfen_domain::job::InvalidPayload::may_be_newer),
    /// and those whose handler returns [`Outcome::Decline`]. After an hour, unless the program says otherwise, such a job
    /// fails for good. Programs that run a single version of their workers may say zero: then it fails at once.
    ///
    /// A wrong payload cannot be told from a newer one when its JSON is of another shape, and waits too. Meanwhile the job
    /// shows its error and `declined_since`, the log has a warning of the first time, and the metrics count
    /// [`AppliedOutcome::Declined`](super::AppliedOutcome::Declined). A payload that breaks a rule of
    /// [`Payload::check`], or is no JSON, fails its job at once.
    pub const fn decline_for(mut self, patience: Duration) -> Self {
        self.settings.decline_for = patience;
        self
    }

    /// How long jobs wait before they are tried again, for the kinds without a [`backoff`](WorkerBuilder::backoff) of their own.
    /// Only the waits of these policies are used. The number of retries was stored with each job when it was enqueued.
    pub fn retry_policies(mut self, policies: RetryPolicies) -> Self {
        self.policies = policies;
        self
    }

    /// How long jobs of one kind wait before they are tried again.
    pub fn backoff<P: Payload>(mut self, backoff: Backoff) -> Self {
        self.backoffs.insert(P::kind(), backoff);
        self
    }

    /// Runs this hook when a job fails for good, in the same transaction, after the hooks given before.
    pub fn failure_hook(mut self, hook: impl FailureHook + 'static) -> Self {
        self.failure_hooks.push(hook);
        self
    }

    /// The most jobs of one kind that this worker runs at once: at least one. Jobs of a kind with a limit are claimed only
    /// when a thread is free.
    pub fn limit<P: Payload>(mut self, jobs: u32) -> Self {
        self.settings.limits.insert(P::kind(), jobs);
        self
    }

    /// Gives the worker's figures to `metrics`.
    pub fn metrics(mut self, metrics: impl Metrics + 'static) -> Self {
        self.settings.metrics = Arc::new(PanicSafe(metrics));
        self
    }

    /// Runs this handler for the jobs of the payload's kind.
    ///
    /// A job whose payload cannot be read is [declined](WorkerBuilder::decline_for), or fails at once. A handler that panics
    /// fails its try. [`IntoOutcome`] says what a handler may return.
    pub fn handle<P, R>(self, handler: impl Fn(Task<P>) -> R + Send + Sync + 'static) -> Self
    where
        P: Payload + 'static,
        R: IntoOutcome,
    {
        self.handle_erased(
            P::kind(),
            Box::new(move |job| match read_payload::<P>(job.job().payload.as_ref()) {
                Ok(payload) => handler(Task::new(payload, job)).into_outcome(),
                Err(error) => Outcome::of_unreadable(error),
            }),
        )
    }

    pub(super) fn handle_erased(mut self, kind: JobKind, handler: Handler) -> Self {
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
    /// [`StartError`] when the worker has no handler, when a setting breaks a rule, when the store cannot be watched, or when
    /// the operating system gives no thread.
    pub fn start(self) -> Result<Worker, StartError> {
        self.check()?;
        let policies = self
            .backoffs
            .into_iter()
            .fold(self.policies, |policies, (kind, backoff)| policies.with_backoff(kind, backoff));
        let queue =
            Queue::new(self.store, self.environment).with_policies(policies).with_failure_hooks(self.failure_hooks);
        handle::start(Context::new(queue, self.settings, self.handlers))
    }

    fn check(&self) -> Result<(), StartError> {
        let refused = |what, value: String, rule| Err(StartError::Setting { what, value, rule });
        if let Some((what, value, rule)) = &self.refused {
            return refused(what, value.clone(), rule);
        }
        if self.handlers.is_empty() {
            return Err(StartError::NoHandler);
        }
        let Settings { threads, lease, limits, .. } = &self.settings;
        if *threads == 0 {
            return refused("threads", "0".to_owned(), "a worker needs at least one thread");
        }
        if *lease < SHORTEST_LEASE {
            let rule =
                "at least 100 ms: heartbeats that extend a shorter one come too late, and are writes all the time";
            return refused("lease", format!("{lease:?}"), rule);
        }
        if *lease > LONGEST_LEASE {
            return refused("lease", format!("{lease:?}"), "at most 24 hours; heartbeats extend it");
        }
        if let Some((kind, _)) = limits.iter().find(|(_, limit)| **limit == 0) {
            return refused("limit", format!("0 for {kind}"), "leave the handler away to run no jobs of a kind");
        }
        let limited = limits.keys().map(|kind| ("limit", kind));
        let mut set = limited.chain(self.backoffs.keys().map(|kind| ("backoff", kind)));
        match set.find(|(_, kind)| !self.handlers.contains_key(*kind)) {
            Some((what, kind)) => refused(what, kind.to_string(), "the worker has no handler for jobs of this kind"),
            None => Ok(()),
        }
    }
}
