//! Answers of a marketplace that do not fit the question.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{ListingStatus, Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{Marketplace, Product, PublishOutcome};

use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::listed_file::{ListedFile, listed};
use crate::shop_harness::{ETSY, approved, on_etsy, publisher};

on_every_store!(
    an_id_that_the_platform_uses_again_is_listed,
    an_answer_without_an_id_is_no_answer,
    a_product_that_is_delisted_when_it_is_made_is_not_published,
    a_product_that_is_sold_out_when_it_is_made_is_published,
    a_duplicate_that_cannot_be_taken_down_does_not_stop_the_others,
    a_target_that_is_throttled_again_and_again_has_one_row,
);

fn answer(platform_id: &str, status: ListingStatus) -> Product {
    let platform_id = platform_id.to_owned();
    Product::new(platform_id, status)
}

fn an_id_that_the_platform_uses_again_is_listed(store: impl Store) {
    let ListedFile { shop, etsy, publisher, id } = listed(store);
    etsy.withdraw("p1").unwrap();
    listed_as_delisted(&shop, &id);
    let other = shop.process("doe");
    shop.approve(&other);
    etsy.next([Next::Answer(etsy.by_hand("p1", None))]);
    let published = publisher.list(&on_etsy(other)).unwrap();
    assert_eq!(published, PublishOutcome::Published { platform_id: "p1".to_owned(), url: None });
    assert_eq!(shop.states(&other), [PublicationState::Confirmed]);
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Delisted);
    let listing = shop.listings(&other).remove(0);
    assert_eq!((listing.platform_listing_id.as_str(), listing.status), ("p1", ListingStatus::Active));
}

fn listed_as_delisted<S: Store>(shop: &crate::shop_harness::Shop<S>, id: &fieldfen_domain::FileId) {
    let listing = shop.listings(id).remove(0);
    let at = shop.bench.now();
    let status = ListingStatus::Delisted;
    let news = fieldfen_domain::publication::ListingUpdate::new(status, at, at);
    shop.write(|s| s.listings().update(&listing.id, &news)).unwrap();
}

fn an_answer_without_an_id_is_no_answer(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Answer(answer(" ", ListingStatus::Active))]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    assert_eq!((shop.states(&id), shop.listings(&id)), (vec![PublicationState::Unknown], vec![]));
}

fn a_product_that_is_delisted_when_it_is_made_is_not_published(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Answer(answer("gone", ListingStatus::Delisted))]);
    let published = publisher.list(&on_etsy(id)).unwrap();
    assert!(
        !matches!(published, PublishOutcome::Published { .. } | PublishOutcome::AlreadyPublished { .. }),
        "{published:?}"
    );
    assert_eq!((shop.status(&id), shop.states(&id)), (FileStatus::Approved, vec![PublicationState::Ended]));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
}

fn a_product_that_is_sold_out_when_it_is_made_is_published(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    etsy.next([Next::Answer(answer("p1", ListingStatus::SoldOut))]);
    let published = publisher(&shop, &[&etsy]).list(&on_etsy(id)).unwrap();
    assert_eq!(published, PublishOutcome::Published { platform_id: "p1".to_owned(), url: None });
    assert_eq!((shop.status(&id), shop.listings(&id)[0].status), (FileStatus::Published, ListingStatus::SoldOut));
}

fn a_duplicate_that_cannot_be_taken_down_does_not_stop_the_others(store: impl Store) {
    let ListedFile { shop, etsy, publisher, id } = listed(store);
    let other = shop.process("doe");
    shop.approve(&other);
    shop.work(&publisher);
    for product in ["p1", "p1", "p2"] {
        etsy.copy(product);
    }
    etsy.keeps("p3");
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    let _ = publisher.repair(&found);
    assert_eq!(etsy.ids(), ["p1", "p2", "p3"], "{id}");
}

fn a_target_that_is_throttled_again_and_again_has_one_row(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next(vec![Next::Throttle(shop.bench.now()); 20]);
    for _ in 0..20 {
        assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Throttled { .. }));
    }
    assert_eq!(shop.states(&id), [PublicationState::Released]);
}
