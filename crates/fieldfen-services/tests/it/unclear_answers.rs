//! Answers and reservations that only a person can resolve.

use std::time::Duration;

use fieldfen_domain::file::Deletion;
use fieldfen_domain::job::{CreateListing, JobStatus, ParkedFor};
use fieldfen_domain::publication::{Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{PublishOutcome, ReservationAttempt, UnknownResolution, UnknownResolutionOutcome};
use fieldfen_services::worker::Outcome;
use fieldfen_testkit::fixtures::by_ann;

use crate::SetUp as _;
use crate::fake_marketplace::{FakeMarketplace, Finds, Next};
use crate::shop_harness::{ETSY, HOLD, Shop, approved, listing_on, on_etsy, publisher};

on_every_store!(
    an_answer_with_another_key_is_the_last_call,
    an_answer_with_the_id_of_another_variant_is_the_last_call,
    a_reservation_of_a_clock_that_was_ahead_holds_for_one_hold_more,
    a_look_by_a_clock_ahead_leaves_the_last_call_its_time,
    a_word_about_a_target_that_is_free_reserves_nothing,
    a_reservation_that_is_too_long_waits_for_a_person,
    a_hold_of_any_length_is_cut_to_the_longest,
    what_a_deleted_file_leaves_behind_waits_for_a_person,
);

/// Works for a day, and returns the error of the only `CreateListing` job.
fn work_for_a_day<S: Store>(
    shop: &Shop<S>,
    publisher: &fieldfen_services::publishing::Publisher<S>,
    id: &fieldfen_domain::FileId,
) -> Option<String> {
    for _ in 0..100 {
        shop.work(publisher);
        shop.bench.clock.advance(Duration::from_secs(900));
    }
    let job = shop.all_jobs(id).pop().unwrap();
    (job.state.status() == JobStatus::Failed).then(|| job.last_error.unwrap())
}

fn an_answer_with_another_key_is_the_last_call(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    // A shop that assigns its own SKUs: each call makes another product.
    etsy.next([Next::Answer(etsy.by_hand("own", Some("SKU-7")))]);
    let error = work_for_a_day(&shop, &publisher, &id).unwrap();
    assert!(error.contains("waits for a person") && error.contains("SKU-7"), "{error}");
    assert_eq!((etsy.made(), shop.states(&id)), (0, vec![PublicationState::Unknown]));
    // A person has looked, and the product does not belong to the file: the job runs again.
    let freed = publisher
        .resolve_unknown(&id, &listing_on(Platform::Etsy), &UnknownResolution::NothingThere, &by_ann("looked"))
        .unwrap();
    assert!(matches!(&freed, UnknownResolutionOutcome::Freed { jobs } if jobs.len() == 1), "{freed:?}");
    assert_eq!(work_for_a_day(&shop, &publisher, &id), None);
    assert_eq!((etsy.ids(), shop.states(&id)), (vec!["own".into(), "p1".into()], vec![PublicationState::Confirmed]));
}

fn an_answer_with_the_id_of_another_variant_is_the_last_call(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    // A shop that returns the id of the group of variants, and no keys.
    etsy.finds(Finds::ByPrefixWithoutKeys);
    let mut group = etsy.live().remove(0);
    group.key = None;
    etsy.next([Next::Answer(group)]);
    let job = CreateListing::new(id, Platform::Etsy).variant("A3");
    assert!(matches!(publisher.list(&job).unwrap(), PublishOutcome::Unknown { .. }));
    shop.bench.clock.advance(HOLD);
    for _ in 0..2 {
        assert!(matches!(publisher.list(&job).unwrap(), PublishOutcome::WaitsForPerson { .. }));
    }
    assert_eq!(etsy.made(), 1);
}

fn a_reservation_of_a_clock_that_was_ahead_holds_for_one_hold_more(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    for (ahead, calls) in [(Duration::from_secs(12 * 3600), 0), (Duration::from_secs(365 * 86_400), 1)] {
        let right = shop.bench.now();
        shop.bench.clock.advance(ahead);
        // One caller dies before its call, another one waits for the answer.
        etsy.next(vec![Next::Ignore; calls]);
        if calls == 0 {
            let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap()
            else {
                panic!("not granted")
            };
            drop(reservation);
        } else {
            assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
        }
        shop.bench.clock.set(right);
        let until = shop.bench.now() + HOLD;
        assert_eq!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::InProgress { until }, "{ahead:?}");
        shop.bench.clock.advance(HOLD - Duration::from_secs(1));
        assert_eq!(
            publisher.list(&on_etsy(id)).unwrap(),
            PublishOutcome::InProgress { until },
            "{ahead:?}: it begins anew once"
        );
        assert_eq!(etsy.made(), 0);
        shop.bench.clock.advance(Duration::from_secs(1));
        if calls == 0 {
            etsy.next([Next::Refuse]);
            assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Refused { .. }));
        }
    }
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(etsy.ids(), ["p1"]);
}

