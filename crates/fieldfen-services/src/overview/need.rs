//! A thing that needs a person.

use std::fmt;

use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{CappedCount, Timestamp};
use serde::Serialize;

use crate::shop::Backups;

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Need {
    /// The kind of need.
    pub what: NeedKind,
    /// The number of things that need the same.
    pub count: CappedCount,
    /// The time since which the oldest of them waits; `None` if it is not known.
    pub since: Option<Timestamp>,
    /// The time at which it ends by itself; `None` if it does not, or if it is not known.
    pub until: Option<Timestamp>,
    /// The thing: the kind of job, the service or account, the budget, the worker, the action of the oldest bulk
    /// action; `None` for files and publications.
    pub name: Option<String>,
    /// The id of the oldest file, job, publication or bulk action.
    pub example: Option<String>,
    /// The reason or the error, and who caused it, for people.
    pub reason: Option<String>,
    /// The fingerprint of the dead letters' error; `None` for another need, and for errors without a fingerprint.
    pub fingerprint: Option<String>,
}

/// The kind of a [`Need`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NeedKind {
    /// Processed files wait for an approval.
    FilesToApprove,
    /// Jobs of a kind have failed for good with the same error.
    DeadLetters,
    /// Jobs of a kind wait for the answer of a person.
    JobsParkedForPerson,
    /// Nobody knows whether a product or a post exists at its platform.
    PublicationsInDoubt,
    /// Jobs of a kind wait, and no living worker handles the kind.
    NoLiveWorker,
    /// A kind, a service or an account is paused.
    Paused,
    /// A service has refused calls, and takes none for a while.
    Blocked,
    /// A budget has reached its warning level, or is spent.
    Budget,
    /// The newest backup is too old, or there is none.
    Backup,
    /// Actions on all jobs that match a filter have not finished: their programs were stopped, have died, or still
    /// carry them out. Only the newest bulk actions were looked at.
    UnfinishedBulkActions,
    /// Rows cannot be read. Only the newest rows were looked at.
    UnreadableRows,
    /// A worker has died: it has not renewed its row for a minute, and has not ended properly.
    DeadWorker,
}

impl Need {
    pub(super) const fn new(what: NeedKind, count: CappedCount, since: Option<Timestamp>) -> Self {
        Self { what, count, since, until: None, name: None, example: None, reason: None, fingerprint: None }
    }

    pub(super) const fn of_one(what: NeedKind, since: Option<Timestamp>) -> Self {
        Self::new(what, CappedCount::new(1, u64::MAX), since)
    }

    pub(super) fn name(mut self, name: impl fmt::Display) -> Self {
        self.name = Some(name.to_string());
        self
    }

    pub(super) fn until(mut self, until: impl Into<Option<Timestamp>>) -> Self {
        self.until = until.into();
        self
    }

    pub(super) fn example(mut self, id: Option<impl fmt::Display>) -> Self {
        self.example = id.map(|id| id.to_string());
        self
    }

    pub(super) fn reason(mut self, reason: impl Into<Option<String>>) -> Self {
        self.reason = reason.into();
        self
    }

    pub(super) fn fingerprint(mut self, fingerprint: Option<String>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// The newest backup, if it is too old; `made_at` is `None` if there is none.
    pub(super) fn of_backups(made_at: Option<Timestamp>, rules: &Backups, now: Timestamp) -> Option<Self> {
        if made_at.is_some_and(|made_at| now.signed_duration_since(made_at) <= rules.max_age()) {
            return None;
        }
        Some(Self::of_one(NeedKind::Backup, made_at).name(rules.folder.display()))
    }

    /// A worker that has died.
    pub(super) fn of_dead_worker(worker: RegisteredWorker) -> Self {
        let place = format!("process {} on {}", worker.process, worker.host);
        Self::of_one(NeedKind::DeadWorker, Some(worker.last_seen_at)).name(worker.name).reason(place)
    }
}
