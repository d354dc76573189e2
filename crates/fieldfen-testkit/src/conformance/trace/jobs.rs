//! The steps of a trace for jobs.

use std::time::Duration;

use fieldfen_domain::job::{
    ClaimRef, FailureReport, JobKind, JobStatus, NewJob, OnWorkerDeath, ParkedFor, Priority, PruneRequest,
    ReclaimedJob, Retry,
};
use fieldfen_domain::store::Session;
use fieldfen_domain::{RawJson, Timestamp};

use super::Second;
use super::answer::{Answer, answer, masked_job};
use crate::fixtures::{
    account, at, claim_ref, claim_request, dedup_key, failure, file_id, job, job_id, kind, reclaim_request,
};

/// A job that a trace enqueues.
#[expect(
    missing_docs,
    reason = "a field without a line is the number of a fixture, or a time in seconds of the trace: see Op"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceJob {
    pub job: u64,
    pub kind: u64,
    pub file: Option<u64>,
    pub priority: Priority,
    pub run_at: Second,
    /// The number of its retries.
    pub max_retries: u32,
    /// The consequence of the death of its worker.
    pub on_worker_death: Option<OnWorkerDeath>,
    pub dedup_key: Option<u64>,
    pub account: Option<u64>,
    pub created_at: Second,
}

impl TraceJob {
    fn new_job(&self) -> NewJob {
        job(self.job)
            .priority(self.priority)
            .run_at(at(self.run_at))
            .created_at(at(self.created_at))
            .account(self.account.map(account))
            .max_retries(self.max_retries)
            .on_worker_death(self.on_worker_death)
            .kind(kind_numbered(self.kind))
            .file_id(self.file.map(file_id))
            .dedup_key(self.dedup_key.map(|number| dedup_key(&format!("key-{number}"))))
    }
}

/// A report of a worker about many jobs.
#[expect(
    missing_docs,
    reason = "a field without a line is the number of a fixture, or a time in seconds of the trace: see Op"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Completes them.
    Complete,
    /// Fails their attempts.
    Fail {
        /// The time of the retry; `None` fails them for good.
        retry: Option<Second>,
    },
    /// Releases them.
    Release,
    /// Extends their leases.
    Heartbeat { progress: Option<u64>, lease: u64 },
}

/// A step for jobs.
#[expect(
    missing_docs,
    reason = "a field without a line is the number of a fixture, or a time in seconds of the trace: see Op"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOp {
    /// Enqueues a job.
    Enqueue(TraceJob),
    /// Enqueues jobs together.
    EnqueueMany(Vec<TraceJob>),
    /// Claims due jobs.
    Claim {
        kinds: Vec<u64>,
        limit: u32,
        token: u64,
        now: Second,
        lease: u64,
        /// Whether the claimer has no other job.
        alone: bool,
        /// The consequence of the claimer's death for jobs of kind 0 that have none.
        on_worker_death: Option<OnWorkerDeath>,
    },
    /// Completes a job.
    Complete { job: u64, token: u64, at: Second },
    /// Fails an attempt.
    Fail {
        job: u64,
        token: u64,
        /// The time of the retry; `None` fails the job for good.
        retry: Option<Second>,
        at: Second,
    },
    /// Parks a job.
    Park {
        job: u64,
        token: u64,
        /// Whether the job waits for a person instead of an approval.
        person: bool,
        at: Second,
    },
    /// Declines a job.
    Decline { job: u64, token: u64, run_at: Second, at: Second },
    /// Releases a job.
    Release {
        job: u64,
        token: u64,
        run_at: Second,
        /// Whether the job was throttled.
        throttled: bool,
    },
    /// Extends the lease of a job.
    Heartbeat { job: u64, token: u64, progress: Option<u64>, now: Second, lease: u64 },
    /// Reports the same about many jobs.
    Many {
        /// The numbers of the jobs and of their tokens.
        claims: Vec<(u64, u64)>,
        report: Report,
        at: Second,
    },
    /// Records that a worker runs no other job beside this one.
    RunAlone { job: u64, token: u64 },
    /// Reclaims expired leases.
    Reclaim { now: Second, limit: u32 },
    /// Retries a job, as an operator.
    Retry { job: u64, at: Second },
    /// Cancels a job, as an operator.
    Cancel { job: u64, at: Second },
    /// Kills a running job, as an operator.
    Kill { job: u64, at: Second },
    /// Gives a running job back to the queue, as an operator.
    ReleaseRunning { job: u64, at: Second },
    /// Changes the due time of a pending job, as an operator.
    Reschedule { job: u64, run_at: Second, at: Second },
    /// Changes the priority of a job, as an operator.
    SetPriority { job: u64, priority: Priority },
    /// Deletes a job, as an operator.
    Delete { job: u64 },
    /// Prunes ended jobs.
    Prune {
        status: JobStatus,
        /// The time before which they ended.
        ended_before: Second,
        /// The number of the oldest other jobs that are also pruned.
        surplus: u32,
        limit: u32,
    },
}

/// Kind `number` of the trace.
pub(super) fn kind_numbered(number: u64) -> JobKind {
    kind(&format!("trace.kind-{number}"))
}

