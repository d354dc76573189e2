//! Parked jobs: the events that they wait for, the operations that make them run again, and those that do not.

use fieldfen_domain::job::{
    FailOutcome, FailedJobs, FencedResult, JobActionOutcome, JobCount, JobFilter, JobState, JobStatus, ParkedFor,
    PruneRequest, Retry,
};
use fieldfen_domain::publication::{PublicationState, ReleaseReason};
use fieldfen_domain::store::Store;

use super::operations::{On, numbered, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{
    at, claim_ref, dedup_key, job, job_id, listing_confirmation, listing_target, publication_id, reserve_request, token,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["parked":
        a_parked_job_says_what_it_waits_for_and_has_spent_no_retry,
        a_report_that_parked_a_job_is_recognised_when_it_comes_again,
        a_job_that_was_asked_to_stop_is_not_parked,
        a_retry_lets_a_parked_job_run_again_and_nothing_is_left_of_its_wait,
        a_cancelled_parked_job_is_a_dead_letter_whatever_the_reason_says,
        parked_jobs_and_dead_letters_are_listed_and_counted_apart,
        a_parked_job_is_not_pruned_before_it_is_cancelled,
        a_parked_job_keeps_no_other_from_its_dedup_key,
        an_unknown_publication_waits_for_a_person_until_it_is_released_or_confirmed,
    ]
}

/// Enqueues a job with this number and parks it.
fn park<S: Store>(on: &On<'_, S>, number: u64, parked_for: ParkedFor) {
    on.enqueue(&job(number));
    assert_eq!(on.claim(1, 1, at(0)).len(), 1);
    assert_eq!(
        on.fail(claim_ref(number, 1), Retry::Parked(parked_for), at(1)),
        FencedResult::Done(FailOutcome::Parked)
    );
}

fn own(word: &str) -> ParkedFor {
    ParkedFor::own(word).unwrap_or_else(|| panic!("{word:?} is no word of a program's own"))
}

fn a_parked_job_says_what_it_waits_for_and_has_spent_no_retry<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    let retry = Retry::Parked(own("acme.supplier"));
    assert_eq!(on.fail(claim_ref(1, 1), retry, with_nanoseconds(at(3))), FencedResult::Done(FailOutcome::Parked));
    let state = JobState::Parked { at: Some(at(3)), parked_for: own("acme.supplier") };
    assert_eq!(on.job(1), with!(new, state, last_error: Some("lens cap".to_owned())));
    assert_eq!(on.job(1).state.status(), JobStatus::Failed);
    assert_eq!(on.claim(2, 9, at(1_000_000)), [], "no time lets it run");
    assert_eq!(on.reclaim(at(1_000_000), 9).len(), 0);
}

fn a_report_that_parked_a_job_is_recognised_when_it_comes_again<S: Store>(store: &S) {
    let on = On(store);
    park(&on, 1, ParkedFor::Approval);
    let again = on.fail(claim_ref(1, 1), Retry::Parked(ParkedFor::Approval), at(5));
    assert_eq!(again, FencedResult::AlreadyDone { at: Some(at(1)) });
    assert_eq!(on.fail(claim_ref(1, 2), Retry::Parked(ParkedFor::Person), at(5)), FencedResult::LeaseLost);
    assert_eq!(on.job(1).state.parked_for(), Some(ParkedFor::Approval));
}

fn a_job_that_was_asked_to_stop_is_not_parked<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(1, at(1)), JobActionOutcome::CancelRequested);
    let answer = on.fail(claim_ref(1, 1), Retry::Parked(ParkedFor::Approval), at(2));
    assert_eq!(answer, FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!(on.job(1).state, JobState::Failed { at: Some(at(2)) });
}

