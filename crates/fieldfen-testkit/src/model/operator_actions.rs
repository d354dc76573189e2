//! Operators' actions.

use fieldfen_domain::operator::{OperatorAction, OperatorActionFilter};
use fieldfen_domain::store::{OperatorActionReads, OperatorActions, StoreError};
use fieldfen_domain::{OperatorActionId, Page, PageRequest, Timestamp, truncate_to_micros};

use super::table::Row;
use super::{ModelSession, taken};

#[derive(Clone)]
pub(super) struct ActionRow(OperatorAction);

impl Row for ActionRow {
    type Key = OperatorActionId;

    fn keys(&self) -> Vec<OperatorActionId> {
        vec![self.0.id]
    }
}

impl OperatorActionReads for ModelSession<'_> {
    fn find(&mut self, id: &OperatorActionId) -> Result<Option<OperatorAction>, StoreError> {
        Ok(self.state.actions.find(id).map(|(_, ActionRow(action))| action))
    }

    fn page(&mut self, filter: &OperatorActionFilter, page: &PageRequest) -> Result<Page<OperatorAction>, StoreError> {
        let wanted = |ActionRow(action): &ActionRow| {
            filter.subject.as_ref().is_none_or(|subject| action.subject == *subject)
                && filter.by.as_ref().is_none_or(|by| action.action.by().name() == by)
                && filter.kind.is_none_or(|kind| action.kind == kind)
                && filter.since.is_none_or(|since| action.at >= truncate_to_micros(since))
                && filter.until.is_none_or(|until| action.at < truncate_to_micros(until))
        };
        self.state.actions.page("actions", page, wanted, |ActionRow(action)| action.clone())
    }
}

impl OperatorActions for ModelSession<'_> {
    fn record(&mut self, action: &OperatorAction) -> Result<(), StoreError> {
        if self.state.actions.find(&action.id).is_some() {
            return Err(taken(format!("operator action {}", action.id)));
        }
        self.state.actions.insert(ActionRow(with!(action.clone(), at: truncate_to_micros(action.at))));
        Ok(())
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = truncate_to_micros(before);
        let old = self.state.actions.rows().filter(|ActionRow(action)| action.at < before);
        let mut old: Vec<_> = old.map(|ActionRow(action)| (action.at, action.id)).collect();
        // The sort is stable: actions with the same time keep the order of insertion.
        old.sort_by_key(|(at, _)| *at);
        old.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        old.iter().for_each(|(_, id)| self.state.actions.remove_all(id));
        Ok(old.len() as u64)
    }
}
