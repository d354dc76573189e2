//! What the threads of a worker know of each other.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use fieldfen_domain::job::JobKind;
use fieldfen_domain::{FenceToken, JobId};

use super::stopped::{Stopped, WorkerFailure};
use super::task::Control;

/// How the worker is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// Not yet.
    No,
    /// As soon as it has nothing to do.
    WhenIdle,
    /// After a grace period for what runs.
    Gracefully,
    /// At once.
    Now,
}

/// What the threads of a worker know of each other.
pub(super) struct State {
    pub(super) stop: Stop,
    /// The dispatcher has wound down: every thread ends when it has nothing in hand.
    pub(super) closed: bool,
    /// Something has happened that the dispatcher has not looked at.
    pub(super) news: bool,
    /// The dispatcher waits for commits.
    pub(super) watching: bool,
    /// A handler has made progress that has not been written.
    pub(super) progress: bool,
    pub(super) handed_out: VecDeque<Arc<Control>>,
    /// Every claim until its outcome is applied. A job whose lease was lost may be in hand twice, by two claims.
    pub(super) in_hand: HashMap<(JobId, FenceToken), Arc<Control>>,
    pub(super) of_kind: BTreeMap<JobKind, u32>,
    /// Threads of the pool that have not ended.
    pub(super) alive: usize,
    /// Why the worker stops by itself.
    pub(super) failure: Option<WorkerFailure>,
    /// What it leaves behind, but for the handlers that still run.
    pub(super) stopped: Stopped,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            stop: Stop::No,
            closed: false,
            news: true,
            watching: false,
            progress: false,
            handed_out: VecDeque::new(),
            in_hand: HashMap::new(),
            of_kind: BTreeMap::new(),
            alive: 0,
            failure: None,
            stopped: Stopped::default(),
        }
    }

    pub(super) fn stops(&self) -> bool {
        self.stop >= Stop::Gracefully
    }

    pub(super) fn holds_one_that_runs_alone(&self) -> bool {
        self.in_hand.values().any(|control| control.claimed.job.must_run_alone())
    }

    pub(super) fn left_behind(&self) -> (Stopped, Option<WorkerFailure>) {
        let still_running = self.in_hand.keys().map(|(id, _)| *id).collect();
        (Stopped { still_running, ..self.stopped.clone() }, self.failure.clone())
    }

    /// Whether the first job that was handed out may begin: it may run beside others, or there are none.
    pub(super) fn first_may_begin(&self) -> bool {
        let may_begin = |first: &Arc<Control>| self.in_hand.len() <= 1 || !first.claimed.job.must_run_alone();
        self.handed_out.front().is_some_and(may_begin)
    }
}
