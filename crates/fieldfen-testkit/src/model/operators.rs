//! What operators do with jobs.

use fieldfen_domain::job::{Administered, JobState, JobStatus, PruneRequest};
use fieldfen_domain::store::{JobAdmin, StoreError};
use fieldfen_domain::{JobId, Timestamp, to_micros};

use super::jobs::{JobKey, JobRow};
use super::{BEGINNING, END, ModelSession};

impl JobAdmin for ModelSession<'_> {
    fn retry(&mut self, id: &JobId, at: Timestamp) -> Result<Administered, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(Administered::Gone) };
        if row.job.state.status() != JobStatus::Failed {
            return Ok(refused(&row));
        }
        if let Some((_, met)) = row.job.dedup_key.clone().and_then(|key| self.state.jobs.find(&JobKey::Dedup(key))) {
            return Ok(Administered::Met(met.job.id));
        }
        row.job.state = JobState::Pending;
        row.job.run_at = to_micros(at);
        row.job.attempts = 0;
        row.job.cancel_requested_at = None;
        row.ended_by = None;
        self.state.jobs.update(number, row);
        Ok(Administered::Done)
    }

    fn cancel(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<Administered, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(Administered::Gone) };
        let administered = match row.job.state {
            JobState::Pending => {
                row.job.state = JobState::Failed { at: Some(to_micros(at)) };
                Administered::Done
            }
            JobState::Running { .. } => {
                // The first request stands: that is since when its worker should have stopped.
                row.job.cancel_requested_at.get_or_insert(to_micros(at));
                Administered::Requested
            }
            JobState::Completed { .. } | JobState::Failed { .. } => return Ok(refused(&row)),
        };
        row.job.last_error = Some(reason.to_owned());
        self.state.jobs.update(number, row);
        Ok(administered)
    }

    fn kill(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<Administered, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(Administered::Gone) };
        if row.job.state.status() != JobStatus::Running {
            return Ok(refused(&row));
        }
        row.job.state = JobState::Failed { at: Some(to_micros(at)) };
        row.job.last_error = Some(reason.to_owned());
        self.state.jobs.update(number, row);
        Ok(Administered::Done)
    }

    fn delete(&mut self, id: &JobId) -> Result<Administered, StoreError> {
        let Some((number, row)) = self.job_row(id) else { return Ok(Administered::Gone) };
        if row.job.state.status() == JobStatus::Running {
            return Ok(refused(&row));
        }
        self.state.jobs.remove(number);
        Ok(Administered::Done)
    }

    fn prune(&mut self, request: &PruneRequest) -> Result<u64, StoreError> {
        if !request.status.is_final() {
            let value = request.status.to_string();
            return Err(StoreError::Invalid { what: "status to prune", value, rule: "must be completed or failed" });
        }
        let before = to_micros(request.ended_before);
        let key = |at| JobKey::Ended(request.status, at);
        let ended = self.state.jobs.span(key(BEGINNING), key(END));
        let ended: Vec<_> = ended.map(|(number, row)| (number, ended_at(row) < Some(before))).collect();
        let old = ended.iter().filter(|(_, old)| *old).count();
        let beyond = request.keep.map_or(0, |keep| (ended.len() - old).saturating_sub(size(keep)));
        let pruned: Vec<_> = ended.into_iter().take((old + beyond).min(size(request.limit))).collect();
        for &(number, _) in &pruned {
            self.state.jobs.remove(number);
        }
        Ok(pruned.len() as u64)
    }
}

impl ModelSession<'_> {
    fn job_row(&self, id: &JobId) -> Option<(i64, JobRow)> {
        self.state.jobs.find(&JobKey::Id(*id))
    }
}

fn refused(row: &JobRow) -> Administered {
    Administered::Refused { status: row.job.state.status() }
}

fn ended_at(row: &JobRow) -> Option<Timestamp> {
    match row.job.state {
        JobState::Completed { at } | JobState::Failed { at } => at,
        JobState::Pending | JobState::Running { .. } => None,
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
