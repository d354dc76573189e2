//! Dead letters in groups by error, and the filters of jobs by error, time, worker, account and payload.

use fieldfen_domain::job::{
    DeadLetterGroup, FingerprintFilter, JobActionOutcome, JobFilter, MAX_DEAD_LETTERS_COUNTED, ParkedFor, Retry,
    WorkerName,
};
use fieldfen_domain::store::Store;

use super::operations::{On, numbered, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, WORKER, account, at, claim_ref, claim_request, failure, job, job_id, kind, work};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["dead_letters_by_error":
        errors_that_differ_in_a_number_are_one_group,
        groups_come_in_the_order_of_kinds_and_no_more_than_asked_for,
        a_job_that_is_no_dead_letter_is_in_no_group,
        every_operation_that_writes_an_error_writes_its_fingerprint,
        jobs_are_found_by_their_end_and_their_creation,
        jobs_are_found_by_worker_account_and_payload,
    ]
}

fn groups<S: Store>(on: &On<'_, S>, limit: u32) -> Vec<DeadLetterGroup> {
    on.read(|s| s.jobs().dead_letters_by_error(limit, MAX_DEAD_LETTERS_COUNTED))
}

/// Lets job `number` of the kind `test.work`, which is the only one that is due, fail for good.
fn fail<S: Store>(on: &On<'_, S>, number: u64, error: &str, second: i64) {
    on.enqueue(&job(number));
    assert_eq!(on.claim(number, 1, at(0)).len(), 1);
    let report = failure(error, Retry::Never, at(second));
    assert!(on.write(|s| s.jobs().fail(&claim_ref(number, number), &report)).is_done());
}

fn with_fingerprint(fingerprint: &str) -> JobFilter {
    JobFilter::new().fingerprint(FingerprintFilter::Is(fingerprint.to_owned()))
}

fn errors_that_differ_in_a_number_are_one_group<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(groups(&on, 9), []);
    for (number, error, second) in [
        (1, "listing 17 is gone", 3),
        (2, "listing 99 is gone", 1),
        (3, "out of paper", 2),
        (4, "listing 5 is gone", 2),
        (5, " \n ", 4),
    ] {
        fail(&on, number, error, second);
    }
    let group = |fingerprint: Option<&str>, jobs, (oldest, newest), example| {
        let group = DeadLetterGroup::new(work(), fingerprint.map(str::to_owned), jobs);
        with!(group, oldest: Some(at(oldest)), newest: Some(at(newest)), example: Some(job_id(example)))
    };
    let expected = [
        group(None, 1, (4, 4), 5),
        group(Some("listing <n> is gone"), 3, (1, 3), 1),
        group(Some("out of paper"), 1, (2, 2), 3),
    ];
    assert_eq!(groups(&on, 9), expected);
    let counted = on.read(|s| s.jobs().dead_letters_by_error(9, 2));
    let counted: Vec<_> = counted.iter().map(|group| (group.jobs, group.has_more)).collect();
    assert_eq!(counted, [(1, false), (2, true), (1, false)], "at most two jobs of each group are counted");
    assert_eq!(on.jobs(&with_fingerprint("listing <n> is gone").dead_letters()), numbered(&[1, 2, 4]));
    assert_eq!(on.jobs(&with_fingerprint("listing <n> is gone").kind(kind("test.other"))), numbered(&[]));
    assert_eq!(on.jobs(&JobFilter::new().fingerprint(FingerprintFilter::Missing)), numbered(&[5]));
}

fn groups_come_in_the_order_of_kinds_and_no_more_than_asked_for<S: Store>(store: &S) {
    let on = On(store);
    fail(&on, 1, "b", 1);
    fail(&on, 2, "a", 2);
    for (number, name) in [(3, "test.a"), (4, "test.z")] {
        on.enqueue(&with!(job(number), kind: kind(name)));
        assert_eq!(on.cancel(number, at(0)), JobActionOutcome::Done);
    }
    let found = |limit| groups(&on, limit).into_iter().map(|group| group.example).collect::<Vec<_>>();
    assert_eq!(found(9), [3, 2, 1, 4].map(|number| Some(job_id(number))));
    assert_eq!(found(2), [3, 2].map(|number| Some(job_id(number))));
    assert_eq!(found(0), []);
}

fn a_job_that_is_no_dead_letter_is_in_no_group<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert!(on.fail(claim_ref(1, 1), Retry::At(at(1)), at(0)).is_done());
    assert_eq!(groups(&on, 9), [], "it is pending");
    on.claim(2, 1, at(1));
    assert!(on.fail(claim_ref(1, 2), Retry::Parked(ParkedFor::Person), at(1)).is_done());
    assert_eq!(groups(&on, 9), [], "it is parked");
    assert_eq!(on.cancel(1, at(2)), JobActionOutcome::Done);
    assert_eq!(groups(&on, 9).len(), 1);
    assert_eq!(on.retry(1, at(3)), JobActionOutcome::Done);
    assert_eq!(groups(&on, 9), []);
    assert_eq!(on.jobs(&with_fingerprint("not wanted any more")), numbered(&[1]), "the error is kept");
}

