//! The consequence of a worker's death is stored with the job at its enqueue or at its first claim, and every reclaim
//! honours it.

use fieldfen_domain::job::{
    AttemptOutcome, EnqueueOutcome, FencedResult, JobActionOutcome, JobState, JobStatus, OnWorkerDeath, ParkedFor,
};
use fieldfen_domain::store::Store;

use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{LEASE, WORKER, at, claim_ref, claim_request, job, job_id, kind};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["on_worker_death":
        the_consequence_of_each_job_is_kept,
        the_first_claim_gives_its_consequence_to_jobs_that_have_none,
        a_claim_changes_no_consequence_that_was_given_at_enqueue,
        a_held_job_waits_for_a_person_and_a_retry_runs_it,
        a_job_that_fails_with_its_worker_is_a_dead_letter,
        a_job_that_was_asked_to_stop_is_cancelled_instead_of_held,
        jobs_in_one_reclaim_each_have_their_own_consequence,
        a_late_report_about_a_held_job_is_refused,
    ]
}

fn lose<S: Store>(on: &On<'_, S>, number: u64, consequence: OnWorkerDeath) {
    on.enqueue(&job(number).on_worker_death(consequence));
    assert_eq!(on.claim(number, 1, at(0)).len(), 1);
}

fn the_consequence_of_each_job_is_kept<S: Store>(store: &S) {
    let on = On(store);
    for (number, consequence) in (1..).zip(OnWorkerDeath::ALL) {
        on.enqueue(&job(number).on_worker_death(*consequence));
    }
    let many = [(4, OnWorkerDeath::Hold), (5, OnWorkerDeath::Retry)].map(|(n, c)| job(n).on_worker_death(c));
    let created = on.write(|s| s.jobs().enqueue_many(&many));
    assert_eq!(created, [4, 5].map(|number| EnqueueOutcome::Created(job_id(number))));
    let of = |number: u64| on.read(|s| s.workers().on_worker_death(&job_id(number)));
    use OnWorkerDeath::{Fail, Hold, Retry};
    assert_eq!([1, 2, 3, 4, 5, 6].map(of), [Some(Retry), Some(Hold), Some(Fail), Some(Hold), Some(Retry), None]);
}

/// Claims the due job of the fixtures' kind with this token, as a worker with this consequence.
fn claim_with<S: Store>(on: &On<'_, S>, token: u64, now: i64, consequence: OnWorkerDeath) {
    let by_kind = [(job(0).kind, consequence), (kind("test.other"), OnWorkerDeath::Fail)].into();
    assert_eq!(on.claim_by(&claim_request(token, 9, at(now)).on_worker_death(by_kind)).len(), 1);
}

fn state_after_reclaim<S: Store>(on: &On<'_, S>, number: u64) -> (JobStatus, Option<ParkedFor>) {
    on.reclaim(at(0) + LEASE, 9);
    let state = on.job(number).state;
    (state.status(), state.parked_for())
}

fn the_first_claim_gives_its_consequence_to_jobs_that_have_none<S: Store>(store: &S) {
    use OnWorkerDeath::{Fail, Hold, Retry};
    let on = On(store);
    let of = |number: u64| on.read(|s| s.workers().on_worker_death(&job_id(number)));
    for (number, consequence, expected) in [
        (1, Retry, (JobStatus::Pending, None)),
        (2, Hold, (JobStatus::Failed, Some(ParkedFor::Person))),
        (3, Fail, (JobStatus::Failed, None)),
    ] {
        on.enqueue(&job(number));
        assert_eq!(of(number), None);
        claim_with(&on, number, 0, consequence);
        assert_eq!(of(number), Some(consequence));
        assert_eq!(state_after_reclaim(&on, number), expected, "{consequence}");
        let _ = on.cancel(number, at(0));
    }
    on.enqueue(&job(4));
    assert_eq!(on.claim(4, 9, at(0)).len(), 1);
    assert_eq!(of(4), None, "this worker has no rule");
    assert_eq!(state_after_reclaim(&on, 4), (JobStatus::Pending, None));
    claim_with(&on, 5, 10_000, Hold);
    assert_eq!(of(4), Some(Hold));
    assert!(on.release(claim_ref(4, 5), at(10_000)).is_done());
    claim_with(&on, 6, 10_000, Fail);
    assert_eq!(of(4), Some(Hold), "the first claim with a rule has decided");
}

