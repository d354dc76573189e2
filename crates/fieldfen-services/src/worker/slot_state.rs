//! The jobs in hand and the states of the pool's threads.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use fieldfen_domain::job::JobKind;
use fieldfen_domain::{FenceToken, JobId};

use super::run_times::RunTimes;
use super::running_job::RunningJob;

/// The state behind the lock of the [slots](super::slots::Slots).
#[derive(Default)]
pub(super) struct SlotState {
    /// Claimed jobs that no thread has begun, in the order of their claims.
    pub(super) not_begun: VecDeque<Arc<RunningJob>>,
    /// All claims, each until its outcome is applied. If its lease was lost, a job may be in hand twice, by two claims.
    pub(super) in_hand: HashMap<(JobId, FenceToken), Arc<RunningJob>>,
    pub(super) in_hand_by_kind: BTreeMap<JobKind, u32>,
    /// The number of jobs in hand that must run alone, without those whose handlers are stuck.
    pub(super) run_alone: usize,
    /// The state of each thread of the pool, with the threads that have ended.
    pub(super) threads: Vec<ThreadState>,
    pub(super) run_times: RunTimes,
    /// Whether the thread that watches the handlers sleeps until one begins.
    pub(super) watcher_sleeps: bool,
    /// The number of waiting jobs at which the dispatcher claims again; `None` if it waits for jobs to end instead.
    pub(super) refill_at: Option<usize>,
}

/// The state of a thread of the pool.
pub(super) enum ThreadState {
    /// The thread waits for a job.
    Idle,
    /// The thread runs the handler of this job.
    Running { running: Arc<RunningJob>, since: Instant },
    /// The thread applies outcomes.
    Applying { since: Instant },
    /// The thread runs the handler of this job, which does not return although it was interrupted. The thread ends when
    /// the handler returns, because another one has taken its place.
    Stuck { running: Arc<RunningJob> },
    /// The thread applies the outcome of a handler that was stuck, and then ends.
    Retiring,
    /// The thread has ended.
    Ended,
}

impl ThreadState {
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    /// Returns whether the thread takes another job after this one.
    const fn is_serving(&self) -> bool {
        matches!(self, Self::Idle | Self::Running { .. } | Self::Applying { .. })
    }
}

impl SlotState {
    /// The number of threads that wait for a job.
    pub(super) fn idle(&self) -> usize {
        self.threads.iter().filter(|thread| thread.is_idle()).count()
    }

    /// The number of threads that take jobs now or after the present one.
    pub(super) fn serving(&self) -> usize {
        self.threads.iter().filter(|thread| thread.is_serving()).count()
    }

    /// The jobs whose handlers are stuck.
    pub(super) fn stuck(&self) -> impl Iterator<Item = &Arc<RunningJob>> {
        self.threads.iter().filter_map(|thread| match thread {
            ThreadState::Stuck { running } => Some(running),
            _ => None,
        })
    }

    /// The number of jobs that may be claimed for free threads.
    pub(super) fn free(&self) -> usize {
        let stuck = self.stuck().count();
        self.serving().saturating_sub(self.in_hand.len().saturating_sub(stuck))
    }

    /// Adds a thread that waits for a job, and returns its number. The number of a thread that has ended is used again.
    pub(super) fn add_thread(&mut self) -> usize {
        let ended = self.threads.iter().position(|thread| matches!(thread, ThreadState::Ended));
        let thread = ended.unwrap_or(self.threads.len());
        match self.threads.get_mut(thread) {
            Some(state) => *state = ThreadState::Idle,
            None => self.threads.push(ThreadState::Idle),
        }
        thread
    }

    pub(super) fn set_thread(&mut self, thread: usize, does: ThreadState) {
        if let Some(state) = self.threads.get_mut(thread) {
            *state = does;
        }
    }

    /// The number of jobs of a kind with this limit that may still be claimed.
    pub(super) fn left_of_limit(&self, kind: &JobKind, limit: u32) -> u32 {
        limit.saturating_sub(self.in_hand_by_kind.get(kind).copied().unwrap_or(0))
    }

    /// Returns whether the first waiting job may begin: it may run beside others, or no other job is in hand.
    pub(super) fn first_may_begin(&self) -> bool {
        let may_begin = |first: &Arc<RunningJob>| self.in_hand.len() <= 1 || !first.claimed.job.must_run_alone();
        self.not_begun.front().is_some_and(may_begin)
    }

    /// The first waiting job, unless it must run alone. Such a job waits for the others to end.
    pub(super) fn first_beside_others(&self) -> Option<&RunningJob> {
        self.not_begun.front().map(Arc::as_ref).filter(|first| !first.claimed.job.must_run_alone())
    }

    pub(super) fn remove(&mut self, running: &RunningJob) {
        if self.in_hand.remove(&running.key()).is_none() {
            return;
        }
        let job = &running.claimed.job;
        if job.must_run_alone() && !running.is_stuck() {
            self.run_alone = self.run_alone.saturating_sub(1);
        }
        if let Some(jobs) = self.in_hand_by_kind.get_mut(&job.kind) {
            *jobs = jobs.saturating_sub(1);
        }
    }
}
