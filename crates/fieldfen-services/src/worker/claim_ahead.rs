//! Claiming ahead: the worker claims jobs of short kinds before a thread of the pool is free for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldfen_domain::job::JobKind;

use super::running_job::RunningJob;
use super::slot_state::{SlotState, ThreadState};
use super::slots::Slots;

/// Jobs are only claimed ahead of a free thread if they will begin within this time, by the mean run times of their
/// kinds.
const BEGIN_WITHIN: Duration = Duration::from_millis(10);

/// Jobs of kinds with a longer mean run time are not claimed ahead, since the claim is a small part of their time.
const SHORT_RUN: Duration = Duration::from_millis(3);

/// The largest number of jobs that are claimed ahead, however short they are.
const MOST_AHEAD: usize = 256;

/// With this many jobs in hand, none is claimed ahead: outcomes are applied more slowly than handlers return.
const MOST_IN_HAND: usize = 1024;

/// A job that has waited for this time while all threads are busy is released, since another worker may begin it.
const STALLED_AFTER: Duration = Duration::from_millis(50);

/// The kinds whose jobs may be claimed, in two groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OpenKinds {
    /// Kinds without a limit whose handlers are so fast that jobs are claimed ahead.
    pub(super) short: Vec<JobKind>,
    /// All other kinds.
    pub(super) others: Vec<JobKind>,
}

impl Slots {
    /// The kinds whose jobs may be claimed at all, in two groups.
    pub(super) fn open_kinds<'k>(&self, kinds: impl Iterator<Item = (&'k JobKind, Option<u32>)>) -> OpenKinds {
        let state = self.lock();
        let mut open = OpenKinds::default();
        for (kind, limit) in kinds {
            match limit {
                None if state.run_times.mean(kind).is_some_and(|mean| mean <= SHORT_RUN) => {
                    open.short.push(kind.clone())
                }
                Some(limit) if state.left_of_limit(kind, limit) == 0 => {}
                _ => open.others.push(kind.clone()),
            }
        }
        open
    }

    /// The number of jobs of these kinds that may be claimed, for free threads and ahead of them. Jobs are claimed
    /// ahead in batches: with zero, the dispatcher gets an event as soon as half of the jobs that were claimed ahead
    /// have begun.
    pub(super) fn capacity_ahead(&self, kinds: &[JobKind], now: Instant) -> usize {
        let mut state = self.lock();
        state.refill_at = None;
        if self.stop.is_stopping() || state.run_alone > 0 {
            return 0;
        }
        let most = state.most_ahead(kinds, now);
        let (waiting, in_hand) = (state.not_begun.len(), state.in_hand.len());
        let idle = state.idle();
        if waiting > most / 2 {
            state.refill_at = Some(most / 2);
            return 0;
        }
        (most + idle).saturating_sub(waiting).min(MOST_IN_HAND.saturating_sub(in_hand))
    }

    /// Takes the jobs that have waited too long while all threads are busy, and the waiting jobs that were cancelled,
    /// killed or reclaimed.
    pub(super) fn take_stalled(&self, now: Instant) -> Vec<Arc<RunningJob>> {
        let mut state = self.lock();
        let all_busy = state.idle() == 0;
        let has_stalled = |job: &RunningJob| now.saturating_duration_since(job.claimed_at) >= STALLED_AFTER;
        if all_busy && state.first_beside_others().is_some_and(has_stalled) {
            return state.not_begun.drain(..).collect();
        }
        let is_wanted = |job: &Arc<RunningJob>| !job.is_lost() && !job.is_cancelled();
        if state.not_begun.iter().all(is_wanted) {
            return Vec::new();
        }
        let (wanted, unwanted) = state.not_begun.drain(..).partition(is_wanted);
        state.not_begun = wanted;
        unwanted.into()
    }

    /// The time until the first waiting job counts as stalled; `None` if no job waits.
    pub(super) fn until_stalled(&self, now: Instant) -> Option<Duration> {
        let state = self.lock();
        let first = state.first_beside_others()?;
        Some(STALLED_AFTER.saturating_sub(now.saturating_duration_since(first.claimed_at)))
    }
}

impl SlotState {
    /// The number of jobs of these kinds that may wait for a thread so that the last one begins within
    /// [`BEGIN_WITHIN`]. A thread that has run a handler or applied outcomes for longer than that is left out.
    fn most_ahead(&self, kinds: &[JobKind], now: Instant) -> usize {
        let longest = kinds.iter().filter_map(|kind| self.run_times.mean(kind)).max();
        let Some(longest) = longest.filter(|longest| *longest <= SHORT_RUN) else { return 0 };
        let is_usable = |thread: &&ThreadState| match thread {
            ThreadState::Running { since, .. } | ThreadState::Applying { since } => {
                now.saturating_duration_since(*since) <= BEGIN_WITHIN
            }
            ThreadState::Idle => true,
            ThreadState::Stuck { .. } | ThreadState::Retiring | ThreadState::Ended => false,
        };
        let usable = self.threads.iter().filter(is_usable).count();
        let each = BEGIN_WITHIN.as_nanos() / longest.as_nanos().max(1);
        usize::try_from(each).unwrap_or(usize::MAX).saturating_mul(usable).min(MOST_AHEAD)
    }
}
