//! What the worker has in hand: jobs that wait for a thread, and jobs whose handlers run.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use fieldfen_domain::job::JobKind;
use fieldfen_domain::{FenceToken, JobId};

use super::events::{DispatcherEvent, EventSender};
use super::heartbeat_signal::HeartbeatSignal;
use super::running_job::RunningJob;
use super::shutdown_report::ShutdownReport;
use super::stop::StopSignal;

/// What the worker has in hand, and how many jobs it has room for.
pub(super) struct Slots {
    state: Mutex<SlotState>,
    /// The pool waits here for jobs.
    job_ready: Condvar,
    /// Threads that join the worker wait here for the threads of the pool.
    thread_ended: Condvar,
    stop: Arc<StopSignal>,
    heartbeat: Arc<HeartbeatSignal>,
    events: EventSender,
}

#[derive(Default)]
struct SlotState {
    /// Claimed jobs that no thread has begun, in the order of their claims.
    not_begun: VecDeque<Arc<RunningJob>>,
    /// Every claim until its outcome is applied. A job whose lease was lost may be in hand twice, by two claims.
    in_hand: HashMap<(JobId, FenceToken), Arc<RunningJob>>,
    in_hand_by_kind: BTreeMap<JobKind, u32>,
    /// Of those in hand, how many must run alone.
    run_alone: usize,
    /// Threads of the pool that have not ended.
    pool_threads: usize,
}

/// What may be claimed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Capacity {
    /// The kinds of which jobs may be claimed.
    pub(super) kinds: Vec<JobKind>,
    /// Of kinds with a limit, how many jobs at the most.
    pub(super) limits: BTreeMap<JobKind, u32>,
    /// How many jobs at the most.
    pub(super) jobs: usize,
}

impl Slots {
    pub(super) fn new(stop: Arc<StopSignal>, heartbeat: Arc<HeartbeatSignal>, events: EventSender) -> Self {
        Self {
            state: Mutex::default(),
            job_ready: Condvar::new(),
            thread_ended: Condvar::new(),
            stop,
            heartbeat,
            events,
        }
    }

    /// What may be claimed so that no limit is exceeded; nothing by a worker that stops.
    pub(super) fn capacity<'k>(
        &self,
        kinds: impl Iterator<Item = (&'k JobKind, Option<u32>)>,
        threads: usize,
    ) -> Capacity {
        let state = self.lock();
        if self.stop.is_stopping() || state.run_alone > 0 {
            return Capacity::default();
        }
        let mut capacity = Capacity { jobs: threads.saturating_sub(state.in_hand.len()), ..Capacity::default() };
        for (kind, limit) in kinds {
            if let Some(limit) = limit {
                let left = limit.saturating_sub(state.in_hand_by_kind.get(kind).copied().unwrap_or(0));
                if left == 0 {
                    continue;
                }
                capacity.limits.insert(kind.clone(), left);
            }
            capacity.kinds.push(kind.clone());
        }
        capacity
    }

    /// Hands claimed jobs to the pool.
    pub(super) fn dispatch(&self, jobs: Vec<Arc<RunningJob>>) {
        let mut state = self.lock();
        let several = jobs.len() > 1;
        if state.in_hand.is_empty() && !jobs.is_empty() {
            self.heartbeat.set_in_hand(true);
        }
        for running in jobs {
            let job = &running.claimed.job;
            *state.in_hand_by_kind.entry(job.kind.clone()).or_default() += 1;
            state.run_alone += usize::from(job.must_run_alone());
            state.in_hand.insert(running.key(), Arc::clone(&running));
            state.not_begun.push_back(running);
        }
        drop(state);
        if several {
            self.job_ready.notify_all();
        } else {
            self.job_ready.notify_one();
        }
    }

