//! Operators' actions.

use fieldfen_domain::operator::{OperatorAction, OperatorActionFilter, Subject};
use fieldfen_domain::store::{OperatorActionReads, OperatorActions, StoreError};
use fieldfen_domain::{Page, PageRequest, truncate_to_micros};

use super::ModelSession;
use super::table::Row;

#[derive(Clone)]
pub(super) struct ActionRow(OperatorAction);

impl Row for ActionRow {
    type Key = Subject;

    fn keys(&self) -> Vec<Subject> {
        vec![self.0.subject.clone()]
    }
}

impl OperatorActionReads for ModelSession<'_> {
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
        self.state.actions.insert(ActionRow(with!(action.clone(), at: truncate_to_micros(action.at))));
        Ok(())
    }
}
