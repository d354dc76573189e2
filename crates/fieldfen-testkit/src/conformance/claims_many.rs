//! Operations on many claims at once: each claim gets the answer that it would get alone.

use std::time::Duration;

use fieldfen_domain::job::{ClaimRef, FailureReport, FencedResult, Job, JobActionOutcome, JobState, Retry};
use fieldfen_domain::store::{JobQueue, Store, StoreError};
use fieldfen_domain::{JobId, RawJson};

use super::operations::On;
use super::{Case, named};
use crate::fixtures::{LEASE, at, claim_ref, claim_request, failure, job, job_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["claims_many":
        a_batch_of_no_claims_has_no_answers,
        claims_of_a_batch_are_completed_as_one_by_one,
        a_batch_of_current_claims_is_completed_with_the_result_of_each,
        claims_of_a_batch_fail_as_one_by_one,
        claims_of_a_batch_are_released_as_one_by_one,
        leases_of_a_batch_are_extended_as_one_by_one,
        hundreds_of_claims_are_answered_in_their_places,
        a_document_that_cannot_be_read_back_refuses_the_batch,
    ]
}

type WithJson = (ClaimRef, Option<RawJson>);

fn json(text: impl Into<String>) -> Option<RawJson> {
    Some(RawJson::unchecked(text.into()))
}

fn with_json(claims: &[ClaimRef]) -> Vec<WithJson> {
    let text = |index: usize| format!(r#"{{"text": "\"\\{index} Füchse\u0000", "big": 12345678901234567890123}}"#);
    let document = |(index, &claim)| (claim, if index % 3 == 2 { None } else { json(text(index)) });
    claims.iter().enumerate().map(document).collect()
}

/// Makes jobs `base + 1` to `base + 8` and claims for them, some of which are not current.
fn claims<S: Store>(on: &On<'_, S>, base: u64) -> Vec<ClaimRef> {
    for number in (1..=8).filter(|number| *number != 5) {
        on.enqueue(&job(base + number).max_retries(if number == 8 { 0 } else { 5 }));
        let lease = if number == 4 { Duration::from_secs(1) } else { LEASE.to_std().unwrap() };
        let request = claim_request(base + number, 1, at(0)).lease(lease);
        assert_eq!(on.claim_by(&request).len(), 1);
    }
    let own = |number: u64| claim_ref(base + number, base + number);
    assert!(on.complete(own(3), at(1)).is_done());
    assert_eq!(on.reclaim(at(2), 9).len(), 1, "job 4 is held by nobody");
    assert_eq!(on.kill(base + 6, at(3)), JobActionOutcome::Done);
    assert_eq!(on.cancel(base + 7, at(3)), JobActionOutcome::CancelRequested);
    // The last one is not the claim of job 1.
    [7, 1, 5, 3, 2, 6, 4, 8].map(own).into_iter().chain([claim_ref(base + 1, base + 2)]).collect()
}

/// The jobs without their ids, after the operations.
fn left<S: Store>(on: &On<'_, S>, base: u64) -> Vec<Option<(Job, String)>> {
    let job = |number| {
        let job = on.find_job(base + number)?;
        let state = format!("{:?}", job.state).replace(&format!("{:012x}", base + number), "");
        let last_error = job.last_error.as_ref().map(|_| "an error".to_owned());
        let (id, state_left_out) = (job_id(0), JobState::Pending);
        Some((with!(job, id, payload: None, last_error, state: state_left_out), state))
    };
    (1..=8).map(job).collect()
}

/// Compares the answers and the effect of a batch with those of one claim after the other, also if the same claim comes
/// twice.
fn as_one_by_one<S: Store, T: std::fmt::Debug + PartialEq>(
    store: &S,
    one: impl Fn(&mut dyn JobQueue, &WithJson) -> Result<FencedResult<T>, StoreError>,
    many: impl Fn(&mut dyn JobQueue, &[WithJson]) -> Result<Vec<FencedResult<T>>, StoreError>,
) {
    let on = On(store);
    for (twice, bases) in [(false, [100, 200]), (true, [300, 400])] {
        let [singles, batch] = bases.map(|base| {
            let mut claims = claims(&on, base);
            // Without the claim that names job 1 again, each job comes once.
            claims.truncate(if twice { 9 } else { 8 });
            claims.extend(twice.then(|| claim_ref(base + 2, base + 2)));
            with_json(&claims)
        });
        let expected: Vec<FencedResult<T>> = singles.iter().map(|claim| on.write(|s| one(s.jobs(), claim))).collect();
        let answers = on.write(|s| many(s.jobs(), &batch));
        assert_eq!(answers, expected, "the same job twice: {twice}");
        assert!(answers.iter().any(FencedResult::is_done) && !answers.iter().all(FencedResult::is_done));
        assert_eq!(left(&on, bases[1]), left(&on, bases[0]), "the same job twice: {twice}");
    }
}

fn a_batch_of_no_claims_has_no_answers<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(on.write(|s| s.jobs().complete_many(&[], at(0))), []);
    assert_eq!(on.write(|s| s.jobs().fail_many(&[])), []);
    assert_eq!(on.write(|s| s.jobs().release_many(&[], at(0), at(0))), []);
    assert_eq!(on.write(|s| s.jobs().heartbeat_many(&[], at(0), Duration::from_secs(1))), []);
}

