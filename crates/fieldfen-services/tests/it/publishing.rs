//! The protocol of publishing, step by step.

use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{DeleteFile, JobKind, JobStatus};
use fieldfen_domain::publication::{ListingStatus, Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::pipeline::run_delete_file;
use fieldfen_services::publishing::{
    Marketplace, Offer, PublishError, PublishOutcome, RemoteItem, RemoteItemKind, ReservationAttempt,
    ReservationConfirmOutcome,
};
use fieldfen_services::worker::Outcome;
use fieldfen_testkit::fixtures::by_ann;

use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::shop_harness::{BOTH, ETSY, HOLD, Shop, approved, listing_on, on_etsy, publisher};

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
    a_late_answer_is_a_duplicate_when_another_listing_is_live,
    a_late_answer_takes_up_a_file_that_was_given_up,
    a_lookup_that_fails_calls_nothing,
    a_reservation_that_ran_out_during_the_lookup_is_not_called,
    an_edit_during_the_call_is_followed_by_an_update,
    an_approval_withdrawn_during_the_call_leaves_the_file_processed,
    an_approval_that_comes_back_while_its_job_is_skipped_is_not_lost,
    one_platform_fails_and_the_file_is_published_by_the_other,
    all_platforms_fail_and_a_retry_publishes,
    a_job_for_a_platform_without_a_marketplace_says_so,
    a_file_with_a_live_listing_is_not_deleted,
);

fn a_listing_publishes_its_file(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    assert_eq!(shop.status(&id), FileStatus::Published);
    let listings = shop.listings(&id);
    assert_eq!(listings.len(), 1);
    assert_eq!(listings[0].platform_listing_id, etsy.live()[0].platform_id);
    assert_eq!(listings[0].platform_status.as_deref(), Some("ACTIVE"));
    assert_eq!(shop.states(&id), [PublicationState::Confirmed]);
    assert_eq!((etsy.lookups(), shop.live_jobs(&id)), (0, vec![]), "nothing had to be looked up or updated");
}

fn a_second_job_publishes_nothing_more(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let again = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(again, PublishOutcome::AlreadyPublished { platform_id: "p1".to_owned() });
    assert_eq!((etsy.made(), shop.listings(&id).len()), (1, 1));
}

fn a_second_product_of_one_key_is_taken_down_by_the_job_that_comes_back(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let file = shop.write(|s| s.files().find(&id)).unwrap().unwrap();
    let options = serde_json::Map::new();
    etsy.create(&etsy.live()[0].key.clone().unwrap(), &Offer::new(&file, "", &options)).unwrap();
    assert_eq!(etsy.live().len(), 2);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::AlreadyPublished { .. }));
    let live: Vec<_> = etsy.live().into_iter().map(|product| product.platform_id).collect();
    assert_eq!(live, ["p1"]);
}

fn a_file_that_is_not_approved_is_not_published(store: impl Store) {
    let shop = Shop::wanting(store, ETSY);
    let id = shop.process("buck");
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let refused = publisher.list(&on_etsy(id)).unwrap();
    assert_eq!(refused, PublishOutcome::NotApproved { status: FileStatus::Processed });
    let nobody = publisher.list(&on_etsy(FileId::from_random(99))).unwrap();
    assert_eq!(nobody, PublishOutcome::FileNotFound);
    assert_eq!((etsy.made(), shop.states(&id)), (0, vec![]));
}

fn a_definite_no_gives_the_target_free(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let until = shop.bench.now() + Duration::from_secs(30);
    etsy.next([Next::Throttle(until), Next::NotSent, Next::Refuse]);
    let job = on_etsy(id);
    assert!(matches!(publisher.list(&job).unwrap(), PublishOutcome::Throttled { until: told, .. } if told == until));
    assert!(matches!(publisher.list(&job).unwrap(), PublishOutcome::NotSent { .. }));
    assert!(matches!(publisher.list(&job).unwrap(), PublishOutcome::Refused { .. }));
    assert_eq!(shop.states(&id), [PublicationState::Released]);
    assert_eq!(etsy.lookups(), 2, "a second call is preceded by a lookup");
    assert!(matches!(publisher.list(&job).unwrap(), PublishOutcome::Published { .. }));
}

fn an_answer_that_is_lost_is_looked_up(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    assert_eq!((shop.status(&id), shop.states(&id)), (FileStatus::Approved, vec![PublicationState::Unknown]));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!((shop.status(&id), etsy.made()), (FileStatus::Published, 1));
    assert!(shop.live_jobs(&id).contains(&"UpdateListing".to_owned()), "what it shows is not known");
}

fn a_listing_that_was_never_made_is_made_after_its_time_is_over(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Ignore]);
    let until = shop.bench.now() + HOLD;
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    shop.bench.clock.advance(Duration::from_secs(10));
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::InProgress { until });
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(etsy.made(), 1);
}

fn a_platform_that_is_slow_is_not_called_twice(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Delay]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::InProgress { .. }));
    etsy.deliver();
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(etsy.live().len(), 1);
}

