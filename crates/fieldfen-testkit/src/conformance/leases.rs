//! Leases: the time for which they hold, and jobs whose workers let them expire.

use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::RawJson;
use fieldfen_domain::job::{FencedResult, HeartbeatOutcome, JobActionOutcome, JobState, JobStatus, Priority};
use fieldfen_domain::store::Store;

use super::operations::{On, ids, numbered, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{LEASE, TICK, WORKER, at, claim_ref, claim_request, job, job_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["leases":
        a_lease_holds_until_its_last_tick,
        a_reclaimed_job_waits_for_its_backoff_with_one_retry_spent,
        a_heartbeat_holds_from_when_it_was_sent,
        a_heartbeat_keeps_the_progress_it_brings,
        a_heartbeat_after_the_end_of_the_lease_counts_until_somebody_reclaims,
        a_completion_after_the_end_of_the_lease_counts_until_somebody_reclaims,
        a_reclaim_after_the_completion_finds_nothing,
        a_reclaim_takes_the_longest_expired_first_and_no_more_than_its_limit,
        a_reclaim_leaves_pending_and_ended_jobs_alone,
        a_reclaim_ends_a_job_that_has_no_retries,
        a_reclaim_ends_a_job_that_was_asked_to_stop,
        spent_jobs_do_not_keep_others_from_their_turn,
        a_lease_of_no_length_is_expired_at_once,
        a_lease_is_cut_to_whole_ticks,
        a_lease_beyond_all_years_does_not_overflow,
    ]
}

fn a_lease_holds_until_its_last_tick<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    let before = on.job(1);
    assert_eq!(on.reclaim(at(0) + LEASE - TICK, 9), []);
    assert_eq!(on.reclaim(with_nanoseconds(at(0) + LEASE - TICK), 9), [], "a fraction of a tick is no tick");
    assert_eq!(on.job(1), before);
    assert_eq!(on.reclaim(at(0) + LEASE, 9).len(), 1);
}

fn a_reclaimed_job_waits_for_its_backoff_with_one_retry_spent<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).priority(Priority::High));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    let now = at(100);
    let reclaimed = on.reclaim(with_nanoseconds(now), 9);
    let job = on.job(1);
    assert_eq!((&reclaimed[0].job, reclaimed[0].worker.as_deref()), (&job, Some(WORKER)));
    let error = job.last_error.clone().unwrap_or_default();
    assert!(error.contains(WORKER), "the error names who let it go: {error:?}");
    let due = now + TimeDelta::seconds(10);
    let expected = with!(new, attempts: 1, lost_leases: 1, run_at: due, last_error: job.last_error.clone());
    assert_eq!(job, expected);
    assert_eq!(on.claim(2, 1, due - TICK), []);
    assert_eq!(ids(&on.claim(2, 1, due)), numbered(&[1]));
}

fn expiry<S: Store>(on: &On<'_, S>, number: u64) -> Option<fieldfen_domain::Timestamp> {
    match on.job(number).state {
        JobState::Running { lease: Some(lease), .. } => Some(lease.expires_at),
        _ => None,
    }
}

fn a_heartbeat_holds_from_when_it_was_sent<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    let before = on.job(1);
    let expected = HeartbeatOutcome::new(at(40) + LEASE, false);
    assert_eq!(on.heartbeat(claim_ref(1, 1), with_nanoseconds(at(40))), FencedResult::Done(expected));
    assert_eq!(expiry(&on, 1), Some(at(40) + LEASE));
    assert_eq!(with!(on.job(1), state: before.state.clone()), before, "nothing else has changed");
    assert_eq!(on.reclaim(at(40) + LEASE - TICK, 9), []);
    assert_eq!(on.reclaim(at(40) + LEASE, 9).len(), 1);
}

fn a_heartbeat_keeps_the_progress_it_brings<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    let half = RawJson::unchecked(r#"{"tiles":[1,2],"of":4}"#.to_owned());
    let beat = |progress: Option<&RawJson>| {
        on.write(|s| s.jobs().heartbeat(&claim_ref(1, 1), progress, at(1), Duration::from_secs(9))).is_done()
    };
    assert!(beat(Some(&half)));
    assert_eq!(on.job(1).progress, Some(half.clone()));
    assert!(beat(None));
    assert_eq!(on.job(1).progress, Some(half.clone()), "a heartbeat that brings none leaves it");
    on.reclaim(at(100), 9);
    assert_eq!(on.job(1).progress, Some(half), "who takes over may go on from there");
}

fn a_heartbeat_after_the_end_of_the_lease_counts_until_somebody_reclaims<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert!(on.heartbeat(claim_ref(1, 1), at(500)).is_done());
    assert_eq!(on.reclaim(at(500), 9), []);
    on.reclaim(at(1000), 9);
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(1000)), FencedResult::LeaseLost);
}

