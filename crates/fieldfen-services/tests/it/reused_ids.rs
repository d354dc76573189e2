//! An id that a platform reuses while the earlier listing with it still counts as live.

use fieldfen_domain::FileId;
use fieldfen_domain::job::{JobKind, JobStatus, ParkedFor};
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{KeyResolution, KeyResolutionOutcome, Marketplace, PublishOutcome, RepairReport};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::with;

use crate::fake_marketplace::Next;
use crate::listed_file::{ListedFile, listed};
use crate::shop_harness::{HOLD, listing_on, on_etsy};

on_every_store!(
    an_answer_with_the_id_of_a_product_that_is_gone_is_confirmed,
    an_update_leaves_the_product_of_another_file_alone,
    a_reconciliation_reports_an_id_that_is_used_again_and_mends_it,
    a_product_whose_key_a_person_has_changed_is_updated_after_a_person_has_said_so,
    a_product_that_a_person_says_is_anothers_is_left_alone,
    a_product_without_a_key_is_updated,
    a_row_that_no_publication_knows_is_not_updated_at_the_product_of_another_file,
);

fn key_of(id: FileId) -> IdempotencyKey {
    IdempotencyKey::derive(&id, &listing_on(Platform::Etsy), 0)
}

/// A listed file, and another one whose product has the same id after a lost answer.
fn reused<S: Store>(store: S) -> (ListedFile<S>, FileId) {
    let listed = listed(store);
    let other = listed.shop.process("doe");
    listed.shop.approve(&other);
    listed.etsy.next([Next::Ignore]);
    assert!(matches!(listed.publisher.list(&on_etsy(other)).unwrap(), PublishOutcome::Unknown { .. }));
    listed.etsy.withdraw("p1").unwrap();
    listed.etsy.by_hand("p1", Some(key_of(other).as_str()));
    (listed, other)
}

fn assert_handed_over<S: Store>(ListedFile { shop, publisher, id, etsy }: &ListedFile<S>, other: &FileId) {
    assert_eq!(shop.states(id), [PublicationState::Ended]);
    assert_eq!(shop.listings(id)[0].status, ListingStatus::Delisted);
    assert_eq!(shop.states(other), [PublicationState::Confirmed]);
    assert_eq!(shop.publications(other)[0].platform_id.as_deref(), Some("p1"));
    assert_eq!(shop.listings(other)[0].status, ListingStatus::Active);
    assert_eq!(etsy.ids(), ["p1"]);
    assert!(publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
}

fn an_answer_with_the_id_of_a_product_that_is_gone_is_confirmed(store: impl Store) {
    let listed = listed(store);
    let other = listed.shop.process("doe");
    listed.shop.approve(&other);
    listed.etsy.withdraw("p1").unwrap();
    listed.etsy.next([Next::Answer(listed.etsy.by_hand("p1", Some(key_of(other).as_str())))]);
    let published = listed.publisher.list(&on_etsy(other)).unwrap();
    assert_eq!(published, PublishOutcome::Published { platform_id: "p1".to_owned(), url: None });
    assert_handed_over(&listed, &other);
}

fn an_update_leaves_the_product_of_another_file_alone(store: impl Store) {
    let (listed, other) = reused(store);
    let shop = &listed.shop;
    shop.retitle(&listed.id, "Buck in the Mist");
    shop.work(&listed.publisher);
    assert_eq!(listed.etsy.titles(), [""], "the product of the other file was overwritten");
    assert_eq!(shop.states(&listed.id), [PublicationState::Ended]);
    shop.bench.clock.advance(HOLD);
    shop.work(&listed.publisher);
    assert_handed_over(&listed, &other);
}

fn a_reconciliation_reports_an_id_that_is_used_again_and_mends_it(store: impl Store) {
    let (listed, other) = reused(store);
    listed.shop.bench.clock.advance(HOLD);
    let found = listed.publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.missing.iter().map(|listing| listing.file_id).collect::<Vec<_>>(), [listed.id]);
    assert_eq!(found.unconfirmed.iter().map(|stray| stray.publication.file_id).collect::<Vec<_>>(), [other]);
    assert_eq!(listed.publisher.repair(&found).unwrap(), with!(RepairReport::default(), delisted: 1, confirmed: 1));
    assert_handed_over(&listed, &other);
}

