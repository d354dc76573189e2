//! Which of several products stays, and how one that was taken for gone comes back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::job::{CreateListing, Payload, PublishSocial};
use fieldfen_domain::publication::{
    ClientKey, ListingStatus, ListingUpdate, Platform, PublicationState, SocialPlatform,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::publishing::{
    Attempt, CallError, Found, Marketplace, Mended, Message, NewsTaken, Offer, Post, Product, ProductPage,
    PublishError, Publisher, Publishing, Reconcile, SocialNetwork, listing_news,
};
use fieldfen_services::recurring;
use fieldfen_services::worker::Outcome;

use crate::shop::{Next, Shop, Stall, listing_on};

on_every_store!(
    an_incomplete_list_of_products_delists_nothing,
    a_listing_that_was_taken_for_gone_comes_back,
    a_listing_that_comes_back_beside_another_is_taken_down,
    news_that_a_listing_is_back_is_a_duplicate_while_another_is_live,
    a_copy_takes_the_place_of_a_product_that_is_gone,
    a_job_that_comes_back_keeps_the_only_product,
    a_product_whose_place_was_taken_is_taken_down_when_it_appears,
    a_copy_of_an_ended_listing_is_known_as_live,
    a_retried_post_leaves_the_repost_alone,
    a_repost_whose_answer_has_not_come_is_left_alone,
    a_sale_before_the_confirmation_is_not_lost,
    a_call_that_overran_its_time_leaves_one_product,
    reconciling_recurs_and_says_what_it_has_done,
    a_list_of_products_that_leads_in_circles_is_an_error,
);

const ETSY: &[Platform] = &[Platform::Etsy];
const HOLD: Duration = Duration::from_secs(300);

struct Listed<S: Store> {
    shop: Shop<S>,
    etsy: Stall,
    publisher: Publisher<S>,
    id: FileId,
}

/// A shop whose only file is listed on Etsy as `p1`, a while ago.
fn listed<S: Store>(store: S) -> Listed<S> {
    let shop = Shop::wanting(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher =
        Publisher::new(shop.bench.queue.store().clone(), shop.pipeline.clone()).holding(HOLD).marketplace(etsy.clone());
    let id = shop.process("buck");
    shop.approve(&id);
    shop.work(&publisher);
    assert_eq!(etsy.ids(), ["p1"]);
    shop.bench.clock.advance(Duration::from_secs(5));
    Listed { shop, etsy, publisher, id }
}

impl<S: Store> Listed<S> {
    fn mend(&self) -> Mended {
        let found = self.publisher.reconcile(Platform::Etsy, "").unwrap();
        self.shop.bench.clock.advance(Duration::from_secs(5));
        self.publisher.mend(&found).unwrap()
    }

    /// Mends once more, which finds nothing to do, and checks that exactly this product is known and there.
    fn assert_only(&self, platform_id: &str) {
        assert_eq!(self.mend(), Mended::default());
        assert!(self.publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
        assert_eq!(self.etsy.ids(), [platform_id]);
        let live: Vec<_> = self.shop.listings(&self.id).into_iter().filter(|row| row.status.is_live()).collect();
        assert_eq!(live.iter().map(|row| row.platform_listing_id.as_str()).collect::<Vec<_>>(), [platform_id]);
        let publications =
            self.shop.bench.queue.store().read::<_, StoreError, _>(|s| s.publications().of_file(&self.id)).unwrap();
        let live: Vec<_> = publications.iter().filter(|publication| publication.state.is_live()).collect();
        assert_eq!(live.len(), 1, "{live:?}");
        assert_eq!((live[0].state, live[0].platform_id.as_deref()), (PublicationState::Confirmed, Some(platform_id)));
    }

    fn hear(&self, platform_id: &str, status: ListingStatus) -> NewsTaken {
        self.shop.bench.clock.advance(Duration::from_secs(1));
        let at = self.shop.bench.now();
        let news = ListingUpdate { status, platform_status: None, event_at: at, at };
        self.shop.write(|s| listing_news(s, Platform::Etsy, platform_id, &news)).unwrap()
    }

    fn publish(&self) {
        self.shop.write(|s| self.shop.pipeline.publish(s, &self.id, &listing_on(Platform::Etsy))).unwrap();
        self.shop.work(&self.publisher);
    }

    fn job(&self) -> CreateListing {
        let (account, variant, other) = (String::new(), String::new(), serde_json::Map::new());
        CreateListing { file_id: self.id, platform: Platform::Etsy, account, variant, other }
    }
}

fn an_incomplete_list_of_products_delists_nothing(store: impl Store) {
    let listed = listed(store);
    listed.etsy.pages_lag(true);
    assert_eq!(listed.publisher.reconcile(Platform::Etsy, "").unwrap().missing.len(), 1);
    assert_eq!(listed.mend(), Mended::default());
    listed.etsy.pages_lag(false);
    listed.assert_only("p1");
}

fn a_listing_that_was_taken_for_gone_comes_back(store: impl Store) {
    let listed = listed(store);
    let product = listed.etsy.live().remove(0);
    listed.etsy.withdraw("p1").unwrap();
    assert_eq!(listed.mend(), Mended { delisted: 1, ..Mended::default() });
    listed.etsy.bring_back(&product);
    assert_eq!(listed.mend(), Mended { updated: 1, ..Mended::default() });
    listed.assert_only("p1");
    // By news as well.
    listed.hear("p1", ListingStatus::Delisted);
    assert_eq!(listed.hear("p1", ListingStatus::SoldOut), NewsTaken::Done { from: ListingStatus::Delisted });
    listed.etsy.set("p1", ListingStatus::Active);
    listed.mend();
    listed.assert_only("p1");
}

fn a_listing_that_comes_back_beside_another_is_taken_down(store: impl Store) {
    let listed = listed(store);
    let product = listed.etsy.live().remove(0);
    listed.etsy.withdraw("p1").unwrap();
    listed.mend();
    listed.publish();
    assert_eq!(listed.etsy.ids(), ["p2"]);
    listed.etsy.bring_back(&product);
    listed.shop.bench.clock.advance(Duration::from_secs(5));
    assert_eq!(listed.mend(), Mended { taken_down: 1, ..Mended::default() });
    listed.assert_only("p2");
}

fn news_that_a_listing_is_back_is_a_duplicate_while_another_is_live(store: impl Store) {
    let listed = listed(store);
    let gone = listed.hear("p1", ListingStatus::Delisted);
    assert_eq!(gone, NewsTaken::Done { from: ListingStatus::Active });
    let since = listed.shop.bench.now();
    let old = ListingUpdate { status: ListingStatus::Active, platform_status: None, event_at: since, at: since };
    let taken = listed.shop.write(|s| listing_news(s, Platform::Etsy, "p1", &old)).unwrap();
    assert_eq!(taken, NewsTaken::Stale { known: since }, "of the same time the end counts");
    listed.publish();
    let duplicate = NewsTaken::Duplicate { live: "p2".to_owned() };
    assert_eq!(listed.hear("p1", ListingStatus::Active), duplicate);
    assert_eq!(listed.shop.listings(&listed.id)[0].status, ListingStatus::Delisted);
}

fn a_copy_takes_the_place_of_a_product_that_is_gone(store: impl Store) {
    let listed = listed(store);
    for _ in 0..2 {
        listed.etsy.copy("p1");
    }
    listed.etsy.withdraw("p1").unwrap();
    assert_eq!(listed.mend(), Mended { delisted: 1, confirmed: 1, taken_down: 1, updated: 0 });
    listed.assert_only("p2");
}

fn a_job_that_comes_back_keeps_the_only_product(store: impl Store) {
    let listed = listed(store);
    listed.etsy.copy("p1");
    listed.etsy.withdraw("p1").unwrap();
    let again = listed.publisher.list(&listed.job()).unwrap();
    assert_eq!(again, Publishing::AlreadyPublished { platform_id: "p2".to_owned() });
    listed.assert_only("p2");
}

fn a_product_whose_place_was_taken_is_taken_down_when_it_appears(store: impl Store) {
    let listed = listed(store);
    let product = listed.etsy.live().remove(0);
    listed.etsy.copy("p1");
    listed.etsy.withdraw("p1").unwrap();
    listed.mend();
    listed.etsy.bring_back(&product);
    assert_eq!(listed.hear("p1", ListingStatus::Active), NewsTaken::StaysDelisted);
    assert_eq!(listed.mend(), Mended { taken_down: 1, ..Mended::default() });
    listed.assert_only("p2");
}

fn a_copy_of_an_ended_listing_is_known_as_live(store: impl Store) {
    let listed = listed(store);
    listed.etsy.copy("p1");
    listed.etsy.withdraw("p1").unwrap();
    listed.hear("p1", ListingStatus::Delisted);
    listed.shop.bench.clock.advance(Duration::from_secs(1));
    assert_eq!(listed.mend(), Mended { confirmed: 1, ..Mended::default() });
    listed.assert_only("p2");
}

/// A network without a place for keys: whoever looks a post up finds every post of the picture.
#[derive(Clone, Default)]
struct Keyless(Arc<Mutex<Vec<String>>>);

impl Keyless {
    fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl SocialNetwork for Keyless {
    fn platform(&self) -> SocialPlatform {
        SocialPlatform::Instagram
    }

    fn post(&self, _: &ClientKey, _: &Message<'_>) -> Result<Post, CallError> {
        let mut posts = self.0.lock().unwrap();
        let platform_id = format!("post-{}", posts.len() + 1);
        posts.push(platform_id.clone());
        Ok(Post { platform_id, url: None })
    }

    fn find(&self, _: &ClientKey) -> Result<Vec<Post>, CallError> {
        Ok(self.ids().into_iter().map(|platform_id| Post { platform_id, url: None }).collect())
    }

    fn delete(&self, platform_id: &str) -> Result<(), CallError> {
        self.0.lock().unwrap().retain(|id| id != platform_id);
        Ok(())
    }
}

fn reel(file_id: FileId, post_key: &str) -> PublishSocial {
    PublishSocial {
        file_id,
        platform: SocialPlatform::Instagram,
        post_type: None,
        account: String::new(),
        post_key: post_key.to_owned(),
        other: serde_json::Map::new(),
    }
}

fn a_retried_post_leaves_the_repost_alone(store: impl Store) {
    let listed = listed(store);
    let wall = Keyless::default();
    let publisher = listed.publisher.clone().network(wall.clone());
    for key in ["launch", "christmas", "launch", "christmas"] {
        publisher.post(&reel(listed.id, key)).unwrap();
        assert_eq!(wall.ids()[0], "post-1");
    }
    assert_eq!(wall.ids(), ["post-1", "post-2"]);
    // A third whose answer was lost is not taken for one of the others.
    let Attempt::Granted(third) = publisher.reserve(&listed.id, &crate::shop::post("easter")).unwrap() else {
        panic!("not granted");
    };
    third.mark_unknown("time-out").unwrap();
    listed.shop.bench.clock.advance(HOLD);
    let posted = publisher.post(&reel(listed.id, "easter")).unwrap();
    assert_eq!(posted, Publishing::Published { platform_id: "post-3".to_owned(), url: None });
    assert_eq!(wall.ids(), ["post-1", "post-2", "post-3"]);
}

fn a_repost_whose_answer_has_not_come_is_left_alone(store: impl Store) {
    let listed = listed(store);
    let wall = Keyless::default();
    let publisher = listed.publisher.clone().network(wall.clone());
    publisher.post(&reel(listed.id, "launch")).unwrap();
    let Attempt::Granted(repost) = publisher.reserve(&listed.id, &crate::shop::post("christmas")).unwrap() else {
        panic!("not granted");
    };
    wall.0.lock().unwrap().push("post-2".to_owned());
    publisher.post(&reel(listed.id, "launch")).unwrap();
    assert_eq!(wall.ids(), ["post-1", "post-2"]);
    repost.mark_unknown("time-out").unwrap();
}

fn a_sale_before_the_confirmation_is_not_lost(store: impl Store) {
    let listed = listed(store);
    let id = listed.shop.process("hare");
    listed.shop.approve(&id);
    let Attempt::Granted(reservation) = listed.publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    let product: Product = listed.etsy.copy("p1");
    listed.shop.bench.clock.advance(Duration::from_secs(10));
    let sold_at = listed.shop.bench.now();
    let sold = |at| ListingUpdate { status: ListingStatus::SoldOut, platform_status: None, event_at: sold_at, at };
    let hear = |at| listed.shop.write(|s| listing_news(s, Platform::Etsy, "p2", &sold(at))).unwrap();
    assert_eq!(hear(sold_at), NewsTaken::Unknown, "its sender delivers it again");
    listed.shop.bench.clock.advance(Duration::from_secs(10));
    reservation.confirm(&Found::from(product)).unwrap();
    assert_eq!(hear(listed.shop.bench.now()), NewsTaken::Done { from: ListingStatus::Active });
    assert_eq!(listed.shop.listings(&id)[0].status, ListingStatus::SoldOut);
}

fn a_call_that_overran_its_time_leaves_one_product(store: impl Store) {
    let listed = listed(store);
    listed.etsy.withdraw("p1").unwrap();
    listed.hear("p1", ListingStatus::Delisted);
    listed.etsy.next([Next::Delay]);
    listed.publish();
    listed.shop.bench.clock.advance(2 * HOLD);
    // The first call takes effect while the second one is made: before its answer comes, and after its lookup.
    let etsy = listed.etsy.clone();
    let overrunning = Overrunning { stall: etsy.clone() };
    let publisher = listed.publisher.clone().marketplace(overrunning);
    let published = publisher.list(&listed.job()).unwrap();
    assert_eq!(published, Publishing::Published { platform_id: "p3".to_owned(), url: None });
    assert_eq!(etsy.ids(), ["p3"]);
}

/// A marketplace at which a call from before takes effect just before the next one.
struct Overrunning {
    stall: Stall,
}

impl Marketplace for Overrunning {
    fn platform(&self) -> Platform {
        self.stall.platform()
    }

    fn create(&self, key: &ClientKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        self.stall.deliver();
        self.stall.create(key, offer)
    }

    fn find(&self, key: &ClientKey) -> Result<Vec<Product>, CallError> {
        self.stall.find(key)
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        self.stall.update(platform_id, offer)
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.stall.withdraw(platform_id)
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        self.stall.page(cursor)
    }
}

fn reconciling_recurs_and_says_what_it_has_done(store: impl Store) {
    let listed = listed(store);
    let bench = &listed.shop.bench;
    let environment = bench.queue.environment();
    let (name, nightly) = ("reconcile.etsy".parse().unwrap(), "0 3 * * *".parse().unwrap());
    let reconcile = Reconcile { platform: Platform::Etsy, account: String::new() };
    bench.queue.store().write(|s| recurring::define(s, environment, &name, &nightly, &reconcile)).unwrap();
    bench.clock.advance(Duration::from_secs(86_400));
    recurring::take_due(bench.queue.store(), environment).unwrap();
    listed.etsy.copy("p1");
    let claimed = bench.claim(Reconcile::kind(), 2);
    let job: Reconcile = Payload::from_json(claimed[0].job.payload.as_ref().unwrap()).unwrap();
    let Outcome::Complete(mut completion) = listed.publisher.run_reconcile(&job) else { panic!("not done") };
    bench.queue.complete(&claimed[0], &mut completion).unwrap();
    let result = bench.job(&claimed[0].job.id).result.unwrap();
    assert!(result.as_str().contains(r#""taken_down":1"#), "{result}");
    listed.assert_only("p1");
    let elsewhere = Reconcile { platform: Platform::Ebay, account: String::new() };
    assert!(matches!(listed.publisher.run_reconcile(&elsewhere), Outcome::Fail { .. }), "it is not configured");
}

fn a_list_of_products_that_leads_in_circles_is_an_error(store: impl Store) {
    let listed = listed(store);
    listed.etsy.pages_lead_back(true);
    match listed.publisher.reconcile(Platform::Etsy, "") {
        Err(PublishError::Endless { pages: 2, cursor, .. }) => assert_eq!(cursor, "0"),
        other => panic!("{other:?}"),
    }
}
