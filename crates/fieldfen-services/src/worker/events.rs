//! The events that other threads send to the dispatcher.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fieldfen_domain::store::WatchCloser;

/// The reason why the dispatcher looks at the queue and the worker's slots again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DispatcherEvent {
    /// A commit may have made a job due.
    Commit,
    /// Jobs have ended, and others can be claimed.
    JobsEnded,
    /// Half of the jobs that were claimed ahead have begun.
    FewJobsWait,
    /// A job in hand was cancelled, killed or reclaimed.
    Interrupted,
    /// The worker is asked to stop.
    Stop,
}

/// Sends events to the dispatcher.
#[derive(Clone)]
pub(super) struct EventSender(Sender<DispatcherEvent>);

impl EventSender {
    pub(super) fn send(&self, event: DispatcherEvent) {
        // After the end of the worker, nobody receives.
        let _ = self.0.send(event);
    }
}

/// The receiving side of the events.
pub(super) struct Events {
    sender: EventSender,
    /// Only the dispatcher's thread takes this lock.
    receiver: Mutex<Receiver<DispatcherEvent>>,
    commits: Mutex<CommitInterest>,
    interest_changed: Condvar,
}

/// Whether the dispatcher waits for commits. Watching a store costs system calls, so the store is watched only
/// meanwhile.
#[derive(Default)]
struct CommitInterest {
    wanted: bool,
    closed: bool,
    /// Ends the wait of the thread that watches for commits; `None` before it has begun.
    watch: Option<WatchCloser>,
}

impl Events {
    pub(super) fn new() -> Self {
        let (sender, receiver) = channel();
        Self {
            sender: EventSender(sender),
            receiver: Mutex::new(receiver),
            commits: Mutex::default(),
            interest_changed: Condvar::new(),
        }
    }

    pub(super) fn sender(&self) -> EventSender {
        self.sender.clone()
    }

    /// Discards the events that have come. The dispatcher then looks at everything that they may be about.
    pub(super) fn clear(&self) {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        while receiver.try_recv().is_ok() {}
    }

    /// Waits for the next event until the timeout. Commits count as events only if `commits` is set.
    pub(super) fn wait(&self, timeout: Duration, commits: bool) -> Option<DispatcherEvent> {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let is_event = |event: &DispatcherEvent| commits || *event != DispatcherEvent::Commit;
        if let Some(event) = receiver.try_iter().find(is_event) {
            return Some(event);
        }
        if commits {
            self.interest().wanted = true;
            self.interest_changed.notify_all();
        }
        let deadline = Instant::now().checked_add(timeout);
        let left = || deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
        // A commit may have been noticed before the last wait ended.
        let event = std::iter::from_fn(|| receiver.recv_timeout(left()).ok()).find(is_event);
        if commits {
            self.interest().wanted = false;
        }
        event
    }

    /// Tells the dispatcher of a commit. Its wait ends with that, so that the store is not watched for the next commit yet.
    pub(super) fn send_commit(&self) {
        self.interest().wanted = false;
        self.sender.send(DispatcherEvent::Commit);
    }

    /// Blocks until the dispatcher waits for commits. Returns `false` after the worker was closed.
    pub(super) fn wait_until_commits_wanted(&self) -> bool {
        let interest = self
            .interest_changed
            .wait_while(self.interest(), |interest| !interest.wanted && !interest.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !interest.closed
    }

    /// Registers this watch to be closed by [`Events::close`].
    pub(super) fn close_with(&self, watch: WatchCloser) {
        self.interest().watch = Some(watch);
    }

    /// Ends the thread that watches for commits.
    pub(super) fn close(&self) {
        let mut interest = self.interest();
        interest.closed = true;
        let watch = interest.watch.take();
        drop(interest);
        self.interest_changed.notify_all();
        if let Some(watch) = watch {
            watch.close();
        }
    }

    fn interest(&self) -> MutexGuard<'_, CommitInterest> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use fieldfen_testkit::wait::{PATIENCE, scope_with_deadline};

    use super::*;

    #[test]
    fn the_end_of_a_worker_closes_its_watch_once() {
        let (events, closed) = (Events::new(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&closed);
        events.close_with(WatchCloser::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        events.close();
        events.close();
        assert_eq!(closed.load(Ordering::SeqCst), 1);
        assert!(!events.wait_until_commits_wanted());
    }

    #[test]
    fn after_a_commit_the_store_is_watched_when_the_dispatcher_waits_for_the_next_one() {
        let events = Events::new();
        let is_wanted = || events.interest().wanted;
        scope_with_deadline("the dispatcher has been told of the commit", |scope| {
            let dispatcher = scope.spawn(|| events.wait(PATIENCE, true));
            assert!(events.wait_until_commits_wanted());
            events.send_commit();
            assert!(!is_wanted());
            assert_eq!(dispatcher.join().unwrap(), Some(DispatcherEvent::Commit));
        });
        assert!(!is_wanted());
    }

    #[test]
    fn a_wait_that_is_not_for_commits_does_not_end_with_one_that_was_noticed_before() {
        use DispatcherEvent::{Commit, JobsEnded, Stop};
        let events = Events::new();
        let sender = events.sender();
        let send_all = || [Commit, JobsEnded, Commit, Commit, Stop].map(|event| sender.send(event));
        send_all();
        assert_eq!([(); 2].map(|()| events.wait(PATIENCE, false)), [JobsEnded, Stop].map(Some));
        assert_eq!(events.wait(Duration::ZERO, true), None);
        send_all();
        assert_eq!([(); 3].map(|()| events.wait(PATIENCE, true)), [Commit, JobsEnded, Commit].map(Some));
    }
}
