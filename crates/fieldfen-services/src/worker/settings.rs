//! The settings of a worker, with their defaults and rules.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fieldfen_domain::Secrets;
use fieldfen_domain::job::{JobKind, LONGEST_LEASE, WorkerName};

use super::errors::StartError;
use super::metrics::{Metrics, NoMetrics};

/// A shorter lease could not be extended in time: a heartbeat waits for the write lock and for the disk.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// A shorter timeout would often pass before the worker looks at its handlers.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

/// The settings of a worker.
pub(super) struct Settings {
    pub(super) name: WorkerName,
    pub(super) version: String,
    pub(super) threads: usize,
    pub(super) lease: Duration,
    pub(super) grace: Duration,
    pub(super) decline_for: Duration,
    pub(super) timeouts: BTreeMap<JobKind, Duration>,
    /// The time after an interruption after which a handler counts as stuck.
    pub(super) stuck_after: Duration,
    /// The largest number of stuck handlers; `None` for as many as there are threads.
    pub(super) max_stuck_handlers: Option<usize>,
    pub(super) limits: BTreeMap<JobKind, u32>,
    pub(super) metrics: Arc<dyn Metrics>,
    pub(super) secrets: Secrets,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: WorkerName::new(format!("process {}", std::process::id())),
            version: concat!("fieldfen ", env!("CARGO_PKG_VERSION")).to_owned(),
            threads: thread::available_parallelism().map_or(1, NonZero::get),
            lease: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            decline_for: Duration::from_secs(3600),
            timeouts: BTreeMap::new(),
            stuck_after: Duration::from_secs(5),
            max_stuck_handlers: None,
            limits: BTreeMap::new(),
            metrics: Arc::new(NoMetrics),
            secrets: Secrets::default(),
        }
    }
}

impl Settings {
    /// Checks the numbers and spans against their rules.
    pub(super) fn check(&self) -> Result<(), StartError> {
        let refused = |what, value: String, rule| Err(StartError::Setting { what, value, rule });
        let Settings { threads, lease, limits, timeouts, .. } = self;
        if *threads == 0 {
            return refused("threads", "0".to_owned(), "a worker needs at least one thread");
        }
        if *lease < SHORTEST_LEASE {
            let rule = "at least 100 ms: the heartbeats of a shorter lease would come too late and write without pause";
            return refused("lease", format!("{lease:?}"), rule);
        }
        if *lease > LONGEST_LEASE {
            return refused("lease", format!("{lease:?}"), "at most 24 hours; heartbeats extend it");
        }
        if let Some((kind, _)) = limits.iter().find(|(_, limit)| **limit == 0) {
            return refused(
                "limit",
                format!("0 for {kind}"),
                "at least 1; to run no jobs of a kind, register no handler for it",
            );
        }
        if let Some((kind, timeout)) = timeouts.iter().find(|(_, timeout)| **timeout < SHORTEST_TIMEOUT) {
            let rule = "at least 100 ms: the worker looks at its handlers a few times a second";
            return refused("timeout", format!("{timeout:?} for {kind}"), rule);
        }
        Ok(())
    }

    /// The largest number of handlers that may be stuck while the worker runs.
    pub(super) fn most_stuck(&self) -> usize {
        self.max_stuck_handlers.unwrap_or(self.threads)
    }
}
