//! Calls to external APIs, and the recorder that writes them down.

use std::collections::HashMap;
use std::time::Duration;

use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, CallOutcome};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, JobId, PageRequest, Timestamp, catch_panic};
use fieldfen_rate_limits::Answer;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, NewCall, OpenCall};
use fieldfen_services::worker::{Outcome, Task, Worker};
use fieldfen_testkit::faults::suspended;

use super::fake_marketplace::{FakeMarketplace, Next};
use super::shop_harness::{approved, on_etsy, publisher};
use crate::{Bench, Note};

on_every_store!(
    recorded_responses_of_replicate_are_logged_with_what_they_say,
    a_call_is_recorded_however_it_ends,
    a_reset_that_no_store_can_keep_keeps_no_call_from_being_recorded,
    what_a_call_was_told_counts,
    a_handlers_calls_name_its_job_and_file,
    secrets_are_removed_from_errors,
    a_publisher_records_the_calls_of_its_platforms,
);

#[derive(serde::Deserialize)]
struct Exchange {
    method: String,
    path: String,
    status: u16,
    headers: HashMap<String, String>,
}

fn recorded() -> Vec<Exchange> {
    serde_json::from_str(include_str!("../fixtures/replicate-responses.json")).unwrap()
}

fn usage<S: Store>(bench: &Bench<S>) -> ApiUsage<S> {
    ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone())
}

fn calls<S: Store>(usage: &ApiUsage<S>) -> Vec<ApiCall> {
    usage.list(&ApiCallFilter::new(), &PageRequest::first(500)).unwrap().items
}

fn recorded_responses_of_replicate_are_logged_with_what_they_say(store: impl Store) {
    let bench = Bench::new(store);
    let usage = usage(&bench);
    let recorder = CallRecorder::new(usage.clone());
    let exchanges = recorded();
    for exchange in &exchanges {
        let received_at: Timestamp = chrono::DateTime::parse_from_rfc2822(&exchange.headers["date"]).unwrap().to_utc();
        let call = NewCall::new("replicate", format!("{} {}", exchange.method, exchange.path));
        let answer = Answer::new(exchange.status, received_at).headers(&exchange.headers);
        suspended(|| {
            recorder.call(&call, |open| {
                open.answered(&answer);
                Ok::<_, &str>(())
            })
        })
        .unwrap();
    }
    let calls = calls(&usage);
    assert_eq!(calls.len(), exchanges.len());
    let mut silent = 0;
    for (call, exchange) in calls.iter().zip(&exchanges) {
        let remaining = exchange.headers.get("ratelimit-remaining").map(|text| text.parse::<i64>().unwrap());
        silent += u32::from(remaining.is_none());
        assert_eq!((call.rate_limit_remaining, call.http_status), (remaining, Some(exchange.status)));
        assert_eq!(call.outcome, Some(CallOutcome::of_http_status(exchange.status)));
    }
    assert!(silent > 0, "the fixture has answers that say nothing");
}

fn a_reset_that_no_store_can_keep_keeps_no_call_from_being_recorded(store: impl Store) {
    let bench = Bench::new(store);
    let usage = usage(&bench);
    // Milliseconds since 1970, read as seconds from now.
    let answer =
        Answer::new(200, bench.now()).headers([("ratelimit-remaining", "7"), ("ratelimit-reset", "1764158400000")]);
    let call = NewCall::new("replicate", "POST /v1/predictions");
    let answered = |open: &OpenCall| {
        open.answered(&answer);
        Ok::<_, &str>(())
    };
    suspended(|| CallRecorder::new(usage.clone()).call(&call, answered)).unwrap();
    let calls = calls(&usage);
    assert_eq!(calls.iter().map(|call| call.rate_limit_reset_at).collect::<Vec<_>>(), [None]);
}

fn a_call_is_recorded_however_it_ends(store: impl Store) {
    let bench = Bench::new(store);
    let usage = usage(&bench);
    let recorder = CallRecorder::new(usage.clone());
    let call = NewCall::new("etsy", "GET /listings").account("main").request_count(3);
    let answered = |status| {
        let answer = Answer::new(status, bench.now()).headers([("x-limit-per-second", "10")]);
        suspended(|| {
            recorder.call(&call, |open| {
                open.answered(&answer);
                if status < 400 { Ok(()) } else { Err(format!("status {status}")) }
            })
        })
    };
    for status in [200, 404, 429, 503] {
        assert_eq!(answered(status).is_ok(), status < 400);
    }
    assert_eq!(suspended(|| recorder.call(&call, |_| Err::<(), _>("no route"))), Err("no route"));
    let panicking = || suspended(|| recorder.call(&call, |_| -> Result<(), String> { panic!("a client panics") }));
    assert!(catch_panic(panicking).is_err());
    assert!(OpenCall::current().is_none());
    let ends: Vec<_> = calls(&usage).into_iter().map(|call| (call.outcome, call.http_status, call.error)).collect();
    let end = |outcome, status, error: &str| {
        (Some(outcome), status, Some(error.to_owned()).filter(|error| !error.is_empty()))
    };
    assert_eq!(
        ends,
        [
            end(CallOutcome::Ok, Some(200), ""),
            end(CallOutcome::Refused, Some(404), "status 404"),
            end(CallOutcome::Throttled, Some(429), "status 429"),
            end(CallOutcome::NoAnswer, Some(503), "status 503"),
            end(CallOutcome::NoAnswer, None, "no route"),
            end(CallOutcome::NoAnswer, None, "the call panicked"),
        ]
    );
    let first = calls(&usage).remove(0);
    assert!(first.duration.is_some());
    assert_eq!((first.account.as_deref(), first.request_count, first.at), (Some("main"), 3, bench.now()));
    assert_eq!((first.job_id, first.file_id), (None, None));
}

