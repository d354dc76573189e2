//! Listings that another program has recorded: a listed file is not published a second time.

use fieldfen_domain::FileId;
use fieldfen_domain::job::{CreateListing, JobKind, JobStatus};
use fieldfen_domain::publication::{
    IdempotencyKey, Listing, ListingStatus, ListingUpdate, Platform, Publication, PublicationState, Target,
};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{Marketplace, PublishOutcome, Publisher, RowResolution, RowResolutionOutcome};
use fieldfen_testkit::fixtures::{by_ann, foreign_listing};
use fieldfen_testkit::with;

use crate::SetUp as _;
use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::shop_harness::{ETSY, Shop, approved, listing_on, on_etsy, publisher};

on_every_store!(
    a_listing_that_is_gone_gives_way_to_one_product,
    a_row_that_comes_up_during_the_lookup_is_seen,
    a_row_for_the_product_of_a_call_under_way_becomes_its_own,
    a_row_for_the_product_of_a_lost_call_becomes_its_own,
    a_row_beside_a_confirmed_product_is_a_duplicate,
    a_row_beside_a_product_of_another_variant_is_adopted_once,
    several_rows_wait_for_a_person,
    rows_of_several_variants_go_by_their_keys_after_a_rollback,
    a_row_that_cannot_be_looked_up_keeps_the_call_back,
    a_row_that_somebody_activates_again_is_adopted_again,
    a_row_with_the_key_of_another_file_waits_for_a_person,
);

/// Listing `number` of a file, as another program has inserted it: `product` at Etsy.
pub(crate) fn row(number: u64, id: FileId, product: &str) -> Listing {
    with!(foreign_listing(number, id), platform_listing_id: product.to_owned())
}

pub(crate) fn insert<S: Store>(shop: &Shop<S>, listing: &Listing) {
    shop.write(|s| s.listings().insert_listing(listing)).unwrap();
}

/// An approved file that another program has listed as `FIRST`.
fn listed_elsewhere<S: Store>(store: S) -> (Shop<S>, FileId, FakeMarketplace, Publisher<S>) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    etsy.by_hand("FIRST", None);
    insert(&shop, &row(1, id, "FIRST"));
    let publisher = publisher(&shop, &[&etsy]);
    (shop, id, etsy, publisher)
}

pub(crate) fn already(platform_id: &str) -> PublishOutcome {
    PublishOutcome::AlreadyPublished { platform_id: platform_id.to_owned() }
}

/// The reason why a job waits for a person.
pub(crate) fn waits(publishing: PublishOutcome) -> String {
    match publishing {
        PublishOutcome::WaitsForPerson { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn live(publications: &[Publication]) -> Vec<(&str, Option<&str>)> {
    let live = publications.iter().filter(|other| other.state.is_live());
    live.map(|other| (other.target.variant_or_key(), other.platform_id.as_deref())).collect()
}

fn variant(id: FileId, variant: &str) -> CreateListing {
    on_etsy(id).variant(variant)
}

fn a_listing_that_is_gone_gives_way_to_one_product(store: impl Store) {
    let (shop, id, etsy, publisher) = listed_elsewhere(store);
    etsy.withdraw("FIRST").unwrap();
    shop.work(&publisher);
    assert_eq!(etsy.ids(), ["p1"]);
    let statuses: Vec<_> = shop.listings(&id).iter().map(|listing| listing.status).collect();
    assert_eq!(statuses, [ListingStatus::Delisted, ListingStatus::Active]);
}

fn a_row_that_comes_up_during_the_lookup_is_seen(store: impl Store) {
    let (shop, id, etsy, publisher) = listed_elsewhere(store);
    etsy.withdraw("FIRST").unwrap();
    // FIRST is gone, and during that lookup the other program lists the file again.
    let (other, writer) = (etsy.clone(), shop.bench.queue.store().clone());
    etsy.during_lookup(move || {
        other.by_hand("SECOND", None);
        writer.set_up(|s| s.listings().insert_listing(&row(2, id, "SECOND"))).unwrap();
    });
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), already("SECOND"));
    assert_eq!((etsy.ids(), etsy.made()), (vec!["SECOND".to_owned()], 0));
}

fn a_row_for_the_product_of_a_call_under_way_becomes_its_own(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let writer = shop.bench.queue.store().clone();
    etsy.during_call(move || writer.set_up(|s| s.listings().insert_listing(&row(1, id, "p1"))).unwrap());
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!((shop.listings(&id).len(), live(&shop.publications(&id))), (1, vec![("", Some("p1"))]));
    assert!(publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
}

fn a_row_for_the_product_of_a_lost_call_becomes_its_own(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    etsy.next([Next::CreateInSilence]);
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Unknown { .. }));
    insert(&shop, &row(1, id, "p1"));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!((etsy.ids(), shop.listings(&id).len()), (vec!["p1".to_owned()], 1));
}

fn a_row_beside_a_confirmed_product_is_a_duplicate(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    etsy.by_hand("FIRST", None);
    insert(&shop, &row(1, id, "FIRST"));
    for _ in 0..2 {
        let found = publisher.reconcile(Platform::Etsy, "").unwrap();
        let duplicates: Vec<_> = found.duplicates.iter().map(|d| (&*d.product.platform_id, &*d.confirmed_id)).collect();
        assert_eq!(duplicates, [("FIRST", "p1")]);
        assert_eq!(publisher.repair(&found).unwrap().taken_down, 0, "only a person knows which of them stays");
    }
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), already("p1"));
    assert_eq!(etsy.ids(), ["p1", "FIRST"]);
}

