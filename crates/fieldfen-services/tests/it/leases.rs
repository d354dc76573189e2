//! Leases of claimed jobs, and reclaimed jobs.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldfen_domain::RawJson;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{FencedResult, GenerateMetadata, JobActionOutcome, JobKind, JobStatus, Payload, WorkerName};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::queue::Completion;
use fieldfen_services::worker::Task;
use fieldfen_testkit::fixtures::by_ann;

use super::{Bench, LEASE, LOST_LEASE_WAIT, Note};

on_every_store!(
    heartbeats_extend_leases_and_keep_progress,
    reclaim_takes_back_everything_that_has_expired,
    a_lease_that_a_clock_a_year_ahead_has_written_ends,
    a_lease_above_a_day_is_refused,
    a_job_that_kills_its_workers_ends_in_failed,
    a_completion_after_expiry_counts_while_nobody_has_reclaimed,
);

fn heartbeats_extend_leases_and_keep_progress(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let lost = bench.note("y");
    let claimed = bench.claim_notes(2);
    assert_eq!(bench.queue.kill(&lost, &by_ann("stop")).unwrap(), JobActionOutcome::Done);
    bench.clock.advance(LEASE / 2);
    let progress = RawJson::parse("0.5").unwrap();
    let beats =
        bench.queue.heartbeat(&[(claimed[0].claim, Some(progress.clone())), (claimed[1].claim, None)], LEASE).unwrap();
    assert!(matches!(&beats[..], [FencedResult::Done(_), FencedResult::LeaseLost]), "{beats:?}");
    bench.clock.advance(LEASE / 2);
    assert_eq!(bench.queue.reclaim(10).unwrap(), []);
    assert_eq!(bench.job(&id).progress, Some(progress));
    bench.clock.advance(LEASE / 2);
    assert_eq!(bench.queue.reclaim(10).unwrap().len(), 1);
}

fn reclaim_takes_back_everything_that_has_expired(store: impl Store) {
    let bench = Bench::new(store);
    for number in 0..25 {
        bench.note(&number.to_string());
    }
    assert_eq!(bench.claim_notes(25).len(), 25);
    bench.clock.advance(LEASE - Duration::from_micros(1));
    assert_eq!(bench.queue.reclaim(10).unwrap().len(), 0);
    bench.clock.advance(Duration::from_micros(1));
    let batches: Vec<_> = (0..4).map(|_| bench.queue.reclaim(10).unwrap().len()).collect();
    assert_eq!(batches, [10, 10, 5, 0]);
    bench.clock.advance(LOST_LEASE_WAIT);
    let again = bench.claim_notes(30);
    assert_eq!(again.len(), 25);
    assert!(again.iter().all(|claimed| claimed.job.attempts == 1));
}

fn a_lease_that_a_clock_a_year_ahead_has_written_ends(store: impl Store) {
    let bench = Bench::new(store);
    let before = bench.now();
    let id = bench.note("x");
    bench.clock.advance(Duration::from_secs(365 * 86_400));
    assert_eq!(bench.claim_notes(1).len(), 1);
    bench.clock.set(before);
    let day_long = bench.note("y");
    let kinds = BTreeSet::from([Note::kind()]);
    let claimed = bench.queue.claim(&kinds, 1, Duration::from_secs(86_400), &WorkerName::new("test")).unwrap();
    assert_eq!(claimed.jobs.len(), 1);
    let reclaimed = bench.queue.reclaim(10).unwrap();
    assert_eq!(reclaimed.iter().map(|reclaimed| reclaimed.job.id).collect::<Vec<_>>(), [id]);
    assert!(bench.job(&id).last_error.unwrap().contains("2027-11-23"), "the end of the lease is named");
    assert_eq!(bench.status(&day_long), JobStatus::Running);
    bench.clock.advance(LOST_LEASE_WAIT);
    assert_eq!(bench.claim_notes(1)[0].job.id, id);
}

fn a_lease_above_a_day_is_refused(store: impl Store) {
    let bench = Bench::new(store);
    bench.note("x");
    let (kinds, lease) = (BTreeSet::from([Note::kind()]), Duration::from_secs(86_401));
    let error = bench.queue.claim(&kinds, 1, lease, &WorkerName::new("test")).unwrap_err();
    assert!(matches!(&error, StoreError::Invalid { what: "lease", value, .. } if value == "86401s"), "{error}");
    let claimed = bench.claim_notes(1).remove(0);
    let error = bench.queue.heartbeat(&[(claimed.claim, None)], lease).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { what: "lease", .. }), "{error}");
    let error = bench.worker().lease(lease).handle(|_: Task<Note>| ()).start().unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"cannot start the worker with lease "86401s": at most 24 hours; heartbeats extend it"#
    );
}

fn a_job_that_kills_its_workers_ends_in_failed(store: impl Store) {
    let bench = Bench::new(store);
    let file_id = bench.file();
    let payload = GenerateMetadata::new(file_id);
    let job = bench.queue.job(&payload).unwrap().max_retries(2);
    bench.queue.enqueue(&job).unwrap();
    let mut claims = 0;
    while !bench.claim(JobKind::GenerateMetadata, 1).is_empty() {
        claims += 1;
        bench.clock.advance(LEASE);
        bench.queue.reclaim(10).unwrap();
        bench.clock.advance(Duration::from_secs(3600));
    }
    assert_eq!(claims, 3);
    let dead = bench.job(&job.id);
    assert_eq!((dead.state.status(), dead.attempts), (JobStatus::Failed, 2));
    assert!(dead.last_error.unwrap().contains("test"), "the worker is named");
    assert_eq!(bench.file_status(&file_id), FileStatus::Failed);
}

fn a_completion_after_expiry_counts_while_nobody_has_reclaimed(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("slow");
    let claimed = bench.claim_notes(1).remove(0);
    bench.clock.advance(LEASE * 10);
    assert!(bench.queue.complete(&claimed, &mut Completion::new()).unwrap().is_done());
    assert_eq!(bench.queue.reclaim(10).unwrap(), []);
    assert_eq!(bench.status(&id), JobStatus::Completed);
}
