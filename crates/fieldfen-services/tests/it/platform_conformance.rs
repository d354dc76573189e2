//! The checks for implementations of marketplaces and networks.

use std::sync::{Arc, Mutex};

use fieldfen_domain::file::File;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform, SocialPlatform};
use fieldfen_services::Environment;
use fieldfen_services::publishing::{
    CallError, Marketplace, Message, Offer, Post, Product, ProductPage, SocialNetwork, conformance,
};
use fieldfen_testkit::ModelStore;

use crate::fake_marketplace::{FakeMarketplace, Finds};
use crate::shop_harness::Shop;

fn with_file(check: impl FnOnce(&File, &Environment)) {
    let shop = Shop::wanting(ModelStore::new(), &[]);
    let id = shop.process("buck");
    let file = shop.write(|s| s.files().find(&id)).unwrap().unwrap();
    check(&file, shop.bench.queue.environment());
}

/// A marketplace that forgets keys and never takes anything down.
struct ForgetsKeys(FakeMarketplace);

impl Marketplace for ForgetsKeys {
    fn platform(&self) -> Platform {
        self.0.platform()
    }

    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        self.0.create(key, offer)
    }

    fn find(&self, _: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        Ok(Vec::new())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        self.0.lookup(platform_id)
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        self.0.update(platform_id, offer)
    }

    fn withdraw(&self, _: &str) -> Result<(), CallError> {
        Ok(())
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        self.0.page(cursor)
    }
}

#[test]
fn the_conformance_check_passes_good_marketplaces_and_names_what_bad_ones_break() {
    with_file(|file, environment| {
        for stall in [FakeMarketplace::new(Platform::Etsy), FakeMarketplace::new(Platform::Etsy).knowing_keys()] {
            assert_eq!(conformance::check(&stall, file, environment), Vec::<String>::new());
            assert_eq!(stall.live(), []);
        }

        let broken = conformance::check(&ForgetsKeys(FakeMarketplace::new(Platform::Etsy)), file, environment);
        assert!(broken.iter().any(|rule| rule.contains("a lookup finds {}")), "{broken:#?}");
        assert!(broken.iter().any(|rule| rule.contains("was taken down, and says that it is live")), "{broken:#?}");
    });
}

#[test]
fn a_search_that_finds_similar_keys_must_say_them() {
    with_file(|file, environment| {
        let check = |finds| {
            let stall = FakeMarketplace::new(Platform::Etsy);
            stall.finds(finds);
            conformance::check(&stall, file, environment)
        };
        assert_eq!(check(Finds::ByPrefix), Vec::<String>::new(), "what says its key does no harm");
        for finds in [Finds::ByPrefixWithoutKeys, Finds::ByPrefixWithEmptyKeys] {
            let broken = check(finds);
            assert!(broken.iter().any(|rule| rule.contains("without saying their keys")), "{finds:?}: {broken:#?}");
        }
    });
}

#[test]
fn a_marketplace_shows_drafts_and_what_is_sold_out() {
    with_file(|file, environment| {
        let stall = FakeMarketplace::new(Platform::Etsy);
        let set = |id: &str, status| {
            stall.set(id, status);
            Ok(())
        };
        assert_eq!(conformance::check_statuses(&stall, file, environment, set), Vec::<String>::new());
        assert_eq!(stall.live(), []);

        // A shop that removes sold-out products.
        let forgetful = |id: &str, status| match status {
            ListingStatus::SoldOut => stall.withdraw(id),
            _ => set(id, status),
        };
        let broken = conformance::check_statuses(&stall, file, environment, forgetful);
        for rule in ["a lookup says None", "is on no page", "an update says that it is gone"] {
            assert!(broken.iter().any(|said| said.contains(rule)), "{rule}: {broken:#?}");
        }
    });
}

/// The post whose id is its key.
fn post(key: &str) -> Post {
    Post::new(key).key(IdempotencyKey::from_text(key.to_owned()))
}

/// A network that shows its posts, hides them or supports no lookups.
struct FakeNetwork {
    posts: Arc<Mutex<Vec<String>>>,
    find: fn(Vec<Post>) -> Result<Vec<Post>, CallError>,
    deletes: bool,
}

impl SocialNetwork for FakeNetwork {
    fn platform(&self) -> SocialPlatform {
        SocialPlatform::Pinterest
    }

    fn post(&self, key: &IdempotencyKey, _: &Message<'_>) -> Result<Post, CallError> {
        self.posts.lock().unwrap().push(key.to_string());
        Ok(post(key.as_str()))
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Post>, CallError> {
        let posts = self.posts.lock().unwrap();
        let found = posts.iter().filter(|post| **post == key.as_str());
        (self.find)(found.map(|key| post(key)).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Post>, CallError> {
        Ok(self.posts.lock().unwrap().iter().find(|post| *post == platform_id).map(|key| post(key)))
    }

    fn delete(&self, platform_id: &str) -> Result<(), CallError> {
        if self.deletes {
            self.posts.lock().unwrap().retain(|post| post != platform_id);
        }
        Ok(())
    }
}

#[test]
fn a_network_finds_what_is_posted_until_it_is_deleted() {
    with_file(|file, environment| {
        let check = |find, deletes| {
            conformance::check_network(&FakeNetwork { posts: Arc::default(), find, deletes }, file, environment)
        };
        assert_eq!(check(Ok, true), Vec::<String>::new());
        assert_eq!(check(|_| Err(CallError::Refused { reason: "no search".to_owned() }), true), Vec::<String>::new());
        for (broken, rules) in [(check(|_| Ok(Vec::new()), true), 1), (check(Ok, false), 2)] {
            assert_eq!(broken.len(), rules, "{broken:#?}");
            assert!(broken[0].contains("a lookup of"), "{broken:#?}");
        }
    });
}
