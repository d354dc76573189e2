//! Platforms whose lists, searches and lookups lag behind their own answers: a product that was confirmed less than the
//! length of a reservation ago does not count as gone.

use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::job::{JobKind, JobStatus};
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{Marketplace, PublishOutcome, Publisher, RepairReport};
use fieldfen_testkit::with;

use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::foreign_listings::{insert, row};
use crate::shop_harness::{ETSY, HOLD, Shop, approved, listing_on, on_etsy, publisher};

on_every_store!(
    what_was_confirmed_just_now_is_not_taken_for_gone_by_a_reconciliation,
    a_copy_does_not_take_the_place_of_what_was_confirmed_just_now,
    an_update_waits_until_the_platform_shows_what_was_confirmed_just_now,
    the_word_of_the_platform_that_it_is_delisted_counts_at_once,
    a_confirmation_by_a_clock_that_was_ahead_is_not_waited_for,
    a_row_that_another_program_has_just_written_is_not_given_up,
    a_product_with_the_id_of_one_confirmed_just_now_waits,
);

/// A shop one second after its only file was listed as `p1`, which the platform does not show yet.
fn hidden<S: Store>(store: S) -> (Shop<S>, FileId, FakeMarketplace, Publisher<S>) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    etsy.hides(&["p1"]);
    shop.bench.clock.advance(Duration::from_secs(1));
    (shop, id, etsy, publisher)
}

fn what_was_confirmed_just_now_is_not_taken_for_gone_by_a_reconciliation(store: impl Store) {
    let (shop, id, etsy, publisher) = hidden(store);
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.missing, [], "nobody can tell yet");
    // The status update of an older reconciliation, or of a program that asks the platform itself.
    let told = with!(found, missing: shop.listings(&id));
    assert_eq!(publisher.repair(&told).unwrap(), RepairReport::default());
    assert_eq!(shop.states(&id), [PublicationState::Confirmed]);
    shop.bench.clock.advance(HOLD - Duration::from_secs(2));
    assert_eq!(publisher.repair(&told).unwrap(), RepairReport::default());
    shop.bench.clock.advance(Duration::from_secs(1));
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.missing.len(), 1, "a hold later it is gone");
    assert_eq!(publisher.repair(&found).unwrap(), with!(RepairReport::default(), delisted: 1));
    assert_eq!((shop.states(&id), etsy.made()), (vec![PublicationState::Ended], 1));
}

fn a_copy_does_not_take_the_place_of_what_was_confirmed_just_now(store: impl Store) {
    let (_, id, etsy, publisher) = hidden(store);
    etsy.copy("p1");
    for _ in 0..2 {
        let found = publisher.reconcile(Platform::Etsy, "").unwrap();
        assert_eq!(found.duplicates.len(), 1);
        assert_eq!(publisher.repair(&found).unwrap(), RepairReport::default());
        assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::AlreadyPublished { .. }));
    }
    assert_eq!(etsy.ids(), ["p1", "p2"]);
    etsy.hides(&[]);
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(publisher.repair(&found).unwrap(), with!(RepairReport::default(), taken_down: 1));
    assert_eq!(etsy.ids(), ["p1"]);
    assert!(publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
}

fn an_update_waits_until_the_platform_shows_what_was_confirmed_just_now(store: impl Store) {
    let (shop, id, etsy, publisher) = hidden(store);
    shop.retitle(&id, "Buck in the Mist");
    shop.approve(&id);
    shop.work(&publisher);
    assert_eq!(shop.states(&id), [PublicationState::Confirmed]);
    assert_eq!(shop.live_jobs(&id), ["UpdateListing"], "the new title is still to come");
    etsy.hides(&[]);
    shop.bench.clock.advance(HOLD);
    shop.work(&publisher);
    assert_eq!((etsy.titles(), shop.live_jobs(&id)), (vec!["Buck in the Mist".to_owned()], vec![]));
    assert!(shop.all_jobs(&id).iter().all(|job| job.attempts == 0), "no retry was spent on it");
}

fn the_word_of_the_platform_that_it_is_delisted_counts_at_once(store: impl Store) {
    let (shop, id, etsy, publisher) = hidden(store);
    etsy.hides(&[]);
    etsy.set("p1", ListingStatus::Delisted);
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(publisher.repair(&found).unwrap(), with!(RepairReport::default(), delisted: 1));
    assert_eq!(shop.states(&id), [PublicationState::Ended]);
}

fn a_confirmation_by_a_clock_that_was_ahead_is_not_waited_for(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let right = shop.bench.now();
    shop.bench.clock.advance(Duration::from_secs(365 * 86_400));
    shop.work(&publisher);
    shop.bench.clock.set(right);
    etsy.withdraw("p1").unwrap();
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(publisher.repair(&found).unwrap(), with!(RepairReport::default(), delisted: 1));
    assert_eq!(shop.states(&id), [PublicationState::Ended]);
}

fn a_row_that_another_program_has_just_written_is_not_given_up(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.by_hand("FIRST", None);
    etsy.hides(&["FIRST"]);
    insert(&shop, &with!(row(1, id, "FIRST"), created_at: Some(shop.bench.now())));
    shop.bench.clock.advance(Duration::from_secs(1));
    let held = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(held, PublishOutcome::InProgress { until: shop.bench.now() + HOLD - Duration::from_secs(1) });
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.missing, []);
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Active);
    etsy.hides(&[]);
    shop.bench.clock.advance(HOLD);
    shop.work(&publisher);
    assert_eq!((etsy.ids(), etsy.made()), (vec!["FIRST".to_owned()], 0));
    let created = shop.all_jobs(&id).into_iter().find(|job| job.kind == JobKind::CreateListing).unwrap();
    assert_eq!(created.state.status(), JobStatus::Completed);
}

fn a_product_with_the_id_of_one_confirmed_just_now_waits(store: impl Store) {
    let (shop, id, etsy, publisher) = hidden(store);
    let other = shop.process("doe");
    shop.approve(&other);
    etsy.withdraw("p1").unwrap();
    let key = IdempotencyKey::derive(&other, &listing_on(Platform::Etsy), 0);
    etsy.hides(&[]);
    etsy.next([Next::Answer(etsy.by_hand("p1", Some(key.as_str())))]);
    let held = publisher.list(&on_etsy(other)).unwrap();
    assert_eq!(held, PublishOutcome::InProgress { until: shop.bench.now() + HOLD - Duration::from_secs(1) });
    assert_eq!(
        (shop.states(&id), shop.states(&other)),
        (vec![PublicationState::Confirmed], vec![PublicationState::Unknown])
    );
    shop.bench.clock.advance(HOLD);
    let published = publisher.list(&on_etsy(other)).unwrap();
    assert_eq!(published, PublishOutcome::Published { platform_id: "p1".to_owned(), url: None });
    assert_eq!(
        (shop.states(&id), shop.states(&other)),
        (vec![PublicationState::Ended], vec![PublicationState::Confirmed])
    );
}
