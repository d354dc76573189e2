//! The place of a job in the order of the claims, and the jobs of each kind by what they do.

use std::collections::BTreeMap;

use fieldfen_domain::job::{
    ClaimPlace, ConcurrencyLimit, Job, JobKind, JobState, KindFlow, MOST_BEFORE, MOST_NAMED, ParkedFor, Priority,
};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{CappedCount, JobId, Timestamp, truncate_to_micros};

use super::concurrency_limits::Running;
use super::job_row::ended_at;
use super::keys::JobKey;
use super::{BEGINNING, State};

impl State {
    pub(super) fn claim_place(&self, id: &JobId, now: Timestamp) -> Result<Option<ClaimPlace>, StoreError> {
        let now = truncate_to_micros(now);
        let Some((sought, row)) = self.jobs.find(&JobKey::Id(*id)) else { return Ok(None) };
        if row.job.state != JobState::Pending || row.job.run_at > now {
            return Ok(None);
        }
        let (kind, mut running) = (&row.job.kind, Running::of_kind(self, &row.job.kind));
        let mut before = 0;
        for priority in Priority::ALL {
            let key = |run_at| JobKey::Due(kind.clone(), priority, run_at);
            for (number, other) in self.jobs.span(key(BEGINNING), key(now)) {
                if number == sought {
                    return Ok(Some(match running.full_limit(&row.job) {
                        Some(limit) => self.limited(limit, &row.job),
                        None => ClaimPlace::Claimable { before },
                    }));
                }
                let is_paused = self.unpaused_from(&other.job, now).is_none_or(|from| from > now);
                if !is_paused && running.full_limit(&other.job).is_none() {
                    running.add(&other.job);
                    before += 1;
                }
                if before >= MOST_BEFORE {
                    return Ok(Some(ClaimPlace::FarBehind { before }));
                }
            }
        }
        Ok(Some(ClaimPlace::AfterReclaim))
    }

    fn limited(&self, limit: &ConcurrencyLimit, job: &Job) -> ClaimPlace {
        let key = |job: &Job| limit.partition.key(job.file_id, job.account.as_ref());
        let of_partition = key(job);
        let runs = |job: &Job| matches!(job.state, JobState::Running { .. }) && job.kind == limit.kind;
        let jobs = self.jobs.rows().map(|row| &row.job).filter(|job| runs(job) && key(job) == of_partition);
        let jobs: Vec<JobId> = jobs.map(|job| job.id).collect();
        let running = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        let jobs = jobs.into_iter().take(MOST_NAMED).collect();
        ClaimPlace::Limited { limit: limit.clone(), running, jobs }
    }

    pub(super) fn flow(&self, since: Timestamp, now: Timestamp, most: u32) -> Vec<KindFlow> {
        let (since, now) = (truncate_to_micros(since), truncate_to_micros(now));
        let mut flows = BTreeMap::<JobKind, KindFlow>::new();
        let mut jobs: Vec<&Job> = self.jobs.rows().map(|row| &row.job).collect();
        jobs.sort_by_key(|job| match job.state {
            JobState::Parked { at, .. } => at,
            _ => ended_at(job),
        });
        for job in jobs {
            let mut flow = flows.remove(&job.kind).unwrap_or_else(|| KindFlow::new(job.kind.as_str()));
            let one = CappedCount::new(1, u64::MAX);
            match &job.state {
                JobState::Pending if job.run_at <= now => {
                    flow.waiting += one;
                    flow.waiting_since = [flow.waiting_since, Some(job.run_at)].into_iter().flatten().min();
                }
                JobState::Running { .. } => flow.running += one,
                JobState::Parked { at, parked_for } => {
                    flow.parked += one;
                    if *parked_for == ParkedFor::Person {
                        flow.for_person.count += one;
                        flow.for_person.see(Some(job.id), *at);
                    }
                }
                JobState::Failed { at } => {
                    flow.dead.count += one;
                    flow.dead.see(Some(job.id), *at);
                }
                JobState::Completed { at } if at.is_some_and(|at| at >= since) => flow.completed += one,
                JobState::Pending | JobState::Completed { .. } => {}
            }
            flows.insert(job.kind.clone(), flow);
        }
        let mut flows: Vec<KindFlow> = flows.into_values().filter(|flow| *flow != KindFlow::new(&*flow.kind)).collect();
        for flow in &mut flows {
            for count in [
                &mut flow.waiting,
                &mut flow.running,
                &mut flow.parked,
                &mut flow.for_person.count,
                &mut flow.dead.count,
                &mut flow.completed,
            ] {
                *count = CappedCount::new(count.number.min(most.into()), most.into());
            }
        }
        flows.sort_by(|one, other| one.kind.cmp(&other.kind));
        flows
    }
}
