//! The things that need a person.

use std::fmt;

use fieldfen_domain::api_cost::{BudgetState, BudgetStatus};
use fieldfen_domain::file::{FileFilter, FileStatus};
use fieldfen_domain::job::{JobFilter, KindFlow};
use fieldfen_domain::publication::{PublicationFilter, PublicationState};
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{CappedCount, PageRequest, Timestamp};
use serde::Serialize;

use super::MOST_COUNTED;
use super::dead_letters::{dead_letters, of_kind};
use crate::api_costs::BudgetReport;
use crate::shop::Backups;

/// The most publications in doubt that are counted. Their rows are read whole.
const MOST_PUBLICATIONS: u32 = 1000;

/// The newest jobs and files that are read to see whether they can be read.
const NEWEST_ROWS: u32 = 100;

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
    /// The thing: the kind of job, the service or account, the budget, the worker; `None` for files and publications.
    pub name: Option<String>,
    /// The id of the oldest file, job or publication.
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
    /// Rows cannot be read. Only the newest rows were looked at.
    UnreadableRows,
    /// A worker has died: it has not renewed its row for a minute, and has not ended properly.
    DeadWorker,
}

impl Need {
    pub(super) const fn new(what: NeedKind, count: CappedCount, since: Option<Timestamp>) -> Self {
        Self { what, count, since, until: None, name: None, example: None, reason: None, fingerprint: None }
    }

    const fn of_one(what: NeedKind, since: Option<Timestamp>) -> Self {
        Self::new(what, CappedCount::new(1, u64::MAX), since)
    }

    pub(super) fn name(mut self, name: impl fmt::Display) -> Self {
        self.name = Some(name.to_string());
        self
    }

    fn until(mut self, until: impl Into<Option<Timestamp>>) -> Self {
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

/// The files that wait for an approval.
pub(super) fn files(s: &mut dyn ReadSession, needs: &mut Vec<Need>) -> Result<(), StoreError> {
    let count = s.files().count_up_to(FileStatus::Processed, MOST_COUNTED)?;
    if count.is_zero() {
        return Ok(());
    }
    let filter = FileFilter::new().status(FileStatus::Processed);
    let oldest = s.files().page(&filter, &PageRequest::first(1))?.items.pop();
    let since = oldest.as_ref().and_then(|file| file.created_at);
    needs.push(Need::new(NeedKind::FilesToApprove, count, since).example(oldest.map(|file| file.id)));
    Ok(())
}

/// The dead letters and the parked jobs, and the kinds that no living worker handles.
pub(super) fn jobs(
    s: &mut dyn ReadSession,
    kinds: &[KindFlow],
    live: &[RegisteredWorker],
    needs: &mut Vec<Need>,
) -> Result<(), StoreError> {
    dead_letters(s, kinds, needs)?;
    for flow in kinds.iter().filter(|flow| !flow.for_person.count.is_zero()) {
        needs.push(of_kind(s, NeedKind::JobsParkedForPerson, flow, flow.for_person));
    }
    for flow in kinds.iter().filter(|flow| !flow.waiting.is_zero()) {
        if !live.iter().any(|worker| worker.kinds.iter().any(|kind| kind.as_str() == flow.kind)) {
            needs.push(Need::new(NeedKind::NoLiveWorker, flow.waiting, flow.waiting_since).name(&flow.kind));
        }
    }
    Ok(())
}

/// Whether the newest jobs and files can be read. Reading all of them would take too long for an overview.
pub(super) fn unreadable_rows(s: &mut dyn ReadSession, needs: &mut Vec<Need>) -> Result<(), StoreError> {
    let newest = PageRequest::first(NEWEST_ROWS).newest_first();
    let mut unreadable = s.jobs().page(&JobFilter::new(), &newest)?.unreadable;
    unreadable.extend(s.files().page(&FileFilter::new(), &newest)?.unreadable);
    if let Some(first) = unreadable.first() {
        // There may be more among the older rows.
        let count = CappedCount::new(unreadable.len() as u64, unreadable.len() as u64);
        needs.push(Need::new(NeedKind::UnreadableRows, count, None).name(first.table).reason(first.to_string()));
    }
    Ok(())
}

/// The publications of which nobody knows whether they exist at their platform.
pub(super) fn publications(s: &mut dyn ReadSession, needs: &mut Vec<Need>) -> Result<(), StoreError> {
    let filter = PublicationFilter::new().state(PublicationState::Unknown);
    let unknown = s.publications().page(&filter, &PageRequest::first(MOST_PUBLICATIONS))?;
    let mut count = CappedCount::new(unknown.items.len() as u64, MOST_PUBLICATIONS.into());
    count.is_capped |= unknown.next.is_some();
    if let Some(oldest) = unknown.items.first() {
        let need = Need::new(NeedKind::PublicationsInDoubt, count, Some(oldest.updated_at));
        needs.push(need.example(Some(oldest.id)));
    }
    Ok(())
}

/// The pauses that hold.
pub(super) fn pauses(s: &mut dyn ReadSession, now: Timestamp, needs: &mut Vec<Need>) -> Result<(), StoreError> {
    for pause in s.pauses().list(now)? {
        let reason = format!("by {}: {}", pause.by, pause.reason);
        let need = Need::of_one(NeedKind::Paused, Some(pause.since)).name(&pause.scope);
        needs.push(need.until(pause.until).reason(reason));
    }
    Ok(())
}

/// The limits whose service has refused calls.
pub(super) fn blocks(s: &mut dyn ReadSession, now: Timestamp, needs: &mut Vec<Need>) -> Result<(), StoreError> {
    for limit in s.rate_limits().list(None, now)?.into_iter().flatten() {
        if let Some(block) = limit.blocked_at(now) {
            let need = Need::of_one(NeedKind::Blocked, limit.reported_at).name(&limit.key);
            needs.push(need.until(block.until).reason(block.reason.clone()));
        }
    }
    Ok(())
}

/// The budgets that have reached their warning level.
pub(super) fn budgets(reports: Vec<BudgetReport>, needs: &mut Vec<Need>) {
    for report in reports.into_iter().filter(|report| report.status.state != BudgetState::Ok) {
        let BudgetStatus { state, share_basis_points, ends_at, .. } = report.status;
        let (per_cent, rest) = (share_basis_points / 100, share_basis_points % 100);
        let need = Need::of_one(NeedKind::Budget, None).name(report.budget.name).until(ends_at);
        needs.push(need.reason(format!("{state}: {per_cent}.{rest:02} % are used")));
    }
}
