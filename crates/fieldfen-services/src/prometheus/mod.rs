//! The figures of a worker and of its store in the text format of Prometheus.
//!
//! [`PrometheusMetrics`] implements [`Metrics`]: give a clone to the worker, and answer a scrape with
//! [`text`](PrometheusMetrics::text). [`queue_text`] writes the figures of a store alone, without a worker.
//!
//! ```
//! use fieldfen_services::prometheus::PrometheusMetrics;
//! use fieldfen_services::{Environment, upkeep, worker::Worker};
//! use fieldfen_testkit::{ModelStore, wait::wait_until};
//!
//! let (store, metrics) = (ModelStore::new(), PrometheusMetrics::new());
//! let worker = Worker::builder(store.clone(), Environment::system()).metrics(metrics.clone());
//! let worker = worker.handle(upkeep::handler(store)).start()?;
//! wait_until("the queue was read", || metrics.text().unwrap().contains("fieldfen_live_workers"));
//! worker.stop_handle().stop();
//! worker.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | metric | type | labels | meaning |
//! | --- | --- | --- | --- |
//! | `fieldfen_job_start_delay_seconds` | histogram | `kind` | the time for which a due job has waited until its handler ran |
//! | `fieldfen_job_run_seconds` | histogram | `kind` | the time of a handler and of applying its outcome |
//! | `fieldfen_jobs_ended_total` | counter | `kind`, `outcome` | attempts by [`AppliedOutcome`]: `retrying` counts retries, `lost` the claims that this worker has lost |
//! | `fieldfen_handlers_timed_out_total` | counter | `kind` | handlers that ran for longer than their timeout |
//! | `fieldfen_handlers_stuck_total` | counter | `kind` | handlers that did not end when they were interrupted |
//! | `fieldfen_leases_lost_total` | counter | | jobs that this worker took from workers whose leases had expired |
//! | `fieldfen_store_failures_total` | counter | | calls that the store has refused |
//! | `fieldfen_jobs` | gauge | `kind`, `status` | jobs that are `waiting`, `running`, `parked` or `dead`; at most 2,000 are counted |
//! | `fieldfen_jobs_capped` | gauge | `kind`, `status` | 1 if there may be more jobs than were counted |
//! | `fieldfen_oldest_waiting_seconds` | gauge | `kind` | the time for which the oldest waiting job has been due; 0 if none waits |
//! | `fieldfen_live_workers` | gauge | | workers that are alive |
//! | `fieldfen_budget_left_minor_units` | gauge | `budget`, `currency` | the money left of a budget, in minor units such as cents |
//! | `fieldfen_budget_left_calls` | gauge | `budget` | the calls left of a budget in calls |
//! | `fieldfen_queue_read_timestamp_seconds` | gauge | | the time at which the gauges above were read |
//!
//! The gauges are of the whole store. If several workers of a store are scraped, take the `max` of them, not the `sum`.
//!
//! # The number of series
//! Kinds of jobs come from data, and any program may invent some. Each worker labels at most [`MOST_KINDS`] kinds, the
//! first that it has run. The gauges label the first [`MOST_KINDS`] kinds by name. All others, and names of more than
//! 64 bytes, are counted together as the kind `(other)`. A store looks at a bounded number of kinds and rows:
//! `fieldfen_jobs_capped` is 1 for every kind of which it may not have read all rows, also where it has read none. A pending
//! job whose kind is a blob, which another program has written, is not counted until a worker has failed it.

mod kind_labels;
mod queue_gauges;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::job::Job;
use fieldfen_domain::store::StoreError;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use kind_labels::MOST_KINDS;
/// The value of `Content-Type` for a scrape.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

use crate::overview::QueueFigures;
use crate::worker::{AppliedOutcome, Metrics};
use kind_labels::KindLabels;
use queue_gauges::QueueGauges;

/// The upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 13] = [0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0];

/// The interval at which the queue is read.
const QUEUE_INTERVAL: Duration = Duration::from_secs(15);