fn claims_of_a_batch_are_completed_as_one_by_one<S: Store>(store: &S) {
    as_one_by_one(
        store,
        |jobs, (claim, result)| jobs.complete(claim, result.as_ref(), at(9)),
        |jobs, claims| jobs.complete_many(claims, at(9)),
    );
}

fn a_batch_of_current_claims_is_completed_with_the_result_of_each<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&(0..9).map(job).collect::<Vec<_>>());
    // Three claims with a token each hold the jobs.
    let claims: Vec<ClaimRef> = (0..9).map(|number| claim_ref(number, 1 + number / 3)).collect();
    assert_eq!([1, 2, 3].map(|token| on.claim(token, 3, at(0)).len()), [3; 3]);
    let completions = with_json(&claims);
    assert_eq!(on.write(|s| s.jobs().complete_many(&completions, at(9))), [FencedResult::Done(()); 9]);
    for (number, (_, result)) in (0..).zip(&completions) {
        let job = on.find_job(number).unwrap();
        assert_eq!((&job.result, job.state), (result, JobState::Completed { at: Some(at(9)) }), "job {number}");
    }
    let answers = on.write(|s| s.jobs().complete_many(&completions, at(10)));
    assert_eq!(answers, [FencedResult::AlreadyDone { at: Some(at(9)) }; 9]);
}

fn claims_of_a_batch_fail_as_one_by_one<S: Store>(store: &S) {
    let report = || failure("lens cap", Retry::At(at(20)), at(9));
    as_one_by_one(
        store,
        |jobs, (claim, _)| jobs.fail(claim, &report()),
        |jobs, claims| {
            let failures: Vec<(ClaimRef, FailureReport)> = claims.iter().map(|(claim, _)| (*claim, report())).collect();
            jobs.fail_many(&failures)
        },
    );
}

fn claims_of_a_batch_are_released_as_one_by_one<S: Store>(store: &S) {
    as_one_by_one(
        store,
        |jobs, (claim, _)| jobs.release(claim, at(20), at(9)),
        |jobs, claims| {
            let claims: Vec<ClaimRef> = claims.iter().map(|(claim, _)| *claim).collect();
            jobs.release_many(&claims, at(20), at(9))
        },
    );
}

fn leases_of_a_batch_are_extended_as_one_by_one<S: Store>(store: &S) {
    let lease = Duration::from_secs(90);
    as_one_by_one(
        store,
        |jobs, (claim, progress)| jobs.heartbeat(claim, progress.as_ref(), at(9), lease),
        |jobs, claims| jobs.heartbeat_many(claims, at(9), lease),
    );
}

fn hundreds_of_claims_are_answered_in_their_places<S: Store>(store: &S) {
    let on = On(store);
    let numbers = 0..700_u64;
    on.enqueue_all(&numbers.clone().map(job).collect::<Vec<_>>());
    // Two claims with a token each hold the jobs.
    assert_eq!((on.claim(1, 350, at(0)).len(), on.claim(2, 350, at(0)).len()), (350, 350));
    let claims: Vec<ClaimRef> = numbers.clone().rev().map(|number| claim_ref(number, 1)).collect();
    let held = |number: u64| number < 350;
    let extended = on.write(|s| s.jobs().heartbeat_many(&with_json(&claims), at(9), Duration::from_secs(9)));
    let done: Vec<bool> = numbers.clone().rev().map(held).collect();
    assert_eq!(extended.iter().map(FencedResult::is_done).collect::<Vec<_>>(), done);
    let released = on.write(|s| s.jobs().release_many(&claims, at(20), at(10)));
    assert_eq!(released.iter().map(FencedResult::is_done).collect::<Vec<_>>(), done);
    let due: Vec<JobId> = on.claim(3, 999, at(20)).into_iter().map(|job| job.id).collect();
    assert_eq!(due, numbers.filter(|&number| held(number)).map(job_id).collect::<Vec<_>>());
}

fn a_document_that_cannot_be_read_back_refuses_the_batch<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job(1), job(2), job(3)]);
    on.claim(1, 3, at(0));
    let claims = [(claim_ref(1, 1), None), (claim_ref(2, 1), json("{")), (claim_ref(3, 1), json("{}"))];
    let error = on.refuse(|s| s.jobs().complete_many(&claims, at(1)));
    assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    let error = on.refuse(|s| s.jobs().heartbeat_many(&claims, at(1), Duration::from_secs(99)));
    assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    assert_eq!(on.reclaim(at(0) + LEASE, 9).len(), 3, "no lease is extended and no job has ended");
}
