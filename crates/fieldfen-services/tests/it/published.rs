//! What is published: posts, news of listings, changes of their files, and what platforms and the store say differently.

use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::PublishSocial;
use fieldfen_domain::publication::{
    ClientKey, ListingStatus, ListingUpdate, Platform, PostType, PublicationState, SocialPlatform,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};
use fieldfen_services::publishing::{
    Attempt, CallError, Found, FoundState, Message, NewsTaken, Post, Publishing, Settled, SocialNetwork, conformance,
    listing_news,
};
use fieldfen_services::worker::Outcome;

use crate::publishing::{BOTH, ETSY, HOLD, approved, on_etsy, publisher, states};
use crate::shop::{Next, Shop, Stall, listing_on};

on_every_store!(
    sold_out_and_restocked_stay_published,
    a_delisted_listing_is_listed_anew_under_another_key,
    stale_news_change_nothing,
    a_published_file_that_changes_updates_its_listings,
    a_product_that_vanished_is_delisted_by_its_update,
    posts_are_made_once_and_a_repost_is_another,
    a_network_that_cannot_look_up_waits_for_a_person,
    reconciling_names_what_differs_and_mends_it,
    a_file_with_a_live_listing_is_not_deleted,
);

fn news(status: ListingStatus, event_at: Timestamp) -> ListingUpdate {
    ListingUpdate { status, platform_status: Some(format!("etsy:{status}")), event_at, at: event_at }
}

fn sold_out_and_restocked_stay_published(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    for (status, seconds) in [(ListingStatus::SoldOut, 1), (ListingStatus::Active, 2), (ListingStatus::Draft, 3)] {
        let news = news(status, shop.bench.now() + Duration::from_secs(seconds));
        let taken = shop.write(|s| listing_news(s, Platform::Etsy, "p1", &news)).unwrap();
        assert!(matches!(taken, NewsTaken::Done { .. }));
        let listing = shop.listings(&id).remove(0);
        assert_eq!((listing.status, listing.platform_status), (status, Some(format!("etsy:{status}"))));
        assert_eq!(shop.status(&id), FileStatus::Published);
        assert_eq!(states(&shop, &id), [PublicationState::Confirmed]);
    }
}

fn a_delisted_listing_is_listed_anew_under_another_key(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy).knowing_keys();
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let first = etsy.live()[0].key.clone();
    let gone = news(ListingStatus::Delisted, shop.bench.now() + Duration::from_secs(1));
    shop.write(|s| listing_news(s, Platform::Etsy, "p1", &gone)).unwrap();
    assert_eq!(states(&shop, &id), [PublicationState::Ended]);
    let back = news(ListingStatus::Active, shop.bench.now() + Duration::from_secs(2));
    assert_eq!(shop.write(|s| listing_news(s, Platform::Etsy, "p1", &back)).unwrap(), NewsTaken::StaysDelisted);

    shop.write(|s| shop.pipeline.publish(s, &id, &listing_on(Platform::Etsy))).unwrap();
    shop.work(&publisher);
    let second = etsy.live()[1].key.clone();
    assert_ne!(first, second);
    let listings: Vec<_> = shop.listings(&id).iter().map(|listing| listing.status).collect();
    assert_eq!(listings, [ListingStatus::Delisted, ListingStatus::Active]);
    assert_eq!(shop.status(&id), FileStatus::Published);
}

fn stale_news_change_nothing(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    let later = shop.bench.now() + Duration::from_secs(60);
    let (newer, older) = (news(ListingStatus::SoldOut, later), news(ListingStatus::Delisted, shop.bench.now()));
    shop.write(|s| listing_news(s, Platform::Etsy, "p1", &newer)).unwrap();
    let taken = shop.write(|s| listing_news(s, Platform::Etsy, "p1", &older)).unwrap();
    assert_eq!(taken, NewsTaken::Stale { known: later });
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::SoldOut);
    assert_eq!(shop.write(|s| listing_news(s, Platform::Ebay, "p1", &newer)).unwrap(), NewsTaken::Unknown);
}

fn a_published_file_that_changes_updates_its_listings(store: impl Store) {
    let (shop, id) = approved(store, BOTH);
    let (etsy, shopify) = (Stall::new(Platform::Etsy), Stall::new(Platform::Shopify));
    let publisher = publisher(&shop, &[&etsy, &shopify]);
    shop.work(&publisher);
    shop.retitle(&id, "Buck in the Mist");
    assert_eq!(shop.status(&id), FileStatus::Published);
    assert_eq!(shop.live_jobs(&id), ["UpdateListing", "UpdateListing"]);
    shop.work(&publisher);
    assert_eq!((etsy.titles(), shopify.titles()), (vec!["Buck in the Mist".into()], vec!["Buck in the Mist".into()]));
}

