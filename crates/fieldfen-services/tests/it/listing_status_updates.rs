//! Changes of listings after their publication.

use std::time::Duration;

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{ListingStatus, ListingUpdate, Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::publishing::{Marketplace, StatusUpdateOutcome, apply_status_update};
use fieldfen_testkit::fixtures::by_ann;

use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{BOTH, ETSY, HOLD, approved, listing_on, publisher};

on_every_store!(
    sold_out_and_restocked_stay_published,
    a_delisted_listing_is_listed_anew_under_another_key,
    stale_news_change_nothing,
    a_published_file_that_changes_updates_its_listings,
    a_product_that_vanished_is_delisted_by_its_update,
);

fn news(status: ListingStatus, event_at: Timestamp) -> ListingUpdate {
    ListingUpdate::new(status, event_at, event_at).platform_status(format!("etsy:{status}"))
}

fn sold_out_and_restocked_stay_published(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    for (status, seconds) in [(ListingStatus::SoldOut, 1), (ListingStatus::Active, 2), (ListingStatus::Draft, 3)] {
        let news = news(status, shop.bench.now() + Duration::from_secs(seconds));
        let taken =
            shop.write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p1", &news)).unwrap();
        assert!(matches!(taken, StatusUpdateOutcome::Applied { .. }));
        let listing = shop.listings(&id).remove(0);
        assert_eq!((listing.status, listing.platform_status), (status, Some(format!("etsy:{status}"))));
        assert_eq!(shop.status(&id), FileStatus::Published);
        assert_eq!(shop.states(&id), [PublicationState::Confirmed]);
    }
}

fn a_delisted_listing_is_listed_anew_under_another_key(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy).knowing_keys();
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let first = etsy.live()[0].key.clone();
    let gone = news(ListingStatus::Delisted, shop.bench.now() + Duration::from_secs(1));
    shop.write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p1", &gone)).unwrap();
    assert_eq!(shop.states(&id), [PublicationState::Ended]);

    let _ = shop
        .write(|s| shop.pipeline.publish(&mut Transaction::new(s), &id, &listing_on(Platform::Etsy), &by_ann("wanted")))
        .unwrap();
    shop.work(&publisher);
    let second = etsy.live()[1].key.clone();
    assert_ne!(first, second);
    let listings: Vec<_> = shop.listings(&id).iter().map(|listing| listing.status).collect();
    assert_eq!(listings, [ListingStatus::Delisted, ListingStatus::Active]);
    assert_eq!(shop.status(&id), FileStatus::Published);
}

fn stale_news_change_nothing(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    let later = shop.bench.now() + Duration::from_secs(60);
    let (newer, older) = (news(ListingStatus::SoldOut, later), news(ListingStatus::Delisted, shop.bench.now()));
    shop.write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p1", &newer)).unwrap();
    let taken =
        shop.write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p1", &older)).unwrap();
    assert_eq!(taken, StatusUpdateOutcome::Stale { known: later });
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::SoldOut);
    assert_eq!(
        shop.write(|s| apply_status_update(&mut Transaction::new(s), Platform::Ebay, "", "p1", &newer)).unwrap(),
        StatusUpdateOutcome::ListingNotFound
    );
}

fn a_published_file_that_changes_updates_its_listings(store: impl Store) {
    let (shop, id) = approved(store, BOTH);
    let (etsy, shopify) = (FakeMarketplace::new(Platform::Etsy), FakeMarketplace::new(Platform::Shopify));
    let publisher = publisher(&shop, &[&etsy, &shopify]);
    shop.work(&publisher);
    shop.retitle(&id, "Buck in the Mist");
    assert_eq!(shop.status(&id), FileStatus::Published);
    assert_eq!(shop.live_jobs(&id), ["UpdateListing", "UpdateListing"]);
    shop.work(&publisher);
    assert_eq!((etsy.titles(), shopify.titles()), (vec!["Buck in the Mist".into()], vec!["Buck in the Mist".into()]));
}

fn a_product_that_vanished_is_delisted_by_its_update(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    shop.bench.clock.advance(HOLD);
    etsy.withdraw("p1").unwrap();
    shop.retitle(&id, "Buck in the Mist");
    shop.work(&publisher);
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Delisted);
    assert_eq!(shop.states(&id), [PublicationState::Ended]);
}
