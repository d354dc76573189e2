//! Queries for jobs.

use std::collections::BTreeMap;

use fieldfen_domain::job::{
    ClaimPlace, DeadLetterGroup, FailedJobs, FingerprintFilter, Job, JobAttempt, JobCount, JobFilter, JobKind,
    JobState, JobStatus, JobSummary, KindFlow,
};
use fieldfen_domain::store::{JobReads, StoreError};
use fieldfen_domain::{CappedCount, JobId, Page, PageRequest, RawJson, Timestamp, truncate_to_micros};

use super::ModelSession;
use super::concurrency_limits::Running;
use super::job_row::JobRow;
use super::keys::JobKey;

impl JobReads for ModelSession<'_> {
    fn find(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.state.jobs.find(&JobKey::Id(*id)).map(|(_, row)| row.job))
    }

    fn page(&mut self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        let wanted = |row: &JobRow| {
            filter.status.is_none_or(|status| row.job.state.status() == status)
                && filter.kind.as_ref().is_none_or(|kind| row.job.kind == *kind)
                && filter.file_id.is_none_or(|file_id| row.job.file_id == Some(file_id))
                && filter.failed.is_none_or(|failed| is_among(failed, &row.job.state))
                && filter.account.as_ref().is_none_or(|account| row.job.account.as_ref() == Some(account))
                && passes_details(filter, row)
        };
        self.state.jobs.page("jobs", page, wanted, |row| row.job.clone().into())
    }

    fn attempts(&mut self, id: &JobId) -> Result<Vec<JobAttempt>, StoreError> {
        Ok(self.state.jobs.find(&JobKey::Id(*id)).map(|(_, row)| row.attempts).unwrap_or_default())
    }

    fn dead_letters_by_error(&mut self, limit: u32, most: u32) -> Result<Vec<DeadLetterGroup>, StoreError> {
        let failed_at = |job: &Job| match job.state {
            JobState::Failed { at } => at,
            _ => None,
        };
        let mut dead: BTreeMap<(String, Option<String>), Vec<&Job>> = BTreeMap::new();
        for row in self.state.jobs.rows().filter(|row| matches!(row.job.state, JobState::Failed { .. })) {
            let group = (row.job.kind.as_str().to_owned(), row.fingerprint());
            dead.entry(group).or_default().push(&row.job);
        }
        let mut groups = Vec::new();
        for ((_, fingerprint), mut jobs) in dead.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
            jobs.sort_by_key(|job| failed_at(job));
            let oldest = jobs.iter().find_map(|job| failed_at(job));
            let Some(last) = jobs.last() else { continue };
            let number = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
            let group = DeadLetterGroup::new(last.kind.clone(), fingerprint, number.min(most));
            groups.push(with!(
                group,
                has_more: number > most,
                oldest,
                newest: failed_at(last),
                example: Some(last.id),
            ));
        }
        Ok(groups)
    }

    fn count(&mut self) -> Result<Vec<JobCount>, StoreError> {
        let mut counts = BTreeMap::new();
        for row in self.state.jobs.rows() {
            let parked_for = row.job.state.parked_for().map(|parked_for| parked_for.to_string());
            *counts.entry((row.job.kind.as_str().to_owned(), row.job.state.status(), parked_for)).or_insert(0) += 1;
        }
        let counts = counts.into_iter();
        Ok(counts.map(|((kind, status, parked_for), jobs)| JobCount::new(kind, status, parked_for, jobs)).collect())
    }

    fn count_ended(&mut self, status: JobStatus) -> Result<u64, StoreError> {
        Ok(self.ended(status)?.count() as u64)
    }

    fn next_due(&mut self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError> {
        let mut next: Option<Timestamp> = None;
        for kind in kinds {
            let running = Running::of_kind(self.state, kind);
            let pending = self.state.jobs.rows().filter(|row| row.job.state == JobState::Pending);
            let of_kind = pending.map(|row| &row.job).filter(|job| job.kind == *kind && running.has_room(job));
            let first = of_kind.filter_map(|job| self.state.unpaused_from(job, job.run_at)).min();
            next = next.into_iter().chain(first).min();
        }
        Ok(next)
    }

    fn claim_place(&mut self, id: &JobId, now: Timestamp) -> Result<Option<ClaimPlace>, StoreError> {
        self.state.claim_place(id, now)
    }

    fn flow(&mut self, since: Timestamp, now: Timestamp, most: u32) -> Result<Vec<KindFlow>, StoreError> {
        Ok(self.state.flow(since, now, most))
    }

    fn count_completed(&mut self, since: Timestamp, until: Timestamp, most: u32) -> Result<CappedCount, StoreError> {
        let span = truncate_to_micros(since)..truncate_to_micros(until);
        let is_counted = |row: &&JobRow| match row.job.state {
            JobState::Completed { at } => at.is_some_and(|at| span.contains(&at)),
            _ => false,
        };
        let jobs = self.state.jobs.rows().filter(is_counted).take(most as usize).count();
        Ok(CappedCount::new(jobs as u64, most.into()))
    }
}

/// Returns whether a job passes the conditions of a filter on its error, its times, its worker and its payload.
fn passes_details(filter: &JobFilter, row: &JobRow) -> bool {
    let ended_at = match row.job.state {
        JobState::Completed { at } | JobState::Failed { at } | JobState::Parked { at, .. } => at,
        JobState::Pending | JobState::Running { .. } => None,
    };
    let is_before =
        |time: Option<Timestamp>, limit: Timestamp| time.is_some_and(|time| time < truncate_to_micros(limit));
    let payload = row.job.payload.as_ref().map(RawJson::as_str).unwrap_or_default();
    filter.fingerprint.as_ref().is_none_or(|wanted| match wanted {
        FingerprintFilter::Is(fingerprint) => row.fingerprint().as_ref() == Some(fingerprint),
        FingerprintFilter::Missing => row.fingerprint().is_none(),
    }) && filter.ended_since.is_none_or(|since| ended_at.is_some_and(|at| at >= truncate_to_micros(since)))
        && filter.ended_before.is_none_or(|before| is_before(ended_at, before))
        && filter.created_before.is_none_or(|before| is_before(row.job.created_at, before))
        && filter.worker.as_ref().is_none_or(|worker| row.worker.as_ref() == Some(worker))
        && filter.payload.as_ref().is_none_or(|text| row.job.payload.is_some() && payload.contains(text))
}

/// Returns whether a job in this state belongs to this group of failed jobs.
fn is_among(failed: FailedJobs, state: &JobState) -> bool {
    match (failed, state) {
        (FailedJobs::DeadLetters, JobState::Failed { .. }) | (FailedJobs::Parked, JobState::Parked { .. }) => true,
        (FailedJobs::ParkedFor(wanted), JobState::Parked { parked_for, .. }) => wanted == *parked_for,
        _ => false,
    }
}