/// Runs one step in an open session.
pub(super) fn run(s: &mut dyn Session, op: &JobOp) -> Answer {
    match op {
        JobOp::Enqueue(new) => answer(s.jobs().enqueue(&new.new_job())),
        JobOp::EnqueueMany(new) => {
            let jobs: Vec<NewJob> = new.iter().map(TraceJob::new_job).collect();
            answer(s.jobs().enqueue_many(&jobs))
        }
        JobOp::Claim { kinds, limit, token, now, lease, alone, on_worker_death } => {
            let consequences = on_worker_death.map(|consequence| (kind_numbered(0), consequence));
            let request = claim_request(*token, *limit, at(*now))
                .kinds(kinds.iter().map(|&number| kind_numbered(number)).collect())
                .lease(Duration::from_secs(*lease))
                .alone(*alone)
                .on_worker_death(consequences.into_iter().collect());
            answer(
                s.jobs()
                    .claim(&request)
                    .map(|claimed| (claimed.jobs.into_iter().map(masked_job).collect::<Vec<_>>(), claimed.unreadable)),
            )
        }
        JobOp::Complete { job, token, at: second } => {
            let result = RawJson::unchecked(format!(r#"{{"by":{token}}}"#));
            answer(s.jobs().complete(&claim_ref(*job, *token), Some(&result), at(*second)))
        }
        JobOp::Fail { job, token, retry, at: second } => {
            let retry = retry.map_or(Retry::Never, |second| Retry::At(at(second)));
            answer(s.jobs().fail(&claim_ref(*job, *token), &failure("trace: lens cap", retry, at(*second))))
        }
        JobOp::Park { job, token, person, at: second } => {
            let retry = Retry::Parked(if *person { ParkedFor::Person } else { ParkedFor::Approval });
            answer(s.jobs().fail(&claim_ref(*job, *token), &failure("trace: not yet", retry, at(*second))))
        }
        JobOp::Decline { job, token, run_at, at: second } => {
            answer(s.jobs().decline(&claim_ref(*job, *token), "trace: too new", at(*run_at), at(*second)))
        }
        JobOp::Release { job, token, run_at, throttled: false } => {
            answer(s.jobs().release(&claim_ref(*job, *token), at(*run_at), at(*run_at)))
        }
        JobOp::Release { job, token, run_at, throttled: true } => {
            answer(s.jobs().throttle(&claim_ref(*job, *token), at(*run_at), at(*run_at)))
        }
        JobOp::Heartbeat { job, token, progress, now, lease } => {
            let progress = progress.map(|number| RawJson::unchecked(number.to_string()));
            let lease = Duration::from_secs(*lease);
            answer(s.jobs().heartbeat(&claim_ref(*job, *token), progress.as_ref(), at(*now), lease))
        }
        JobOp::Many { claims, report, at: second } => {
            let claims: Vec<ClaimRef> = claims.iter().map(|&(job, token)| claim_ref(job, token)).collect();
            many(s, &claims, *report, at(*second))
        }
        JobOp::RunAlone { job, token } => answer(s.jobs().run_alone(&claim_ref(*job, *token))),
        JobOp::Reclaim { now, limit } => {
            let masked = |reclaimed: ReclaimedJob| (masked_job(reclaimed.job), reclaimed.worker);
            let reclaimed = s.jobs().reclaim(&reclaim_request(at(*now), *limit).latest(at(*now + 5)), &|job| {
                Duration::from_secs(job.lost_leases.into())
            });
            answer(reclaimed.map(|taken| (taken.jobs.into_iter().map(masked).collect::<Vec<_>>(), taken.unreadable)))
        }
        JobOp::Retry { job, at: second } => answer(s.job_actions().retry(&job_id(*job), at(*second))),
        JobOp::Cancel { job, at: second } => {
            answer(s.job_actions().cancel(&job_id(*job), "trace: not wanted", at(*second)))
        }
        JobOp::Kill { job, at: second } => answer(s.job_actions().kill(&job_id(*job), "trace: hangs", at(*second))),
        JobOp::ReleaseRunning { job, at: second } => {
            answer(s.job_actions().release_running(&job_id(*job), "trace: elsewhere", at(*second)))
        }
        JobOp::Reschedule { job, run_at, at: second } => {
            answer(s.job_actions().reschedule(&job_id(*job), at(*run_at), at(*second)))
        }
        JobOp::SetPriority { job, priority } => answer(s.job_actions().set_priority(&job_id(*job), *priority)),
        JobOp::Delete { job } => answer(s.job_actions().delete(&job_id(*job))),
        JobOp::Prune { status, ended_before, surplus, limit } => {
            let request = PruneRequest::new(*status, at(*ended_before), *limit).also_oldest(*surplus);
            answer(s.job_actions().prune(&request).and_then(|pruned| Ok((pruned, s.jobs().count_ended(*status)?))))
        }
    }
}

fn many(s: &mut dyn Session, claims: &[ClaimRef], report: Report, at_time: Timestamp) -> Answer {
    let numbered = |from: Option<u64>| -> Vec<(ClaimRef, Option<RawJson>)> {
        let json = |number: u64| from.map(|from| RawJson::unchecked((from + number).to_string()));
        claims.iter().copied().zip((0..).map(json)).collect()
    };
    match report {
        Report::Complete => answer(s.jobs().complete_many(&numbered(Some(0)), at_time)),
        Report::Fail { retry } => {
            let retry = retry.map_or(Retry::Never, |second| Retry::At(at(second)));
            let report = failure("trace: lens cap", retry, at_time);
            let failures: Vec<(ClaimRef, FailureReport)> =
                claims.iter().map(|&claim| (claim, report.clone())).collect();
            answer(s.jobs().fail_many(&failures))
        }
        Report::Release => answer(s.jobs().release_many(claims, at_time, at_time)),
        Report::Heartbeat { progress, lease } => {
            answer(s.jobs().heartbeat_many(&numbered(progress), at_time, Duration::from_secs(lease)))
        }
    }
}
