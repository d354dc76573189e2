//! Two accounts of one platform, each with its own product numbers from 1.

use fieldfen_domain::FileId;
use fieldfen_domain::job::{CreateListing, UpdateListing};
use fieldfen_domain::publication::{
    IdempotencyKey, ListingStatus, Platform, PlatformRowId, PublicationState, qualified_id,
};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{Marketplace, PublishOutcome, Publisher, RowResolution, RowResolutionOutcome};
use fieldfen_testkit::fixtures::by_ann;

use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::foreign_listings::{already, insert, row, waits};
use crate::shop_harness::{HOLD, Shop, approved, listing_on, publisher};

on_every_store!(
    another_files_product_with_the_same_id_at_another_account_is_listed,
    a_loss_at_one_account_ends_no_publication_at_the_other,
    rows_of_several_accounts_go_by_their_accounts_after_a_rollback,
    a_row_that_no_or_both_accounts_know_waits_for_a_person,
    a_row_of_an_account_that_is_not_wanted_does_not_wait,
    an_update_of_a_row_that_no_publication_knows_asks_first,
    a_row_whose_id_a_call_has_made_at_another_account_leaves_a_product_that_is_reported,
);

fn at(file_id: FileId, account: &str) -> CreateListing {
    CreateListing::new(file_id, Platform::Etsy).account(account)
}

/// Two approved files, and two sellers.
fn two<S: Store>(store: S) -> (Shop<S>, [FileId; 2], [FakeMarketplace; 2], Publisher<S>) {
    let shop = Shop::wanting(store, &[]);
    let files = ["buck", "doe"].map(|name| shop.process(name));
    files.iter().for_each(|id| shop.approve(id));
    let stalls = ["north", "south"].map(|account| FakeMarketplace::new(Platform::Etsy).account(account));
    let publisher = publisher(&shop, &[&stalls[0], &stalls[1]]);
    (shop, files, stalls, publisher)
}

fn another_files_product_with_the_same_id_at_another_account_is_listed(store: impl Store) {
    let (shop, files, stalls, publisher) = two(store);
    for (id, account) in files.iter().zip(["north", "south"]) {
        let published = publisher.list(&at(*id, account)).unwrap();
        assert_eq!(published, PublishOutcome::Published { platform_id: "p1".to_owned(), url: None }, "{account}");
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
        assert!(matches!(publisher.list(&at(id, account)).unwrap(), PublishOutcome::Published { .. }));
    }
    assert_eq!(shop.listings(&id).len(), 2);
    north.withdraw("p1").unwrap();
    shop.bench.clock.advance(HOLD);
    let found = publisher.reconcile(Platform::Etsy, "north").unwrap();
    publisher.repair(&found).unwrap();
    assert_eq!(shop.states(&id), [PublicationState::Ended, PublicationState::Confirmed]);
    let statuses: Vec<_> = shop.listings(&id).iter().map(|listing| listing.status).collect();
    assert_eq!(statuses, [ListingStatus::Delisted, ListingStatus::Active]);
    assert!(matches!(publisher.list(&at(id, "south")).unwrap(), PublishOutcome::AlreadyPublished { .. }));
    assert_eq!(south.ids(), ["p1"]);
}

fn rows_of_several_accounts_go_by_their_accounts_after_a_rollback(store: impl Store) {
    let (shop, [id, _], stalls, publisher) = two(store);
    for (stall, account) in stalls.iter().zip(["north", "south"]) {
        let target = listing_on(Platform::Etsy).at_account(account);
        stall.by_hand("p1", Some(IdempotencyKey::derive(&id, &target, 0).as_str()));
    }
    insert(&shop, &row(1, id, "p1"));
    insert(&shop, &row(2, id, &qualified_id("south", "p1")));
    for account in ["south", "north"] {
        assert_eq!(publisher.list(&at(id, account)).unwrap(), already("p1"), "{account}");
    }
    for stall in stalls {
        assert_eq!((stall.made(), stall.ids().len()), (0, 1));
    }
    for account in ["north", "south"] {
        assert!(publisher.reconcile(Platform::Etsy, account).unwrap().is_clean(), "{account}");
    }
}

