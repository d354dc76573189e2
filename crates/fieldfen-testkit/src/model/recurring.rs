//! Recurring work.

use fieldfen_domain::recurring::{
    MAX_RUNS, NewRecurringJob, PauseOutcome, RecurringJob, RecurringName, RecurringRun, Tick,
};
use fieldfen_domain::store::{Recurring, RecurringReads, StoreError};
use fieldfen_domain::{Timestamp, UnreadableRow, truncate_to_micros};

use super::ModelSession;
use super::table::Row;

/// Recurring work, with the time at which its next tick was set and its runs, the latest first.
#[derive(Clone)]
pub(super) struct RecurringRow {
    work: RecurringJob,
    updated_at: Timestamp,
    runs: Vec<RecurringRun>,
}

impl Row for RecurringRow {
    type Key = RecurringName;

    fn keys(&self) -> Vec<RecurringName> {
        vec![self.work.name.clone()]
    }
}

impl RecurringReads for ModelSession<'_> {
    fn list(&mut self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        let mut work: Vec<_> = self.state.recurring.rows().map(|row| row.work.clone()).collect();
        work.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(work.into_iter().map(Ok).collect())
    }

    fn find(&mut self, name: &RecurringName) -> Result<Option<RecurringJob>, StoreError> {
        Ok(self.state.recurring.find(name).map(|(_, row)| row.work))
    }

    fn due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        let due = self.ticking().filter(|row| row.work.next_at <= truncate_to_micros(now));
        let mut work: Vec<_> = due.map(|row| row.work.clone()).collect();
        work.sort_by_key(|work| work.next_at);
        Ok(work.into_iter().take(limit as usize).map(Ok).collect())
    }

    fn doubtful(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        let ahead = self.ticking().filter(|row| row.updated_at > truncate_to_micros(now));
        Ok(ahead.take(limit as usize).map(|row| Ok(row.work.clone())).collect())
    }

    fn next_tick(&mut self, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.ticking().map(|row| row.work.next_at).filter(|next| *next > truncate_to_micros(after)).min())
    }

    fn runs(&mut self, name: &RecurringName) -> Result<Vec<Result<RecurringRun, UnreadableRow>>, StoreError> {
        let row = self.state.recurring.find(name);
        Ok(row.map_or_else(Vec::new, |(_, row)| row.runs.into_iter().map(Ok).collect()))
    }
}

impl ModelSession<'_> {
    /// The work that is not paused.
    fn ticking(&self) -> impl Iterator<Item = &RecurringRow> {
        self.state.recurring.rows().filter(|row| row.work.paused_at.is_none())
    }

    /// Sets the pause of some work.
    fn set_pause(&mut self, name: &RecurringName, paused_at: Option<Timestamp>) -> PauseOutcome {
        match self.state.recurring.find(name) {
            None => PauseOutcome::NotFound,
            Some((_, row)) if row.work.paused_at.is_some() == paused_at.is_some() => PauseOutcome::Unchanged,
            Some((number, row)) => {
                let work = with!(row.work, paused_at);
                self.state.recurring.update(number, RecurringRow { work, ..row });
                PauseOutcome::Done
            }
        }
    }
}

impl Recurring for ModelSession<'_> {
    fn define(&mut self, work: &NewRecurringJob) -> Result<(), StoreError> {
        StoreError::check_json("payload of recurring work", work.payload.as_ref())?;
        let before = self.state.recurring.find(&work.name);
        let kept = before
            .as_ref()
            .filter(|(_, known)| (&known.work.schedule, &known.work.time_zone) == (&work.schedule, &work.time_zone));
        let at = truncate_to_micros(work.at);
        let updated_at = before.as_ref().map_or(at, |(_, known)| known.updated_at.max(at));
        let work = with!(
            RecurringJob::new(
                work.name.clone(),
                work.schedule.clone(),
                work.kind.clone(),
                kept.map_or(truncate_to_micros(work.next_at), |(_, known)| known.work.next_at),
            ),
            time_zone: work.time_zone.clone(),
            payload: work.payload.clone(),
            account: work.account.clone(),
            defined_in: work.defined_in.clone(),
            last_at: before.as_ref().and_then(|(_, known)| known.work.last_at),
            paused_at: before.as_ref().and_then(|(_, known)| known.work.paused_at),
        );
        let runs = before.as_ref().map_or_else(Vec::new, |(_, known)| known.runs.clone());
        let row = RecurringRow { work, updated_at, runs };
        match before {
            Some((number, _)) => self.state.recurring.update(number, row),
            None => self.state.recurring.insert(row),
        }
        Ok(())
    }

    fn take(&mut self, tick: &Tick) -> Result<bool, StoreError> {
        let due = truncate_to_micros(tick.due);
        match self.state.recurring.find(&tick.name) {
            Some((number, row)) if row.work.next_at == due && row.work.paused_at.is_none() => {
                let work = with!(row.work, next_at: truncate_to_micros(tick.next_at), last_at: Some(due));
                self.state
                    .recurring
                    .update(number, RecurringRow { work, updated_at: truncate_to_micros(tick.at), ..row });
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn set_next(&mut self, tick: &Tick) -> Result<bool, StoreError> {
        match self.state.recurring.find(&tick.name) {
            Some((number, row)) if row.work.next_at == truncate_to_micros(tick.due) => {
                let work = with!(row.work, next_at: truncate_to_micros(tick.next_at));
                self.state
                    .recurring
                    .update(number, RecurringRow { work, updated_at: truncate_to_micros(tick.at), ..row });
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn pause(&mut self, name: &RecurringName, at: Timestamp) -> Result<PauseOutcome, StoreError> {
        Ok(self.set_pause(name, Some(truncate_to_micros(at))))
    }

    fn resume(&mut self, name: &RecurringName) -> Result<PauseOutcome, StoreError> {
        Ok(self.set_pause(name, None))
    }

    fn record_run(&mut self, run: &RecurringRun) -> Result<(), StoreError> {
        if let Some((number, mut row)) = self.state.recurring.find(&run.name) {
            let run = with!(run.clone(), at: truncate_to_micros(run.at), due: run.due.map(truncate_to_micros));
            if row.runs.iter().any(|known| (known.at, known.job) == (run.at, run.job)) {
                return Ok(());
            }
            row.runs.push(run);
            row.runs.sort_by_key(|run| std::cmp::Reverse((run.at, run.job)));
            row.runs.truncate(MAX_RUNS as usize);
            self.state.recurring.update(number, row);
        }
        Ok(())
    }

    fn remove(&mut self, name: &RecurringName) -> Result<bool, StoreError> {
        let found = self.state.recurring.find(name);
        if let Some((number, _)) = &found {
            self.state.recurring.remove(*number);
        }
        Ok(found.is_some())
    }
}
