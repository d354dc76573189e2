//! Jobs in each of their states.

use std::time::Duration;

use fieldfen_domain::job::{
    ClaimRef, ClaimRequest, DedupKey, EnqueueOutcome, FailureReport, Job, JobKind, JobState, Lease, NewJob, ParkedFor,
    Priority, Retry, WorkerName,
};
use fieldfen_domain::{FenceToken, JobId, RawJson, Timestamp};
use fieldfen_testkit::fixtures::{file, file_id};
use fieldfen_testkit::with;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::values::{json, long_text, span, text, time, token};
use crate::{Place, each};

fn new_job() -> impl Strategy<Value = NewJob> {
    let kind = prop_oneof![
        select(JobKind::SPECIFIED.to_vec()),
        "[A-Za-z0-9_.:-]{1,64}".prop_filter_map("one of the specification's", |name| JobKind::custom(name).ok()),
    ];
    let key = text().prop_filter_map("no key", |text| DedupKey::new(text).ok());
    let about = option::of(Just(file_id(1)));
    let priority = select(Priority::ALL.to_vec());
    (any::<u128>(), about, kind, option::of(json()), priority, time(), any::<u32>(), option::of(key), time()).prop_map(
        |(id, file_id, kind, payload, priority, run_at, max_retries, dedup_key, created_at)| {
            NewJob::untyped(JobId::from_random(id), kind, payload, created_at)
                .unwrap()
                .file_id(file_id)
                .priority(priority)
                .run_at(run_at)
                .max_retries(max_retries)
                .dedup_key(dedup_key)
        },
    )
}

/// The values of a claim: its token, its lease, the worker's name, and the progress of its heartbeat.
type Claim = (FenceToken, Duration, String, Option<RawJson>);

fn claim() -> impl Strategy<Value = Claim> {
    (token(), span(), long_text(0..300), option::of(json()))
}

#[derive(Debug, Clone)]
enum End {
    Complete(Option<RawJson>),
    Fail(String),
    TryAgain(String, Timestamp),
    Park(String, String),
    Release(Timestamp),
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        option::of(json()).prop_map(End::Complete),
        text().prop_map(End::Fail),
        (text(), time()).prop_map(|(error, at)| End::TryAgain(error, at)),
        time().prop_map(End::Release),
        (text(), "[a-z0-9_.-]{1,32}").prop_map(|(error, word)| End::Park(error, word)),
    ]
}

fn enqueue(place: &Place, new: &NewJob) -> Job {
    place.write(|s| s.files().insert(&file(1)));
    assert_eq!(place.write(|s| s.jobs().enqueue(new)), EnqueueOutcome::Created(new.id));
    with!(
        Job::new(new.id, new.kind.clone(), JobState::Pending, new.run_at),
        file_id: new.file_id,
        max_retries: new.max_retries,
        priority: new.priority,
        dedup_key: new.dedup_key.clone(),
        payload: new.payload.clone(),
        created_at: Some(new.created_at),
    )
}

fn found(place: &Place, id: &JobId) -> Job {
    place.read(|s| s.jobs().find(id)).unwrap()
}

/// Claims the only job as soon as it is due, and returns the claim.
fn take(place: &Place, job: &mut Job, (token, lease, worker, progress): Claim) -> ClaimRef {
    let (now, worker) = (job.run_at, WorkerName::new(worker));
    let kinds = [job.kind.clone()].into();
    let request = ClaimRequest::new(kinds, 1, token, now, lease, worker.clone())
        .limits(std::collections::BTreeMap::new())
        .alone(true);
    let claimed = place.write(|s| s.jobs().claim(&request));
    let expires_at = now + lease;
    let lease_held = Some(Lease::new(token, expires_at, worker.as_str().to_owned()));
    job.state = JobState::Running { started_at: Some(now), lease: lease_held };
    assert_eq!((claimed.jobs.as_slice(), claimed.unreadable), (std::slice::from_ref(&*job), vec![]));
    assert_eq!(found(place, &job.id), *job);

    let claim = ClaimRef { id: job.id, token };
    assert!(place.write(|s| s.jobs().heartbeat(&claim, progress.as_ref(), now, lease)).is_done());
    job.progress = progress;
    assert_eq!(found(place, &job.id), *job);
    claim
}

#[test]
fn a_job_reads_back_as_it_was_written_in_each_state() {
    each((new_job(), claim(), end(), time()), |place, (new, claimed, end, at)| {
        let mut job = enqueue(place, &new);
        assert_eq!(found(place, &job.id), job);
        let claim = take(place, &mut job, claimed);
        let report = |error: &String, retry| FailureReport::new(error.clone(), retry, at);
        match &end {
            End::Complete(result) => {
                assert!(place.write(|s| s.jobs().complete(&claim, result.as_ref(), at)).is_done());
                job.state = JobState::Completed { at: Some(at) };
                job.result = result.clone();
            }
            End::TryAgain(error, run_at) if job.max_retries > 0 => {
                assert!(place.write(|s| s.jobs().fail(&claim, &report(error, Retry::At(*run_at)))).is_done());
                (job.state, job.attempts, job.run_at) = (JobState::Pending, 1, *run_at);
                job.last_error = Some(error.clone());
            }
            End::Fail(error) | End::TryAgain(error, _) => {
                assert!(place.write(|s| s.jobs().fail(&claim, &report(error, Retry::Never))).is_done());
                job.state = JobState::Failed { at: Some(at) };
                job.last_error = Some(error.clone());
            }
            End::Park(error, word) => {
                let parked_for: ParkedFor = word.parse().unwrap();
                assert!(place.write(|s| s.jobs().fail(&claim, &report(error, Retry::Parked(parked_for)))).is_done());
                job.state = JobState::Parked { at: Some(at), parked_for };
                job.last_error = Some(error.clone());
            }
            End::Release(run_at) => {
                assert!(place.write(|s| s.jobs().release(&claim, *run_at, *run_at)).is_done());
                (job.state, job.run_at) = (JobState::Pending, *run_at);
            }
        }
        assert_eq!(found(place, &job.id), job);
    });
}
