//! Finds the things that need a person.

use fieldfen_domain::api_cost::{BudgetState, BudgetStatus};
use fieldfen_domain::file::{FileFilter, FileStatus};
use fieldfen_domain::job::{JobFilter, KindFlow};
use fieldfen_domain::publication::{PublicationFilter, PublicationState};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{CappedCount, PageRequest, Timestamp};

use super::MOST_COUNTED;
use super::dead_letters::{dead_letters, of_kind};
use super::need::{Need, NeedKind};
use crate::api_costs::BudgetReport;

/// The most publications in doubt that are counted. Their rows are read whole.
const MOST_PUBLICATIONS: u32 = 1000;

/// The newest jobs and files that are read to see whether they can be read.
const NEWEST_ROWS: u32 = 100;

/// The newest bulk actions among which those that have not finished are found.
const NEWEST_BULK_ACTIONS: u32 = 100;

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

/// The bulk actions that have not finished.
pub(super) fn bulk_actions(s: &mut dyn ReadSession, needs: &mut Vec<Need>) -> Result<(), StoreError> {
    let newest = s.bulk_actions().page(&PageRequest::first(NEWEST_BULK_ACTIONS).newest_first())?;
    let unfinished: Vec<_> = newest.items.iter().filter(|row| !row.is_finished()).collect();
    let Some(oldest) = unfinished.last() else { return Ok(()) };
    let mut count = CappedCount::new(unfinished.len() as u64, NEWEST_BULK_ACTIONS.into());
    count.is_capped |= newest.next.is_some();
    let order = &oldest.order;
    let reason = format!(
        "{} jobs so far, by {}: {}",
        oldest.progress.matched(),
        order.ordered.by().name(),
        order.ordered.reason()
    );
    let need = Need::new(NeedKind::UnfinishedBulkActions, count, Some(order.started_at));
    needs.push(need.name(order.action.kind()).example(Some(order.id)).reason(reason));
    Ok(())
}

/// The pauses that hold. If one of them cannot be read, that is a need of its own, and no pause is shown.
pub(super) fn pauses(s: &mut dyn ReadSession, now: Timestamp, needs: &mut Vec<Need>) -> Result<(), StoreError> {
    let pauses = match split_bad_row(s.pauses().list(now))? {
        Ok(pauses) => pauses,
        Err(row) => {
            let need = Need::of_one(NeedKind::UnreadableRows, None).name(row.table);
            needs.push(need.reason(row.to_string()));
            return Ok(());
        }
    };
    for pause in pauses {
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
