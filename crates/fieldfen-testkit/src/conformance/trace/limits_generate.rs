//! Generated traces with limits and pauses. Unlike in other traces, the time of each step is later than that of the one
//! before: a job that is due stays due.

use fieldfen_domain::file::Deletion;
use fieldfen_domain::job::Partition;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::generate::job_op;
use super::limits::PausedScope;
use super::{JobOp, LimitOp, Op, Second, TraceJob};

const FILES: u64 = 3;
const KINDS: u64 = 2;
const ACCOUNTS: u64 = 2;

/// Any trace of at most this many steps, in which the kinds are limited soon.
pub fn any_limited_ops(steps: usize) -> impl Strategy<Value = Vec<Op>> {
    let files = (0..FILES).map(|file| Op::InsertFile { file, drive: Some(file), content: None, at: 0 });
    let files: Vec<Op> = files.collect();
    let steps = vec((single_op(), vec(option::of(0..ACCOUNTS), 20)), 0..=steps);
    (vec(set(), 0..3), steps).prop_map(move |(limits, steps)| {
        let limits = limits.into_iter().map(Op::Limit);
        let steps = (0..).zip(steps).map(|(now, (op, accounts))| at_second(op, now, &accounts));
        files.iter().cloned().chain(limits).chain(steps).collect()
    })
}

fn single_op() -> impl Strategy<Value = Op> {
    let file = 0..FILES;
    let delete = file.clone().prop_map(|file| Op::DeleteFile { file, deletion: Deletion::Forced });
    let insert = file.prop_map(|file| Op::InsertFile { file, drive: Some(file), content: None, at: 0 });
    prop_oneof![
        30 => job_op().prop_map(Op::Job),
        4 => limit_op().prop_map(Op::Limit),
        1 => delete,
        1 => insert,
    ]
}

fn set() -> impl Strategy<Value = LimitOp> {
    (0..KINDS, select(Partition::ALL), 1..3_u32).prop_map(|(kind, partition, max_running)| LimitOp::Set {
        kind,
        partition,
        max_running,
    })
}

fn limit_op() -> impl Strategy<Value = LimitOp> {
    let scope = prop_oneof![
        (0..KINDS).prop_map(PausedScope::Kind),
        (0..ACCOUNTS).prop_map(PausedScope::Account),
        Just(PausedScope::Service),
    ];
    let remove = (0..KINDS, select(Partition::ALL)).prop_map(|(kind, partition)| LimitOp::Remove { kind, partition });
    let pause =
        (scope.clone(), option::of(0..12_i64)).prop_map(|(scope, until)| LimitOp::Pause { scope, at: 0, until });
    let lift = scope.prop_map(|scope| LimitOp::Lift { scope, at: 0 });
    prop_oneof![3 => set(), 1 => remove, 2 => pause, 2 => lift]
}

/// The same step at this second. Its own seconds become the distances of its times.
fn at_second(mut op: Op, now: Second, accounts: &[Option<u64>]) -> Op {
    match &mut op {
        Op::Job(op) => job_op_at(op, now, accounts),
        Op::Limit(LimitOp::Pause { at, until, .. }) => {
            *at = now;
            *until = until.map(|until| now + until);
        }
        Op::Limit(LimitOp::Lift { at, .. }) => *at = now,
        _ => {}
    }
    op
}

fn job_op_at(op: &mut JobOp, now: Second, accounts: &[Option<u64>]) {
    let enqueue = |job: &mut TraceJob, account: &Option<u64>| {
        job.created_at = now;
        job.run_at += now - 4;
        job.account = *account;
    };
    match op {
        JobOp::Enqueue(job) => enqueue(job, &accounts[0]),
        JobOp::EnqueueMany(jobs) => jobs.iter_mut().zip(accounts).for_each(|(job, account)| enqueue(job, account)),
        JobOp::Claim { now: at, .. } | JobOp::Reclaim { now: at, .. } | JobOp::Heartbeat { now: at, .. } => *at = now,
        JobOp::Fail { retry, at, .. } => {
            *at = now;
            *retry = retry.map(|retry| now + retry - 4);
        }
        JobOp::Decline { run_at, at, .. } => {
            *at = now;
            *run_at += now - 4;
        }
        // Its due time is also the time of the step.
        JobOp::Release { run_at, .. } => *run_at = now,
        JobOp::Complete { at, .. }
        | JobOp::Park { at, .. }
        | JobOp::Many { at, .. }
        | JobOp::Retry { at, .. }
        | JobOp::Cancel { at, .. }
        | JobOp::Kill { at, .. }
        | JobOp::ReleaseRunning { at, .. } => *at = now,
        JobOp::Reschedule { run_at, at, .. } => {
            *at = now;
            *run_at += now - 4;
        }
        JobOp::Prune { ended_before, .. } => *ended_before = now - *ended_before,
        JobOp::RunAlone { .. } | JobOp::SetPriority { .. } | JobOp::Delete { .. } => {}
    }
}
