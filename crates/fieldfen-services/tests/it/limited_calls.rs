//! Calls through the rate limiter: recorded, refused, and told to the worker that claims.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fieldfen_domain::api_usage::{ApiCallFilter, CallOutcome};
use fieldfen_domain::job::JobStatus;
use fieldfen_domain::publication::Platform;
use fieldfen_domain::rate_limit::{ApiLimit, CallScope};
use fieldfen_domain::store::Store;
use fieldfen_domain::{PageRequest, Timestamp};
use fieldfen_rate_limits::Answer;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, CallRefusal, NewCall};
use fieldfen_services::publishing::PublishOutcome;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_services::worker::{Outcome, Task, Worker};
use fieldfen_testkit::faults::suspended;
use fieldfen_testkit::wait::wait_until;

use super::fake_marketplace::{FakeMarketplace, Next};
use super::shop_harness::{approved, on_etsy, publisher};
use crate::{Bench, Note};

on_every_store!(
    a_call_beyond_the_limit_is_not_made_and_says_when_it_may_be,
    what_an_answer_says_closes_the_service_at_once,
    a_call_that_was_not_sent_gives_its_unit_back,
    a_refusal_of_the_service_is_told_to_the_limiter,
    a_publisher_waits_for_its_platforms_limit,
    a_worker_claims_no_job_whose_service_is_closed,
);

const WINDOW: Duration = Duration::from_secs(60);

/// A recorder with a limit of this number of calls a minute to Etsy.
fn limited<S: Store>(bench: &Bench<S>, units: u64) -> (ApiUsage<S>, CallRecorder<S>) {
    let usage = ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone());
    (usage.clone(), CallRecorder::new(usage).rate_limiter(limiter(bench, units)))
}

fn limiter<S: Store>(bench: &Bench<S>, units: u64) -> RateLimiter<S> {
    let limit = ApiLimit::new("etsy", "per_minute", units, WINDOW).unwrap();
    RateLimiter::new(bench.queue.store().clone(), bench.queue.environment().clone()).limit(limit)
}

fn outcomes<S: Store>(usage: &ApiUsage<S>) -> Vec<CallOutcome> {
    let calls = usage.list(&ApiCallFilter::new(), &PageRequest::first(500)).unwrap().items;
    calls.iter().map(|call| call.outcome.unwrap()).collect()
}

/// The result of a limited call: the closure's own word, or the refusal.
#[derive(Debug)]
enum Called {
    Failed,
    Refused(CallRefusal),
}

