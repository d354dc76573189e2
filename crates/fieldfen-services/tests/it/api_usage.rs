//! Calls to external APIs, with recorded responses.

use std::collections::HashMap;

use fieldfen_domain::api_usage::ApiCallFilter;
use fieldfen_domain::store::Store;
use fieldfen_domain::{PageRequest, Timestamp};
use fieldfen_services::api_usage::{ApiUsage, RateLimit};
use fieldfen_testkit::faults::suspended;

use crate::Bench;

on_every_store!(
    recorded_responses_of_replicate_are_logged_with_what_they_say,
    a_reset_that_no_store_can_keep_keeps_no_call_from_being_recorded,
);

#[derive(serde::Deserialize)]
struct Exchange {
    method: String,
    path: String,
    headers: HashMap<String, String>,
}

fn recorded() -> Vec<Exchange> {
    serde_json::from_str(include_str!("../fixtures/replicate-responses.json")).unwrap()
}

fn recorded_responses_of_replicate_are_logged_with_what_they_say(store: impl Store) {
    let bench = Bench::new(store);
    let log = ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let (mut silent, mut limited) = (0, 0);
    for exchange in recorded() {
        let received_at: Timestamp = chrono::DateTime::parse_from_rfc2822(&exchange.headers["date"]).unwrap().to_utc();
        let header = |name: &str| exchange.headers.get(name).map(String::as_str);
        let limit = RateLimit::replicate(header, received_at);
        match header("ratelimit-remaining") {
            Some(text) => {
                assert_eq!(limit.remaining.unwrap().to_string(), text);
                assert_eq!((limit.reset_at.unwrap() - received_at).num_seconds(), 1);
                limited += 1;
            }
            None => {
                assert_eq!(limit, RateLimit::default());
                silent += 1;
            }
        }
        let endpoint = format!("{} {}", exchange.method, exchange.path);
        suspended(|| log.record("replicate", &endpoint, limit)).unwrap();
    }
    assert!(silent > 0 && limited > 0, "the fixture holds both");
    let totals = log.totals(bench.now()).unwrap().services;
    assert_eq!(totals.len(), 1);
    assert_eq!((totals[0].service.as_str(), totals[0].requests), ("replicate", silent + limited));
    assert_eq!(log.totals(bench.now() + std::time::Duration::from_micros(1)).unwrap().services, []);
}

fn a_reset_that_no_store_can_keep_keeps_no_call_from_being_recorded(store: impl Store) {
    let bench = Bench::new(store);
    let log = ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone());
    // Milliseconds since 1970, read as seconds from now.
    let header = |name: &str| (name == "ratelimit-reset").then_some("1764158400000");
    suspended(|| log.record("replicate", "POST /v1/predictions", RateLimit::replicate(header, bench.now()))).unwrap();
    let calls = log.list(&ApiCallFilter::new(), &PageRequest::first(9)).unwrap().items;
    assert_eq!(calls.iter().map(|call| call.rate_limit_reset_at).collect::<Vec<_>>(), [None]);
}
