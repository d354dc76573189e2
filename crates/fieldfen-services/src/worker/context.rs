//! The state that the threads of a worker share.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use fieldfen_domain::catch_panic;
use fieldfen_domain::job::JobKind;

use super::events::Events;
use super::heartbeat_signal::HeartbeatSignal;
use super::metrics::NoMetrics;
use super::outcome::Outcome;
use super::outcome_queue::OutcomeQueue;
use super::rate_limited_kinds::RateLimitedKinds;
use super::running_job::RunningJob;
use super::settings::Settings;
use super::slots::Slots;
use super::stop_signal::StopSignal;
use super::task::JobContext;
use super::thread_handles::ThreadHandles;
use crate::api_costs::ApiCosts;
use crate::queue::{ClaimedJob, Queue};

/// A handler, without the type of its payload.
pub(super) type Handler = Box<dyn Fn(JobContext) -> Outcome + Send + Sync>;

/// The state that the threads of a worker share.
pub(super) struct Context<S> {
    pub(super) queue: Queue<S>,
    pub(super) settings: Settings,
    pub(super) handlers: BTreeMap<JobKind, Handler>,
    pub(super) events: Events,
    pub(super) stop: Arc<StopSignal>,
    pub(super) heartbeat: Arc<HeartbeatSignal>,
    pub(super) slots: Arc<Slots>,
    pub(super) outcomes: OutcomeQueue,
    pub(super) rate_limited_kinds: RateLimitedKinds<S>,
    /// The budgets whose rest the metrics receive.
    pub(super) budgets: Option<ApiCosts<S>>,
    /// The handles of all threads.
    pub(super) threads: Arc<ThreadHandles>,
}

impl<S> Context<S> {
    pub(super) fn new(
        queue: Queue<S>,
        settings: Settings,
        handlers: BTreeMap<JobKind, Handler>,
        rate_limited_kinds: RateLimitedKinds<S>,
        budgets: Option<ApiCosts<S>>,
    ) -> Self {
        let events = Events::new();
        let stop = Arc::new(StopSignal::new(events.sender()));
        let heartbeat = Arc::new(HeartbeatSignal::default());
        let slots = Arc::new(Slots::new(Arc::clone(&stop), Arc::clone(&heartbeat), events.sender()));
        let outcomes = OutcomeQueue::default();
        let threads = Arc::default();
        Self {
            queue,
            settings,
            handlers,
            events,
            stop,
            heartbeat,
            slots,
            outcomes,
            rate_limited_kinds,
            budgets,
            threads,
        }
    }

    /// The kinds that this worker has handlers for, each with its limit.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (&JobKind, Option<u32>)> {
        self.handlers.keys().map(|kind| (kind, self.settings.limits.get(kind).copied()))
    }

    /// A claimed job, in the form that the threads share.
    pub(super) fn running(&self, claimed: ClaimedJob) -> Arc<RunningJob> {
        let timeout = self.settings.timeouts.get(&claimed.job.kind).copied();
        Arc::new(RunningJob::new(claimed, timeout, Arc::clone(&self.stop), Arc::clone(&self.heartbeat)))
    }

    /// Lets each thread end as soon as it has no job in hand.
    pub(super) fn close(&self) {
        self.stop.close();
        self.events.close();
        self.heartbeat.close();
        self.slots.wake_all();
    }
}

impl<S> Drop for Context<S> {
    /// Drops the handlers and the metrics one by one. They are the program's code and may panic when they are dropped.
    /// A panic during another panic would abort the process.
    fn drop(&mut self) {
        while let Some((kind, handler)) = self.handlers.pop_first() {
            if let Err(panic) = catch_panic(move || drop(handler)) {
                log!(ERROR, %kind, panic, "drop of a handler panicked");
            }
        }
        let metrics = mem::replace(&mut self.settings.metrics, Arc::new(NoMetrics));
        if let Err(panic) = catch_panic(move || drop(metrics)) {
            log!(ERROR, panic, "drop of metrics panicked");
        }
    }
}
