//! The jobs in hand: jobs that wait for a thread, jobs whose handlers run, and jobs whose outcomes wait to be applied.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fieldfen_domain::job::JobKind;

use super::events::{DispatcherEvent, EventSender};
use super::heartbeat_signal::HeartbeatSignal;
use super::running_job::RunningJob;
use super::shutdown_report::ShutdownReport;
use super::slot_state::{SlotState, ThreadState};
use super::stop_signal::StopSignal;

/// The jobs in hand, and the room for more.
pub(super) struct Slots {
    state: Mutex<SlotState>,
    /// The threads of the pool wait for this until there are jobs.
    job_ready: Condvar,
    /// The thread that watches the handlers waits for this while none runs.
    pub(super) handler_begun: Condvar,
    /// Threads that join the worker wait for this until the threads of the pool have ended.
    thread_ended: Condvar,
    pub(super) stop: Arc<StopSignal>,
    heartbeat: Arc<HeartbeatSignal>,
    events: EventSender,
}

/// The jobs that may be claimed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Capacity {
    /// The kinds of which jobs may be claimed.
    pub(super) kinds: Vec<JobKind>,
    /// The largest number of jobs of each kind with a limit.
    pub(super) limits: BTreeMap<JobKind, u32>,
    /// The largest number of jobs. With zero, the dispatcher gets an event as soon as there is room.
    pub(super) jobs: usize,
}

impl Slots {
    pub(super) fn new(stop: Arc<StopSignal>, heartbeat: Arc<HeartbeatSignal>, events: EventSender) -> Self {
        Self {
            state: Mutex::default(),
            job_ready: Condvar::new(),
            handler_begun: Condvar::new(),
            thread_ended: Condvar::new(),
            stop,
            heartbeat,
            events,
        }
    }

