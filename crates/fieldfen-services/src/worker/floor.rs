//! Where the worker's threads meet: who runs what, what is handed out, and whether to go on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fieldfen_domain::job::JobKind;

use super::state::{State, Stop};
use super::stopped::{Stopped, WorkerFailure};
use super::task::Control;

/// Where the worker's threads meet. One lock, and one condition for each kind of thread that waits.
pub(super) struct Floor {
    state: Mutex<State>,
    /// Every handler is asked to end. Handlers look here as often as they like.
    stops_now: AtomicBool,
    /// The dispatcher waits here for news, free threads and the stop.
    dispatcher: Condvar,
    /// The pool waits here for jobs.
    pool: Condvar,
    /// The heartbeat waits here for jobs to keep alive.
    heartbeat: Condvar,
    /// The watcher waits here until somebody wants to hear of commits. Threads that pause or join wait here too.
    others: Condvar,
}

/// What may be claimed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    /// Which kinds.
    pub(super) kinds: Vec<JobKind>,
    /// Of kinds with a limit, how many at the most.
    pub(super) limits: BTreeMap<JobKind, u32>,
    /// How many jobs at the most.
    pub(super) most: usize,
}

impl Floor {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State::new()),
            stops_now: AtomicBool::new(false),
            dispatcher: Condvar::new(),
            pool: Condvar::new(),
            heartbeat: Condvar::new(),
            others: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the worker to stop, at least so soon.
    pub(super) fn stop(&self, how: Stop) {
        let mut state = self.lock();
        state.stop = state.stop.max(how);
        state.news = true;
        self.stops_now.store(state.stop == Stop::Now, Ordering::SeqCst);
        self.dispatcher.notify_all();
        self.others.notify_all();
        if state.stop == Stop::Now {
            let in_hand: Vec<_> = state.in_hand.values().cloned().collect();
            drop(state);
            in_hand.iter().for_each(|control| control.wake());
        }
    }

    /// Asks the worker to stop, since it cannot do its work. One that was asked to stop before has not failed.
    pub(super) fn fail(&self, failure: WorkerFailure) {
        let mut state = self.lock();
        if !state.stops() {
            state.failure.get_or_insert(failure);
        }
        drop(state);
        self.stop(Stop::Gracefully);
    }

    pub(super) fn stop_wanted(&self) -> Stop {
        self.lock().stop
    }

    /// Whether the worker stops and lets handlers run no longer.
    pub(super) fn stops_now(&self) -> bool {
        self.stops_now.load(Ordering::SeqCst)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().stops()
    }

    /// Says that the dispatcher should look again.
    pub(super) fn tell(&self) {
        self.lock().news = true;
        self.dispatcher.notify_all();
    }

    /// Marks the news as seen: whatever happens from now on is news again.
    pub(super) fn look(&self) {
        self.lock().news = false;
    }

    /// Lets the dispatcher wait for news, at most so long; with `watching`, commits are news.
    pub(super) fn wait_for_news(&self, timeout: Duration, watching: bool) {
        let mut state = self.lock();
        if watching && !state.news {
            state.watching = true;
            self.others.notify_all();
        }
        let (mut state, _) = self
            .dispatcher
            .wait_timeout_while(state, timeout, |state| !state.news)
            .unwrap_or_else(PoisonError::into_inner);
        state.watching = false;
    }

    /// Lets the watcher wait until commits are news; `false` when the worker is closed.
    pub(super) fn wait_until_watching(&self) -> bool {
        let state = self.lock();
        let state = self
            .others
            .wait_while(state, |state| !state.watching && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }

    /// What may be claimed so that no limit is passed whatever comes; nothing by a worker that stops.
    pub(super) fn capacity(&self, kinds: impl Iterator<Item = (JobKind, Option<u32>)>, threads: usize) -> Capacity {
        let state = self.lock();
        let most = if state.stops() || state.holds_one_that_runs_alone() {
            0
        } else {
            threads.saturating_sub(state.in_hand.len())
        };
        let (mut open, mut limits) = (Vec::new(), BTreeMap::new());
        for (kind, limit) in kinds {
            if let Some(limit) = limit {
                let left = limit.saturating_sub(state.of_kind.get(&kind).copied().unwrap_or(0));
                if left == 0 {
                    continue;
                }
                limits.insert(kind.clone(), left);
            }
            open.push(kind);
        }
        Capacity { kinds: open, limits, most }
    }

    /// Hands claimed jobs to the pool.
    pub(super) fn hand_out(&self, jobs: Vec<Arc<Control>>) {
        let mut state = self.lock();
        let several = jobs.len() > 1;
        for control in jobs {
            let job = &control.claimed.job;
            *state.of_kind.entry(job.kind.clone()).or_default() += 1;
            state.in_hand.insert(control.key(), Arc::clone(&control));
            state.handed_out.push_back(control);
        }
        if several {
            self.pool.notify_all();
        } else {
            self.pool.notify_one();
        }
        self.heartbeat.notify_all();
    }

    /// The next job for a thread of the pool; `None` when the worker is closed. None begins once the worker stops: what
    /// was claimed meanwhile is [taken back](Self::take_back). One that must run alone begins when nothing else is in hand.
    pub(super) fn next(&self) -> Option<Arc<Control>> {
        let mut state = self.lock();
        loop {
            if !state.stops()
                && state.first_may_begin()
                && let Some(job) = state.handed_out.pop_front()
            {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.pool.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes back what no thread has begun.
    pub(super) fn take_back(&self) -> Vec<Arc<Control>> {
        self.lock().handed_out.drain(..).collect()
    }

    /// Takes back a job that waits for others to end, since it must run alone, if this says so.
    pub(super) fn take_back_alone(&self, waits_too_long: impl Fn(&Control) -> bool) -> Option<Arc<Control>> {
        let mut state = self.lock();
        let waits = !state.first_may_begin() && waits_too_long(state.handed_out.front()?);
        if waits { state.handed_out.pop_front() } else { None }
    }

    /// Says that a job is no longer in hand once the answer is dropped.
    pub(super) const fn in_hand_until_dropped<'f>(&'f self, control: &'f Control) -> InHand<'f> {
        InHand { floor: self, control }
    }

    /// Says that a job is no longer in hand.
    pub(super) fn put_down(&self, control: &Control) {
        let mut state = self.lock();
        state.in_hand.remove(&control.key());
        if let Some(running) = state.of_kind.get_mut(&control.claimed.job.kind) {
            *running = running.saturating_sub(1);
        }
        if state.first_may_begin() {
            self.pool.notify_one();
        }
        state.news = true;
        self.dispatcher.notify_all();
        if state.closed {
            self.heartbeat.notify_all();
        }
    }

    /// Whether nothing is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().in_hand.is_empty()
    }

    /// Every job in hand.
    pub(super) fn in_hand(&self) -> Vec<Arc<Control>> {
        self.lock().in_hand.values().cloned().collect()
    }

    /// Waits until nothing is in hand, the time is over or, with `hurry`, somebody wants to stop now; says whether
    /// nothing is.
    pub(super) fn wait_until_empty(&self, timeout: Duration, hurry: bool) -> bool {
        let began = Instant::now();
        let mut state = self.lock();
        loop {
            let left = timeout.saturating_sub(began.elapsed());
            if state.in_hand.is_empty() || (hurry && state.stop == Stop::Now) || left.is_zero() {
                return state.in_hand.is_empty();
            }
            state = self.dispatcher.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn note_progress(&self) {
        self.lock().progress = true;
        self.heartbeat.notify_all();
    }

    /// Lets the heartbeat wait until a job is in hand; `false` when the worker is closed and none is. Handlers that a
    /// worker has left running keep their leases.
    pub(super) fn wait_until_in_hand(&self) -> bool {
        let state = self.lock();
        let state = self
            .heartbeat
            .wait_while(state, |state| state.in_hand.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !state.in_hand.is_empty()
    }

    /// Lets the heartbeat wait for progress; says whether some was made.
    pub(super) fn wait_for_progress(&self, timeout: Duration) -> bool {
        let state = self.lock();
        let (mut state, _) = self
            .heartbeat
            .wait_timeout_while(state, timeout, |state| !state.progress && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.progress)
    }

    /// Waits between two attempts at the store; somebody who wants to stop meanwhile ends the wait.
    pub(super) fn pause(&self, pause: Duration) {
        let state = self.lock();
        let before = state.stop;
        drop(self.others.wait_timeout_while(state, pause, |state| state.stop == before));
    }

    /// Waits until the worker is closed, at most so long; says whether it is.
    pub(super) fn wait_until_closed(&self, timeout: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .others
            .wait_timeout_while(state, timeout, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.closed
    }

    /// Counts jobs that were given back because the worker stops.
    pub(super) fn count_released(&self, jobs: usize) {
        self.lock().stopped.released += jobs;
    }

    /// Counts jobs that the store has refused to take back.
    pub(super) fn count_kept(&self, jobs: usize) {
        self.lock().stopped.kept += jobs;
    }

    /// Lets every thread end that has nothing in hand.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.pool.notify_all();
        self.heartbeat.notify_all();
        self.others.notify_all();
    }

    pub(super) fn thread_began(&self) {
        self.lock().alive += 1;
    }

    pub(super) fn thread_ended(&self) {
        self.lock().alive -= 1;
        self.others.notify_all();
    }

    /// Waits until the worker is closed and only threads are left that have a job in hand; says what the worker leaves
    /// behind, and why it has stopped by itself if it has.
    pub(super) fn wait_for_end(&self) -> (Stopped, Option<WorkerFailure>) {
        let state = self.lock();
        let state = self
            .others
            .wait_while(state, |state| !state.closed || state.alive > state.in_hand.len())
            .unwrap_or_else(PoisonError::into_inner);
        state.left_behind()
    }

    /// What the worker leaves behind if it ends now, and why it has stopped by itself if it has.
    pub(super) fn left_behind(&self) -> (Stopped, Option<WorkerFailure>) {
        self.lock().left_behind()
    }
}

/// A job in hand; it is put down when this is dropped, however the thread that has it ends.
pub(super) struct InHand<'f> {
    floor: &'f Floor,
    control: &'f Control,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.floor.put_down(self.control);
    }
}
