//! The product that stays among duplicates, and products that return after they counted as gone.

use std::time::Duration;

use fieldfen_domain::publication::{ListingStatus, ListingUpdate, Platform};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::publishing::{
    Marketplace, Product, PublishOutcome, RemoteItem, RepairReport, ReservationAttempt, StatusUpdateOutcome,
    apply_status_update,
};
use fieldfen_testkit::with;

use crate::fake_marketplace::Next;
use crate::listed_file::listed;
use crate::shop_harness::{HOLD, listing_on, on_etsy};

on_every_store!(
    an_incomplete_list_of_products_delists_nothing,
    a_listing_that_was_taken_for_gone_comes_back,
    a_listing_that_comes_back_beside_another_is_taken_down,
    news_that_a_listing_is_back_is_a_duplicate_while_another_is_live,
    a_copy_takes_the_place_of_a_product_that_is_gone,
    a_job_that_comes_back_keeps_the_only_product,
    a_product_whose_place_was_taken_is_taken_down_when_it_appears,
    a_copy_of_an_ended_listing_is_known_as_live,
    a_sale_before_the_confirmation_is_not_lost,
    a_call_that_overran_its_time_leaves_one_product,
);

fn an_incomplete_list_of_products_delists_nothing(store: impl Store) {
    let listed = listed(store);
    listed.etsy.pages_lag(true);
    assert_eq!(listed.publisher.reconcile(Platform::Etsy, "").unwrap().missing.len(), 1);
    assert_eq!(listed.repair(), RepairReport::default());
    listed.etsy.pages_lag(false);
    listed.assert_only("p1");
}

fn a_listing_that_was_taken_for_gone_comes_back(store: impl Store) {
    let listed = listed(store);
    let product = listed.etsy.live().remove(0);
    listed.etsy.withdraw("p1").unwrap();
    assert_eq!(listed.repair(), with!(RepairReport::default(), delisted: 1));
    listed.etsy.bring_back(&product);
    assert_eq!(listed.repair(), with!(RepairReport::default(), updated: 1));
    listed.assert_only("p1");
    // The same by a status update.
    listed.hear("p1", ListingStatus::Delisted);
    assert_eq!(
        listed.hear("p1", ListingStatus::SoldOut),
        StatusUpdateOutcome::Applied { from: ListingStatus::Delisted }
    );
    listed.etsy.set("p1", ListingStatus::Active);
    listed.repair();
    listed.assert_only("p1");
}

fn a_listing_that_comes_back_beside_another_is_taken_down(store: impl Store) {
    let listed = listed(store);
    let product = listed.etsy.live().remove(0);
    listed.etsy.withdraw("p1").unwrap();
    listed.repair();
    listed.publish();
    assert_eq!(listed.etsy.ids(), ["p2"]);
    listed.etsy.bring_back(&product);
    listed.shop.bench.clock.advance(Duration::from_secs(5));
    assert_eq!(listed.repair(), with!(RepairReport::default(), taken_down: 1));
    listed.assert_only("p2");
}

fn news_that_a_listing_is_back_is_a_duplicate_while_another_is_live(store: impl Store) {
    let listed = listed(store);
    let gone = listed.hear("p1", ListingStatus::Delisted);
    assert_eq!(gone, StatusUpdateOutcome::Applied { from: ListingStatus::Active });
    let since = listed.shop.bench.now();
    let old = ListingUpdate::new(ListingStatus::Active, since, since);
    let taken =
        listed.shop.write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p1", &old)).unwrap();
    assert_eq!(taken, StatusUpdateOutcome::Stale { known: since }, "of the same time the end counts");
    listed.publish();
    let duplicate = StatusUpdateOutcome::Duplicate { live: "p2".to_owned() };
    assert_eq!(listed.hear("p1", ListingStatus::Active), duplicate);
    assert_eq!(listed.shop.listings(&listed.id)[0].status, ListingStatus::Delisted);
}

