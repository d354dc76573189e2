//! The protocol of publishing, one step after the other.

use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{CreateListing, JobKind, JobStatus, PublishSocial};
use fieldfen_domain::publication::{
    ClientKey, ListingStatus, ListingUpdate, Platform, PostType, PublicationState, SocialPlatform,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};
use fieldfen_services::publishing::{
    Attempt, CallError, Found, FoundState, Message, NewsTaken, Post, PublishError, Publisher, Publishing, Settled,
    SocialNetwork, conformance, listing_news,
};
use fieldfen_services::worker::Outcome;

use crate::shop::{Next, Shop, Stall, listing_on};

on_every_store!(
    a_listing_publishes_its_file,
    a_second_job_publishes_nothing_more,
    a_second_product_of_one_key_is_taken_down_by_the_job_that_comes_back,
    a_file_that_is_not_approved_is_not_published,
    a_definite_no_gives_the_target_free,
    an_answer_that_is_lost_is_looked_up,
    a_listing_that_was_never_made_is_made_after_its_time_is_over,
    a_platform_that_is_slow_is_not_called_twice,
    a_dropped_reservation_blocks_until_its_time_is_over,
    a_late_answer_is_taken_down_when_another_listing_is_live,
    a_late_answer_takes_up_a_file_that_was_given_up,
    a_lookup_that_fails_calls_nothing,
    a_reservation_that_ran_out_during_the_lookup_is_not_called,
    an_edit_during_the_call_is_followed_by_an_update,
    an_approval_withdrawn_during_the_call_leaves_the_file_processed,
    an_approval_that_comes_back_while_its_job_is_skipped_is_not_lost,
    one_platform_fails_and_the_file_is_published_by_the_other,
    all_platforms_fail_and_a_retry_publishes,
    sold_out_and_restocked_stay_published,
    a_delisted_listing_is_listed_anew_under_another_key,
    stale_news_change_nothing,
    a_published_file_that_changes_updates_its_listings,
    a_product_that_vanished_is_delisted_by_its_update,
    posts_are_made_once_and_a_repost_is_another,
    a_network_that_cannot_look_up_waits_for_a_person,
    a_job_for_a_platform_without_a_marketplace_says_so,
    reconciling_names_what_differs_and_mends_it,
    a_file_with_a_live_listing_is_not_deleted,
);

const ETSY: &[Platform] = &[Platform::Etsy];
const BOTH: &[Platform] = &[Platform::Etsy, Platform::Shopify];
const HOLD: Duration = Duration::from_secs(300);

/// A shop whose only file is approved, and a stall on Etsy.
fn approved<S: Store>(store: S, platforms: &'static [Platform]) -> (Shop<S>, FileId) {
    let shop = Shop::wanting(store, platforms);
    let id = shop.process("buck");
    shop.approve(&id);
    (shop, id)
}

fn publisher<S: Store>(shop: &Shop<S>, stalls: &[&Stall]) -> Publisher<S> {
    let publisher = Publisher::new(shop.bench.queue.store().clone(), shop.pipeline.clone()).holding(HOLD);
    stalls.iter().fold(publisher, |publisher, &stall| publisher.marketplace(stall.clone()))
}

fn on_etsy(file_id: FileId) -> CreateListing {
    let (account, variant, other) = (String::new(), String::new(), serde_json::Map::new());
    CreateListing { file_id, platform: Platform::Etsy, account, variant, other }
}

fn states<S: Store>(shop: &Shop<S>, id: &FileId) -> Vec<PublicationState> {
    let read = shop.bench.queue.store().read::<_, StoreError, _>(|s| s.publications().of_file(id));
    read.unwrap().iter().map(|publication| publication.state).collect()
}

fn news(status: ListingStatus, event_at: Timestamp) -> ListingUpdate {
    ListingUpdate { status, platform_status: Some(format!("etsy:{status}")), event_at, at: event_at }
}

fn a_listing_publishes_its_file(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    assert_eq!(shop.status(&id), FileStatus::Published);
    let listings = shop.listings(&id);
    assert_eq!(listings.len(), 1);
    assert_eq!(listings[0].platform_listing_id, etsy.live()[0].platform_id);
    assert_eq!(listings[0].platform_status.as_deref(), Some("ACTIVE"));
    assert_eq!(states(&shop, &id), [PublicationState::Confirmed]);
    assert_eq!((etsy.lookups(), shop.live_jobs(&id)), (0, vec![]), "nothing had to be looked up or updated");
}

fn a_second_job_publishes_nothing_more(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let again = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(again, Publishing::AlreadyPublished { platform_id: "p1".to_owned() });
    assert_eq!((etsy.made(), shop.listings(&id).len()), (1, 1));
}

