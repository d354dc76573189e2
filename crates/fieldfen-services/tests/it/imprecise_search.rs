//! Marketplaces whose search returns more products than requested.

use fieldfen_domain::publication::{Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::PublishOutcome;

use crate::fake_marketplace::{FakeMarketplace, Finds, Next};
use crate::listed_file::{ListedFile, listed};
use crate::shop_harness::{ETSY, HOLD, Shop, approved, on_etsy, publisher};

on_every_store!(
    another_files_listing_stays_when_duplicates_are_taken_down,
    a_repeated_job_leaves_a_hand_made_product_alone,
    a_lost_answer_adopts_no_product_of_another_key,
    a_lost_answer_without_keys_waits_for_a_person,
    a_product_without_a_key_is_not_taken_down,
);

/// Fieldfen's keys have the same beginning, so that a search by prefix finds the products of every file.
const SLOPPY: [Finds; 3] = [Finds::ByPrefix, Finds::ByPrefixWithoutKeys, Finds::ByPrefixWithEmptyKeys];

fn another_files_listing_stays_when_duplicates_are_taken_down(store: impl Store) {
    let ListedFile { shop, etsy, publisher, id } = listed(store);
    let other = shop.process("doe");
    shop.approve(&other);
    shop.work(&publisher);
    assert_eq!(etsy.ids(), ["p1", "p2"]);
    for finds in SLOPPY {
        etsy.finds(finds);
        etsy.copy("p1");
        let found = publisher.reconcile(Platform::Etsy, "").unwrap();
        let _ = publisher.repair(&found);
        let _ = publisher.list(&on_etsy(id));
        assert!(etsy.ids().starts_with(&["p1".to_owned(), "p2".to_owned()]), "{finds:?}: {:?}", etsy.ids());
        for file in [&id, &other] {
            assert_eq!(shop.states(file), [PublicationState::Confirmed], "{finds:?}");
        }
    }
}

fn a_repeated_job_leaves_a_hand_made_product_alone(store: impl Store) {
    let ListedFile { etsy, publisher, id, .. } = listed(store);
    let key = etsy.live()[0].key.clone().unwrap();
    etsy.by_hand("longer", Some(&format!("{key}-A3")));
    etsy.by_hand("upper", Some(&key.as_str().to_uppercase()));
    for finds in SLOPPY {
        etsy.finds(finds);
        assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::AlreadyPublished { .. }));
        assert_eq!(etsy.ids(), ["p1", "longer", "upper"], "{finds:?}");
    }
}

/// A shop whose only file is approved. The answer to its first call is lost.
fn lost<S: Store>(store: S) -> (Shop<S>, FakeMarketplace, fieldfen_domain::FileId) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    etsy.next([Next::Ignore]);
    assert!(matches!(publisher(&shop, &[&etsy]).list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    shop.bench.clock.advance(HOLD);
    let key = shop.publications(&id)[0].client_key.clone();
    etsy.by_hand("longer", Some(&format!("{key}-A3")));
    etsy.by_hand("upper", Some(&key.as_str().to_uppercase()));
    (shop, etsy, id)
}

fn a_lost_answer_adopts_no_product_of_another_key(store: impl Store) {
    let (shop, etsy, id) = lost(store);
    etsy.finds(Finds::ByPrefix);
    let published = publisher(&shop, &[&etsy]).list(&on_etsy(id)).unwrap();
    assert_eq!(published, PublishOutcome::Published { platform_id: "p1".to_owned(), url: None });
    assert_eq!(etsy.ids(), ["longer", "upper", "p1"]);
}

fn a_lost_answer_without_keys_waits_for_a_person(store: impl Store) {
    let (shop, etsy, id) = lost(store);
    for finds in [Finds::ByPrefixWithoutKeys, Finds::ByPrefixWithEmptyKeys] {
        etsy.finds(finds);
        let published = publisher(&shop, &[&etsy]).list(&on_etsy(id)).unwrap();
        assert!(matches!(published, PublishOutcome::Unknown { .. }), "{finds:?}: {published:?}");
        assert_eq!((etsy.ids(), shop.listings(&id)), (vec!["longer".to_owned(), "upper".to_owned()], vec![]));
    }
}

fn a_product_without_a_key_is_not_taken_down(store: impl Store) {
    let ListedFile { etsy, publisher, id, .. } = listed(store);
    // The product may be a duplicate of a late call, or one that was made by hand.
    etsy.copy("p1");
    etsy.finds(Finds::ByPrefixWithoutKeys);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::AlreadyPublished { .. }));
    assert_eq!(etsy.ids(), ["p1", "p2"]);
}
