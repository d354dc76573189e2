//! Recurring work.

use fieldfen_domain::recurring::{NewRecurringJob, RecurringJob, RecurringName, Tick};
use fieldfen_domain::store::{Recurring, RecurringReads, StoreError};
use fieldfen_domain::{UnreadableRow, to_micros};

use super::ModelSession;
use super::table::Row;

impl Row for RecurringJob {
    type Key = RecurringName;

    fn keys(&self) -> Vec<RecurringName> {
        vec![self.name.clone()]
    }
}

impl RecurringReads for ModelSession<'_> {
    fn list(&mut self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        let mut work: Vec<_> = self.state.recurring.rows().cloned().collect();
        work.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(work.into_iter().map(Ok).collect())
    }
}

impl Recurring for ModelSession<'_> {
    fn define(&mut self, work: &NewRecurringJob) -> Result<(), StoreError> {
        let before = self.state.recurring.find(&work.name);
        let kept = before.as_ref().filter(|(_, known)| known.schedule == work.schedule);
        let row = RecurringJob {
            name: work.name.clone(),
            schedule: work.schedule.clone(),
            kind: work.kind.clone(),
            payload: work.payload.clone(),
            next_at: kept.map_or(to_micros(work.next_at), |(_, known)| known.next_at),
            last_at: before.as_ref().and_then(|(_, known)| known.last_at),
        };
        match before {
            Some((number, _)) => self.state.recurring.update(number, row),
            None => self.state.recurring.insert(row),
        }
        Ok(())
    }

    fn take(&mut self, tick: &Tick) -> Result<bool, StoreError> {
        let due = to_micros(tick.due);
        match self.state.recurring.find(&tick.name) {
            Some((number, work)) if work.next_at == due => {
                let next_at = to_micros(tick.next_at);
                self.state.recurring.update(number, RecurringJob { next_at, last_at: Some(due), ..work });
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn remove(&mut self, name: &RecurringName) -> Result<bool, StoreError> {
        let found = self.state.recurring.find(name);
        if let Some((number, _)) = &found {
            self.state.recurring.remove(*number);
        }
        Ok(found.is_some())
    }
}
