//! The reason for which a job does not run: claims in the same transaction agree with it, in every state of random traces.

use std::collections::{BTreeMap, BTreeSet};

use fieldfen_domain::JobId;
use fieldfen_domain::job::{
    ClaimRequest, ConcurrencyLimit, JobFilter, JobKind, JobStatus, ParkedFor, Partition, Pause, PauseScope,
    Payload as _, Why, WorkerName,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{PageRequest, WorkerId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Transaction;
use fieldfen_services::environment::{Environment, ManualClock, SeededRandomness};
use fieldfen_services::queue::Queue;
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::conformance::trace::{Op, any_limited_ops, apply};
use fieldfen_testkit::fixtures::{account, at, by_ann};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::{Bench, LEASE, Note};

on_stores_without_faults!(
    each_state_of_a_job_has_its_reason,
    a_full_limit_names_the_jobs_that_run,
    the_longest_pause_is_named,
);

/// An error that rolls the transaction of a check back.
#[derive(Debug)]
struct RolledBack(Option<StoreError>);

impl From<StoreError> for RolledBack {
    fn from(error: StoreError) -> Self {
        Self(Some(error))
    }
}

/// Asks why each pending job does not run, claims until no job is left, and compares. Nothing of it is kept.
fn assert_agreement<S: Store>(store: &S, second: i64) {
    let environment = Environment::new(ManualClock::new(at(second)), SeededRandomness::new(7));
    let queue = Queue::new(store.clone(), environment.clone());
    let checked: Result<(), RolledBack> = store.try_write(|s| {
        let pending = s.jobs().page(&JobFilter::new().status(JobStatus::Pending), &PageRequest::first(1000))?.items;
        let kinds: BTreeSet<JobKind> = pending.iter().map(|job| job.kind.clone()).collect();
        s.workers().register(&RegisteredWorker::new(WorkerId::from_random(1), kinds.clone(), at(second)))?;
        let mut reasons = Vec::new();
        for job in pending {
            let why = queue.why_in(&mut Transaction::new(s), &job.id)?.unwrap();
            reasons.push((job.id, job.kind, why));
        }
        let claimed = claim_all(s, &environment, &kinds)?;
        for (id, kind, why) in reasons {
            let order = claimed.get(&kind).and_then(|jobs| jobs.iter().position(|claimed| *claimed == id));
            assert_eq!(why.is_claimable(), Some(order.is_some()), "job {id}: {why}, and claims: {order:?}");
            if let (Why::Claimable { before, .. }, Some(order)) = (&why, order) {
                assert_eq!(*before as usize, order, "job {id}: {why}");
            }
        }
        Err(RolledBack(None))
    });
    assert!(matches!(checked, Err(RolledBack(None))), "{checked:?}");
}

/// Claims until no job is left, and returns the claimed jobs of each kind in their order.
fn claim_all(
    s: &mut dyn Session,
    environment: &Environment,
    kinds: &BTreeSet<JobKind>,
) -> Result<BTreeMap<JobKind, Vec<JobId>>, StoreError> {
    let mut claimed = BTreeMap::<_, Vec<_>>::new();
    loop {
        let (token, worker) = (environment.token(), WorkerName::new("test"));
        let request = ClaimRequest::new(kinds.clone(), 1000, token, environment.now(), LEASE, worker).alone(true);
        let outcome = s.jobs().claim(&request)?;
        assert_eq!(outcome.unreadable, []);
        if outcome.jobs.is_empty() && outcome.set_aside == 0 {
            return Ok(claimed);
        }
        for job in outcome.jobs {
            claimed.entry(job.kind).or_default().push(job.id);
        }
    }
}

/// `FIELDFEN_TRACES` sets the number of traces, `PROPTEST_RNG_SEED` the seed.
#[test]
fn claims_agree_with_the_reasons_after_every_step_of_random_traces() {
    let traces: u32 = std::env::var("FIELDFEN_TRACES").ok().map_or(150, |number| number.parse().unwrap());
    let mut config = Config { cases: traces.div_ceil(3), failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(20_261_124);
    }
    println!("{} traces, PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    let agree = |ops: Vec<Op>| {
        let (sqlite, model) = (SqliteStore::in_memory().unwrap(), ModelStore::new());
        for (second, op) in (0..).zip(&ops) {
            apply(&sqlite, op);
            apply(&model, op);
            assert_agreement(&sqlite, second);
            assert_agreement(&model, second);
        }
        Ok(())
    };
    TestRunner::new(config).run(&any_limited_ops(60), agree).unwrap();
}

fn why<S: Store>(bench: &Bench<S>, id: &JobId) -> Why {
    bench.queue.why(id).unwrap().unwrap()
}

/// Registers a living worker of notes.
fn worker<S: Store>(bench: &Bench<S>) {
    let mut worker = RegisteredWorker::new(WorkerId::from_random(1), BTreeSet::from([Note::kind()]), bench.now());
    worker.name = WorkerName::new("test");
    bench.queue.store().write(|s| s.workers().register(&worker)).unwrap();
}

fn each_state_of_a_job_has_its_reason<S: Store>(store: S) {
    let bench = Bench::new(store);
    assert_eq!(bench.queue.why(&JobId::from_random(1)).unwrap(), None);
    let id = bench.note("one");
    assert_eq!(why(&bench, &id), Why::NoLiveWorker { kind: Note::kind(), before: 0 });
    worker(&bench);
    assert_eq!(why(&bench, &id), Why::Claimable { before: 0, runs_alone: false });
    let second = bench.note("two");
    assert_eq!(why(&bench, &second), Why::Claimable { before: 1, runs_alone: false });

    let claimed = bench.claim_notes(1);
    assert!(matches!(why(&bench, &id), Why::Running { is_alive: true, cancel_requested: None, .. }));
    let _ = bench.queue.cancel(&id, &by_ann("too late")).unwrap();
    assert!(matches!(why(&bench, &id), Why::Running { cancel_requested: Some(_), .. }));
    bench.clock.advance(LEASE);
    assert!(matches!(why(&bench, &id), Why::LeaseExpired { .. }));
    assert!(bench.queue.fail(&claimed[0], "too slow").unwrap().is_done());
    assert!(matches!(why(&bench, &id), Why::Cancelled { .. }), "{}", why(&bench, &id));

    let claimed = bench.claim_notes(1);
    assert!(bench.queue.fail(&claimed[0], "no paper").unwrap().is_done());
    let later = why(&bench, &second);
    assert!(matches!(&later, Why::DueLater { retries: 1, error: Some(error), .. } if error == "no paper"), "{later}");
    bench.clock.advance(LEASE * 60);
    worker(&bench);
    let claimed = bench.claim_notes(1);
    assert!(bench.queue.park(&claimed[0], ParkedFor::Person, "which size?").unwrap().is_done());
    let parked = why(&bench, &second).to_string();
    assert!(parked.contains("the answer of a person") && parked.ends_with("which size?"), "{parked}");
    let _ = bench.queue.retry(&second, &by_ann("large")).unwrap();
    let claimed = bench.claim_notes(1);
    assert!(bench.queue.fail_for_good(&claimed[0], "no ink").unwrap().is_done());
    let failed = why(&bench, &second);
    assert!(matches!(&failed, Why::Failed { error: Some(error), .. } if error == "no ink"), "{failed}");
}

fn a_full_limit_names_the_jobs_that_run<S: Store>(store: S) {
    let bench = Bench::new(store);
    worker(&bench);
    let limit = ConcurrencyLimit::new(Note::kind(), Partition::Account, 2).unwrap();
    bench.queue.store().write(|s| s.concurrency_limits().set(&limit)).unwrap();
    let ids: Vec<JobId> = (0..4)
        .map(|number| {
            let job = bench.queue.job(&Note::new(format!("{number}"))).unwrap().account(account(1));
            *bench.queue.enqueue(&job).unwrap().id()
        })
        .collect();
    let reason = why(&bench, &ids[2]);
    assert_eq!(
        reason,
        Why::LimitReachedByJobsBefore { partition: Partition::Account, max_running: 2, running: 0, before: 2 }
    );
    assert_eq!(bench.claim_notes(4).len(), 2);
    let Why::LimitReached { running: 2, max_running: 2, jobs, .. } = why(&bench, &ids[3]) else {
        panic!("{}", why(&bench, &ids[3]));
    };
    assert_eq!(BTreeSet::from_iter(jobs), BTreeSet::from_iter(ids[..2].to_vec()));
}

fn the_longest_pause_is_named<S: Store>(store: S) {
    let bench = Bench::new(store);
    let job = bench.queue.job(&Note::new("one")).unwrap().account(account(1));
    let id = *bench.queue.enqueue(&job).unwrap().id();
    let now = bench.now();
    let service: fieldfen_domain::job::ApiAccount = account(1).service().parse().unwrap();
    let pauses = [
        Pause::new(PauseScope::Kind(Note::kind()), "short", now, "ann").until(now + LEASE),
        Pause::new(PauseScope::Account(service), "long", now, "bo"),
    ];
    bench.queue.store().write(|s| pauses.iter().try_for_each(|pause| s.pauses().pause(pause).map(drop))).unwrap();
    let reason = why(&bench, &id).to_string();
    assert_eq!(reason, "bo has paused service etsy until somebody resumes it: long");
}
