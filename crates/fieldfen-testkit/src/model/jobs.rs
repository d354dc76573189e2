//! The job queue: enqueue, claim, fence, reclaim.

use std::time::Duration;

use fieldfen_domain::job::{
    AttemptOutcome, ClaimOutcome, ClaimRef, ClaimRequest, EnqueueOutcome, FailOutcome, FailureReport, FencedResult,
    HeartbeatOutcome, Job, JobState, Lease, NewJob, OnWorkerDeath, ParkedFor, Priority, ReclaimReport, ReclaimRequest,
    ReclaimedJob, Retry,
};
use fieldfen_domain::store::{JobQueue, StoreError};
use fieldfen_domain::{
    CLOCK_TOLERANCE, MAX_TIMESTAMP, MIN_TIMESTAMP, RawJson, Timestamp, corrected_end, cut_reason, later,
    truncate_to_micros,
};

use super::concurrency_limits::Running;
use super::job_row::JobRow;
use super::keys::{FileKey, JobKey};
use super::{BEGINNING, END, ModelSession, missing, taken};
use crate::fixtures::TICK;

impl JobQueue for ModelSession<'_> {
    fn enqueue(&mut self, new: &NewJob) -> Result<EnqueueOutcome, StoreError> {
        StoreError::check_json("payload of a job", new.payload.as_ref())?;
        for time in [new.run_at, new.created_at] {
            if !(MIN_TIMESTAMP..=MAX_TIMESTAMP).contains(&truncate_to_micros(time)) {
                let rule = "must be between the years 0 and 9999";
                return Err(StoreError::Invalid { what: "time", value: time.to_string(), rule });
            }
        }
        if let Some((_, met)) = new.dedup_key.clone().and_then(|key| self.state.jobs.find(&JobKey::Dedup(key))) {
            return Ok(EnqueueOutcome::Duplicate(met.job.id));
        }
        if self.state.jobs.find(&JobKey::Id(new.id)).is_some() {
            return Err(taken(format!("job {}", new.id)));
        }
        if let Some(file_id) = new.file_id
            && self.state.files.find(&FileKey::Id(file_id)).is_none()
        {
            return Err(missing(format!("job {} of file {file_id}", new.id)));
        }
        let job = with!(
            Job::new(new.id, new.kind.clone(), JobState::Pending, truncate_to_micros(new.run_at)),
            file_id: new.file_id,
            account: new.account.clone(),
            max_retries: new.max_retries,
            priority: new.priority,
            dedup_key: new.dedup_key.clone(),
            payload: new.payload.clone(),
            created_at: Some(truncate_to_micros(new.created_at)),
        );
        let waiting_since = new.waiting_since().map(truncate_to_micros);
        self.state.jobs.insert(JobRow {
            job,
            ended_by: None,
            alone: false,
            killed_under: None,
            waiting_since,
            on_worker_death: new.on_worker_death,
            worker: None,
            attempts: Vec::new(),
        });
        Ok(EnqueueOutcome::Created(new.id))
    }

    fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimOutcome, StoreError> {
        let now = truncate_to_micros(request.now);
        let mut due = Vec::new();
        for kind in &request.kinds {
            let limit = usize::try_from(request.limit_of(kind)).unwrap_or(usize::MAX);
            let (mut of_kind, mut running) = (Vec::new(), Running::of_kind(self.state, kind));
            for priority in Priority::ALL {
                let key = |run_at| JobKey::Due(kind.clone(), priority, run_at);
                for (number, row) in self.state.jobs.span(key(BEGINNING), key(now)) {
                    if of_kind.len() >= limit {
                        break;
                    }
                    let is_paused = self.state.unpaused_from(&row.job, now).is_none_or(|from| from > now);
                    if !is_paused && running.has_room(&row.job) {
                        running.add(&row.job);
                        of_kind.push(((priority, row.job.run_at, number), row.clone()));
                    }
                }
            }
            due.extend(of_kind);
        }
        due.sort_by_key(|(order, _)| *order);
        due.truncate(usize::try_from(request.limit).unwrap_or(usize::MAX));
        for ((.., number), row) in &mut due {
            row.on_worker_death = row.on_worker_death.or(request.on_worker_death.get(&row.job.kind).copied());
            self.state.jobs.update(*number, row.clone());
        }
        // A job that must run alone is only taken if it is the first one, and then no other job is.
        if let Some(apart) = due.iter().position(|(_, row)| row.job.must_run_alone()) {
            due.truncate(apart.max(1));
        }
        let mut claimed = ClaimOutcome::default();
        for ((.., number), mut row) in due {
            let lease = Lease::new(
                request.token,
                truncate_to_micros(later(now, request.lease)),
                request.worker.as_str().to_owned(),
            );
            row.job.state = JobState::Running { started_at: Some(now), lease: Some(lease) };
            row.ended_by = None;
            row.alone = request.alone && row.job.must_run_alone();
            row.killed_under = None;
            row.worker = Some(request.worker.as_str().to_owned());
            claimed.jobs.push(row.job.clone());
            self.state.jobs.update(number, row);
        }
        Ok(claimed)
    }

    fn complete(
        &mut self,
        claim: &ClaimRef,
        result: Option<&RawJson>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        StoreError::check_json("result of a job", result)?;
        let (number, mut row) = match self.held_to_the_end(claim, at) {
            Ok(held) => held,
            Err(lost) => return Ok(lost),
        };
        row.job.state = JobState::Completed { at: Some(truncate_to_micros(at)) };
        row.job.result = result.cloned();
        row.ended_by = Some(claim.token);
        self.state.jobs.update(number, row);
        Ok(FencedResult::Done(()))
    }

    fn fail(&mut self, claim: &ClaimRef, report: &FailureReport) -> Result<FencedResult<FailOutcome>, StoreError> {
        let (number, mut row) = match self.held_to_the_end(claim, report.at) {
            Ok(held) => held,
            Err(lost) => return Ok(lost),
        };
        let outcome = report.attempt_outcome(row.job.cancel_requested_at.is_some());
        row.end_attempt(outcome, Some(&report.error), report.at);
        row.job.last_error = Some(cut_reason(&report.error).into_owned());
        let finished = match report.retry {
            Retry::At(run_at) if has_another_try(&row.job) => {
                row.go_back(kept(run_at), 1, report.at);
                row.job.throttled = 0;
                FailOutcome::Retrying { run_at: row.job.run_at, attempts: row.job.attempts }
            }
            Retry::Parked(parked_for) if row.job.cancel_requested_at.is_none() => {
                row.job.state = JobState::Parked { at: Some(truncate_to_micros(report.at)), parked_for };
                row.ended_by = Some(claim.token);
                FailOutcome::Parked
            }
            _ => {
                row.job.state = JobState::Failed { at: Some(truncate_to_micros(report.at)) };
                row.ended_by = Some(claim.token);
                FailOutcome::DeadLetter
            }
        };
        self.state.jobs.update(number, row);
        Ok(FencedResult::Done(finished))
    }

    fn release(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError> {
        let (number, mut row) = match self.held_to_the_end(claim, run_at) {
            Ok(held) => held,
            Err(lost) => return Ok(lost),
        };
        row.go_back(kept(run_at), 0, at);
        self.state.jobs.update(number, row);
        Ok(FencedResult::Done(()))
    }

    fn decline(
        &mut self,
        claim: &ClaimRef,
        error: &str,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        let (number, mut row) = match self.held_to_the_end(claim, at) {
            Ok(held) => held,
            Err(lost) => return Ok(lost),
        };
        let at = truncate_to_micros(at);
        let declined_since = row.job.declined_since.map_or(at, |first| first.min(at));
        row.end_attempt(AttemptOutcome::Declined, Some(error), at);
        row.go_back(kept(run_at), 0, at);
        row.job.declined_since = Some(declined_since);
        row.job.last_error = Some(cut_reason(error).into_owned());
        self.state.jobs.update(number, row);
        Ok(FencedResult::Done(()))
    }

    fn throttle(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError> {
        let (number, mut row) = match self.held_to_the_end(claim, run_at) {
            Ok(held) => held,
            Err(lost) => return Ok(lost),
        };
        row.end_attempt(AttemptOutcome::Throttled, None, at);
        row.go_back(kept(run_at), 0, at);
        row.job.throttled = row.job.throttled.saturating_add(1);
        self.state.jobs.update(number, row);
        Ok(FencedResult::Done(()))
    }

    fn heartbeat(
        &mut self,
        claim: &ClaimRef,
        progress: Option<&RawJson>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<FencedResult<HeartbeatOutcome>, StoreError> {
        StoreError::check_json("progress of a job", progress)?;
        let until = truncate_to_micros(later(truncate_to_micros(now), lease));
        let (number, mut row) = match self.held(claim) {
            Ok(held) => held,
            Err(lost) => {
                self.extend_killed(claim, until, truncate_to_micros(now));
                return Ok(lost);
            }
        };
        if let JobState::Running { lease: Some(lease), .. } = &mut row.job.state {
            lease.expires_at = until;
        }
        if let Some(progress) = progress {
            row.job.progress = Some(progress.clone());
        }
        let cancel_requested = row.job.cancel_requested_at.is_some();
        self.state.jobs.update(number, row);
        Ok(FencedResult::Done(HeartbeatOutcome::new(until, cancel_requested)))
    }

    fn run_alone(&mut self, claim: &ClaimRef) -> Result<FencedResult<()>, StoreError> {
        let (number, mut row) = match self.held(claim) {
            Ok(held) => held,
            Err(lost) => return Ok(lost),
        };
        row.alone = true;
        self.state.jobs.update(number, row);
        Ok(FencedResult::Done(()))
    }

    fn reclaim(
        &mut self,
        request: &ReclaimRequest,
        backoff: &dyn Fn(&Job) -> Duration,
    ) -> Result<ReclaimReport, StoreError> {
        let now = truncate_to_micros(request.now);
        let (expired_at, latest) = (truncate_to_micros(request.expired_at), truncate_to_micros(request.latest));
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let expired = self.state.jobs.span(JobKey::Leased(BEGINNING), JobKey::Leased(expired_at));
        let beyond = self.state.jobs.span(JobKey::Leased(latest.max(expired_at) + TICK), JobKey::Leased(END));
        let expired = expired.chain(beyond).take(limit);
        let expired: Vec<_> = expired.map(|(number, row)| (number, row.clone())).collect();
        let mut taken = ReclaimReport::default();
        for (number, mut row) in expired {
            let (worker, expires_at) = match &row.job.state {
                JobState::Running { lease: Some(lease), .. } => (Some(lease.worker.clone()), Some(lease.expires_at)),
                _ => (None, None),
            };
            let mut reason = format!("the lease of {} expired", worker.as_deref().unwrap_or("its worker"));
            if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at > now) {
                reason += &format!(", since it was to end at {expires_at} only");
            }
            let on_worker_death = row.on_worker_death.unwrap_or_default();
            match on_worker_death {
                OnWorkerDeath::Retry => {}
                OnWorkerDeath::Hold => {
                    let decides = "nobody knows whether the work was done: retry or cancel the job";
                    reason += &format!("; {decides}; noticed at {now}");
                }
                OnWorkerDeath::Fail => {
                    reason += &format!("; noticed at {now}; the job fails with its worker, as its kind says");
                }
            }
            row.job.last_error = Some(match (row.job.cancel_requested_at, row.job.last_error.take()) {
                (Some(_), Some(asked)) => cut_reason(&format!("{asked} ({reason})")).into_owned(),
                _ => reason,
            });
            let error = row.job.last_error.clone();
            row.end_attempt(AttemptOutcome::LeaseLost, error.as_deref(), now);
            let run_at = kept(later(now, backoff(&row.job)));
            row.job.lost_leases = row.job.lost_leases.saturating_add(1);
            // If the job ran beside others, one of those may have killed the worker.
            let spent = row.job.max_retries == 0 || (row.alone && row.job.attempts >= row.job.max_retries);
            let cancelled = row.job.cancel_requested_at.is_some();
            if on_worker_death == OnWorkerDeath::Hold && !cancelled {
                row.job.state = JobState::Parked { at: Some(now), parked_for: ParkedFor::Person };
            } else if on_worker_death == OnWorkerDeath::Retry && !spent && !cancelled {
                let declined_since = row.job.declined_since;
                row.go_back(run_at, 1, now);
                row.job.declined_since = declined_since;
            } else {
                row.job.state = JobState::Failed { at: Some(now) };
            }
            taken.jobs.push(ReclaimedJob::new(row.job.clone(), worker));
            self.state.jobs.update(number, row);
        }
        taken.shortened = self.shorten_waits(now, limit);
        self.state.correct_pauses(now);
        Ok(taken)
    }
}

impl ModelSession<'_> {
    /// Makes waits that begin in the future begin now, the soonest first. Returns their number.
    fn shorten_waits(&mut self, now: Timestamp, limit: usize) -> u64 {
        let from = now + CLOCK_TOLERANCE + TICK;
        let ahead = self.state.jobs.span(JobKey::Waiting(from), JobKey::Waiting(END)).take(limit);
        let ahead: Vec<_> = ahead.map(|(number, row)| (number, row.clone())).collect();
        let shortened = ahead.len() as u64;
        for (number, mut row) in ahead {
            let end = row.waiting_since.and_then(|began| corrected_end(began, row.job.run_at, now));
            row.job.run_at = end.unwrap_or(row.job.run_at);
            row.waiting_since = Some(now);
            self.state.jobs.update(number, row);
        }
        shortened
    }

    /// As [`held`](Self::held), for a handler that has ended: a killed job need not wait for it any more.
    fn held_to_the_end<T>(&mut self, claim: &ClaimRef, not_after: Timestamp) -> Result<(i64, JobRow), FencedResult<T>> {
        if let Some((number, mut row)) = self.killed(claim) {
            row.killed_under = None;
            if row.job.state == JobState::Pending && row.waiting_since.is_some() {
                row.job.run_at = row.job.run_at.min(kept(not_after));
            }
            self.state.jobs.update(number, row);
        }
        self.held(claim)
    }

    /// Extends the lease under which this claim's job was killed. If the job was retried, it waits for that lease.
    fn extend_killed(&mut self, claim: &ClaimRef, until: Timestamp, now: Timestamp) {
        let Some((number, mut row)) = self.killed(claim) else { return };
        if row.job.state == JobState::Pending {
            row.job.run_at = row.job.run_at.max(until);
            row.waiting_since = row.waiting_since.map(|since| since.max(now));
        }
        if let Some(lease) = &mut row.killed_under {
            lease.expires_at = until;
        }
        self.state.jobs.update(number, row);
    }

    /// The job that was killed under this claim and has not been claimed since.
    fn killed(&self, claim: &ClaimRef) -> Option<(i64, JobRow)> {
        let found = self.state.jobs.find(&JobKey::Id(claim.id));
        found.filter(|(_, row)| row.killed_under.as_ref().is_some_and(|lease| lease.token == claim.token))
    }

    /// The job that this claim holds, or the reason why it holds none.
    fn held<T>(&self, claim: &ClaimRef) -> Result<(i64, JobRow), FencedResult<T>> {
        let (number, row) = self.state.jobs.find(&JobKey::Id(claim.id)).ok_or(FencedResult::NotFound)?;
        match &row.job.state {
            JobState::Running { lease: Some(lease), .. } if lease.token == claim.token => Ok((number, row)),
            JobState::Completed { at } | JobState::Failed { at } | JobState::Parked { at, .. }
                if row.ended_by == Some(claim.token) =>
            {
                Err(FencedResult::AlreadyDone { at: *at })
            }
            _ => Err(FencedResult::LeaseLost),
        }
    }
}

/// Returns whether an unfinished job is retried. It is not if its cancellation was requested.
fn has_another_try(job: &Job) -> bool {
    job.attempts < job.max_retries && job.cancel_requested_at.is_none()
}

/// The time, clamped to the range that every store can keep.
fn kept(time: Timestamp) -> Timestamp {
    truncate_to_micros(time.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP))
}