fn a_completion_after_the_end_of_the_lease_counts_until_somebody_reclaims<S: Store>(store: &S) {
    let on = On(store);
    for number in [1, 2] {
        on.enqueue(&job(number));
        on.claim(number, 1, at(0));
    }
    assert_eq!(on.complete(claim_ref(1, 1), at(500)), FencedResult::Done(()));
    assert_eq!(on.reclaim(at(500), 9).len(), 1);
    assert_eq!(on.complete(claim_ref(2, 2), at(500)), FencedResult::LeaseLost);
    assert_eq!(on.job(1).state, JobState::Completed { at: Some(at(500)) });
    assert_eq!(on.job(2).state, JobState::Pending);
}

fn a_reclaim_after_the_completion_finds_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    let before = on.job(1);
    assert_eq!(on.reclaim(at(1000), 9), []);
    assert_eq!(on.job(1), before);
    assert_eq!(before.result.as_ref().map(RawJson::as_str), Some("true"));
}

fn a_reclaim_takes_the_longest_expired_first_and_no_more_than_its_limit<S: Store>(store: &S) {
    let on = On(store);
    for (number, second) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 40)] {
        on.enqueue(&job(number));
        on.claim(number, 1, at(second));
    }
    let reclaim = |now, limit| on.reclaim(now, limit).into_iter().map(|reclaimed| reclaimed.job.id).collect::<Vec<_>>();
    assert_eq!(reclaim(at(30) + LEASE, 0), numbered(&[]));
    assert_eq!(reclaim(at(30) + LEASE, 3), numbered(&[2, 4, 3]));
    assert_eq!(reclaim(at(30) + LEASE, 3), numbered(&[1]));
    assert_eq!(reclaim(at(30) + LEASE, 3), numbered(&[]));
}

fn a_reclaim_leaves_pending_and_ended_jobs_alone<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=3 {
        on.enqueue(&job(number));
    }
    on.claim(1, 2, at(0));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(on.kill(2, at(1)), JobActionOutcome::Done);
    let before = [on.job(1), on.job(2), on.job(3)];
    assert_eq!(on.reclaim(at(1_000_000), 9), []);
    assert_eq!([on.job(1), on.job(2), on.job(3)], before);
}

fn a_reclaim_ends_a_job_that_has_no_retries<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).max_retries(0));
    on.claim(1, 1, at(0));
    let reclaimed = on.reclaim(with_nanoseconds(at(100)), 9);
    let job = on.job(1);
    assert_eq!((&reclaimed[0].job, reclaimed[0].worker.as_deref()), (&job, Some(WORKER)));
    assert_eq!((&job.state, job.attempts, job.run_at), (&JobState::Failed { at: Some(at(100)) }, 0, at(0)));
    assert!(job.last_error.unwrap_or_default().contains(WORKER));
}

fn a_reclaim_ends_a_job_that_was_asked_to_stop<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(1, at(5)), JobActionOutcome::CancelRequested);
    let asked = on.job(1).last_error.unwrap_or_default();
    assert_eq!(on.reclaim(at(100), 9).len(), 1);
    let job = on.job(1);
    assert_eq!(job.state, JobState::Failed { at: Some(at(100)) });
    let error = job.last_error.unwrap_or_default();
    assert!(error.starts_with(&asked) && error.contains(WORKER), "both reasons are kept: {error:?}");
}

fn spent_jobs_do_not_keep_others_from_their_turn<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=6 {
        on.enqueue(&job(number).max_retries(u32::from(number > 4)));
        on.claim(number, 1, at(0));
    }
    let mut came_up = Vec::new();
    for _ in 0..3 {
        came_up.extend(on.reclaim(at(100), 2).into_iter().map(|reclaimed| reclaimed.job.id));
    }
    assert_eq!(came_up, (1..=6).map(job_id).collect::<Vec<_>>());
    assert_eq!(ids(&on.claim(9, 9, at(110))), numbered(&[5, 6]));
}

fn a_lease_of_no_length_is_expired_at_once<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim_by(&claim_request(1, 1, at(0)).lease(Duration::ZERO));
    assert_eq!(on.reclaim(at(0) - TICK, 9), []);
    assert_eq!(on.reclaim(at(0), 9).len(), 1);
}

fn a_lease_is_cut_to_whole_ticks<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let lease = Duration::from_nanos(2_999);
    on.claim_by(&claim_request(1, 1, at(0)).lease(lease));
    assert_eq!(expiry(&on, 1), Some(at(0) + TICK * 2));
    let expected = HeartbeatOutcome::new(at(1) + TICK * 2, false);
    let beat = on.write(|s| s.jobs().heartbeat(&claim_ref(1, 1), None, at(1), lease));
    assert_eq!(beat, FencedResult::Done(expected));
    assert_eq!(expiry(&on, 1), Some(expected.expires_at));
}

fn a_lease_beyond_all_years_does_not_overflow<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim_by(&claim_request(1, 1, at(0)).lease(Duration::MAX));
    assert_eq!(on.reclaim(at(0) + TimeDelta::days(365 * 1000), 9), []);
    let beat = on.write(|s| s.jobs().heartbeat(&claim_ref(1, 1), None, at(1), Duration::MAX));
    assert!(beat.is_done());
    assert_eq!(on.job(1).state.status(), JobStatus::Running);
    assert_eq!(on.complete(claim_ref(1, 1), at(2)), FencedResult::Done(()));
}