fn a_product_that_vanished_is_delisted_by_its_update(store: impl Store) {
    use fieldfen_services::publishing::Marketplace;
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    etsy.withdraw("p1").unwrap();
    shop.retitle(&id, "Buck in the Mist");
    shop.work(&publisher);
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Delisted);
    assert_eq!(states(&shop, &id), [PublicationState::Ended]);
}

/// A network that remembers its posts, and can be asked for them or not.
#[derive(Clone)]
struct Wall {
    posts: std::sync::Arc<std::sync::Mutex<Vec<(ClientKey, String)>>>,
    silent: bool,
}

impl SocialNetwork for Wall {
    fn platform(&self) -> SocialPlatform {
        SocialPlatform::Instagram
    }

    fn post(&self, key: &ClientKey, message: &Message<'_>) -> Result<Post, CallError> {
        assert_eq!(message.post_type, Some(PostType::Reel));
        let mut posts = self.posts.lock().unwrap();
        let id = format!("post-{}", posts.len() + 1);
        posts.push((key.clone(), id.clone()));
        if self.silent {
            return Err(CallError::NoAnswer { reason: "time-out".to_owned() });
        }
        Ok(Post { platform_id: id, url: None })
    }

    fn find(&self, key: &ClientKey) -> Result<Vec<Post>, CallError> {
        if self.silent {
            return Err(CallError::Refused { reason: "posts cannot be searched".to_owned() });
        }
        let posts = self.posts.lock().unwrap();
        let found = posts.iter().filter(|(its, _)| its == key);
        Ok(found.map(|(_, id)| Post { platform_id: id.clone(), url: None }).collect())
    }

    fn delete(&self, platform_id: &str) -> Result<(), CallError> {
        self.posts.lock().unwrap().retain(|(_, id)| id != platform_id);
        Ok(())
    }
}

fn reel(file_id: FileId, post_key: &str) -> PublishSocial {
    PublishSocial {
        file_id,
        platform: SocialPlatform::Instagram,
        post_type: Some(PostType::Reel),
        account: String::new(),
        post_key: post_key.to_owned(),
        other: serde_json::Map::new(),
    }
}

fn posts_are_made_once_and_a_repost_is_another(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let wall = Wall { posts: std::sync::Arc::default(), silent: false };
    let publisher = publisher(&shop, &[]).network(wall.clone());
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), Publishing::Published { .. }));
    assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), Publishing::AlreadyPublished { .. }));
    assert!(matches!(publisher.post(&reel(id, "christmas")).unwrap(), Publishing::Published { .. }));
    assert_eq!(wall.posts.lock().unwrap().len(), 2);
    let posts = shop.bench.queue.store().read::<_, StoreError, _>(|s| s.publications().posts(&id)).unwrap();
    assert_eq!(posts.len(), 2);
    assert_eq!(shop.status(&id), FileStatus::Approved, "a post is no listing");
}

fn a_network_that_cannot_look_up_waits_for_a_person(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let wall = Wall { posts: std::sync::Arc::default(), silent: true };
    let publisher = publisher(&shop, &[]).network(wall.clone());
    for _ in 0..3 {
        assert!(matches!(publisher.post(&reel(id, "launch")).unwrap(), Publishing::Unknown { .. }));
        shop.bench.clock.advance(HOLD);
    }
    assert_eq!(wall.posts.lock().unwrap().len(), 1);
    // The person has looked, and says what is there.
    let target = crate::shop::post("launch");
    let Attempt::Unresolved(unresolved) = publisher.reserve(&id, &target).unwrap() else { panic!("not unresolved") };
    let found = Found { platform_id: "post-1".to_owned(), url: None, state: FoundState::Post };
    assert_eq!(unresolved.found(&found).unwrap(), Settled::Done);
}