    /// The jobs that may be claimed for free threads within all limits; none if the worker stops.
    pub(super) fn capacity<'k>(&self, kinds: impl Iterator<Item = (&'k JobKind, Option<u32>)>) -> Capacity {
        let mut state = self.lock();
        state.refill_at = None;
        if self.stop.is_stopping() || state.run_alone > 0 {
            return Capacity::default();
        }
        let mut capacity = Capacity { jobs: state.free(), ..Capacity::default() };
        for (kind, limit) in kinds {
            if let Some(limit) = limit {
                let left = state.left_of_limit(kind, limit);
                if left == 0 {
                    continue;
                }
                capacity.limits.insert(kind.clone(), left);
            }
            capacity.kinds.push(kind.clone());
        }
        capacity
    }

    /// Passes claimed jobs to the pool.
    pub(super) fn dispatch(&self, jobs: Vec<Arc<RunningJob>>) {
        let mut state = self.lock();
        let wake = jobs.len().min(state.idle());
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
        for _ in 0..wake {
            self.job_ready.notify_one();
        }
    }

    /// Waits for the next job; `None` after the worker was closed, or if another thread has taken the place of this one
    /// while its handler was stuck. After a request to stop no job begins, and the
    /// waiting jobs are [taken out](Self::take_not_begun) and released. A job that must run alone begins when no other
    /// job is in hand.
    pub(super) fn next(&self, thread: usize) -> Option<Arc<RunningJob>> {
        let mut state = self.lock();
        if matches!(state.threads.get(thread), Some(ThreadState::Stuck { .. } | ThreadState::Retiring)) {
            return None;
        }
        state.set_thread(thread, ThreadState::Idle);
        if self.stop.is_closed() {
            self.thread_ended.notify_all();
        }
        loop {
            if !self.stop.is_stopping()
                && state.first_may_begin()
                && let Some(running) = state.not_begun.pop_front()
            {
                let begun = ThreadState::Running { running: Arc::clone(&running), since: Instant::now() };
                state.set_thread(thread, begun);
                if mem::take(&mut state.watcher_sleeps) {
                    self.handler_begun.notify_all();
                }
                if state.refill_at.is_some_and(|waiting| state.not_begun.len() <= waiting) {
                    state.refill_at = None;
                    self.events.send(DispatcherEvent::FewJobsWait);
                }
                return Some(running);
            }
            if self.stop.is_closed() {
                return None;
            }
            state = self.job_ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Records that the handler on this thread has returned, and that the thread now applies outcomes.
    pub(super) fn handler_returned(&self, thread: usize) {
        let mut state = self.lock();
        let SlotState { threads, run_times, .. } = &mut *state;
        let Some(of_thread) = threads.get_mut(thread) else { return };
        let now = Instant::now();
        *of_thread = match of_thread {
            ThreadState::Running { running, since } => {
                run_times.record(&running.claimed.job.kind, now.saturating_duration_since(*since));
                ThreadState::Applying { since: now }
            }
            ThreadState::Stuck { .. } => ThreadState::Retiring,
            _ => ThreadState::Applying { since: now },
        };
    }

    /// Takes all jobs that have not begun. They are in hand until they are [removed](Self::remove).
    pub(super) fn take_not_begun(&self) -> Vec<Arc<RunningJob>> {
        let mut state = self.lock();
        state.refill_at = None;
        state.not_begun.drain(..).collect()
    }

    /// Makes jobs wait for a thread again, before those that were claimed after them.
    pub(super) fn return_not_begun(&self, jobs: Vec<Arc<RunningJob>>) {
        let mut state = self.lock();
        for running in jobs.into_iter().rev() {
            state.not_begun.push_front(running);
        }
        drop(state);
        self.job_ready.notify_all();
    }

    /// Takes a job that must run alone, if it has waited too long for the end of the other jobs, or waits for a stuck
    /// handler, whose end nobody knows.
    pub(super) fn take_waiting_alone(&self, has_waited: impl Fn(&RunningJob) -> bool) -> Option<Arc<RunningJob>> {
        let mut state = self.lock();
        let first = state.not_begun.front()?;
        let waits = !state.first_may_begin() && (state.stuck().next().is_some() || has_waited(first));
        if waits { state.not_begun.pop_front() } else { None }
    }

    /// Returns a guard that removes these jobs from the jobs in hand when it is dropped, also after a panic of the
    /// thread.
    pub(super) const fn remove_when_dropped<'s>(&'s self, jobs: &'s [Arc<RunningJob>]) -> RemoveGuard<'s> {
        RemoveGuard { slots: self, jobs }
    }

    /// Removes these jobs from the jobs in hand.
    pub(super) fn remove<'j>(&self, jobs: impl Iterator<Item = &'j Arc<RunningJob>>) {
        let mut state = self.lock();
        for running in jobs {
            state.remove(running);
        }
        let is_empty = state.in_hand.is_empty();
        if is_empty {
            self.heartbeat.set_in_hand(false);
        }
        // The last job beside a waiting job that must run alone may have ended.
        let wake_pool = state.run_alone > 0 && state.first_may_begin();
        let tell_dispatcher = is_empty || state.refill_at.is_none();
        drop(state);
        if wake_pool {
            self.job_ready.notify_one();
        }
        if tell_dispatcher {
            self.events.send(DispatcherEvent::JobsEnded);
        }
        if self.stop.is_closed() {
            self.thread_ended.notify_all();
        }
    }

    /// Returns whether no job is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().in_hand.is_empty()
    }

    /// Returns whether no job is in hand, apart from those whose handlers are stuck.
    pub(super) fn has_only_stuck(&self) -> bool {
        let state = self.lock();
        state.in_hand.len() == state.stuck().count()
    }

    /// All jobs in hand.
    pub(super) fn in_hand(&self) -> Vec<Arc<RunningJob>> {
        self.lock().in_hand.values().cloned().collect()
    }

    /// Wakes all waiting threads, so that they check whether the worker is closed.
    pub(super) fn wake_all(&self) {
        drop(self.lock());
        self.job_ready.notify_all();
        self.handler_begun.notify_all();
        self.thread_ended.notify_all();
    }

    /// Adds a thread of the pool, and returns its number.
    pub(super) fn add_thread(&self) -> usize {
        self.lock().add_thread()
    }

    pub(super) fn pool_thread_ended(&self, thread: usize) {
        self.lock().set_thread(thread, ThreadState::Ended);
        self.thread_ended.notify_all();
    }

    /// Waits until the worker is closed and every thread of the pool has ended or runs a handler or applies outcomes.
    pub(super) fn wait_for_end(&self) -> ShutdownReport {
        let state = self
            .thread_ended
            .wait_while(self.lock(), |state| !self.stop.is_closed() || state.idle() > 0)
            .unwrap_or_else(PoisonError::into_inner);
        self.report_of(&state)
    }

    /// The report about a worker that ends now.
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

    pub(super) fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes jobs from the jobs in hand when it is dropped.
pub(super) struct RemoveGuard<'s> {
    slots: &'s Slots,
    jobs: &'s [Arc<RunningJob>],
}

impl Drop for RemoveGuard<'_> {
    fn drop(&mut self) {
        self.slots.remove(self.jobs.iter());
    }
}