fn a_row_that_no_or_both_accounts_know_waits_for_a_person(store: impl Store) {
    let (shop, [id, _], [north, south], publisher) = two(store);
    insert(&shop, &row(1, id, "FIRST"));
    assert!(waits(publisher.list(&at(id, "north")).unwrap()).contains("none of the 2 configured accounts"));
    north.by_hand("FIRST", None);
    south.by_hand("FIRST", None);
    assert!(waits(publisher.list(&at(id, "north")).unwrap()).contains("2 configured accounts have"));
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Active);

    let target = listing_on(Platform::Etsy).at_account("south");
    let row = PlatformRowId::Listing(shop.listings(&id)[0].id);
    let adopt = RowResolution::Adopt { target, platform_id: None };
    assert!(matches!(
        publisher.resolve_row(&id, row, &adopt, &by_ann("looked")).unwrap(),
        RowResolutionOutcome::Adopted { .. }
    ));
    assert!(matches!(publisher.list(&at(id, "north")).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(publisher.list(&at(id, "south")).unwrap(), already("FIRST"));
    assert_eq!([north.made(), south.made()], [1, 0]);
}

fn a_row_of_an_account_that_is_not_wanted_does_not_wait(store: impl Store) {
    let (shop, [id, _], [north, south], unwanting) = two(store);
    south.by_hand("FIRST", None);
    insert(&shop, &row(1, id, "FIRST"));
    // If the rules want a product there, the job for that comes first.
    let pipeline = shop.pipeline.clone().wanting(|_| vec![listing_on(Platform::Etsy).at_account("south")]);
    let wanting = Publisher::new(shop.bench.queue.store().clone(), pipeline);
    let wanting = wanting.marketplace(north).marketplace(south.clone());
    assert!(waits(wanting.list(&at(id, "north")).unwrap()).contains("at account \"south\""));
    assert!(matches!(unwanting.list(&at(id, "north")).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(unwanting.list(&at(id, "south")).unwrap(), already("FIRST"));
    assert_eq!(south.made(), 0);
}

fn an_update_of_a_row_that_no_publication_knows_asks_first(store: impl Store) {
    let (shop, id) = approved(store, &[]);
    let south = FakeMarketplace::new(Platform::Etsy).account("south");
    let publisher = publisher(&shop, &[&south]);
    south.by_hand("p1", None);
    insert(&shop, &row(1, id, &qualified_id("south", "p1")));
    let listing_id = shop.listings(&id)[0].id;
    let update = UpdateListing::new(id, listing_id);
    publisher.update(&update).unwrap();
    assert_eq!((south.titles(), shop.listings(&id)[0].status), (vec!["Buck".to_owned()], ListingStatus::Active));
    south.withdraw("p1").unwrap();
    publisher.update(&update).unwrap();
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Delisted);
}

fn a_row_whose_id_a_call_has_made_at_another_account_leaves_a_product_that_is_reported(store: impl Store) {
    let (shop, [id, _], [north, south], publisher) = two(store);
    south.next([Next::CreateInSilence]);
    assert!(matches!(publisher.list(&at(id, "south")).unwrap(), PublishOutcome::Unknown { .. }));
    // Another program has listed the file at the other account. Its row does not contain the account.
    north.by_hand("p1", None);
    insert(&shop, &row(1, id, "p1"));
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&at(id, "south")).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(shop.listings(&id).len(), 1, "the row is taken for the product of the call");
    assert!(publisher.reconcile(Platform::Etsy, "south").unwrap().is_clean());
    let found = publisher.reconcile(Platform::Etsy, "north").unwrap();
    assert_eq!(found.orphaned.iter().map(|product| product.platform_id.as_str()).collect::<Vec<_>>(), ["p1"]);
    publisher.repair(&found).unwrap();
    assert_eq!([north.ids(), south.ids()], [["p1"], ["p1"]]);
}
