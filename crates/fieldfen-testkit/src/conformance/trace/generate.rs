//! Generated traces.

use fieldfen_domain::file::{Deletion, Failure, FileEvent, FileState, FileStatus};
use fieldfen_domain::job::{JobStatus, OnWorkerDeath, Priority};
use fieldfen_domain::publication::ListingStatus;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{JobOp, Op, PublishingOp, RecurringOp, Report, Second, TraceJob};

// Each kind has few numbers, so that most steps find a row.
const FILES: u64 = 3;
const JOBS: u64 = 4;
const PUBLICATIONS: u64 = 4;
const LISTINGS: u64 = 3;
const TOKENS: u64 = 2;
const KINDS: u64 = 2;

/// A trace of at most this many steps, after the arrival of a few files with a job each.
pub fn any_ops(steps: usize) -> impl Strategy<Value = Vec<Op>> {
    let arrivals = (0..FILES).map(|file| Op::InsertFile { file, drive: Some(file), content: None, at: 0 });
    let jobs = (0..FILES).map(|file| {
        Op::Job(JobOp::Enqueue(TraceJob {
            job: file,
            kind: file % KINDS,
            file: Some(file),
            priority: Priority::Normal,
            run_at: 0,
            max_retries: 1,
            on_worker_death: None,
            dedup_key: None,
            account: None,
            created_at: 0,
        }))
    });
    let arrivals: Vec<Op> = arrivals.chain(jobs).collect();
    vec(any_op(), 0..=steps).prop_map(move |ops| arrivals.iter().cloned().chain(ops).collect())
}

/// A step. Steps for jobs are the most frequent.
pub fn any_op() -> impl Strategy<Value = Op> {
    let transaction = (vec(single_op(), 1..8), prop::bool::weighted(0.7))
        .prop_map(|(steps, commits)| Op::Transaction { steps, commits });
    prop_oneof![6 => single_op(), 1 => transaction]
}

fn single_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => file_op(),
        12 => job_op().prop_map(Op::Job),
        2 => hash_op(),
        1 => (0..2_u64, 0..3_u32, second()).prop_map(|(service, requests, at)| Op::RecordCall { service, requests, at }),
        6 => publishing_op().prop_map(Op::Publishing),
        1 => recurring_op().prop_map(Op::Recurring),
    ]
}

/// There are few seconds, so that times coincide, and enough that every order occurs.
fn second() -> impl Strategy<Value = Second> {
    0..10_i64
}

fn file() -> impl Strategy<Value = u64> {
    0..FILES
}

fn job() -> impl Strategy<Value = u64> {
    0..JOBS
}

fn token() -> impl Strategy<Value = u64> {
    0..TOKENS
}

fn file_op() -> impl Strategy<Value = Op> {
    let number = || option::weighted(0.3, 0..4_u64);
    let insert = (file(), number(), number(), second()).prop_map(|(file, drive, content, at)| Op::InsertFile {
        file,
        drive,
        content,
        at,
    });
    // Events that lead forward are twice as likely as the others.
    let event = prop_oneof![2 => select(&FileEvent::ALL[..3]), 1 => select(FileEvent::ALL)];
    let moved = (file(), event, option::weighted(0.2, believed()), second())
        .prop_map(|(file, event, believed, at)| Op::MoveFile { file, event, believed, at });
    let edit = (file(), 0..2_u64, second()).prop_map(|(file, species, at)| Op::EditFile { file, species, at });
    let deletion = prop_oneof![4 => Just(Deletion::KeepLiveListings), 1 => Just(Deletion::Forced)];
    let delete = (file(), deletion).prop_map(|(file, deletion)| Op::DeleteFile { file, deletion });
    prop_oneof![4 => insert, 12 => moved, 2 => edit, 1 => delete]
}

fn believed() -> impl Strategy<Value = FileState> {
    let failed = Failure { from: FileStatus::Processing, reason: "trace: failed".to_owned() };
    select(vec![
        FileState::Ingested,
        FileState::Processing,
        FileState::Processed,
        FileState::Approved,
        FileState::Published,
        FileState::Failed(failed),
    ])
}

pub(super) fn job_op() -> impl Strategy<Value = JobOp> {
    prop_oneof![4 => enqueue(), 6 => claim(), 8 => report(), 3 => job_action()]
}

fn enqueue() -> impl Strategy<Value = JobOp> {
    let few = vec(new_job(), 0..4);
    // Ids of no other step, so that most of these batches are not refused.
    let many = vec(new_job(), 15..20).prop_map(|mut jobs| {
        for (job, id) in jobs.iter_mut().zip(JOBS..) {
            job.job = id;
        }
        jobs
    });
    let batch = prop_oneof![4 => few, 1 => many].prop_map(JobOp::EnqueueMany);
    prop_oneof![5 => new_job().prop_map(JobOp::Enqueue), 1 => batch]
}