fn what_a_call_was_told_counts(store: impl Store) {
    let bench = Bench::new(store);
    let usage = usage(&bench);
    let told = |tell: &dyn Fn(&OpenCall)| {
        let call = NewCall::new("replicate", "POST /v1/predictions").job_id(JobId::from_random(1));
        let tell_and_fail = |open: &OpenCall| {
            tell(open);
            Err::<(), _>("the client's words")
        };
        suspended(|| CallRecorder::new(usage.clone()).call(&call, tell_and_fail)).unwrap_err();
        calls(&usage).pop().unwrap()
    };
    let call = told(&|open| open.outcome(CallOutcome::NotSent));
    assert_eq!((call.outcome, call.error.as_deref()), (Some(CallOutcome::NotSent), Some("the client's words")));
    assert_eq!(call.job_id, Some(JobId::from_random(1)));
    let call = told(&|open| {
        open.answered(&Answer::new(200, bench.now()));
        open.error("a body that is no JSON");
        open.external_id("p1");
        open.request_count(0);
    });
    assert_eq!((call.outcome, call.error.as_deref()), (Some(CallOutcome::Ok), Some("a body that is no JSON")));
    assert_eq!((call.external_id.as_deref(), call.request_count), (Some("p1"), 0));
    // The implementation of a platform finds the call that a wrapper has begun.
    let call = told(&|_| OpenCall::current().unwrap().answered(&Answer::new(402, bench.now())));
    assert_eq!((call.http_status, call.outcome), (Some(402), Some(CallOutcome::Refused)));
}

fn a_handlers_calls_name_its_job_and_file(store: impl Store) {
    let bench = Bench::new(store);
    let usage = usage(&bench);
    let recorder = CallRecorder::new(usage.clone());
    let note = bench.note("x");
    let running = Worker::builder(bench.queue.store().clone(), bench.queue.environment().clone())
        .handle(move |_: Task<Note>| {
            let ping = || recorder.call(&NewCall::new("etsy", "GET /ping"), |_| Ok::<_, String>(()));
            suspended(ping).map_err(Outcome::fail)
        })
        .start()
        .unwrap();
    running.stop_handle().stop_when_idle();
    running.join().unwrap();
    let calls = calls(&usage);
    assert_eq!(
        calls.iter().map(|call| (call.job_id, call.outcome)).collect::<Vec<_>>(),
        [(Some(note), Some(CallOutcome::Ok))]
    );
    assert_eq!(NewCall::new("etsy", "GET /ping").job_id, None, "no handler runs on this thread");
}

fn secrets_are_removed_from_errors(store: impl Store) {
    let bench = Bench::new(store);
    let usage = usage(&bench);
    let recorder = CallRecorder::new(usage.clone()).secret("correct horse battery");
    let error = "GET https://api.example.com/v1?api_key=0123456789: refused for correct horse battery";
    let answer = suspended(|| recorder.call(&NewCall::new("example", "GET /v1"), |_| Err::<(), _>(error)));
    assert_eq!(answer, Err(error), "the caller gets the error as it was");
    let calls = calls(&usage);
    let stored = calls[0].error.as_deref();
    assert_eq!(stored, Some("GET https://api.example.com/v1?api_key=*** refused for ***"));
}

fn a_publisher_records_the_calls_of_its_platforms(store: impl Store) {
    let (shop, id) = approved(store, &[]);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let usage = usage(&shop.bench);
    let publisher = publisher(&shop, &[&etsy]).record_calls(CallRecorder::new(usage.clone()));
    let until = shop.bench.now() + Duration::from_secs(60);
    etsy.next([Next::Throttle(until), Next::Refuse, Next::NotSent, Next::Ignore]);
    for variant in ["a", "b", "c", "d", "e"] {
        suspended(|| publisher.list(&on_etsy(id).variant(variant))).unwrap();
    }
    let creates: Vec<_> = calls(&usage).into_iter().filter(|call| call.endpoint.as_deref() == Some("create")).collect();
    let outcomes: Vec<_> = creates.iter().map(|call| call.outcome.unwrap()).collect();
    use CallOutcome::{NoAnswer, NotSent, Ok, Refused, Throttled};
    assert_eq!(outcomes, [Throttled, Refused, NotSent, NoAnswer, Ok]);
    let known = |call: &ApiCall| call.service == "etsy" && call.file_id == Some(FileId::clone(&id));
    assert!(creates.iter().all(known), "{creates:?}");
    assert_eq!(creates[1].error.as_deref(), Some("refused: no antlers, please"));
}
