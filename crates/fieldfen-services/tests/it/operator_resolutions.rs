//! Decisions of operators about products at a platform, from programs without the shop's rules.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::operator::Subject;
use fieldfen_domain::publication::{IdempotencyKey, Platform, PlatformRowId, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, PublicationId};
use fieldfen_services::operator::OperatorAnswer;
use fieldfen_services::publishing::{KeyResolution, ReservationAttempt, RowResolution, UnknownResolution};
use fieldfen_testkit::fixtures::{by_ann, foreign_listing};

use crate::fake_marketplace::FakeMarketplace;
use crate::operator_requests::{ShopAndOperator, stop};
use crate::reused_ids::with_another_key;
use crate::shop_harness::{ETSY, HOLD, approved, listing_on, publisher};

on_every_store!(
    a_row_is_adopted_from_a_program_without_rules,
    a_key_is_resolved_from_a_program_without_rules,
    an_unanswered_call_is_confirmed_from_a_program_without_rules,
    an_unanswered_call_is_released_from_a_program_without_rules,
);

fn refused(answer: OperatorAnswer) -> String {
    match answer {
        OperatorAnswer::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn a_row_is_adopted_from_a_program_without_rules(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let listing = foreign_listing(1, id);
    shop.write(|s| s.listings().insert_listing(&listing)).unwrap();
    let setup = ShopAndOperator::of(shop);
    let worker = setup.worker();
    let row = PlatformRowId::Listing(listing.id);
    let adopt = |platform| RowResolution::Adopt { target: listing_on(platform), platform_id: None };
    let say = |said: RowResolution, reason| setup.answer(setup.operator.resolve_row(&id, row, &said, &by_ann(reason)));
    let reason = refused(say(adopt(Platform::Ebay), "at eBay"));
    assert!(reason.contains("its own platform"), "{reason}");
    let answer = say(adopt(Platform::Etsy), "at Etsy");
    assert_eq!(answer, OperatorAnswer::Done { status: Some(FileStatus::Published), jobs: vec![] });
    assert_eq!(setup.shop.states(&id), [PublicationState::Confirmed]);
    let reason = refused(say(RowResolution::NotThere, "it is gone"));
    assert!(reason.contains("belongs to a publication"), "{reason}");
    let recorded = setup.recorded_of(Subject::Listing(listing.id));
    assert_eq!(recorded, ["ann adopt refused", "ann adopt done", "ann resolve refused"]);
    stop(worker);
}

fn a_key_is_resolved_from_a_program_without_rules(store: impl Store) {
    let key = IdempotencyKey::from_text("SKU-7".to_owned());
    let listed = with_another_key(store, key.as_str());
    let publication = listed.shop.publications(&listed.id)[0].id;
    let setup = ShopAndOperator::of(listed.shop);
    let worker = setup.worker();
    let say = |key, reason| setup.answer(setup.operator.resolve_key(&publication, key, &by_ann(reason)));
    let blank = KeyResolution::Ours(IdempotencyKey::from_text(" ".to_owned()));
    let reason = refused(say(&blank, "no SKU"));
    assert!(reason.contains("not be blank"), "{reason}");
    let answer = say(&KeyResolution::Ours(key.clone()), "we changed the SKU");
    let OperatorAnswer::Done { status: Some(FileStatus::Published), jobs } = answer else { panic!("{answer:?}") };
    assert_eq!(jobs.len(), 1, "the update that was parked for a person");
    assert_eq!(setup.shop.publications(&listed.id)[0].client_key, key);
    let recorded = setup.recorded_of(Subject::Publication(publication));
    assert_eq!(recorded, ["ann adopt refused", "ann adopt done"]);
    stop(worker);
}

/// A setup, and the file and publication of a call that got no answer.
fn unanswered<S: Store>(store: S) -> (ShopAndOperator<S>, FileId, PublicationId) {
    let (shop, id) = approved(store, ETSY);
    let publisher = publisher(&shop, &[&FakeMarketplace::new(Platform::Etsy)]);
    let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &listing_on(Platform::Etsy)).unwrap() else {
        panic!("not granted")
    };
    assert!(reservation.mark_unknown("time-out").unwrap().is_done());
    let publication = shop.publications(&id)[0].id;
    (ShopAndOperator::of(shop), id, publication)
}

fn an_unanswered_call_is_confirmed_from_a_program_without_rules(store: impl Store) {
    let (setup, id, publication) = unanswered(store);
    let worker = setup.worker();
    let target = listing_on(Platform::Etsy);
    let there = |platform_id: &str| UnknownResolution::There { platform_id: platform_id.to_owned(), url: None };
    let say = |said: UnknownResolution, reason| {
        setup.answer(setup.operator.resolve_unknown(&id, &target, &said, &by_ann(reason)))
    };
    let reason = refused(say(there(""), "no id"));
    assert!(reason.contains("platform id"), "{reason}");
    let answer = say(there("777"), "I see it");
    assert_eq!(answer, OperatorAnswer::Done { status: Some(FileStatus::Published), jobs: vec![] });
    assert_eq!(setup.shop.listings(&id)[0].platform_listing_id, "777");
    assert!(setup.shop.live_jobs(&id).contains(&"UpdateListing".to_owned()), "what it shows is not known");
    let reason = refused(say(UnknownResolution::NothingThere, "it is not"));
    assert!(reason.contains("no call waits"), "{reason}");
    assert_eq!(setup.recorded_of(Subject::Publication(publication)), ["ann resolve done"]);
    assert_eq!(
        setup.recorded_of(Subject::File(id)),
        ["ann approve done", "ann resolve refused", "ann nothing_is_there refused"]
    );
    stop(worker);
}

fn an_unanswered_call_is_released_from_a_program_without_rules(store: impl Store) {
    let (setup, id, publication) = unanswered(store);
    let worker = setup.worker();
    let target = listing_on(Platform::Etsy);
    let nothing = UnknownResolution::NothingThere;
    let say = || setup.answer(setup.operator.resolve_unknown(&id, &target, &nothing, &by_ann("looked")));
    let reason = refused(say());
    assert!(reason.contains("may still take effect"), "{reason}");
    assert_eq!(setup.shop.states(&id), [PublicationState::Unknown]);
    setup.shop.bench.clock.advance(HOLD);
    assert_eq!(say(), OperatorAnswer::Done { status: Some(FileStatus::Approved), jobs: vec![] });
    assert_eq!(setup.shop.states(&id), [PublicationState::Released]);
    let recorded = setup.recorded_of(Subject::Publication(publication));
    assert_eq!(recorded, ["ann nothing_is_there refused", "ann nothing_is_there done"]);
    stop(worker);
}