/// The label `kind`.
type KindLabel = [(&'static str, String); 1];

/// The labels `kind` and `outcome`.
type OutcomeLabels = [(&'static str, String); 2];

/// The figures of a worker for Prometheus. A clone has the same figures.
#[derive(Debug, Clone)]
pub struct PrometheusMetrics(Arc<Figures>);

#[derive(Debug)]
struct Figures {
    registry: Registry,
    kinds: KindLabels,
    start_delay: Family<KindLabel, Histogram, fn() -> Histogram>,
    run: Family<KindLabel, Histogram, fn() -> Histogram>,
    ended: Family<OutcomeLabels, Counter>,
    timed_out: Family<KindLabel, Counter>,
    stuck: Family<KindLabel, Counter>,
    leases_lost: Counter,
    store_failures: Counter,
    queue: Arc<QueueGauges>,
}

impl PrometheusMetrics {
    /// Figures that begin at 0.
    #[must_use]
    pub fn new() -> Self {
        Self::with_labels::<&str>([])
    }

    /// Figures with these labels on each series, for example the name of the worker.
    #[must_use]
    pub fn with_labels<'a, V: Into<String>>(labels: impl IntoIterator<Item = (&'a str, V)>) -> Self {
        let labels = labels.into_iter().map(|(name, value)| (name.to_owned().into(), value.into().into()));
        let mut registry = Registry::with_labels(labels);
        let histogram = || Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let figures = Figures {
            kinds: KindLabels::default(),
            start_delay: histogram(),
            run: histogram(),
            ended: Family::default(),
            timed_out: Family::default(),
            stuck: Family::default(),
            leases_lost: Counter::default(),
            store_failures: Counter::default(),
            queue: Arc::default(),
            registry: Registry::default(),
        };
        let waited = "The time for which a due job has waited until its handler ran";
        registry.register("fieldfen_job_start_delay_seconds", waited, figures.start_delay.clone());
        let ran = "The time of a handler and of applying its outcome";
        registry.register("fieldfen_job_run_seconds", ran, figures.run.clone());
        registry.register("fieldfen_jobs_ended", "Attempts by their outcome", figures.ended.clone());
        let timed_out = "Handlers that ran for longer than their timeout";
        registry.register("fieldfen_handlers_timed_out", timed_out, figures.timed_out.clone());
        let stuck = "Handlers that did not end when they were interrupted";
        registry.register("fieldfen_handlers_stuck", stuck, figures.stuck.clone());
        let lost = "Jobs that this worker took from workers whose leases had expired";
        registry.register("fieldfen_leases_lost", lost, figures.leases_lost.clone());
        let refused = "Calls that the store has refused";
        registry.register("fieldfen_store_failures", refused, figures.store_failures.clone());
        registry.register_collector(Box::new(Arc::clone(&figures.queue)));
        Self(Arc::new(Figures { registry, ..figures }))
    }

    /// The figures as Prometheus reads them, in the format of [`CONTENT_TYPE`].
    ///
    /// # Errors
    /// The encoder's error.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    fn kind(&self, job: &Job) -> KindLabel {
        [("kind", self.0.kinds.label(job.kind.as_str()))]
    }
}

impl Default for PrometheusMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics for PrometheusMetrics {
    fn job_started(&self, job: &Job, waited: Duration) {
        self.0.start_delay.get_or_create(&self.kind(job)).observe(waited.as_secs_f64());
    }

    fn job_ended(&self, job: &Job, applied: AppliedOutcome, took: Duration) {
        let kind = self.kind(job);
        self.0.run.get_or_create(&kind).observe(took.as_secs_f64());
        let [kind] = kind;
        self.0.ended.get_or_create(&[kind, ("outcome", applied.as_str().to_owned())]).inc();
    }

    fn handler_timed_out(&self, job: &Job, _timeout: Duration) {
        self.0.timed_out.get_or_create(&self.kind(job)).inc();
    }

    fn handler_stuck(&self, job: &Job, _ran: Duration) {
        self.0.stuck.get_or_create(&self.kind(job)).inc();
    }

    fn jobs_reclaimed(&self, jobs: usize) {
        self.0.leases_lost.inc_by(jobs as u64);
    }

    fn store_failed(&self, _error: &StoreError) {
        self.0.store_failures.inc();
    }

    fn queue(&self, figures: &QueueFigures) {
        self.0.queue.set(figures.clone());
    }

    fn queue_interval(&self) -> Option<Duration> {
        Some(QUEUE_INTERVAL)
    }
}

/// The figures of a store without those of a worker, in the format of [`CONTENT_TYPE`].
///
/// # Errors
/// The encoder's error.
pub fn queue_text(figures: &QueueFigures) -> Result<String, fmt::Error> {
    let gauges = QueueGauges::default();
    gauges.set(figures.clone());
    let mut registry = Registry::default();
    registry.register_collector(Box::new(gauges));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