fn a_look_by_a_clock_ahead_leaves_the_last_call_its_time(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::Ignore]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    let (right, until) = (shop.bench.now(), shop.bench.now() + HOLD);
    etsy.lookup_fails(true);
    shop.bench.clock.advance(Duration::from_secs(3600));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    etsy.lookup_fails(false);
    shop.bench.clock.set(right + Duration::from_secs(3));
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::InProgress { until });
    assert_eq!(etsy.made(), 0);
}

fn a_word_about_a_target_that_is_free_reserves_nothing(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let nothing = || {
        publisher
            .resolve_unknown(&id, &listing_on(Platform::Etsy), &UnknownResolution::NothingThere, &by_ann("looked"))
            .unwrap()
    };
    assert_eq!((nothing(), shop.states(&id)), (UnknownResolutionOutcome::NotUnknown, vec![]));
    etsy.next([Next::Refuse]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Refused { .. }));
    let released = shop.publications(&id);
    assert_eq!((nothing(), shop.publications(&id)), (UnknownResolutionOutcome::NotUnknown, released));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
}

fn a_reservation_that_is_too_long_waits_for_a_person(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let until = shop.bench.now() + Duration::from_secs(365 * 86_400);
    let mut request = fieldfen_testkit::fixtures::reserve_request(1, id, listing_on(Platform::Etsy), shop.bench.now());
    request.held_until = until;
    shop.write(|s| s.publications().reserve(&request)).unwrap();
    let error = work_for_a_day(&shop, &publisher, &id).unwrap();
    assert!(error.contains("waits for a person") && error.contains(&until.to_string()), "{error}");
    assert_eq!(etsy.made(), 0);
    let freed = publisher
        .resolve_unknown(&id, &listing_on(Platform::Etsy), &UnknownResolution::NothingThere, &by_ann("looked"))
        .unwrap();
    assert!(matches!(&freed, UnknownResolutionOutcome::Freed { jobs } if jobs.len() == 1), "{freed:?}");
    assert_eq!(work_for_a_day(&shop, &publisher, &id), None);
    assert_eq!(etsy.ids(), ["p1"]);
}

fn a_hold_of_any_length_is_cut_to_the_longest(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]).with_hold(Duration::MAX);
    let longest = shop.bench.now() + Duration::from_secs(24 * 3600);
    let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted")
    };
    assert_eq!(shop.publications(&id)[0].held_until, longest);
    assert!(reservation.release("no route").unwrap().is_done());
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
}

fn what_a_deleted_file_leaves_behind_waits_for_a_person(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.keeps("p1");
    let store = shop.bench.queue.store().clone();
    etsy.during_call(move || drop(store.set_up(|s| s.files().delete(&id, Deletion::Forced)).unwrap()));
    let Outcome::Park { parked_for, reason } = publisher.run_create_listing(&on_etsy(id)) else {
        panic!("nobody would know of it")
    };
    assert!(parked_for == ParkedFor::Person && reason.contains("\"p1\""), "{parked_for}: {reason}");
    assert_eq!(etsy.ids(), ["p1"]);
}
