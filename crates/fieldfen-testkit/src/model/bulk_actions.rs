//! Actions on all jobs that match a filter.

use fieldfen_domain::job::{BulkAction, BulkProgress, NewBulkAction};
use fieldfen_domain::store::{BulkActionReads, BulkActions, StoreError};
use fieldfen_domain::{BulkActionId, Page, PageRequest, Timestamp, truncate_to_micros};

use super::table::Row;
use super::{ModelSession, taken};

#[derive(Clone)]
pub(super) struct BulkRow(BulkAction);

impl Row for BulkRow {
    type Key = BulkActionId;

    fn keys(&self) -> Vec<BulkActionId> {
        vec![self.0.order.id]
    }
}

impl BulkActionReads for ModelSession<'_> {
    fn find(&mut self, id: &BulkActionId) -> Result<Option<BulkAction>, StoreError> {
        Ok(self.state.bulk_actions.find(id).map(|(_, BulkRow(row))| row))
    }

    fn page(&mut self, page: &PageRequest) -> Result<Page<BulkAction>, StoreError> {
        self.state.bulk_actions.page("bulk actions", page, |_| true, |BulkRow(row)| row.clone())
    }
}

impl BulkActions for ModelSession<'_> {
    fn start(&mut self, order: &NewBulkAction) -> Result<BulkAction, StoreError> {
        if self.state.bulk_actions.find(&order.id).is_some() {
            return Err(taken(format!("bulk action {}", order.id)));
        }
        let order = with!(order.clone(), started_at: truncate_to_micros(order.started_at));
        let row = BulkAction::new(order, self.state.jobs.end("jobs"), BulkProgress::default());
        self.state.bulk_actions.insert(BulkRow(row.clone()));
        Ok(row)
    }

    fn advance(&mut self, id: &BulkActionId, from: &BulkProgress, to: &BulkProgress) -> Result<bool, StoreError> {
        let Some((number, BulkRow(mut row))) = self.state.bulk_actions.find(id) else { return Ok(false) };
        if row.is_finished() || row.progress.cursor != from.cursor {
            return Ok(false);
        }
        row.progress = with!(to.clone(), finished_at: to.finished_at.map(truncate_to_micros));
        self.state.bulk_actions.update(number, BulkRow(row));
        Ok(true)
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = truncate_to_micros(before);
        let rows = self.state.bulk_actions.rows().map(|BulkRow(row)| row);
        let old = rows.filter(|row| row.is_finished() && row.order.started_at < before);
        let mut old: Vec<_> = old.map(|row| (row.order.started_at, row.order.id)).collect();
        // The sort is stable: actions with the same time keep the order of insertion.
        old.sort_by_key(|(at, _)| *at);
        old.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        old.iter().for_each(|(_, id)| self.state.bulk_actions.remove_all(id));
        Ok(old.len() as u64)
    }
}
