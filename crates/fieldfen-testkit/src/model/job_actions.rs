//! Actions of operators on jobs, and pruning.

use fieldfen_domain::job::{
    AttemptOutcome, JobAction, JobActionOutcome, JobState, JobStatus, Priority, PruneRequest, lease_holds,
};
use fieldfen_domain::store::{JobActions, StoreError};
use fieldfen_domain::{JobId, MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp, cut_reason, truncate_to_micros};

use super::job_row::{JobRow, ended_at};
use super::keys::JobKey;
use super::{BEGINNING, END, ModelSession};

impl JobActions for ModelSession<'_> {
    fn retry(&mut self, id: &JobId, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(JobActionOutcome::NotFound) };
        if row.job.state.status() != JobStatus::Failed {
            return Ok(refused(&row));
        }
        if let Some((_, met)) = row.job.dedup_key.clone().and_then(|key| self.state.jobs.find(&JobKey::Dedup(key))) {
            return Ok(JobActionOutcome::Duplicate(met.job.id));
        }
        let at = truncate_to_micros(at);
        row.killed_under = row.killed_under.filter(|lease| lease_holds(lease.expires_at, at));
        row.job.state = JobState::Pending;
        row.job.run_at = row.killed_under.as_ref().map_or(at, |lease| lease.expires_at);
        row.waiting_since = Some(at);
        row.job.attempts = 0;
        row.job.throttled = 0;
        row.job.cancel_requested_at = None;
        row.job.declined_since = None;
        row.ended_by = None;
        row.alone = false;
        row.worker = None;
        self.state.jobs.update(number, row);
        Ok(JobActionOutcome::Done)
    }

    fn cancel(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(JobActionOutcome::NotFound) };
        let administered = match row.job.state {
            JobState::Pending => {
                row.job.state = JobState::Failed { at: Some(truncate_to_micros(at)) };
                JobActionOutcome::Done
            }
            JobState::Running { .. } => {
                // An earlier request is kept, with its time.
                row.job.cancel_requested_at.get_or_insert(truncate_to_micros(at));
                JobActionOutcome::CancelRequested
            }
            JobState::Parked { .. } => {
                row.job.state = JobState::Failed { at: Some(truncate_to_micros(at)) };
                JobActionOutcome::Done
            }
            JobState::Completed { .. } | JobState::Failed { .. } => return Ok(refused(&row)),
        };
        row.job.last_error = Some(cut_reason(reason).into_owned());
        self.state.jobs.update(number, row);
        Ok(administered)
    }

    fn kill(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(JobActionOutcome::NotFound) };
        let JobState::Running { .. } = row.job.state else { return Ok(refused(&row)) };
        row.end_attempt(AttemptOutcome::Killed, Some(reason), at);
        if let JobState::Running { lease, .. } = row.job.state {
            row.killed_under = lease;
        }
        row.job.state = JobState::Failed { at: Some(truncate_to_micros(at)) };
        row.job.last_error = Some(cut_reason(reason).into_owned());
        self.state.jobs.update(number, row);
        Ok(JobActionOutcome::Done)
    }

    fn release_running(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(JobActionOutcome::NotFound) };
        let JobState::Running { ref lease, .. } = row.job.state else { return Ok(refused(&row)) };
        let at = truncate_to_micros(at);
        let held = lease.clone().filter(|lease| lease_holds(lease.expires_at, at));
        row.end_attempt(AttemptOutcome::Released, Some(reason), at);
        row.go_back(held.as_ref().map_or(at, |lease| lease.expires_at), 0, at);
        row.killed_under = held;
        row.alone = false;
        self.state.jobs.update(number, row);
        Ok(JobActionOutcome::Done)
    }

    fn reschedule(&mut self, id: &JobId, run_at: Timestamp, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(JobActionOutcome::NotFound) };
        if row.job.state != JobState::Pending {
            return Ok(refused(&row));
        }
        let (run_at, at) = (truncate_to_micros(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP)), truncate_to_micros(at));
        let held_until = row.killed_under.as_ref().map(|lease| lease.expires_at).filter(|end| lease_holds(*end, at));
        let is_held = held_until.is_some_and(|end| end >= run_at);
        row.job.run_at = held_until.filter(|_| is_held).unwrap_or(run_at);
        row.waiting_since = (is_held || run_at <= at).then_some(at);
        self.state.jobs.update(number, row);
        Ok(JobActionOutcome::Done)
    }

    fn set_priority(&mut self, id: &JobId, priority: Priority) -> Result<JobActionOutcome, StoreError> {
        let Some((number, mut row)) = self.job_row(id) else { return Ok(JobActionOutcome::NotFound) };
        if !JobAction::SetPriority(priority).is_possible_in(&row.job.state) {
            return Ok(refused(&row));
        }
        row.job.priority = priority;
        self.state.jobs.update(number, row);
        Ok(JobActionOutcome::Done)
    }

    fn delete(&mut self, id: &JobId) -> Result<JobActionOutcome, StoreError> {
        let Some((number, row)) = self.job_row(id) else { return Ok(JobActionOutcome::NotFound) };
        if row.job.state.status() == JobStatus::Running {
            return Ok(refused(&row));
        }
        self.state.jobs.remove(number);
        Ok(JobActionOutcome::Done)
    }

    fn prune(&mut self, request: &PruneRequest) -> Result<u64, StoreError> {
        let before = truncate_to_micros(request.ended_before);
        let ended: Vec<_> = self.ended(request.status)?.map(|(number, row)| (number, ended_at(&row.job))).collect();
        let old = ended.iter().filter(|(_, at)| *at < Some(before)).count();
        let most = old.saturating_add(size(request.also_oldest)).min(size(request.limit));
        let pruned: Vec<_> = ended.into_iter().take(most).collect();
        for &(number, _) in &pruned {
            self.state.jobs.remove(number);
        }
        Ok(pruned.len() as u64)
    }
}

impl ModelSession<'_> {
    /// The jobs that have ended in this status, the oldest first.
    pub(super) fn ended(&self, status: JobStatus) -> Result<impl Iterator<Item = (i64, &JobRow)>, StoreError> {
        if !status.is_final() {
            let value = status.to_string();
            return Err(StoreError::Invalid { what: "status to prune", value, rule: "must be completed or failed" });
        }
        Ok(self.state.jobs.span(JobKey::Ended(status, BEGINNING), JobKey::Ended(status, END)))
    }

    fn job_row(&self, id: &JobId) -> Option<(i64, JobRow)> {
        self.state.jobs.find(&JobKey::Id(*id))
    }
}

fn refused(row: &JobRow) -> JobActionOutcome {
    JobActionOutcome::Refused { status: row.job.state.status() }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
