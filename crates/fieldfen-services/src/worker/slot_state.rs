//! The jobs that a worker has in hand, and what its threads do.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldfen_domain::job::JobKind;
use fieldfen_domain::{FenceToken, JobId};

use super::run_times::RunTimes;
use super::running_job::RunningJob;

/// Jobs are claimed ahead of a free thread only where they begin within this time, by the mean run times of their kinds.
const BEGIN_WITHIN: Duration = Duration::from_millis(10);

/// Jobs of kinds that take longer are not claimed ahead: the claim is a small part of their time.
pub(super) const SHORT_RUN: Duration = Duration::from_millis(3);

/// A worker claims no more jobs ahead than this, however short they are.
const MOST_AHEAD: usize = 256;

/// What stands behind the lock of the [slots](super::slots::Slots).
#[derive(Default)]
pub(super) struct SlotState {
    /// Claimed jobs that no thread has begun, in the order of their claims.
    pub(super) not_begun: VecDeque<Arc<RunningJob>>,
    /// Every claim until its outcome is applied. A job whose lease was lost may be in hand twice, by two claims.
    pub(super) in_hand: HashMap<(JobId, FenceToken), Arc<RunningJob>>,
    pub(super) in_hand_by_kind: BTreeMap<JobKind, u32>,
    /// Of those in hand, how many must run alone.
    pub(super) run_alone: usize,
    /// What each thread of the pool does.
    pub(super) threads: Vec<ThreadState>,
    pub(super) run_times: RunTimes,
    /// The dispatcher waits until no more than so many jobs have not begun, and not for jobs to end.
    pub(super) refill_at: Option<usize>,
}

/// What a thread of the pool does.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum ThreadState {
    /// It waits for a job.
    Idle,
    /// It runs the handler of a job of this kind.
    Running { kind: JobKind, since: Instant },
    /// It applies outcomes.
    Applying { since: Instant },
    /// It has ended.
    Ended,
}

impl SlotState {
    pub(super) fn set_thread(&mut self, thread: usize, does: ThreadState) {
        if let Some(state) = self.threads.get_mut(thread) {
            *state = does;
        }
    }

    /// How many jobs of a kind with this limit may still be claimed.
    pub(super) fn left_of_limit(&self, kind: &JobKind, limit: u32) -> u32 {
        limit.saturating_sub(self.in_hand_by_kind.get(kind).copied().unwrap_or(0))
    }

    /// How many jobs of these kinds may wait for a thread so that the last one begins within [`BEGIN_WITHIN`]. Threads that
    /// have run a handler or applied outcomes for longer than that are not counted on.
    pub(super) fn most_ahead(&self, kinds: &[JobKind], now: Instant) -> usize {
        let longest = kinds.iter().filter_map(|kind| self.run_times.mean(kind)).max();
        let Some(longest) = longest.filter(|longest| *longest <= SHORT_RUN) else { return 0 };
        let is_usable = |thread: &&ThreadState| match thread {
            ThreadState::Running { since, .. } | ThreadState::Applying { since } => {
                now.saturating_duration_since(*since) <= BEGIN_WITHIN
            }
            ThreadState::Idle => true,
            ThreadState::Ended => false,
        };
        let usable = self.threads.iter().filter(is_usable).count();
        let each = BEGIN_WITHIN.as_nanos() / longest.as_nanos().max(1);
        usize::try_from(each).unwrap_or(usize::MAX).saturating_mul(usable).min(MOST_AHEAD)
    }

    /// Whether the first job that has not begun may begin: it may run beside others, or there are none.
    pub(super) fn first_may_begin(&self) -> bool {
        let may_begin = |first: &Arc<RunningJob>| self.in_hand.len() <= 1 || !first.claimed.job.must_run_alone();
        self.not_begun.front().is_some_and(may_begin)
    }

    /// The first job that has not begun, unless it must run alone: it waits for the others to end.
    pub(super) fn first_beside_others(&self) -> Option<&RunningJob> {
        self.not_begun.front().map(Arc::as_ref).filter(|first| !first.claimed.job.must_run_alone())
    }

    pub(super) fn remove(&mut self, running: &RunningJob) {
        if self.in_hand.remove(&running.key()).is_none() {
            return;
        }
        let job = &running.claimed.job;
        self.run_alone -= usize::from(job.must_run_alone());
        if let Some(jobs) = self.in_hand_by_kind.get_mut(&job.kind) {
            *jobs = jobs.saturating_sub(1);
        }
    }
}
