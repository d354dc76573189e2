//! Rows of other programs, and publications at other accounts, that a publisher cannot assign to a target.

use fieldfen_domain::FileId;
use fieldfen_domain::job::{CreateListing, UpdateListing};
use fieldfen_domain::publication::{
    IdempotencyKey, Listing, ListingStatus, Platform, SocialPlatform, SocialPost, Target,
};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::pipeline::Pipeline;
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage, PublishOutcome, Publisher};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::with;

use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{ETSY, HOLD, Shop, approved, on_etsy, post, publisher, reel};

on_every_store!(
    a_listing_without_an_id_is_neither_given_up_nor_listed_again,
    a_post_without_an_id_is_not_posted_again,
    a_listing_of_an_account_that_another_process_serves_is_not_given_up,
    an_account_with_another_name_gets_no_second_product,
    a_listing_that_was_adopted_meanwhile_is_not_given_up,
);

/// The row of another program.
fn row<S: Store>(shop: &Shop<S>, file_id: FileId, platform_listing_id: &str) -> Listing {
    let listing = with!(
        Listing::new(
            shop.bench.queue.environment().listing_id(),
            file_id,
            Platform::Etsy,
            platform_listing_id,
            ListingStatus::Active,
        ),
        created_at: Some(shop.bench.now()),
        updated_at: Some(shop.bench.now()),
    );
    shop.write(|s| s.listings().insert_listing(&listing)).unwrap();
    shop.bench.clock.advance(HOLD);
    listing
}

fn at(account: &str) -> Target {
    Target::listing(Platform::Etsy).at_account(account)
}

fn job_at(file_id: FileId, account: &str) -> CreateListing {
    on_etsy(file_id).account(account)
}

fn a_listing_without_an_id_is_neither_given_up_nor_listed_again(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    etsy.by_hand("h1", None);
    let publisher = publisher(&shop, &[&etsy]);
    let rows = ["", " h1\n"].map(|held| row(&shop, id, held));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::WaitsForPerson { .. }));
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    let mended = publisher.repair(&found).unwrap();
    assert_eq!((mended.delisted, mended.failed.len()), (0, 2), "{mended:?}");
    for row in &rows {
        let update = UpdateListing::new(id, row.id);
        let error = publisher.update(&update).unwrap_err().to_string();
        assert!(error.contains(&format!("{:?}", row.platform_listing_id)), "{error}");
    }
    assert_eq!((etsy.ids(), shop.listings(&id)), (vec!["h1".to_owned()], rows.to_vec()));
}

fn a_post_without_an_id_is_not_posted_again(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let wall = crate::posts::FakeNetwork::new(crate::posts::Answers::ByKey);
    let publisher = publisher(&shop, &[]).network(wall.clone());
    let written = with!(
        SocialPost::new(shop.bench.queue.environment().social_post_id(), id, SocialPlatform::Instagram),
        platform_post_id: Some(String::new()),
        posted_at: Some(shop.bench.now()),
    );
    shop.write(|s| s.listings().insert_post(&written)).unwrap();
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), PublishOutcome::WaitsForPerson { .. }));
    assert_eq!((wall.ids().len(), publisher.untracked(&id, &post("launch")).unwrap().len()), (0, 1));
}

fn a_listing_of_an_account_that_another_process_serves_is_not_given_up(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let id = shop.process("buck");
    let pipeline =
        Pipeline::new(shop.bench.queue.environment().clone()).wanting(|_| ["north", "south"].map(at).to_vec());
    let stalls = ["north", "south"].map(|account| FakeMarketplace::new(Platform::Etsy).account(account));
    let publishers = stalls.clone().map(|stall| {
        Publisher::new(shop.bench.queue.store().clone(), pipeline.clone()).with_hold(HOLD).marketplace(stall)
    });
    stalls[1].by_hand("s1", None);
    let row = row(&shop, id, "s1");
    let _ = shop.write(|s| pipeline.approve(&mut Transaction::new(s), &id, &by_ann("by Ann"))).unwrap();
    for (publisher, account) in publishers.iter().zip(["north", "south"]) {
        let published = publisher.list(&job_at(id, account)).unwrap();
        let PublishOutcome::WaitsForPerson { reason } = &published else { panic!("{published:?}") };
        assert!(reason.contains("not configured"), "{reason}");
        let found = publisher.reconcile(Platform::Etsy, account).unwrap();
        assert_eq!(publisher.repair(&found).unwrap().delisted, 0);
        let update = UpdateListing::new(id, row.id);
        assert!(publisher.update(&update).is_err());
    }
    assert_eq!((stalls.map(|stall| stall.made()), shop.listings(&id)[0].status), ([0, 0], ListingStatus::Active));
}

fn an_account_with_another_name_gets_no_second_product(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    let renamed = publisher(&shop, &[&etsy.clone().account("north")]);
    for _ in 0..2 {
        let published = renamed.list(&job_at(id, "north")).unwrap();
        let PublishOutcome::WaitsForPerson { reason } = &published else { panic!("{published:?}") };
        assert!(reason.contains("\"p1\""), "{reason}");
    }
    // A person who knows both accounts confirms that they are two.
    let south = FakeMarketplace::new(Platform::Etsy).account("south");
    let both = publisher(&shop, &[&etsy, &south]);
    assert!(matches!(both.list(&job_at(id, "south")).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!((etsy.ids().len(), south.ids().len()), (1, 1));
}

/// A marketplace with an action after the answer to the first lookup by id.
struct Late<F>(FakeMarketplace, std::sync::Mutex<Option<F>>);

impl<F: FnOnce() + Send> Marketplace for Late<F> {
    fn platform(&self) -> Platform {
        self.0.platform()
    }

    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        self.0.create(key, offer)
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        self.0.find(key)
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        let found = self.0.lookup(platform_id);
        let meanwhile = self.1.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        found
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        self.0.update(platform_id, offer)
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.0.withdraw(platform_id)
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        self.0.page(cursor)
    }
}

fn a_listing_that_was_adopted_meanwhile_is_not_given_up(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    row(&shop, id, "h1");
    let other = publisher(&shop, &[&etsy]);
    let (made, adopting) = (etsy.clone(), other.clone());
    let late = Late(
        etsy.clone(),
        std::sync::Mutex::new(Some(move || {
            made.by_hand("h1", None);
            assert!(matches!(adopting.list(&on_etsy(id)).unwrap(), PublishOutcome::AlreadyPublished { .. }));
        })),
    );
    let slow = other.marketplace(late);
    assert!(matches!(slow.list(&on_etsy(id)).unwrap(), PublishOutcome::AlreadyPublished { .. }));
    assert_eq!((etsy.ids(), etsy.made()), (vec!["h1".to_owned()], 0));
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Active);
}
