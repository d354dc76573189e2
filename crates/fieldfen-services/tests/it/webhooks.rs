//! Webhooks take effect once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fieldfen_domain::job::{JobFilter, JobStatus};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{PageRequest, Timestamp};
use fieldfen_services::Transaction;
use fieldfen_services::environment::{Environment, ManualClock, SeededRandomness};
use fieldfen_services::queue::{Queue, QueueError};
use fieldfen_services::webhooks::{InvalidDelivery, ReceiveError, ReceiveOutcome, Retention, WebhookIntake, hash};
use fieldfen_testkit::faults::suspended;
use fieldfen_testkit::wait::{DeadlineBarrier, scope_with_deadline};

use crate::{Bench, Note};

on_every_store!(
    a_delivery_takes_effect_once,
    a_body_without_an_id_is_recognised_by_its_bytes,
    an_id_tells_deliveries_of_one_body_apart_within_its_source_and_scope,
    a_resent_delivery_with_other_bytes_is_a_repetition,
    an_empty_body_without_an_id_is_a_trigger,
    a_failing_effect_leaves_nothing_behind,
    a_panicking_effect_leaves_nothing_behind,
    a_delivery_is_new_again_when_its_source_is_remembered_no_longer,
    what_has_expired_is_purged_in_batches,
    a_repetition_names_the_file_the_first_one_led_to,
    what_cannot_be_taken_is_refused_and_not_remembered,
    many_threads_that_deliver_the_same_webhooks_have_one_effect_each,
);

fn intake<S: Store>(bench: &Bench<S>) -> WebhookIntake<S> {
    WebhookIntake::new(bench.queue.store().clone(), bench.queue.environment().clone())
}

/// Enqueues a note: the effect of most webhooks here.
fn note<S: Store>(bench: &Bench<S>, t: &mut Transaction<'_>) -> Result<(), QueueError> {
    t.enqueue(&bench.queue.job(&Note::new("arrived")).unwrap()).map(drop)
}

fn notes<S: Store>(bench: &Bench<S>) -> usize {
    let filter = JobFilter::new().status(JobStatus::Pending);
    bench.queue.list(&filter, &PageRequest::first(10_000)).unwrap().items.len()
}

fn receive<S: Store>(bench: &Bench<S>, source: &str, id: Option<&str>, body: &[u8]) -> Option<Option<Timestamp>> {
    match intake(bench).receive(source, id, None, body, |t| note(bench, t)).unwrap() {
        ReceiveOutcome::New(()) => None,
        ReceiveOutcome::Duplicate { first_seen, .. } => Some(first_seen),
    }
}

fn a_delivery_takes_effect_once(store: impl Store) {
    let bench = Bench::new(store);
    let first_seen = bench.now();
    assert_eq!(receive(&bench, "shopify", Some("1"), b"{}"), None);
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(receive(&bench, "shopify", Some("1"), b"{}"), Some(Some(first_seen)));
    assert_eq!(notes(&bench), 1);
}