fn a_dropped_reservation_blocks_until_its_time_is_over(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let until = shop.bench.now() + HOLD;
    let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    drop(reservation);
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::InProgress { until });
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(
        (etsy.lookups(), etsy.made()),
        (2, 1),
        "once for the call before, once for what it may have left behind"
    );
}

fn a_late_answer_is_a_duplicate_when_another_listing_is_live(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let ReservationAttempt::Granted(first) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    // The first caller sleeps beyond its reservation, and another one lists the file.
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    let late = RemoteItem::new("late", active());
    assert_eq!(first.confirm(&late).unwrap(), ReservationConfirmOutcome::Duplicate { live: "p1".to_owned() });
    assert_eq!(shop.listings(&id).len(), 1);
}

fn active() -> RemoteItemKind {
    RemoteItemKind::Listing { status: ListingStatus::Active, platform_status: None }
}

fn a_late_answer_takes_up_a_file_that_was_given_up(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let publisher = publisher(&shop, &[]);
    let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    shop.kill(JobKind::CreateListing);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    let late = RemoteItem::new("late", active());
    assert_eq!(reservation.confirm(&late).unwrap(), ReservationConfirmOutcome::Confirmed);
    assert_eq!(shop.status(&id), FileStatus::Published);
    assert_eq!(shop.history(&id)[3..], ["approved", "failed", "approved", "published"]);
}

fn a_lookup_that_fails_calls_nothing(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    publisher.list(&on_etsy(id)).unwrap();
    etsy.lookup_fails(true);
    shop.bench.clock.advance(HOLD);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    etsy.lookup_fails(false);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(etsy.made(), 1);
}

fn a_reservation_that_ran_out_during_the_lookup_is_not_called(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::NotSent]);
    publisher.list(&on_etsy(id)).unwrap();
    let clock = shop.bench.clock.clone();
    etsy.during_lookup(move || clock.advance(HOLD));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    assert_eq!((etsy.lookups(), etsy.made()), (1, 0));
}

fn an_edit_during_the_call_is_followed_by_an_update(store: impl Store) {
    let shop = Shop::wanting(store, ETSY).automatic();
    let id = shop.process("buck");
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted");
    };
    shop.retitle(&id, "Buck in the Mist");
    let found = RemoteItem::new("p1", active());
    reservation.confirm(&found).unwrap();
    assert_eq!(shop.live_jobs(&id), ["CreateListing", "UpdateListing"]);
}

fn an_approval_withdrawn_during_the_call_leaves_the_file_processed(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    shop.work(&publisher);
    shop.retitle(&id, "Buck in the Mist");
    assert_eq!(shop.status(&id), FileStatus::Processed);
    // The platform's product is recorded anyway. The next approval publishes the file with its new texts.
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
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.retitle(&id, "Buck in the Mist");
    let claimed = shop.bench.claim(JobKind::CreateListing, 1).remove(0);
    let Outcome::Park { parked_for, reason } = publisher.run_create_listing(&on_etsy(id)) else { panic!("not parked") };
    shop.approve(&id);
    assert_eq!(shop.live_jobs(&id), ["CreateListing"], "the approval has met the job that runs");
    assert!(shop.bench.queue.park(&claimed, parked_for, &reason).unwrap().is_done());
    assert_eq!(shop.live_jobs(&id), ["CreateListing"]);
    shop.work(&publisher);
    assert_eq!((shop.status(&id), etsy.titles()), (FileStatus::Published, vec!["Buck in the Mist".to_owned()]));
}

fn one_platform_fails_and_the_file_is_published_by_the_other(store: impl Store) {
    let (shop, id) = approved(store, BOTH);
    let (etsy, shopify) = (FakeMarketplace::new(Platform::Etsy), FakeMarketplace::new(Platform::Shopify));
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
    let (etsy, shopify) = (FakeMarketplace::new(Platform::Etsy), FakeMarketplace::new(Platform::Shopify));
    let publisher = publisher(&shop, &[&etsy, &shopify]);
    etsy.next([Next::Refuse]);
    shopify.next([Next::Refuse]);
    shop.work(&publisher);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("with antlers"))).unwrap();
    shop.work(&publisher);
    assert_eq!((shop.status(&id), shop.listings(&id).len()), (FileStatus::Published, 2));
}

fn a_job_for_a_platform_without_a_marketplace_says_so(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let publisher = publisher(&shop, &[&FakeMarketplace::new(Platform::Ebay)]);
    match publisher.list(&on_etsy(id)) {
        Err(PublishError::NotConfigured { target }) => assert_eq!(target, "listing on etsy"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(publisher.run_create_listing(&on_etsy(id)), Outcome::Fail { .. }));
}

fn a_file_with_a_live_listing_is_not_deleted(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let job = |force| DeleteFile::new(id).force(force);
    match run_delete_file(publisher.store(), &job(false)) {
        Outcome::Fail { error } => assert!(error.contains("etsy: p1"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(run_delete_file(publisher.store(), &job(true)), Outcome::Complete(_)));
    assert!(matches!(run_delete_file(publisher.store(), &job(true)), Outcome::Complete(_)), "twice is no error");
    assert_eq!(shop.write(|s| s.files().find(&id)).unwrap(), None);
}
