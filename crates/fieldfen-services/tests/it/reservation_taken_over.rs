//! Callers whose reservation another caller has taken over meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{PublishOutcome, Publisher, ReservationAttempt};

use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::shop_harness::{ETSY, HOLD, Shop, approved, listing_on, on_etsy, publisher};

on_every_store!(
    a_refusal_that_comes_too_late_fails_no_job,
    a_call_that_gets_no_answer_in_time_leaves_one_product,
    a_lookup_that_fails_too_late_leaves_the_publication_alone,
    a_caller_that_was_stopped_before_its_call_gives_way,
);

/// Lets another caller list the file, after the reservation has expired.
fn list_it<S: Store>(shop: &Shop<S>, publisher: &Publisher<S>, id: FileId) -> impl FnOnce() + Send + 'static {
    let (clock, publisher) = (shop.bench.clock.clone(), publisher.clone());
    move || {
        clock.advance(HOLD);
        assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    }
}

/// Lets another caller take the publication over, after the reservation has expired.
fn take_it_over<S: Store>(shop: &Shop<S>, publisher: &Publisher<S>, id: FileId) -> impl FnOnce() + Send + 'static {
    let (clock, publisher) = (shop.bench.clock.clone(), publisher.clone());
    move || {
        clock.advance(HOLD);
        assert!(matches!(
            publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap(),
            ReservationAttempt::Unresolved(_)
        ));
    }
}

fn a_refusal_that_comes_too_late_fails_no_job(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Refuse]);
    etsy.during_call(list_it(&shop, &publisher, id));
    let refused = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(refused, PublishOutcome::InProgress { until: shop.bench.now() + HOLD });
    shop.bench.clock.advance(HOLD);
    let again = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(again, PublishOutcome::AlreadyPublished { platform_id: "p1".to_owned() });
}

fn a_call_that_gets_no_answer_in_time_leaves_one_product(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    etsy.during_call(list_it(&shop, &publisher, id));
    let unanswered = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(unanswered, PublishOutcome::InProgress { until: shop.bench.now() + HOLD });
    assert_eq!(etsy.ids(), ["p1", "p2"]);
    shop.bench.clock.advance(HOLD);
    let again = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(again, PublishOutcome::AlreadyPublished { platform_id: "p1".to_owned() });
    assert_eq!(etsy.ids(), ["p1"]);
}

fn a_lookup_that_fails_too_late_leaves_the_publication_alone(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    etsy.lookup_fails(true);
    let taken_over = Arc::new(Mutex::new(Vec::new()));
    let (take, other, seen) = (take_it_over(&shop, &publisher, id), publisher.clone(), Arc::clone(&taken_over));
    etsy.during_lookup(move || {
        take();
        *seen.lock().unwrap() = other.store().read(|s| s.publications().list_by_file(&id)).unwrap();
    });
    let looked_up = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(looked_up, PublishOutcome::InProgress { until: shop.bench.now() + HOLD });
    assert_eq!(shop.publications(&id), *taken_over.lock().unwrap());
}

fn a_caller_that_was_stopped_before_its_call_gives_way(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::NotSent]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::NotSent { .. }));
    shop.bench.clock.advance(Duration::from_secs(1));
    etsy.during_lookup(take_it_over(&shop, &publisher, id));
    let stopped = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(stopped, PublishOutcome::InProgress { until: shop.bench.now() + HOLD });
    assert_eq!(etsy.made(), 0);
}