impl std::fmt::Display for Called {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl From<CallRefusal> for Called {
    fn from(refusal: CallRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Makes a call, and returns the time until which the limiter refuses it.
fn call<S: Store>(calls: &CallRecorder<S>, answer: Option<&Answer<'_>>, outcome: CallOutcome) -> Option<Timestamp> {
    let made = Cell::new(false);
    let call = NewCall::new("etsy", "GET /listings");
    let result = suspended(|| {
        calls.limited_call(&call, |open| {
            made.set(true);
            open.outcome(outcome);
            if let Some(answer) = answer {
                open.answered(answer);
            }
            if outcome.is_ok() { Ok(()) } else { Err(Called::Failed) }
        })
    });
    match result {
        Err(Called::Refused(CallRefusal::Closed(closed))) => {
            assert!(!made.get(), "a call that is refused is not made");
            Some(closed.until)
        }
        Err(Called::Refused(other)) => panic!("{other}"),
        Ok(()) | Err(Called::Failed) => {
            assert!(made.get());
            None
        }
    }
}

fn a_call_beyond_the_limit_is_not_made_and_says_when_it_may_be(store: impl Store) {
    let bench = Bench::new(store);
    let (usage, calls) = limited(&bench, 2);
    let now = bench.now();
    assert_eq!(call(&calls, None, CallOutcome::Ok), None);
    assert_eq!(call(&calls, None, CallOutcome::Refused), None);
    let until = call(&calls, None, CallOutcome::Ok).unwrap();
    assert!((now + WINDOW..=now + WINDOW * 2).contains(&until), "{until}");
    assert_eq!(outcomes(&usage), [CallOutcome::Ok, CallOutcome::Refused], "no row for a call that was not made");
    bench.clock.advance((until - now).to_std().unwrap());
    assert_eq!(call(&calls, None, CallOutcome::Ok), None);
}

fn what_an_answer_says_closes_the_service_at_once(store: impl Store) {
    let bench = Bench::new(store);
    let (_, calls) = limited(&bench, 100);
    let headers = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")];
    let answer = Answer::new(200, bench.now()).headers(headers);
    assert_eq!(call(&calls, Some(&answer), CallOutcome::Ok), None);
    assert!(call(&calls, None, CallOutcome::Ok).is_some());
}

fn a_call_that_was_not_sent_gives_its_unit_back(store: impl Store) {
    let bench = Bench::new(store);
    let (usage, calls) = limited(&bench, 1);
    for _ in 0..3 {
        assert_eq!(call(&calls, None, CallOutcome::NotSent), None);
    }
    assert_eq!(call(&calls, None, CallOutcome::NoAnswer), None);
    assert!(call(&calls, None, CallOutcome::Ok).is_some(), "a call without an answer may have arrived");
    assert_eq!(outcomes(&usage).len(), 4);
}

fn a_refusal_of_the_service_is_told_to_the_limiter(store: impl Store) {
    let bench = Bench::new(store);
    let (_, calls) = limited(&bench, 100);
    let answer = Answer::new(429, bench.now()).headers([("retry-after", "17")]);
    assert_eq!(call(&calls, Some(&answer), CallOutcome::Throttled), None);
    assert_eq!(call(&calls, None, CallOutcome::Ok), Some(bench.now() + Duration::from_secs(17)));
}

fn a_publisher_waits_for_its_platforms_limit(store: impl Store) {
    let (shop, id) = approved(store, &[]);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let (usage, calls) = limited(&shop.bench, 100);
    let publisher = publisher(&shop, &[&etsy]).record_calls(calls);
    let until = shop.bench.now() + Duration::from_secs(30);
    etsy.next([Next::Throttle(until)]);
    let list = |variant: &str| suspended(|| publisher.list(&on_etsy(id).variant(variant))).unwrap();
    assert!(matches!(list("a"), PublishOutcome::Throttled { until: said, .. } if said == until));
    let calls_before = outcomes(&usage).len();
    assert!(matches!(list("b"), PublishOutcome::Throttled { until: said, .. } if said == until));
    assert_eq!(outcomes(&usage).len(), calls_before, "the limiter has refused the call");
    shop.bench.clock.advance(Duration::from_secs(31));
    assert!(matches!(list("b"), PublishOutcome::Published { .. }));
}

fn a_worker_claims_no_job_whose_service_is_closed(store: impl Store) {
    let bench = Bench::new(store);
    let (usage, calls) = limited(&bench, 1);
    let first = bench.note("first");
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let running = Worker::builder(bench.queue.store().clone(), bench.queue.environment().clone())
        .threads(1)
        .rate_limiter(limiter(&bench, 1))
        .calls::<Note>(CallScope::new("etsy"))
        .handle(move |_: Task<Note>| {
            counted.fetch_add(1, Ordering::Relaxed);
            suspended(|| calls.limited_call(&NewCall::new("etsy", "GET /ping"), |_| Ok::<_, Outcome>(())))
        })
        .start()
        .unwrap();
    wait_until("the first job completes", || bench.status(&first) == JobStatus::Completed);
    // The worker's last answer of the limiter, which may be from before the call, is older than 50 ms from now on.
    std::thread::sleep(Duration::from_millis(60));
    let second = bench.note("second");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!((bench.status(&second), runs.load(Ordering::Relaxed)), (JobStatus::Pending, 1));
    bench.clock.advance(WINDOW * 2);
    wait_until("the second job completes", || bench.status(&second) == JobStatus::Completed);
    running.stop_handle().stop();
    running.join().unwrap();
    assert_eq!((bench.job(&second).attempts, outcomes(&usage).len()), (0, 2));
}