fn reconciling_names_what_differs_and_mends_it(store: impl Store) {
    use fieldfen_services::publishing::{Marketplace, Offer};
    let shop = Shop::wanting(store, ETSY).automatic();
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let [missing, different, stray, twice] = ["missing", "different", "stray", "twice"].map(|name| shop.process(name));
    etsy.next([Next::CreateInSilence]);
    shop.bench.clock.advance(Duration::from_secs(1));
    let unknown = publisher.list(&on_etsy(stray)).unwrap();
    assert!(matches!(unknown, Publishing::Unknown { .. }));
    for id in [missing, different, twice] {
        assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Published { .. }));
    }
    assert!(publisher.reconcile(Platform::Etsy, "").unwrap().missing.is_empty());
    shop.bench.clock.advance(Duration::from_secs(1));

    etsy.withdraw("p2").unwrap();
    etsy.set("p3", ListingStatus::SoldOut);
    let file = shop.write(|s| s.files().find(&twice)).unwrap().unwrap();
    let options = serde_json::Map::new();
    let offer = Offer { file: &file, variant: "", options: &options };
    let key = etsy.live().iter().find(|product| product.platform_id == "p4").unwrap().key.clone().unwrap();
    etsy.create(&key, &offer).unwrap();
    etsy.create(&ClientKey::stored("by hand".to_owned()), &offer).unwrap();

    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.missing.iter().map(|listing| listing.file_id).collect::<Vec<_>>(), [missing]);
    assert_eq!(found.different.iter().map(|d| d.product.status).collect::<Vec<_>>(), [ListingStatus::SoldOut]);
    assert_eq!(found.strays.iter().map(|s| s.publication.file_id).collect::<Vec<_>>(), [stray]);
    assert_eq!(found.duplicates.iter().map(|d| d.stays.as_str()).collect::<Vec<_>>(), ["p4"]);
    assert_eq!(found.orphaned.iter().map(|p| p.platform_id.as_str()).collect::<Vec<_>>(), ["p6"]);

    let mended = publisher.mend(&found).unwrap();
    assert_eq!((mended.delisted, mended.updated, mended.confirmed, mended.taken_down), (1, 1, 1, 1));
    let found = publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.orphaned.len(), 1, "what nobody here knows is left alone");
    assert!(found.missing.is_empty() && found.different.is_empty(), "{found:?}");
    assert!(found.strays.is_empty() && found.duplicates.is_empty(), "{found:?}");
    assert_eq!(shop.status(&stray), FileStatus::Published);
    assert!(publisher.reconcile(Platform::Etsy, "another").is_err(), "no such account is configured");
}

fn a_file_with_a_live_listing_is_not_deleted(store: impl Store) {
    use fieldfen_domain::job::DeleteFile;
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let job = |force| DeleteFile { file_id: id, force, other: serde_json::Map::new() };
    match publisher.run_delete_file(&job(false)) {
        Outcome::Fail { error } => assert!(error.contains("etsy: p1"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(publisher.run_delete_file(&job(true)), Outcome::Complete(_)));
    assert!(matches!(publisher.run_delete_file(&job(true)), Outcome::Complete(_)), "twice is no error");
    assert_eq!(shop.write(|s| s.files().find(&id)).unwrap(), None);
}

#[test]
fn the_conformance_check_passes_good_marketplaces_and_names_what_bad_ones_break() {
    use fieldfen_services::publishing::{Marketplace, Offer, Product, ProductPage};

    let shop = Shop::wanting(fieldfen_testkit::ModelStore::new(), ETSY);
    let id = shop.process("buck");
    let file = shop.write(|s| s.files().find(&id)).unwrap().unwrap();
    let environment = shop.bench.queue.environment();
    for stall in [Stall::new(Platform::Etsy), Stall::new(Platform::Etsy).knowing_keys()] {
        assert_eq!(conformance::check(&stall, &file, environment), Vec::<String>::new());
        assert_eq!(stall.live(), []);
    }

    /// Forgets keys, and never takes anything down.
    struct Careless(Stall);
    impl Marketplace for Careless {
        fn platform(&self) -> Platform {
            self.0.platform()
        }
        fn create(&self, key: &ClientKey, offer: &Offer<'_>) -> Result<Product, CallError> {
            self.0.create(key, offer)
        }
        fn find(&self, _: &ClientKey) -> Result<Vec<Product>, CallError> {
            Ok(Vec::new())
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
    let broken = conformance::check(&Careless(Stall::new(Platform::Etsy)), &file, environment);
    assert!(broken.iter().any(|rule| rule.contains("a lookup finds {}")), "{broken:#?}");
    assert!(broken.iter().any(|rule| rule.contains("was taken down, and says that it is live")), "{broken:#?}");
}
