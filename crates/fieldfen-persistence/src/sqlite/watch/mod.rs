//! Waits for commits of this process and of others.
//!
//! The writer announces commits of this process for which a thread may wait ([`CommitNotifier`]). One thread of the
//! store ([`Watcher`]) asks SQLite for commits of other processes, however many watches there are.

mod commit_notifier;
mod data_version;
#[cfg(target_os = "linux")]
mod file_events;
#[cfg(not(target_os = "linux"))]
mod no_file_events;
mod poll_schedule;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod wake_file;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::store::{StoreError, Watch, WatchCloser};

pub(crate) use commit_notifier::CommitNotice;
pub(super) use commit_notifier::CommitNotifier;
#[cfg(not(target_os = "linux"))]
pub(super) use no_file_events::WakeFile;
#[cfg(target_os = "linux")]
pub(super) use wake_file::WakeFile;
pub(super) use watcher::{PollIntervals, Watcher};

use commit_notifier::Subscription;

/// A watch over a store. It does not keep the store open.
pub(super) struct SqliteWatch {
    subscription: Subscription,
}

impl SqliteWatch {
    pub(super) fn new(commits: Arc<CommitNotifier>) -> Self {
        Self { subscription: Subscription::new(commits) }
    }
}

impl Watch for SqliteWatch {
    fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError> {
        self.subscription.wait(timeout)
    }

    fn closer(&self) -> WatchCloser {
        self.subscription.closer()
    }
}