fn a_body_without_an_id_is_recognised_by_its_bytes(store: impl Store) {
    let bench = Bench::new(store);
    assert_eq!(receive(&bench, "acme", None, br#"{"id":9007199254740993}"#), None);
    assert_eq!(receive(&bench, "acme", None, br#"{"id":9007199254740992}"#), None);
    assert_eq!(receive(&bench, "acme", None, br#"{"id": 9007199254740993}"#), None);
    assert!(receive(&bench, "acme", None, br#"{"id":9007199254740993}"#).is_some());
    assert_eq!(notes(&bench), 3);
}

fn an_id_tells_deliveries_of_one_body_apart_within_its_source_and_scope(store: impl Store) {
    let bench = Bench::new(store);
    let deliver = |source: &str, scope: Option<&str>, id: &str| {
        intake(&bench).receive(source, Some(id), scope, b"{}", |t| note(&bench, t)).unwrap()
    };
    let all = [("etsy", None, "1"), ("etsy", None, "2"), ("ebay", None, "1"), ("etsy", Some("shop"), "1")];
    for (source, scope, id) in all {
        assert_eq!(deliver(source, scope, id), ReceiveOutcome::New(()));
    }
    for (source, scope, id) in all {
        assert!(matches!(deliver(source, scope, id), ReceiveOutcome::Duplicate { .. }));
    }
}

fn a_resent_delivery_with_other_bytes_is_a_repetition(store: impl Store) {
    let bench = Bench::new(store);
    assert_eq!(receive(&bench, "ebay", Some("n-1"), br#"{"publishAttemptCount":1}"#), None);
    assert!(receive(&bench, "ebay", Some("n-1"), br#"{"publishAttemptCount":2}"#).is_some());
}

fn an_empty_body_without_an_id_is_a_trigger(store: impl Store) {
    let bench = Bench::new(store);
    assert_eq!(receive(&bench, "drive", None, b""), None);
    assert_eq!(receive(&bench, "drive", None, b""), None);
    assert_eq!(receive(&bench, "drive", Some("7"), b""), None);
    assert!(receive(&bench, "drive", Some("7"), b"").is_some());
    assert_eq!(notes(&bench), 3);
}

fn a_failing_effect_leaves_nothing_behind(store: impl Store) {
    let bench = Bench::new(store);
    let failed = intake(&bench).receive("acme", Some("1"), None, b"{}", |t| {
        note(&bench, t).unwrap();
        Err::<(), _>("the shop is closed")
    });
    assert!(matches!(failed, Err(ReceiveError::Effect("the shop is closed"))));
    assert_eq!(notes(&bench), 0);
    assert_eq!(receive(&bench, "acme", Some("1"), b"{}"), None);
    assert_eq!(notes(&bench), 1);
}

fn a_panicking_effect_leaves_nothing_behind(store: impl Store) {
    let bench = Bench::new(store);
    let intake = intake(&bench);
    let died = catch_unwind(AssertUnwindSafe(|| {
        intake.receive("acme", Some("1"), None, b"{}", |t| -> Result<(), QueueError> {
            note(&bench, t)?;
            std::panic::resume_unwind(Box::new("died"))
        })
    }));
    assert!(died.is_err());
    assert_eq!(notes(&bench), 0);
    assert_eq!(receive(&bench, "acme", Some("1"), b"{}"), None);
}

fn a_delivery_is_new_again_when_its_source_is_remembered_no_longer(store: impl Store) {
    let bench = Bench::new(store);
    for (source, hours) in [("shopify", 24), ("stripe", 721), ("etsy", 29), ("unheard-of", 24)] {
        assert_eq!(receive(&bench, source, Some("1"), b"{}"), None);
        bench.clock.advance(Duration::from_secs(hours * 3600) - Duration::from_micros(1));
        assert!(receive(&bench, source, Some("1"), b"{}").is_some(), "{source}");
        bench.clock.advance(Duration::from_micros(1));
        assert_eq!(receive(&bench, source, Some("1"), b"{}"), None, "{source}");
    }
    let endless = intake(&bench).retaining(Retention::default().otherwise(Duration::MAX));
    assert!(matches!(
        endless.receive("acme", None, None, b"{}", |_| Ok::<_, StoreError>(())),
        Ok(ReceiveOutcome::New(()))
    ));
}

fn what_has_expired_is_purged_in_batches(store: impl Store) {
    let bench = Bench::new(store);
    for number in 0..25 {
        receive(&bench, "shopify", Some(&number.to_string()), b"{}");
    }
    receive(&bench, "stripe", Some("1"), b"{}");
    assert_eq!(suspended(|| intake(&bench).purge(10)).unwrap(), 0);
    bench.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(suspended(|| intake(&bench).purge(10)).unwrap(), 25);
    assert_eq!(suspended(|| intake(&bench).purge(0)).unwrap(), 0, "a batch of nothing is one of one");
    assert!(receive(&bench, "stripe", Some("1"), b"{}").is_some());
}

fn a_repetition_names_the_file_the_first_one_led_to(store: impl Store) {
    let bench = Bench::new(store);
    let file = bench.file();
    let body = br#"{"fileId": "abc"}"#;
    let hash = hash("drive", None, None, body).unwrap();
    let deliver = || intake(&bench).receive("drive", None, None, body, |t| t.link_delivery(&hash, &file));
    assert_eq!(deliver().unwrap(), ReceiveOutcome::New(true));
    assert_eq!(deliver().unwrap(), ReceiveOutcome::Duplicate { first_seen: Some(bench.now()), file_id: Some(file) });
}

fn what_cannot_be_taken_is_refused_and_not_remembered(store: impl Store) {
    let bench = Bench::new(store);
    let intake = intake(&bench).body_limit(4);
    let refused =
        |source: &str, id, scope, body: &[u8]| match intake.receive(source, id, scope, body, |t| note(&bench, t)) {
            Err(ReceiveError::Delivery(error)) => error,
            other => panic!("{other:?}"),
        };
    assert_eq!(refused("acme", None, None, b"12345"), InvalidDelivery::TooLarge { bytes: 5, limit: 4 });
    for source in ["", "a b", "ä", &"x".repeat(256)] {
        assert_eq!(refused(source, None, None, b"1"), InvalidDelivery::Source { value: source.to_owned() });
    }
    let alone = refused("acme", None, Some("shop"), b"1");
    assert_eq!(alone, InvalidDelivery::ScopeAlone { scope: "shop".to_owned() });
    for blank in ["", "  ", &"x".repeat(256)] {
        let id = refused("acme", Some(blank), None, b"1");
        assert!(id.to_string().starts_with("delivery id"), "{id}");
        let scope = refused("acme", Some("1"), Some(blank), b"1");
        assert!(scope.to_string().starts_with("scope"), "{scope}");
    }
    assert_eq!(notes(&bench), 0);
    assert!(matches!(intake.receive("acme", None, None, b"1234", |t| note(&bench, t)), Ok(ReceiveOutcome::New(()))));
}

fn many_threads_that_deliver_the_same_webhooks_have_one_effect_each(store: impl Store) {
    const WEBHOOKS: u32 = 50;
    let bench = Bench::new(store);
    let (new, start) = (AtomicU32::new(0), DeadlineBarrier::new(8));
    scope_with_deadline("all deliveries have their answers", |scope| {
        for thread in 0..8 {
            let (new, start) = (&new, &start);
            // A caller recognises its own delivery by the time.
            let clock = ManualClock::new(bench.now());
            clock.advance(Duration::from_micros(thread.into()));
            let environment = Environment::new(clock.clone(), SeededRandomness::new(u64::from(thread) + 2));
            let bench = Bench { queue: Queue::new(bench.queue.store().clone(), environment), clock };
            scope.spawn(move || {
                start.wait("all threads have started");
                for step in 0..WEBHOOKS {
                    // Each thread sends them in its own order.
                    let id = ((step * 7 + thread * 13) % WEBHOOKS).to_string();
                    if receive(&bench, "acme", Some(&id), b"{}").is_none() {
                        new.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(new.load(Ordering::Relaxed), WEBHOOKS);
    assert_eq!(notes(&bench), 50);
}