fn a_second_product_of_one_key_is_taken_down_by_the_job_that_comes_back(store: impl Store) {
    use fieldfen_services::publishing::{Marketplace, Offer};
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let file = shop.write(|s| s.files().find(&id)).unwrap().unwrap();
    let options = serde_json::Map::new();
    etsy.create(&etsy.live()[0].key.clone().unwrap(), &Offer { file: &file, variant: "", options: &options }).unwrap();
    assert_eq!(etsy.live().len(), 2);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::AlreadyPublished { .. }));
    let live: Vec<_> = etsy.live().into_iter().map(|product| product.platform_id).collect();
    assert_eq!(live, ["p1"]);
}

fn a_file_that_is_not_approved_is_not_published(store: impl Store) {
    let shop = Shop::wanting(store, ETSY);
    let id = shop.process("buck");
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let refused = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(refused, Publishing::NotApproved { status: FileStatus::Processed });
    let nobody = publisher.list(&on_etsy(FileId::from_random(99))).unwrap();
    assert_eq!(nobody, Publishing::NoFile);
    assert_eq!((etsy.made(), states(&shop, &id)), (0, vec![]));
}

fn a_definite_no_gives_the_target_free(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let until = shop.bench.now() + Duration::from_secs(30);
    etsy.next([Next::Throttle(until), Next::NotSent, Next::Refuse]);
    let job = on_etsy(id);
    assert!(matches!(publisher.list(&job).unwrap(), Publishing::Throttled { until: told, .. } if told == until));
    assert!(matches!(publisher.list(&job).unwrap(), Publishing::NotSent { .. }));
    assert!(matches!(publisher.list(&job).unwrap(), Publishing::Refused { .. }));
    assert_eq!(states(&shop, &id), [PublicationState::Released; 3]);
    assert_eq!(etsy.lookups(), 2, "a second call is preceded by a lookup");
    assert!(matches!(publisher.list(&job).unwrap(), Publishing::Published { .. }));
}

fn an_answer_that_is_lost_is_looked_up(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Unknown { .. }));
    assert_eq!((shop.status(&id), states(&shop, &id)), (FileStatus::Approved, vec![PublicationState::Unknown]));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Published { .. }));
    assert_eq!((shop.status(&id), etsy.made()), (FileStatus::Published, 1));
    assert!(shop.live_jobs(&id).contains(&"UpdateListing".to_owned()), "what it shows is not known");
}

fn a_listing_that_was_never_made_is_made_after_its_time_is_over(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Ignore]);
    let until = shop.bench.now() + HOLD;
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Unknown { .. }));
    shop.bench.clock.advance(Duration::from_secs(10));
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Held { until });
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Published { .. }));
    assert_eq!(etsy.made(), 1);
}

fn a_platform_that_is_slow_is_not_called_twice(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Delay]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Unknown { .. }));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Held { .. }));
    etsy.deliver();
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Published { .. }));
    assert_eq!(etsy.live().len(), 1);
}

fn a_dropped_reservation_blocks_until_its_time_is_over(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let until = shop.bench.now() + HOLD;
    let Attempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    drop(reservation);
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Held { until });
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Published { .. }));
    assert_eq!(
        (etsy.lookups(), etsy.made()),
        (2, 1),
        "once for the call before, once for what it may have left behind"
    );
}

fn a_late_answer_is_taken_down_when_another_listing_is_live(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let Attempt::Granted(first) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    // The first caller sleeps beyond its time, another one lists the file.
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Published { .. }));
    let late = Found { platform_id: "late".to_owned(), url: None, state: active(), as_of: None };
    assert_eq!(first.confirm(&late).unwrap(), Settled::Duplicate { live: "p1".to_owned() });
    assert_eq!(shop.listings(&id).len(), 1);
}

fn active() -> FoundState {
    FoundState::Listing { status: ListingStatus::Active, platform_status: None }
}

fn a_late_answer_takes_up_a_file_that_was_given_up(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let publisher = publisher(&shop, &[]);
    let Attempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    shop.kill(JobKind::CreateListing);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    let late = Found { platform_id: "late".to_owned(), url: None, state: active(), as_of: None };
    assert_eq!(reservation.confirm(&late).unwrap(), Settled::Done);
    assert_eq!(shop.status(&id), FileStatus::Published);
    assert_eq!(shop.history(&id)[3..], ["approved", "failed", "approved", "published"]);
}

fn a_lookup_that_fails_calls_nothing(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    publisher.list(&on_etsy(id)).unwrap();
    etsy.lookup_fails(true);
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Unknown { .. }));
    etsy.lookup_fails(false);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Published { .. }));
    assert_eq!(etsy.made(), 1);
}