    /// Waits for the next job; `None` once the worker is closed. No job begins once the worker stops: what was claimed
    /// before is [given back](Self::take_not_begun). A job that must run alone begins when nothing else is in hand.
    pub(super) fn next(&self) -> Option<Arc<RunningJob>> {
        let mut state = self.lock();
        loop {
            if !self.stop.is_stopping()
                && state.first_may_begin()
                && let Some(job) = state.not_begun.pop_front()
            {
                return Some(job);
            }
            if self.stop.is_closed() {
                return None;
            }
            state = self.job_ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the jobs back that no thread has begun. They are in hand until they are [finished](Self::finish).
    pub(super) fn take_not_begun(&self) -> Vec<Arc<RunningJob>> {
        self.lock().not_begun.drain(..).collect()
    }

    /// Takes a job back that must run alone and waits until nothing else is in hand, if it has waited too long.
    pub(super) fn take_waiting_alone(&self, has_waited: impl Fn(&RunningJob) -> bool) -> Option<Arc<RunningJob>> {
        let mut state = self.lock();
        let waits = !state.first_may_begin() && has_waited(state.not_begun.front()?);
        if waits { state.not_begun.pop_front() } else { None }
    }

    /// Finishes the job when the answer is dropped, however the thread ends that has it.
    pub(super) const fn finish_when_dropped<'s>(&'s self, job: &'s RunningJob) -> FinishGuard<'s> {
        FinishGuard { slots: self, job }
    }

    /// Says that a job is no longer in hand.
    pub(super) fn finish(&self, running: &RunningJob) {
        let mut state = self.lock();
        state.remove(running);
        if state.in_hand.is_empty() {
            self.heartbeat.set_in_hand(false);
        }
        if state.first_may_begin() {
            self.job_ready.notify_one();
        }
        self.events.send(DispatcherEvent::JobsEnded);
    }

    /// Whether nothing is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().in_hand.is_empty()
    }

    /// Every job in hand.
    pub(super) fn in_hand(&self) -> Vec<Arc<RunningJob>> {
        self.lock().in_hand.values().cloned().collect()
    }

    /// Lets waiting threads look whether the worker is closed.
    pub(super) fn wake_all(&self) {
        drop(self.lock());
        self.job_ready.notify_all();
        self.thread_ended.notify_all();
    }

    pub(super) fn pool_thread_began(&self) {
        self.lock().pool_threads += 1;
    }

    pub(super) fn pool_thread_ended(&self) {
        self.lock().pool_threads -= 1;
        self.thread_ended.notify_all();
    }

    /// Waits until the worker is closed and only those threads of the pool are left that have a job in hand.
    pub(super) fn wait_for_end(&self) -> ShutdownReport {
        let state = self
            .thread_ended
            .wait_while(self.lock(), |state| !self.stop.is_closed() || state.pool_threads > state.in_hand.len())
            .unwrap_or_else(PoisonError::into_inner);
        self.report_of(&state)
    }

    /// What the worker leaves behind if it ends now.
    pub(super) fn report(&self) -> ShutdownReport {
        self.report_of(&self.lock())
    }

    fn report_of(&self, state: &SlotState) -> ShutdownReport {
        ShutdownReport {
            released: self.stop.released.load(Ordering::SeqCst),
            unreleased: self.stop.unreleased.load(Ordering::SeqCst),
            still_running: state.in_hand.keys().map(|(id, _)| *id).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotState {
    /// Whether the first job that has not begun may begin: it may run beside others, or there are none.
    fn first_may_begin(&self) -> bool {
        let may_begin = |first: &Arc<RunningJob>| self.in_hand.len() <= 1 || !first.claimed.job.must_run_alone();
        self.not_begun.front().is_some_and(may_begin)
    }

    fn remove(&mut self, running: &RunningJob) {
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

/// A job in hand; it is finished when this is dropped.
pub(super) struct FinishGuard<'s> {
    slots: &'s Slots,
    job: &'s RunningJob,
}

impl Drop for FinishGuard<'_> {
    fn drop(&mut self) {
        self.slots.finish(self.job);
    }
}