fn new_job() -> impl Strategy<Value = TraceJob> {
    let about = option::weighted(0.3, file());
    let key = option::of(0..2_u64);
    (job(), 0..KINDS, about, select(&Priority::ALL), 0..6_i64, (0..3_u32, on_worker_death()), key).prop_map(
        |(job, kind, file, priority, run_at, (max_retries, on_worker_death), dedup_key)| TraceJob {
            job,
            kind,
            file,
            priority,
            run_at,
            max_retries,
            on_worker_death,
            dedup_key,
            account: None,
            created_at: 0,
        },
    )
}

fn on_worker_death() -> impl Strategy<Value = Option<OnWorkerDeath>> {
    prop_oneof![3 => Just(None), 3 => select(OnWorkerDeath::ALL).prop_map(Some)]
}

fn claim() -> impl Strategy<Value = JobOp> {
    let claim = (
        prop_oneof![9 => vec(0..KINDS, 1..3), 1 => Just(vec![])],
        0..4_u32,
        token(),
        3..10_i64,
        0..8_u64,
        any::<bool>(),
        on_worker_death(),
    )
        .prop_map(|(kinds, limit, token, now, lease, alone, on_worker_death)| JobOp::Claim {
            kinds,
            limit,
            token,
            now,
            lease,
            alone,
            on_worker_death,
        });
    let reclaim = (second(), 0..4_u32).prop_map(|(now, limit)| JobOp::Reclaim { now, limit });
    prop_oneof![3 => claim, 1 => reclaim]
}

fn report() -> impl Strategy<Value = JobOp> {
    let complete = (job(), token(), second()).prop_map(|(job, token, at)| JobOp::Complete { job, token, at });
    let fail = (job(), token(), option::of(second()), second()).prop_map(|(job, token, retry, at)| JobOp::Fail {
        job,
        token,
        retry,
        at,
    });
    let park = (job(), token(), any::<bool>(), second()).prop_map(|(job, token, person, at)| JobOp::Park {
        job,
        token,
        person,
        at,
    });
    let decline = (job(), token(), second(), second()).prop_map(|(job, token, run_at, at)| JobOp::Decline {
        job,
        token,
        run_at,
        at,
    });
    let release = (job(), token(), second(), any::<bool>())
        .prop_map(|(job, token, run_at, throttled)| JobOp::Release { job, token, run_at, throttled });
    let heartbeat = (job(), token(), option::of(0..3_u64), second(), 0..4_u64)
        .prop_map(|(job, token, progress, now, lease)| JobOp::Heartbeat { job, token, progress, now, lease });
    let run_alone = (job(), token()).prop_map(|(job, token)| JobOp::RunAlone { job, token });
    let said = prop_oneof![
        Just(Report::Complete),
        option::of(second()).prop_map(|retry| Report::Fail { retry }),
        Just(Report::Release),
        (option::of(0..3_u64), 0..4_u64).prop_map(|(progress, lease)| Report::Heartbeat { progress, lease }),
    ];
    let many = (vec((job(), token()), 0..4), said, second()).prop_map(|(claims, report, at)| JobOp::Many {
        claims,
        report,
        at,
    });
    prop_oneof![4 => complete, 4 => fail, 3 => park, 4 => decline, 4 => release, 4 => heartbeat, 4 => many, 1 => run_alone]
}

fn job_action() -> impl Strategy<Value = JobOp> {
    let prune =
        (select(vec![JobStatus::Completed, JobStatus::Failed, JobStatus::Running]), second(), 0..3_u32, 0..4_u32)
            .prop_map(|(status, ended_before, surplus, limit)| JobOp::Prune { status, ended_before, surplus, limit });
    prop_oneof![
        (job(), second()).prop_map(|(job, at)| JobOp::Retry { job, at }),
        (job(), second()).prop_map(|(job, at)| JobOp::Cancel { job, at }),
        (job(), second()).prop_map(|(job, at)| JobOp::Kill { job, at }),
        (job(), second()).prop_map(|(job, at)| JobOp::ReleaseRunning { job, at }),
        (job(), second(), second()).prop_map(|(job, run_at, at)| JobOp::Reschedule { job, run_at, at }),
        (job(), select(Priority::ALL.to_vec())).prop_map(|(job, priority)| JobOp::SetPriority { job, priority }),
        job().prop_map(|job| JobOp::Delete { job }),
        prune,
    ]
}