fn a_reservation_that_ran_out_during_the_lookup_is_not_called(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::NotSent]);
    publisher.list(&on_etsy(id)).unwrap();
    etsy.lookups_take(shop.bench.clock.clone(), HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), Publishing::Unknown { .. }));
    assert_eq!((etsy.lookups(), etsy.made()), (1, 0));
}

fn an_edit_during_the_call_is_followed_by_an_update(store: impl Store) {
    let shop = Shop::wanting(store, ETSY).automatic();
    let id = shop.process("buck");
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let Attempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    shop.retitle(&id, "Buck in the Mist");
    let found = Found { platform_id: "p1".to_owned(), url: None, state: active(), as_of: None };
    reservation.confirm(&found).unwrap();
    assert_eq!(shop.live_jobs(&id), ["CreateListing", "UpdateListing"]);
}

fn an_approval_withdrawn_during_the_call_leaves_the_file_processed(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    shop.work(&publisher);
    shop.retitle(&id, "Buck in the Mist");
    assert_eq!(shop.status(&id), FileStatus::Processed);
    // What the platform has is recorded all the same; the file goes on sale with the next approval, in its new words.
    shop.bench.clock.advance(HOLD);
    shop.work(&publisher);
    assert_eq!((shop.status(&id), shop.listings(&id).len()), (FileStatus::Processed, 1));
    shop.work(&publisher);
    assert_eq!(etsy.titles(), ["Buck"]);
    shop.approve(&id);
    assert_eq!(shop.status(&id), FileStatus::Published);
    shop.work(&publisher);
    assert_eq!((etsy.titles(), etsy.made()), (vec!["Buck in the Mist".to_owned()], 1));
}

fn an_approval_that_comes_back_while_its_job_is_skipped_is_not_lost(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = Stall::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.retitle(&id, "Buck in the Mist");
    let claimed = shop.bench.claim(JobKind::CreateListing, 1).remove(0);
    let Outcome::Fail { error } = publisher.run_create_listing(&on_etsy(id)) else { panic!("not given up") };
    shop.approve(&id);
    assert_eq!(shop.live_jobs(&id), ["CreateListing"], "the approval has met the job that runs");
    assert!(shop.bench.queue.fail_for_good(&claimed, &error).unwrap().is_done());
    assert_eq!(shop.live_jobs(&id), ["CreateListing"]);
    shop.work(&publisher);
    assert_eq!((shop.status(&id), etsy.titles()), (FileStatus::Published, vec!["Buck in the Mist".to_owned()]));
}

fn one_platform_fails_and_the_file_is_published_by_the_other(store: impl Store) {
    let (shop, id) = approved(store, BOTH);
    let (etsy, shopify) = (Stall::new(Platform::Etsy), Stall::new(Platform::Shopify));
    etsy.next([Next::Refuse]);
    shop.work(&publisher(&shop, &[&etsy, &shopify]));
    assert_eq!(shop.status(&id), FileStatus::Published);
    let listings: Vec<_> = shop.jobs(&id).into_iter().filter(|(kind, _)| kind == "CreateListing").collect();
    assert_eq!(
        listings.iter().map(|(_, status)| *status).collect::<Vec<_>>(),
        [JobStatus::Failed, JobStatus::Completed]
    );
}

fn all_platforms_fail_and_a_retry_publishes(store: impl Store) {
    let (shop, id) = approved(store, BOTH);
    let (etsy, shopify) = (Stall::new(Platform::Etsy), Stall::new(Platform::Shopify));
    let publisher = publisher(&shop, &[&etsy, &shopify]);
    etsy.next([Next::Refuse]);
    shopify.next([Next::Refuse]);
    shop.work(&publisher);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    shop.write(|s| shop.pipeline.retry(s, &id, "with antlers")).unwrap();
    shop.work(&publisher);
    assert_eq!((shop.status(&id), shop.listings(&id).len()), (FileStatus::Published, 2));
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
    let found = Found { platform_id: "post-1".to_owned(), url: None, state: FoundState::Post, as_of: None };
    assert_eq!(unresolved.found(&found).unwrap(), Settled::Done);
}

fn a_job_for_a_platform_without_a_marketplace_says_so(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let publisher = publisher(&shop, &[&Stall::new(Platform::Ebay)]);
    match publisher.list(&on_etsy(id)) {
        Err(PublishError::NotConfigured { target }) => assert_eq!(target, "listing on etsy"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(publisher.run_create_listing(&on_etsy(id)), Outcome::Fail { .. }));
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