fn a_row_beside_a_product_of_another_variant_is_adopted_once(store: impl Store) {
    let (shop, id, etsy, publisher) = listed_elsewhere(store);
    assert_eq!(publisher.list(&variant(id, "canvas")).unwrap(), already("FIRST"));
    assert!(matches!(publisher.list(&on_etsy(id)).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(publisher.list(&variant(id, "canvas")).unwrap(), already("FIRST"));
    assert_eq!(etsy.ids(), ["FIRST", "p1"]);
    assert_eq!(live(&shop.publications(&id)), [("canvas", Some("FIRST")), ("", Some("p1"))]);
}

fn several_rows_wait_for_a_person(store: impl Store) {
    let (shop, id, etsy, publisher) = listed_elsewhere(store);
    etsy.by_hand("SECOND", None);
    insert(&shop, &row(2, id, "SECOND"));
    shop.work(&publisher);
    let job = || shop.all_jobs(&id).into_iter().find(|job| job.kind == JobKind::CreateListing).unwrap();
    assert_eq!(job().state.status(), JobStatus::Failed);
    let error = job().last_error.unwrap();
    assert!(error.starts_with("waits for a person: listing on etsy: 2 of the file are there"), "{error}");

    let rows = publisher.untracked(&id, &listing_on(Platform::Etsy)).unwrap();
    let adopt = RowResolution::Adopt { target: listing_on(Platform::Etsy), platform_id: None };
    let resolved = publisher.resolve_row(&id, rows[1].id(), &adopt, &by_ann("looked")).unwrap();
    assert!(
        matches!(&resolved, RowResolutionOutcome::Adopted { publication, .. } if publication.platform_id.as_deref() == Some("SECOND")),
        "{resolved:?}"
    );
    assert_eq!(
        publisher.resolve_row(&id, rows[1].id(), &adopt, &by_ann("looked")).unwrap(),
        RowResolutionOutcome::NotUntracked
    );
    assert_eq!(
        publisher.resolve_row(&id, rows[0].id(), &RowResolution::NotThere, &by_ann("looked")).unwrap(),
        RowResolutionOutcome::GivenUp { jobs: vec![] }
    );
    assert_eq!(job().state.status(), JobStatus::Pending, "it runs again");
    shop.work(&publisher);
    assert_eq!((job().state.status(), etsy.made()), (JobStatus::Completed, 0));
}

pub(crate) fn rows_of_several_variants_go_by_their_keys_after_a_rollback(store: impl Store) {
    let (shop, id) = approved(store, &[]);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    for (number, name) in [(1, "print"), (2, "canvas")] {
        let target = Target::listing(Platform::Etsy).with_variant(name);
        etsy.by_hand(name, Some(IdempotencyKey::derive(&id, &target, 3).as_str()));
        insert(&shop, &row(number, id, name));
    }
    let publisher = publisher(&shop, &[&etsy]);
    assert!(waits(publisher.list(&variant(id, "poster")).unwrap()).contains("the key of another target"));
    for name in ["canvas", "print"] {
        assert_eq!(publisher.list(&variant(id, name)).unwrap(), already(name));
    }
    assert!(matches!(publisher.list(&variant(id, "poster")).unwrap(), PublishOutcome::Published { .. }));
    assert_eq!(etsy.ids(), ["print", "canvas", "p1"]);
}

fn a_row_that_cannot_be_looked_up_keeps_the_call_back(store: impl Store) {
    let (shop, id, etsy, publisher) = listed_elsewhere(store);
    etsy.lookup_fails(true);
    assert!(publisher.list(&on_etsy(id)).is_err(), "it is tried again");
    etsy.lookup_fails(false);
    etsy.refuses_lookups(true);
    assert!(waits(publisher.list(&on_etsy(id)).unwrap()).contains("does not say what"));
    assert_eq!((etsy.made(), shop.publications(&id).len()), (0, 0));
    etsy.refuses_lookups(false);
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), already("FIRST"));
}

fn a_row_that_somebody_activates_again_is_adopted_again(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    let listing = shop.listings(&id).remove(0);
    let mut news = ListingUpdate::new(ListingStatus::Delisted, shop.bench.now(), shop.bench.now());
    shop.write(|s| s.listings().update(&listing.id, &news)).unwrap();
    assert_eq!(shop.states(&id), [PublicationState::Ended]);
    news.status = ListingStatus::Active;
    shop.write(|s| s.listings().update(&listing.id, &news)).unwrap();
    assert_eq!(publisher.list(&on_etsy(id)).unwrap(), already("p1"));
    assert_eq!((shop.states(&id), etsy.made()), (vec![PublicationState::Confirmed], 1));
}

fn a_row_with_the_key_of_another_file_waits_for_a_person(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let theirs = IdempotencyKey::derive(&FileId::from_random(99), &listing_on(Platform::Etsy), 0);
    etsy.by_hand("FIRST", Some(theirs.as_str()));
    insert(&shop, &row(1, id, "FIRST"));
    assert!(waits(publisher.list(&on_etsy(id)).unwrap()).contains("the key of another target or file"));
    assert_eq!((etsy.ids(), shop.publications(&id).len()), (vec!["FIRST".to_owned()], 0));
}