fn a_copy_takes_the_place_of_a_product_that_is_gone(store: impl Store) {
    let listed = listed(store);
    for _ in 0..2 {
        listed.etsy.copy("p1");
    }
    listed.etsy.withdraw("p1").unwrap();
    assert_eq!(listed.repair(), with!(RepairReport::default(), delisted: 1, confirmed: 1, taken_down: 1));
    listed.assert_only("p2");
}

fn a_job_that_comes_back_keeps_the_only_product(store: impl Store) {
    let listed = listed(store);
    listed.etsy.copy("p1");
    listed.etsy.withdraw("p1").unwrap();
    let again = listed.publisher.list(&on_etsy(listed.id)).unwrap();
    assert_eq!(again, PublishOutcome::AlreadyPublished { platform_id: "p2".to_owned() });
    listed.assert_only("p2");
}

fn a_product_whose_place_was_taken_is_taken_down_when_it_appears(store: impl Store) {
    let listed = listed(store);
    let product = listed.etsy.live().remove(0);
    listed.etsy.copy("p1");
    listed.etsy.withdraw("p1").unwrap();
    listed.repair();
    listed.etsy.bring_back(&product);
    assert_eq!(listed.hear("p1", ListingStatus::Active), StatusUpdateOutcome::StaysDelisted);
    assert_eq!(listed.repair(), with!(RepairReport::default(), taken_down: 1));
    listed.assert_only("p2");
}

fn a_copy_of_an_ended_listing_is_known_as_live(store: impl Store) {
    let listed = listed(store);
    listed.etsy.copy("p1");
    listed.etsy.withdraw("p1").unwrap();
    listed.hear("p1", ListingStatus::Delisted);
    listed.shop.bench.clock.advance(Duration::from_secs(1));
    assert_eq!(listed.repair(), with!(RepairReport::default(), confirmed: 1));
    listed.assert_only("p2");
}

fn a_sale_before_the_confirmation_is_not_lost(store: impl Store) {
    let listed = listed(store);
    let id = listed.shop.process("hare");
    listed.shop.approve(&id);
    let ReservationAttempt::Granted(reservation) = listed.publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap()
    else {
        panic!("not granted");
    };
    let product: Product = listed.etsy.copy("p1");
    listed.shop.bench.clock.advance(Duration::from_secs(10));
    let sold_at = listed.shop.bench.now();
    let sold = |at| ListingUpdate::new(ListingStatus::SoldOut, sold_at, at);
    let hear = |at| {
        listed
            .shop
            .write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p2", &sold(at)))
            .unwrap()
    };
    assert_eq!(hear(sold_at), StatusUpdateOutcome::ListingNotFound, "its sender delivers it again");
    listed.shop.bench.clock.advance(Duration::from_secs(10));
    reservation.confirm(&RemoteItem::from(product)).unwrap();
    assert_eq!(hear(listed.shop.bench.now()), StatusUpdateOutcome::Applied { from: ListingStatus::Active });
    assert_eq!(listed.shop.listings(&id)[0].status, ListingStatus::SoldOut);
}

fn a_call_that_overran_its_time_leaves_one_product(store: impl Store) {
    let listed = listed(store);
    listed.etsy.withdraw("p1").unwrap();
    listed.hear("p1", ListingStatus::Delisted);
    listed.etsy.next([Next::Delay]);
    listed.publish();
    listed.shop.bench.clock.advance(2 * HOLD);
    // The first call takes effect during the second one: after its lookup, before its answer.
    let etsy = listed.etsy.clone();
    listed.etsy.during_call(move || drop(etsy.deliver()));
    let published = listed.publisher.list(&on_etsy(listed.id)).unwrap();
    assert_eq!(published, PublishOutcome::Published { platform_id: "p3".to_owned(), url: None });
    assert_eq!(listed.etsy.ids(), ["p3"]);
}
