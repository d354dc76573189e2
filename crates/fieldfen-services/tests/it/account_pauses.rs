//! Pauses of services and accounts, and the jobs of the publisher.

use std::collections::BTreeSet;

use fieldfen_domain::job::{JobKind, PauseScope};
use fieldfen_domain::publication::{Platform, Target};
use fieldfen_domain::store::Store;
use fieldfen_services::pauses::Pauses;
use fieldfen_services::publishing::Reconcile;
use fieldfen_testkit::faults::suspended;
use fieldfen_testkit::fixtures::by_ann;

use super::fake_marketplace::FakeMarketplace;
use super::shop_harness::{BOTH, Shop, approved, on_etsy, publisher};

on_every_store!(
    a_paused_platform_stops_its_publishing_jobs_and_no_others,
    the_jobs_of_the_publisher_name_their_account,
);

fn pauses<S: Store>(shop: &Shop<S>) -> Pauses<S> {
    Pauses::new(shop.bench.queue.store().clone(), shop.bench.queue.environment().clone())
}

fn scope(account: &str) -> PauseScope {
    PauseScope::Account(account.parse().unwrap())
}

/// The platforms of the listings of a file.
fn listed<S: Store>(shop: &Shop<S>, id: &fieldfen_domain::FileId) -> BTreeSet<Platform> {
    shop.listings(id).into_iter().map(|listing| listing.platform).collect()
}

fn a_paused_platform_stops_its_publishing_jobs_and_no_others(store: impl Store) {
    let (shop, id) = approved(store, BOTH);
    let (etsy, shopify) = (FakeMarketplace::new(Platform::Etsy), FakeMarketplace::new(Platform::Shopify));
    let publisher = publisher(&shop, &[&etsy, &shopify]);
    let action = by_ann("Etsy reviews the account");
    suspended(|| {
        assert!(pauses(&shop).pause(&scope("etsy"), None, &action).unwrap());
        assert_eq!(shop.work(&publisher), 1);
        assert_eq!(listed(&shop, &id), [Platform::Shopify].into());
        let [pause] = &pauses(&shop).list().unwrap()[..] else { panic!("one pause") };
        assert_eq!((&pause.scope, pause.until), (&scope("etsy"), None));
        assert_eq!((pause.reason.as_str(), pause.by.as_str()), ("Etsy reviews the account", "ann"));
        assert_eq!(shop.work(&publisher), 0);
        assert!(pauses(&shop).lift(&scope("etsy"), &by_ann("the review is over")).unwrap());
        assert_eq!(shop.work(&publisher), 1);
        assert_eq!(listed(&shop, &id), [Platform::Etsy, Platform::Shopify].into());
        // The update of a live listing is a job of its account too.
        pauses(&shop).pause(&scope("etsy"), None, &action).unwrap();
        shop.retitle(&id, "Doe");
        shop.approve(&id);
        assert_eq!(shop.work(&publisher), 1);
        let pending = shop.all_jobs(&id).into_iter().filter(|job| !job.state.status().is_final());
        let pending: Vec<_> = pending.map(|job| (job.kind, job.account.unwrap().to_string())).collect();
        assert_eq!(pending, [(JobKind::UpdateListing, "etsy".to_owned())]);
    });
}

fn the_jobs_of_the_publisher_name_their_account(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let pipeline = shop.pipeline.clone().wanting(|_| {
        let instagram = super::shop_harness::post("again").at_account("field");
        vec![Target::listing(Platform::Etsy).at_account("main"), Target::listing(Platform::Ebay), instagram]
    });
    let shop = Shop { pipeline, ..shop };
    let id = shop.process("buck");
    shop.approve(&id);
    let named = |name: &str| Some(name.parse().unwrap());
    let jobs = shop.all_jobs(&id);
    let accounts: Vec<_> = jobs.iter().map(|job| (job.kind.as_str(), job.account.clone())).collect();
    assert_eq!(accounts[..3], ["CreateFileRecord", "UpscaleImage", "GenerateMetadata"].map(|kind| (kind, None)));
    assert_eq!(
        accounts[3..],
        [
            ("CreateListing", named("etsy/main")),
            ("CreateListing", named("ebay")),
            ("PublishSocial", named("instagram/field"))
        ]
    );
    let job = shop.bench.queue.job(&Reconcile::new(Platform::Etsy).account("main")).unwrap();
    assert_eq!((job.account, shop.bench.queue.job(&on_etsy(id)).unwrap().account), (named("etsy/main"), named("etsy")));
}
