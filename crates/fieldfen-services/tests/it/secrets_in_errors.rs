//! Secrets in the errors of handlers and platforms: they are stored nowhere.

use std::time::Duration;

use fieldfen_domain::job::{JobAction, JobActionOutcome, JobStatus, ParkedFor};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_domain::{JobId, Secrets};
use fieldfen_services::publishing::ReservationAttempt;
use fieldfen_services::worker::{Outcome, Task, Worker};
use fieldfen_testkit::fixtures::by_ann;

use crate::fake_marketplace::FakeMarketplace;
use crate::operator_requests::stop;
use crate::shop_harness::{ETSY, approved, listing_on, publisher};
use crate::{Bench, Note};

on_every_store!(
    no_outcome_of_a_handler_stores_a_secret,
    no_call_of_a_queue_stores_a_secret,
    no_error_of_a_publication_has_a_secret,
);

const LEAKY: &str =
    "POST https://ann:pw12345@api.example.com/v1?access_token=abcdef123 failed, password hunter2hunter2";
const CLEAN: &str = "POST https://***@api.example.com/v1?access_token=*** failed, password ***";

fn no_outcome_of_a_handler_stores_a_secret(store: impl Store) {
    let bench = Bench::new(store);
    let (store, environment) = (bench.queue.store().clone(), bench.queue.environment().clone());
    let ways = ["retry", "fail", "park", "decline", "panic"];
    let jobs = ways.map(|way| bench.note(way));
    let handler = |task: Task<Note>| match task.payload().text.as_str() {
        "retry" => Outcome::retry(LEAKY),
        "fail" => Outcome::fail(LEAKY),
        "park" => Outcome::park(ParkedFor::Person, LEAKY),
        "decline" => Outcome::decline(LEAKY),
        _ => panic!("{LEAKY}"),
    };
    let worker = Worker::builder(store, environment).secret("hunter2hunter2").decline_for(Duration::ZERO);
    let worker = worker.handle(handler).start().unwrap();
    for (way, job) in ways.iter().zip(&jobs) {
        fieldfen_testkit::wait::wait_until(way, || bench.job(job).last_error.is_some());
        let error = bench.job(job).last_error.unwrap();
        assert!(error.contains(CLEAN) && !error.contains("hunter2") && !error.contains("abcdef123"), "{way}: {error}");
        for attempt in bench.queue.attempts(job).unwrap() {
            let error = attempt.error.unwrap_or_default();
            assert!(!error.contains("hunter2") && !error.contains("abcdef123"), "{way}: {error}");
        }
    }
    assert_eq!(bench.status(&jobs[1]), JobStatus::Failed);
    stop(worker);
}

fn no_call_of_a_queue_stores_a_secret(store: impl Store) {
    let bench = Bench::new(store);
    let queue = bench.queue.clone().with_secrets(Secrets::default().and("hunter2hunter2".to_owned()));
    let jobs: Vec<JobId> = (0..8).map(|number| bench.note(&number.to_string())).collect();
    let claimed = bench.claim_notes(7);
    assert!(queue.fail(&claimed[0], LEAKY).unwrap().is_done());
    assert!(queue.fail_for_good(&claimed[1], LEAKY).unwrap().is_done());
    assert!(queue.park(&claimed[2], ParkedFor::Person, LEAKY).unwrap().is_done());
    assert!(queue.decline(&claimed[3], LEAKY, Duration::from_secs(60)).unwrap().is_done());
    // A name that only the queue knows does not occur in the reasons of operators.
    let by_ann = by_ann(LEAKY);
    assert_eq!(queue.kill(&jobs[4], &by_ann).unwrap(), JobActionOutcome::Done);
    assert_eq!(queue.apply(&jobs[5], JobAction::Release, &by_ann).unwrap(), JobActionOutcome::Done);
    assert_eq!(queue.cancel(&jobs[6], &by_ann).unwrap(), JobActionOutcome::CancelRequested);
    assert!(queue.fail(&claimed[6], LEAKY).unwrap().is_done());
    assert_eq!(queue.cancel(&jobs[7], &by_ann).unwrap(), JobActionOutcome::Done);
    for (number, job) in jobs.iter().enumerate() {
        let of_job = bench.job(job).last_error;
        let of_attempts = bench.queue.attempts(job).unwrap().into_iter().map(|attempt| attempt.error);
        let errors: Vec<String> = of_attempts.chain([of_job]).flatten().collect();
        assert!(!errors.is_empty(), "job {number} has no error");
        for error in errors {
            assert!(error.contains("https://***@api.example.com/v1?access_token=***"), "job {number}: {error}");
            assert!(!error.contains("abcdef123") && !error.contains("pw12345"), "job {number}: {error}");
            assert!(number > 3 || !error.contains("hunter2"), "job {number}: {error}");
        }
    }
}

fn no_error_of_a_publication_has_a_secret(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let publisher = publisher(&shop, &[&FakeMarketplace::new(Platform::Etsy)]);
    let reserve = || match publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() {
        ReservationAttempt::Granted(reservation) => reservation,
        _ => panic!("the target is not free"),
    };
    let last_error = || shop.publications(&id)[0].last_error.clone().unwrap();
    let leaky = "GET https://api.example.com/v1?access_token=abcdef123 failed";
    let clean = "GET https://api.example.com/v1?access_token=*** failed";
    assert!(reserve().release(leaky).unwrap().is_done());
    assert_eq!(last_error(), clean);
    assert!(reserve().mark_unknown(leaky).unwrap().is_done());
    assert_eq!(last_error(), clean);
}
