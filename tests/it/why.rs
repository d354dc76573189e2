//! The reason for which a job does not run, while processes claim, end and lose jobs, limits change and accounts are
//! paused: claims in the same transaction agree with it.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldfen_domain::job::{ClaimRequest, JobFilter, JobKind, JobStatus, Pause, PauseScope, WorkerName};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{JobId, PageRequest, Timestamp};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::environment::{ManualClock, SeededRandomness};
use fieldfen_services::queue::Queue;
use fieldfen_services::{Environment, Transaction};
use fieldfen_testkit::fixtures::account;
use fieldfen_tests::commands::LIMITED_KINDS;
use fieldfen_tests::event::Event;
use fieldfen_tests::rng::Rng;

use crate::concurrency_limits::{kill_one, start_limited, with_limited_jobs};
use crate::parameters::{seed, size};
use crate::process::{Process, finish_all};

const PROCESSES: usize = 4;
const JOBS: u64 = 150;
const CHECKS_BETWEEN_KILLS: u64 = 10;

/// The most jobs that one check asks about.
const ASKED: usize = 40;

/// An error that rolls the transaction of a check back.
#[derive(Debug)]
struct RolledBack(Option<StoreError>);

impl From<StoreError> for RolledBack {
    fn from(error: StoreError) -> Self {
        Self(Some(error))
    }
}

#[test]
fn claims_agree_with_the_reasons_while_processes_are_killed() {
    let (checks, rng) = (size("FIELDFEN_WHY_CHECKS", 150), Rng::new(seed()));
    let database = with_limited_jobs(JOBS);
    let store = database.store();
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| start_limited(&database, &rng)).collect();
    let (mut events, mut asked, mut claimable, mut killed) = (Vec::new(), 0, 0, 0);
    for check in 1..=checks {
        let (of_check, taken) = check_agreement(&store, &rng);
        asked += of_check;
        claimable += taken;
        if check % CHECKS_BETWEEN_KILLS != 0 {
            continue;
        }
        let now = Environment::system().now();
        let pause = Pause::new(PauseScope::Account(account(1 + rng.below(3))), "a test", now, "test");
        store.write(|s| s.pauses().pause(&pause.clone().until(now + Duration::from_millis(50)))).unwrap();
        let (was_killed, seen) = kill_one(&database, &mut processes, JOBS, &rng);
        killed += u64::from(was_killed);
        events.extend(seen);
    }
    events.extend(finish_all(processes));
    println!("{killed} kills, {asked} reasons, {claimable} of them claimable");
    assert!(claimable > 0 && claimable < asked, "{claimable} of {asked}");
    let wrong: Vec<&Event> =
        events.iter().filter(|event| matches!(event, Event::StoreFailed(_) | Event::RuleBroken(_))).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    database.assert_sound();
}

/// Asks why some pending jobs do not run, claims until no job is left, and compares. Nothing of it is kept. Returns the
/// number of jobs, and of those that claims take.
fn check_agreement(store: &SqliteStore, rng: &Rng) -> (u64, u64) {
    let kinds: BTreeSet<JobKind> = LIMITED_KINDS.iter().map(|(kind, _)| JobKind::custom(*kind).unwrap()).collect();
    let (mut asked, mut claimable) = (0, 0);
    let checked: Result<(), RolledBack> = store.try_write(|s| {
        // The time at which the transaction has the write lock.
        let now: Timestamp = Environment::system().now();
        let environment = Environment::new(ManualClock::new(now), SeededRandomness::new(rng.below(u64::MAX)));
        let queue = Queue::new(store.clone(), environment.clone());
        let pending = JobFilter::new().status(JobStatus::Pending);
        let mut pending = s.jobs().page(&pending, &PageRequest::first(1000))?.items;
        rng.shuffle(&mut pending);
        let mut reasons = Vec::new();
        for job in pending.into_iter().take(ASKED) {
            let why = queue.why_in(&mut Transaction::new(s), &job.id)?.unwrap();
            reasons.push((job.id, why));
        }
        let mut claimed = BTreeSet::<JobId>::new();
        loop {
            let (token, worker) = (environment.token(), WorkerName::new("test"));
            let lease = Duration::from_secs(1);
            let request = ClaimRequest::new(kinds.clone(), 1000, token, now, lease, worker).alone(true);
            let outcome = s.jobs().claim(&request)?;
            if outcome.jobs.is_empty() && outcome.set_aside == 0 {
                break;
            }
            claimed.extend(outcome.jobs.iter().map(|job| job.id));
        }
        (asked, claimable) = (0, 0);
        for (id, why) in reasons {
            let is_taken = claimed.contains(&id);
            let expected = why.is_claimable().unwrap_or(is_taken);
            assert_eq!(expected, is_taken, "job {id}: {why}");
            asked += 1;
            claimable += u64::from(is_taken);
        }
        Err(RolledBack(None))
    });
    assert!(matches!(checked, Err(RolledBack(None))), "{checked:?}");
    (asked, claimable)
}