/// A listed file whose product has another key by now, and whose update waits for a person.
pub(crate) fn with_another_key<S: Store>(store: S, key: &str) -> ListedFile<S> {
    let listed = listed(store);
    listed.etsy.withdraw("p1").unwrap();
    listed.etsy.by_hand("p1", Some(key));
    listed.shop.retitle(&listed.id, "Buck in the Mist");
    listed.shop.work(&listed.publisher);
    assert_eq!(listed.etsy.titles(), [""], "a product was overwritten that may be somebody else's");
    assert_eq!(updates(&listed), [(JobStatus::Failed, Some(ParkedFor::Person))]);
    listed
}

fn updates<S: Store>(listed: &ListedFile<S>) -> Vec<(JobStatus, Option<ParkedFor>)> {
    let jobs = listed.shop.all_jobs(&listed.id).into_iter().filter(|job| job.kind == JobKind::UpdateListing);
    jobs.map(|job| (job.state.status(), job.state.parked_for())).collect()
}

fn says<S: Store>(listed: &ListedFile<S>, resolution: &KeyResolution) -> KeyResolutionOutcome {
    let id = listed.shop.publications(&listed.id)[0].id;
    listed.publisher.resolve_key(&id, resolution, &by_ann("looked")).unwrap()
}

fn a_product_whose_key_a_person_has_changed_is_updated_after_a_person_has_said_so(store: impl Store) {
    let key = IdempotencyKey::from_text("SKU-7".to_owned());
    let listed = with_another_key(store, key.as_str());
    let said = says(&listed, &KeyResolution::Ours(key.clone()));
    assert!(matches!(&said, KeyResolutionOutcome::Done { jobs } if jobs.len() == 1), "{said:?}");
    listed.shop.work(&listed.publisher);
    assert_eq!(listed.etsy.titles(), ["Buck in the Mist"]);
    listed.shop.bench.clock.advance(HOLD);
    listed.assert_only("p1");
    // The new key is accepted from now on, and so is the first one.
    for (key, title) in [(key.as_str(), "Buck at Dawn"), (key_of(listed.id).as_str(), "Buck at Noon")] {
        listed.etsy.withdraw("p1").unwrap();
        listed.etsy.by_hand("p1", Some(key));
        listed.shop.retitle(&listed.id, title);
        listed.shop.work(&listed.publisher);
        assert_eq!(listed.etsy.titles(), [title]);
    }
    // Another product with the same SKU of a person is no duplicate.
    listed.etsy.by_hand("p9", Some(key.as_str()));
    assert_eq!(listed.repair(), RepairReport::default());
    assert_eq!(listed.etsy.ids(), ["p1", "p9"]);
}

fn a_product_that_a_person_says_is_anothers_is_left_alone(store: impl Store) {
    // The key is like that of a file that has been deleted since.
    let listed = with_another_key(store, key_of(FileId::from_random(7)).as_str());
    let said = says(&listed, &KeyResolution::NotOurs);
    assert!(matches!(&said, KeyResolutionOutcome::Done { jobs } if jobs.len() == 1), "{said:?}");
    assert_eq!(says(&listed, &KeyResolution::NotOurs), KeyResolutionOutcome::NotLive);
    listed.shop.work(&listed.publisher);
    assert_eq!(listed.etsy.titles(), [""]);
    assert_eq!(updates(&listed), [(JobStatus::Completed, None)]);
    assert_eq!(listed.repair(), RepairReport::default());
    assert_eq!(listed.shop.states(&listed.id), [PublicationState::Ended]);
    assert_eq!(listed.shop.listings(&listed.id)[0].status, ListingStatus::Delisted);
    listed.publish();
    assert_eq!(listed.etsy.titles(), ["", "Buck in the Mist"]);
    assert_eq!(listed.shop.states(&listed.id), [PublicationState::Ended, PublicationState::Confirmed]);
}

fn a_product_without_a_key_is_updated(store: impl Store) {
    let listed = listed(store);
    listed.etsy.withdraw("p1").unwrap();
    listed.etsy.by_hand("p1", None);
    listed.shop.retitle(&listed.id, "Buck in the Mist");
    listed.shop.work(&listed.publisher);
    assert_eq!(listed.etsy.titles(), ["Buck in the Mist"]);
}

fn a_row_that_no_publication_knows_is_not_updated_at_the_product_of_another_file(store: impl Store) {
    let ListedFile { shop, etsy, publisher, id } = listed(store);
    let other = shop.process("doe");
    etsy.by_hand("FIRST", Some(key_of(id).as_str()));
    let row = crate::foreign_listings::row(1, other, "FIRST");
    crate::foreign_listings::insert(&shop, &row);
    shop.approve(&other);
    let update = fieldfen_domain::job::UpdateListing::new(other, row.id);
    let updated = publisher.update(&update);
    assert_eq!(etsy.titles(), ["Buck", ""], "{updated:?}");
}