fn a_claim_changes_no_consequence_that_was_given_at_enqueue<S: Store>(store: &S) {
    let on = On(store);
    for (number, consequence) in (1..).zip(OnWorkerDeath::ALL) {
        on.enqueue(&job(number).on_worker_death(*consequence));
        claim_with(&on, number, 0, OnWorkerDeath::Hold);
        assert_eq!(on.read(|s| s.workers().on_worker_death(&job_id(number))), Some(*consequence));
    }
}

fn a_held_job_waits_for_a_person_and_a_retry_runs_it<S: Store>(store: &S) {
    let on = On(store);
    // A job without retries is held too: the person decides whether it runs a second time.
    on.enqueue(&job(1).on_worker_death(OnWorkerDeath::Hold).max_retries(0));
    on.claim(1, 1, at(0));
    let now = at(0) + LEASE;
    let reclaimed = on.reclaim(now, 9);
    let held = on.job(1);
    assert_eq!((&reclaimed[0].job, reclaimed[0].worker.as_deref()), (&held, Some(WORKER)));
    assert_eq!(held.state, JobState::Parked { at: Some(now), parked_for: ParkedFor::Person });
    assert_eq!((held.attempts, held.lost_leases), (0, 1), "no retry is spent");
    let error = held.last_error.unwrap_or_default();
    assert!(error.contains(WORKER) && error.contains(&now.to_string()), "the error names worker and time: {error}");
    let attempts = on.read(|s| s.jobs().attempts(&job_id(1)));
    assert_eq!(attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::LeaseLost]);
    assert_eq!(on.claim(2, 1, at(10_000)), []);
    assert_eq!(on.retry(1, at(10_000)), JobActionOutcome::Done);
    assert_eq!(ids(&on.claim(2, 1, at(10_000))), numbered(&[1]));
    assert!(on.complete(claim_ref(1, 2), at(10_001)).is_done());
}

fn a_job_that_fails_with_its_worker_is_a_dead_letter<S: Store>(store: &S) {
    let on = On(store);
    lose(&on, 1, OnWorkerDeath::Fail);
    let now = at(0) + LEASE;
    let reclaimed = on.reclaim(now, 9);
    let failed = on.job(1);
    assert_eq!(reclaimed.iter().map(|lost| &lost.job).collect::<Vec<_>>(), [&failed]);
    assert_eq!((&failed.state, failed.lost_leases), (&JobState::Failed { at: Some(now) }, 1));
    let error = failed.last_error.unwrap_or_default();
    assert!(error.contains(WORKER) && error.contains(&now.to_string()), "{error}");
    assert_eq!(on.retry(1, now), JobActionOutcome::Done);
    assert_eq!(ids(&on.claim(2, 1, now)), numbered(&[1]));
}

fn a_job_that_was_asked_to_stop_is_cancelled_instead_of_held<S: Store>(store: &S) {
    let on = On(store);
    lose(&on, 1, OnWorkerDeath::Hold);
    assert_eq!(on.cancel(1, at(1)), JobActionOutcome::CancelRequested);
    on.reclaim(at(0) + LEASE, 9);
    assert_eq!(on.job(1).state, JobState::Failed { at: Some(at(0) + LEASE) });
}

fn jobs_in_one_reclaim_each_have_their_own_consequence<S: Store>(store: &S) {
    let on = On(store);
    for (number, consequence) in (1..).zip(OnWorkerDeath::ALL) {
        lose(&on, number, *consequence);
    }
    assert_eq!(on.reclaim(at(0) + LEASE, 9).len(), 3);
    let of = |number: u64| {
        let state = on.job(number).state;
        (state.status(), state.parked_for())
    };
    let parked = (JobStatus::Failed, Some(ParkedFor::Person));
    assert_eq!([1, 2, 3].map(of), [(JobStatus::Pending, None), parked, (JobStatus::Failed, None)]);
}

fn a_late_report_about_a_held_job_is_refused<S: Store>(store: &S) {
    let on = On(store);
    lose(&on, 1, OnWorkerDeath::Hold);
    on.reclaim(at(0) + LEASE, 9);
    let held = on.job(1);
    assert_eq!(on.complete(claim_ref(1, 1), at(100)), FencedResult::LeaseLost);
    assert_eq!(on.job(1), held);
}
