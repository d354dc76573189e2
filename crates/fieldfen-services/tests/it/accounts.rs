//! Two accounts of one platform, each of which counts its products from 1.

use fieldfen_domain::FileId;
use fieldfen_domain::job::CreateListing;
use fieldfen_domain::publication::{ListingStatus, Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{Marketplace, Publisher, Publishing};

use crate::shop::{Shop, publisher};
use crate::stall::Stall;

on_every_store!(
    another_files_product_with_the_same_id_at_another_account_is_listed,
    a_loss_at_one_account_ends_no_publication_at_the_other,
);

fn at(file_id: FileId, account: &str) -> CreateListing {
    let (account, variant, other) = (account.to_owned(), String::new(), serde_json::Map::new());
    CreateListing { file_id, platform: Platform::Etsy, account, variant, other }
}

/// Two approved files, and two sellers.
fn two<S: Store>(store: S) -> (Shop<S>, [FileId; 2], [Stall; 2], Publisher<S>) {
    let shop = Shop::wanting(store, &[]);
    let files = ["buck", "doe"].map(|name| shop.process(name));
    files.iter().for_each(|id| shop.approve(id));
    let stalls = ["north", "south"].map(|account| Stall::new(Platform::Etsy).account(account));
    let publisher = publisher(&shop, &[&stalls[0], &stalls[1]]);
    (shop, files, stalls, publisher)
}

fn another_files_product_with_the_same_id_at_another_account_is_listed(store: impl Store) {
    let (shop, files, stalls, publisher) = two(store);
    for (id, account) in files.iter().zip(["north", "south"]) {
        let published = publisher.list(&at(*id, account)).unwrap();
        assert_eq!(published, Publishing::Published { platform_id: "p1".to_owned(), url: None }, "{account}");
    }
    for id in &files {
        assert_eq!(shop.states(id), [PublicationState::Confirmed]);
        assert_eq!(shop.listings(id).len(), 1);
    }
    for account in ["north", "south"] {
        assert!(publisher.reconcile(Platform::Etsy, account).unwrap().is_clean(), "{account}");
    }
    shop.retitle(&files[1], "Doe at Dawn");
    shop.work(&publisher);
    assert_eq!(stalls.map(|stall| stall.titles()), [["Buck"], ["Doe at Dawn"]]);
}

fn a_loss_at_one_account_ends_no_publication_at_the_other(store: impl Store) {
    let (shop, [id, _], [north, south], publisher) = two(store);
    for account in ["north", "south"] {
        assert!(matches!(publisher.list(&at(id, account)).unwrap(), Publishing::Published { .. }));
    }
    assert_eq!(shop.listings(&id).len(), 2);
    north.withdraw("p1").unwrap();
    shop.bench.clock.advance(std::time::Duration::from_secs(5));
    let found = publisher.reconcile(Platform::Etsy, "north").unwrap();
    publisher.mend(&found).unwrap();
    assert_eq!(shop.states(&id), [PublicationState::Ended, PublicationState::Confirmed]);
    let statuses: Vec<_> = shop.listings(&id).iter().map(|listing| listing.status).collect();
    assert_eq!(statuses, [ListingStatus::Delisted, ListingStatus::Active]);
    assert!(matches!(publisher.list(&at(id, "south")).unwrap(), Publishing::AlreadyPublished { .. }));
    assert_eq!(south.ids(), ["p1"]);
}
