//! Random traces of calls to the services, on stores whose writes fail. The answers and the final rows must be the same
//! as on a store without faults.
//!
//! `FIELDFEN_TRACES` sets the number of traces, `PROPTEST_RNG_SEED` the seed.

use std::cell::Cell;

use fieldfen_domain::file::Deletion;
use fieldfen_domain::store::Store;
use fieldfen_persistence::SqliteStore;
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::faults::{ConflictStore, OutcomeUnknownStore, RerunStore};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};

mod program;

use program::Program;

/// A call of a program. A number selects one of the existing rows.
#[derive(Debug, Clone)]
enum Step {
    /// A picture arrives.
    Ingest(u64),
    /// An operator acts on a file.
    File(u64, FileAction),
    /// Enqueues jobs together, with these keys.
    Enqueue(Vec<Option<u64>>),
    Claim(u32),
    /// Ends a claimed job with the outcome of its handler.
    Run(usize),
    /// Ends a claimed job in another way.
    End(usize, End),
    Heartbeat,
    Reclaim,
    /// An operator acts on a job.
    Job(usize, JobAction),
    /// Receives a webhook that enqueues a job.
    Webhook(u64),
    PurgeWebhooks,
    /// An operator forgets a webhook.
    ForgetWebhook(u64),
    TakeDue,
    /// An operator or program acts on recurring work.
    Recurring(WorkAction),
    /// Records a product of a file that another program has made.
    InsertListing(u64),
    /// A person resolves the first such row of a file: as the file's product, or as gone.
    Resolve(u64, bool),
    /// A person reports that a call without an answer has made nothing.
    NothingIsThere(u64),
    /// Makes the next call to the platform fail.
    Mishap(bool),
    Reconcile,
    /// Lets this many seconds pass.
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Fail,
    FailForGood,
    Decline,
    Release,
    Throttle,
}

#[derive(Debug, Clone, Copy)]
enum JobAction {
    Retry,
    Cancel,
    Kill,
    Delete,
}

#[derive(Debug, Clone, Copy)]
enum FileAction {
    Approve,
    Reject,
    Fail,
    Retry,
    /// Sets a new species, by an editor who has seen the present version of the file.
    Edit,
    Publish,
    Delete(Deletion),
}

#[derive(Debug, Clone, Copy)]
enum WorkAction {
    Define,
    Pause,
    Resume,
    RunNow,
    Remove,
}

fn any_step() -> impl Strategy<Value = Step> {
    let end = select(&[End::Fail, End::FailForGood, End::Decline, End::Release, End::Throttle][..]);
    let job_action = select(&[JobAction::Retry, JobAction::Cancel, JobAction::Kill, JobAction::Delete][..]);
    let file_action = prop_oneof![
        4 => Just(FileAction::Approve),
        1 => Just(FileAction::Reject),
        1 => Just(FileAction::Fail),
        3 => Just(FileAction::Retry),
        1 => Just(FileAction::Edit),
        1 => Just(FileAction::Publish),
        1 => select(&[Deletion::KeepLiveListings, Deletion::Forced][..]).prop_map(FileAction::Delete),
    ];
    let work_actions =
        [WorkAction::Define, WorkAction::Pause, WorkAction::Resume, WorkAction::RunNow, WorkAction::Remove];
    prop_oneof![
        2 => (0..3_u64).prop_map(Step::Ingest),
        4 => (0..3_u64, file_action).prop_map(|(file, action)| Step::File(file, action)),
        2 => vec(prop::option::of(0..3_u64), 0..4).prop_map(Step::Enqueue),
        5 => (1..4_u32).prop_map(Step::Claim),
        8 => (0..8_usize).prop_map(Step::Run),
        3 => (0..8_usize, end).prop_map(|(job, end)| Step::End(job, end)),
        1 => Just(Step::Heartbeat),
        1 => Just(Step::Reclaim),
        2 => (0..8_usize, job_action).prop_map(|(job, action)| Step::Job(job, action)),
        2 => (0..3_u64).prop_map(Step::Webhook),
        1 => Just(Step::PurgeWebhooks),
        1 => (0..3_u64).prop_map(Step::ForgetWebhook),
        2 => Just(Step::TakeDue),
        2 => select(work_actions.to_vec()).prop_map(Step::Recurring),
        1 => (0..3_u64).prop_map(Step::InsertListing),
        1 => (0..3_u64, any::<bool>()).prop_map(|(file, is_product)| Step::Resolve(file, is_product)),
        1 => (0..3_u64).prop_map(Step::NothingIsThere),
        1 => any::<bool>().prop_map(Step::Mishap),
        1 => Just(Step::Reconcile),
        2 => select(&[1, 30, 90, 400, 90_000][..]).prop_map(Step::Wait),
    ]
}

/// A trace, after one picture was processed and approved and another one has arrived.
fn any_trace() -> impl Strategy<Value = Vec<Step>> {
    let mut before = vec![Step::Ingest(0)];
    before.extend([Step::Claim(1), Step::Run(0)].into_iter().cycle().take(6));
    before.extend([Step::File(0, FileAction::Approve), Step::Ingest(1)]);
    vec(any_step(), 0..50).prop_map(move |steps| before.iter().cloned().chain(steps).collect())
}

/// Asserts that the store answers like the model, and returns the number of products that the platform has made.
fn assert_all_alike<S: Store>(steps: &[Step], store: S, what: &str) -> u64 {
    let (mut one, mut other) = (Program::new(ModelStore::new()), Program::new(store));
    for step in steps {
        one.step(step);
        other.step(step);
    }
    let (expected, got) = (one.account(), other.account());
    for (number, (expected, got)) in expected.iter().zip(&got).enumerate() {
        assert_eq!(expected, got, "{what}, line {number}, {:?}", steps.get(number));
    }
    assert_eq!(expected.len(), got.len(), "{what}");
    other.stall.made()
}

fn traces(one_in: u32) -> TestRunner {
    let traces: u32 = std::env::var("FIELDFEN_TRACES").ok().map_or(150, |number| number.parse().unwrap());
    let mut config = Config { cases: traces.div_ceil(one_in), failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(20_261_126);
    }
    println!("{} traces, PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    TestRunner::new(config)
}

fn try_on<S: Store>(what: &str, one_in: u32, store: impl Fn(u64) -> S) {
    let made = Cell::new(0);
    traces(one_in)
        .run(&(any_trace(), any::<u64>()), |(steps, seed)| {
            made.set(made.get() + assert_all_alike(&steps, store(seed), what));
            Ok(())
        })
        .unwrap();
    println!("{what}: {} products were made", made.get());
    assert!(made.get() > 0, "no trace came as far as the platform");
}

#[test]
fn a_store_that_runs_each_closure_twice_answers_as_one_that_does_not() {
    try_on("reruns", 1, |_| RerunStore::new(ModelStore::new()));
}

#[test]
fn a_store_whose_writes_conflict_answers_as_one_whose_do_not() {
    try_on("conflicts", 1, |seed| ConflictStore::new(ModelStore::new(), seed, 2));
}

#[test]
fn a_store_that_commits_and_does_not_say_so_answers_as_one_that_does() {
    try_on("unknown commits", 1, |seed| OutcomeUnknownStore::committing(ModelStore::new(), seed));
}

#[test]
fn a_store_that_rolls_back_and_does_not_say_so_answers_as_one_that_does_not() {
    try_on("unknown rollbacks", 1, |seed| OutcomeUnknownStore::rolling_back(ModelStore::new(), seed));
}

#[test]
fn sqlite_answers_as_the_model() {
    try_on("SQLite", 5, |_| SqliteStore::in_memory().unwrap());
}