fn every_operation_that_writes_an_error_writes_its_fingerprint<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let has = |fingerprint: &str| assert_eq!(on.jobs(&with_fingerprint(fingerprint)), numbered(&[1]), "{fingerprint}");
    on.claim(1, 1, at(0));
    let report = failure("failed 1", Retry::At(at(1)), at(0));
    assert!(on.write(|s| s.jobs().fail(&claim_ref(1, 1), &report)).is_done());
    has("failed <n>");
    on.claim(2, 1, at(1));
    assert!(on.write(|s| s.jobs().decline(&claim_ref(1, 2), "declined 1", at(2), at(1))).is_done());
    has("declined <n>");
    on.claim(3, 1, at(2));
    let report = failure("parked 1", Retry::Parked(ParkedFor::Person), at(2));
    assert!(on.write(|s| s.jobs().fail(&claim_ref(1, 3), &report)).is_done());
    has("parked <n>");
    assert_eq!(on.write(|s| s.job_actions().cancel(&job_id(1), "unparked 1", at(3))), JobActionOutcome::Done);
    has("unparked <n>");
    assert_eq!(on.retry(1, at(3)), JobActionOutcome::Done);
    assert_eq!(on.write(|s| s.job_actions().cancel(&job_id(1), "cancelled 1", at(3))), JobActionOutcome::Done);
    has("cancelled <n>");
    assert_eq!(on.retry(1, at(3)), JobActionOutcome::Done);
    on.claim(4, 1, at(3));
    let asked = on.write(|s| s.job_actions().cancel(&job_id(1), "asked 1", at(3)));
    assert_eq!(asked, JobActionOutcome::CancelRequested);
    has("asked <n>");
    assert_eq!(on.write(|s| s.job_actions().kill(&job_id(1), "killed 1", at(3))), JobActionOutcome::Done);
    has("killed <n>");
    assert_eq!(on.retry(1, at(1000)), JobActionOutcome::Done);
    on.claim(5, 1, at(1000));
    assert_eq!(on.reclaim(at(2000), 9).len(), 1);
    assert_eq!(on.jobs(&with_fingerprint("killed <n>")), numbered(&[]), "a lost lease is another error");
    assert_eq!(on.jobs(&JobFilter::new().fingerprint(FingerprintFilter::Missing)), numbered(&[]));
}

fn jobs_are_found_by_their_end_and_their_creation<S: Store>(store: &S) {
    let on = On(store);
    fail(&on, 1, "no", 5);
    on.enqueue(&job(2));
    on.claim(2, 1, at(0));
    assert!(on.complete(claim_ref(2, 2), at(7)).is_done());
    on.enqueue(&with!(job(3), created_at: at(3)));
    let all = JobFilter::new;
    assert_eq!(on.jobs(&all().ended_since(with_nanoseconds(at(5)))), numbered(&[1, 2]));
    assert_eq!(on.jobs(&all().ended_since(at(5) + TICK)), numbered(&[2]));
    assert_eq!(on.jobs(&all().ended_before(with_nanoseconds(at(7)))), numbered(&[1]));
    assert_eq!(on.jobs(&all().ended_since(at(5)).ended_before(at(8)).dead_letters()), numbered(&[1]));
    assert_eq!(on.jobs(&all().created_before(at(3))), numbered(&[1, 2]));
    assert_eq!(on.jobs(&all().created_before(at(3) + TICK)), numbered(&[1, 2, 3]));
}

fn jobs_are_found_by_worker_account_and_payload<S: Store>(store: &S) {
    let on = On(store);
    for number in [1, 2, 3, 4] {
        on.enqueue(&job(number).account((number % 2 == 0).then(|| account(number))));
    }
    let of = |worker: &str| JobFilter::new().worker(worker.to_owned());
    assert_eq!(on.claim(1, 2, at(0)).len(), 2);
    assert_eq!(on.claim_by(&with!(claim_request(2, 1, at(0)), worker: WorkerName::new("another"))).len(), 1);
    assert_eq!(on.jobs(&of(WORKER)), numbered(&[1, 2]));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert!(on.fail(claim_ref(2, 1), Retry::At(at(9)), at(1)).is_done());
    assert_eq!((on.jobs(&of(WORKER)), on.jobs(&of("another"))), (numbered(&[1]), numbered(&[3])));
    assert_eq!(on.jobs(&JobFilter::new().account(account(4))), numbered(&[4]));
    let with_text = |text: &str| on.jobs(&JobFilter::new().payload(text.to_owned()));
    assert_eq!(with_text("number\":3"), numbered(&[3]));
    assert_eq!(with_text("NUMBER"), numbered(&[]), "the case counts");
    assert_eq!(with_text("%"), numbered(&[]), "no character is a pattern");
    assert_eq!(with_text("number"), numbered(&[1, 2, 3, 4]));
}