fn a_retry_lets_a_parked_job_run_again_and_nothing_is_left_of_its_wait<S: Store>(store: &S) {
    let on = On(store);
    park(&on, 1, ParkedFor::Approval);
    assert_eq!(on.kill(1, at(2)), JobActionOutcome::Refused { status: JobStatus::Failed });
    assert_eq!(on.retry(1, at(3)), JobActionOutcome::Done);
    assert_eq!((on.job(1).state, on.job(1).run_at), (JobState::Pending, at(3)));
    assert_eq!(on.claim(2, 1, at(3)).len(), 1);
    assert_eq!(on.fail(claim_ref(1, 2), Retry::Never, at(4)), FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!(on.job(1).state, JobState::Failed { at: Some(at(4)) });
}

fn a_cancelled_parked_job_is_a_dead_letter_whatever_the_reason_says<S: Store>(store: &S) {
    let on = On(store);
    park(&on, 1, ParkedFor::Approval);
    let reason = "waits for an approval of Ann";
    assert_eq!(on.write(|s| s.job_actions().cancel(&job_id(1), reason, at(7))), JobActionOutcome::Done);
    let job = on.job(1);
    assert_eq!((job.state, job.last_error.as_deref()), (JobState::Failed { at: Some(at(7)) }, Some(reason)));
    assert_eq!(on.cancel(1, at(8)), JobActionOutcome::Refused { status: JobStatus::Failed });
    assert_eq!(on.retry(1, at(9)), JobActionOutcome::Done, "an operator may still change their mind");
}

fn parked_jobs_and_dead_letters_are_listed_and_counted_apart<S: Store>(store: &S) {
    let on = On(store);
    for (number, parked_for) in [(1, ParkedFor::Approval), (2, ParkedFor::Person), (3, ParkedFor::Approval)] {
        park(&on, number, parked_for);
    }
    on.enqueue(&job(4));
    assert_eq!(on.cancel(4, at(1)), JobActionOutcome::Done);
    on.enqueue(&job(5));
    let all = JobFilter::new;
    assert_eq!(on.jobs(&all().status(JobStatus::Failed)), numbered(&[1, 2, 3, 4]));
    assert_eq!(on.jobs(&all().dead_letters()), numbered(&[4]));
    assert_eq!(on.jobs(&all().parked()), numbered(&[1, 2, 3]));
    assert_eq!(on.jobs(&all().parked_for(ParkedFor::Approval)), numbered(&[1, 3]));
    assert_eq!(on.jobs(&all().parked_for(own("restore"))), numbered(&[]));
    for failed in [FailedJobs::DeadLetters, FailedJobs::Parked, FailedJobs::ParkedFor(ParkedFor::Approval)] {
        let contradiction = all().status(JobStatus::Pending).failed(failed);
        assert_eq!(on.jobs(&contradiction), numbered(&[]), "{failed:?}");
    }
    let mut counts = on.read(|s| s.jobs().count());
    counts.sort_by_key(|count| (count.status, count.parked_for.clone()));
    let count = |status, parked_for: Option<&str>, jobs| {
        let (kind, parked_for) = ("test.work".to_owned(), parked_for.map(str::to_owned));
        JobCount::new(kind, status, parked_for, jobs)
    };
    let expected = [
        count(JobStatus::Pending, None, 1),
        count(JobStatus::Failed, None, 1),
        count(JobStatus::Failed, Some("approval"), 2),
        count(JobStatus::Failed, Some("person"), 1),
    ];
    assert_eq!(counts, expected);
}

fn a_parked_job_is_not_pruned_before_it_is_cancelled<S: Store>(store: &S) {
    let on = On(store);
    park(&on, 1, ParkedFor::Approval);
    on.enqueue(&job(2));
    assert_eq!(on.cancel(2, at(1)), JobActionOutcome::Done);
    assert_eq!(on.read(|s| s.jobs().count_ended(JobStatus::Failed)), 1);
    let everything = PruneRequest::new(JobStatus::Failed, at(1_000), 9).also_oldest(9);
    assert_eq!(on.write(|s| s.job_actions().prune(&everything)), 1);
    assert_eq!(on.jobs(&JobFilter::new()), numbered(&[1]));
    assert_eq!(on.cancel(1, at(500)), JobActionOutcome::Done);
    let before = PruneRequest::new(JobStatus::Failed, at(500), 9);
    assert_eq!(on.write(|s| s.job_actions().prune(&before)), 0, "it has ended when it was cancelled");
    assert_eq!(on.write(|s| s.job_actions().prune(&everything)), 1);
}

fn a_parked_job_keeps_no_other_from_its_dedup_key<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).dedup_key(dedup_key("one")));
    on.claim(1, 1, at(0));
    let parked = on.fail(claim_ref(1, 1), Retry::Parked(ParkedFor::Person), at(1));
    assert_eq!(parked, FencedResult::Done(FailOutcome::Parked));
    on.enqueue(&job(2).dedup_key(dedup_key("one")));
    assert_eq!(on.retry(1, at(2)), JobActionOutcome::Duplicate(job_id(2)));
    assert_eq!(on.job(1).state.parked_for(), Some(ParkedFor::Person));
}

fn an_unknown_publication_waits_for_a_person_until_it_is_released_or_confirmed<S: Store>(store: &S) {
    let on = On(store);
    for number in [1, 2] {
        let file = on.file_in(number, fieldfen_domain::file::FileStatus::Approved);
        on.reserve(&reserve_request(number, file, listing_target("8x10"), at(0)));
        let (id, token) = (publication_id(number), token(number));
        let marked =
            on.write(|s| s.publications().mark_unknown(&id, &token, "a second key", Some(ParkedFor::Person), at(1)));
        assert!(marked.is_done());
        let publication = on.publication(number);
        assert_eq!((publication.state, publication.parked_for), (PublicationState::Unknown, Some(ParkedFor::Person)));
        // The answer of a lookup is not the event that it waits for.
        let again = on.write(|s| s.publications().mark_unknown(&id, &token, "a lookup failed", None, at(2)));
        assert_eq!(again, FencedResult::AlreadyDone { at: Some(at(1)) });
        assert_eq!(on.publication(number), publication);
    }
    let released =
        on.write(|s| s.publications().release(&publication_id(1), &token(1), ReleaseReason::Absent, "", at(3)));
    assert!(released.is_done());
    on.write(|s| s.publications().confirm(&publication_id(2), &listing_confirmation(1, at(3))));
    assert_eq!([1, 2].map(|number| on.publication(number).parked_for), [None, None]);
}
