//! Compares a shop's products with the rows.

use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::Payload;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::publishing::{Marketplace, Offer, PublishError, PublishOutcome, Reconcile};
use fieldfen_services::recurring;
use fieldfen_services::worker::Outcome;
use fieldfen_testkit::fixtures::by_ann;

use crate::SetUp as _;
use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::listed_file::listed;
use crate::shop_harness::{ETSY, HOLD, Shop, on_etsy, publisher};

on_every_store!(
    reconciling_names_what_differs_and_mends_it,
    reconciling_recurs_and_says_what_it_has_done,
    a_list_of_products_that_leads_in_circles_is_an_error,
);

fn reconciling_names_what_differs_and_mends_it(store: impl Store) {
    let shop = Shop::wanting(store, ETSY).automatic();
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let [missing, different, stray, twice] = ["missing", "different", "stray", "twice"].map(|name| shop.process(name));
    etsy.next([Next::CreateInSilence]);
    shop.bench.clock.advance(Duration::from_secs(1));
    let unknown = publisher.list(&on_etsy(stray)).unwrap();
    assert!(matches!(unknown, PublishOutcome::Unknown { .. }));
    for id in [missing, different, twice] {
        assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    }
    assert!(publisher.reconcile(Platform::Etsy, "").unwrap().missing.is_empty());
    shop.bench.clock.advance(HOLD);

    etsy.withdraw("p2").unwrap();
    etsy.set("p3", ListingStatus::SoldOut);
    let file = shop.write(|s| s.files().find(&twice)).unwrap().unwrap();
    let options = serde_json::Map::new();
    let offer = Offer::new(&file, "", &options);
    let key = etsy.live().iter().find(|product| product.platform_id == "p4").unwrap().key.clone().unwrap();
    etsy.create(&key, &offer).unwrap();
    etsy.create(&IdempotencyKey::from_text("by hand".to_owned()), &offer).unwrap();

    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.missing.iter().map(|listing| listing.file_id).collect::<Vec<_>>(), [missing]);
    assert_eq!(found.mismatched.iter().map(|d| d.product.status).collect::<Vec<_>>(), [ListingStatus::SoldOut]);
    assert_eq!(found.unconfirmed.iter().map(|s| s.publication.file_id).collect::<Vec<_>>(), [stray]);
    assert_eq!(found.duplicates.iter().map(|d| d.confirmed_id.as_str()).collect::<Vec<_>>(), ["p4"]);
    assert_eq!(found.orphaned.iter().map(|p| p.platform_id.as_str()).collect::<Vec<_>>(), ["p6"]);

    let mended = publisher.repair(&found).unwrap();
    assert_eq!((mended.delisted, mended.updated, mended.confirmed, mended.taken_down), (1, 1, 1, 1));
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.orphaned.len(), 1, "what nobody here knows is left alone");
    assert!(found.missing.is_empty() && found.mismatched.is_empty(), "{found:?}");
    assert!(found.unconfirmed.is_empty() && found.duplicates.is_empty(), "{found:?}");
    assert_eq!(shop.status(&stray), FileStatus::Published);
    assert!(publisher.reconcile(Platform::Etsy, "another").is_err(), "no such account is configured");
}

fn reconciling_recurs_and_says_what_it_has_done(store: impl Store) {
    let listed = listed(store);
    let bench = &listed.shop.bench;
    let environment = bench.queue.environment();
    let (name, nightly) = ("reconcile.etsy".parse().unwrap(), "0 3 * * *".parse().unwrap());
    let reconcile = Reconcile::new(Platform::Etsy);
    bench
        .queue
        .store()
        .try_set_up(|s| {
            bench.recurring().define_in(&mut Transaction::new(s), &name, &nightly, &reconcile, &by_ann("test"))
        })
        .unwrap();
    bench.clock.advance(Duration::from_secs(86_400));
    recurring::take_due(bench.queue.store(), environment).unwrap();
    listed.etsy.copy("p1");
    let claimed = bench.claim(Reconcile::kind(), 2);
    let job: Reconcile = Payload::from_json(claimed[0].job.payload.as_ref().unwrap()).unwrap();
    let Outcome::Complete(mut completion) = listed.publisher.run_reconcile(&job) else { panic!("not done") };
    assert!(bench.queue.complete(&claimed[0], &mut completion).unwrap().is_done());
    let result = bench.job(&claimed[0].job.id).result.unwrap();
    assert!(result.as_str().contains(r#""taken_down":1"#), "{result}");
    listed.assert_only("p1");
    let elsewhere = Reconcile::new(Platform::Ebay);
    assert!(
        matches!(listed.publisher.run_reconcile(&elsewhere), Outcome::Decline { .. }),
        "another worker may have it"
    );
}

fn a_list_of_products_that_leads_in_circles_is_an_error(store: impl Store) {
    let listed = listed(store);
    listed.etsy.pages_lead_back(true);
    match listed.publisher.reconcile(Platform::Etsy, "") {
        Err(PublishError::Endless { pages: 2, cursor, .. }) => assert_eq!(cursor, "0"),
        other => panic!("{other:?}"),
    }
}