fn hash_op() -> impl Strategy<Value = Op> {
    let insert =
        (0..3_u64, second(), -1..6_i64).prop_map(|(hash, at, remembered)| Op::InsertHash { hash, at, remembered });
    let link = (0..3_u64, file()).prop_map(|(hash, file)| Op::LinkHash { hash, file });
    let forget = (0..3_u64).prop_map(|hash| Op::ForgetHash { hash });
    prop_oneof![4 => insert, 2 => link, 1 => forget, 1 => second().prop_map(|now| Op::PurgeHashes { now })]
}

fn publication() -> impl Strategy<Value = u64> {
    0..PUBLICATIONS
}

/// Decides whether a target is a post.
fn post() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.25)
}

/// The numbers of the account, and of the variant or post key.
fn place() -> impl Strategy<Value = (u64, u64)> {
    (0..2_u64, 0..2_u64)
}

fn publishing_op() -> impl Strategy<Value = PublishingOp> {
    let reserve = (publication(), file(), post(), place(), token(), second(), 0..5_i64).prop_map(
        |(publication, file, post, (account, discriminator), token, at, hold)| PublishingOp::Reserve {
            publication,
            file,
            post,
            account,
            discriminator,
            token,
            at,
            hold,
        },
    );
    let confirm = (publication(), post(), 0..LISTINGS, 0..LISTINGS, select(ListingStatus::ALL), second()).prop_map(
        |(publication, post, platform_id, row, status, at)| PublishingOp::Confirm {
            publication,
            post,
            platform_id,
            row,
            status,
            at,
        },
    );
    let release = (publication(), token(), prop::bool::ANY, second())
        .prop_map(|(publication, token, absent, at)| PublishingOp::Release { publication, token, absent, at });
    let unknown = (publication(), token(), any::<bool>(), second())
        .prop_map(|(publication, token, parked, at)| PublishingOp::MarkUnknown { publication, token, parked, at });
    let update = (0..LISTINGS, select(ListingStatus::ALL), second(), second())
        .prop_map(|(listing, status, event_at, at)| PublishingOp::UpdateListing { listing, status, event_at, at });
    prop_oneof![4 => reserve, 3 => confirm, 2 => release, 1 => unknown, 3 => update, 4 => foreign_row_op()]
}

/// A step in which another program inserts a row, or in which such a row is handled.
fn foreign_row_op() -> impl Strategy<Value = PublishingOp> {
    let qualified = option::weighted(0.2, 0..2_u64);
    let insert = (0..LISTINGS, file(), post(), 0..LISTINGS, qualified, select(ListingStatus::ALL)).prop_map(
        |(row, file, post, platform_id, qualified, status)| PublishingOp::InsertRow {
            row,
            file,
            post,
            platform_id,
            qualified,
            status,
        },
    );
    let adopt = (publication(), file(), post(), place(), 0..LISTINGS, 0..LISTINGS, second()).prop_map(
        |(publication, file, post, (account, discriminator), platform_id, row, at)| PublishingOp::Adopt {
            publication,
            file,
            post,
            account,
            discriminator,
            platform_id,
            row,
            at,
        },
    );
    let gone = (0..LISTINGS, second()).prop_map(|(row, at)| PublishingOp::PostGone { row, at });
    let prune = (second(), 0..3_u32).prop_map(|(before, limit)| PublishingOp::Prune { before, limit });
    let set_key = (0..PUBLICATIONS, 0..2_u64, second()).prop_map(|(publication, key, at)| PublishingOp::TakeKey {
        publication,
        key,
        at,
    });
    let find =
        (0..2_u64, 0..LISTINGS).prop_map(|(account, platform_id)| PublishingOp::FindListing { account, platform_id });
    prop_oneof![4 => insert, 4 => adopt, 1 => gone, 1 => set_key, 1 => prune, 1 => find]
}

fn recurring_op() -> impl Strategy<Value = RecurringOp> {
    let define = (0..2_u64, 0..2_u64, any::<bool>(), 0..3_i64)
        .prop_map(|(work, schedule, has_zone, next_at)| RecurringOp::Define { work, schedule, has_zone, next_at });
    let take = (0..2_u64, 0..3_i64, 0..3_i64).prop_map(|(work, due, next_at)| RecurringOp::Take { work, due, next_at });
    let pause = (0..2_u64, second()).prop_map(|(work, at)| RecurringOp::Pause { work, at });
    let resume = (0..2_u64).prop_map(|work| RecurringOp::Resume { work });
    let record = (0..2_u64, 0..3_u64, second()).prop_map(|(work, job, at)| RecurringOp::RecordRun { work, job, at });
    let remove = (0..2_u64).prop_map(|work| RecurringOp::Remove { work });
    prop_oneof![3 => define, 4 => take, 1 => pause, 1 => resume, 2 => record, 1 => remove]
}
