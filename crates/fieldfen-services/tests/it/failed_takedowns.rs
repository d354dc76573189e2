//! Platforms that report a takedown and do not take the product down.

use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_services::publishing::{CallError, PublishError, Reconcile, RepairReport};
use fieldfen_services::worker::Outcome;
use fieldfen_testkit::with;

use crate::fake_marketplace::Finds;
use crate::listed_file::{ListedFile, listed};
use crate::shop_harness::on_etsy;

on_every_store!(
    a_duplicate_that_is_still_there_after_its_withdrawal_is_named,
    a_job_that_could_not_take_a_copy_down_comes_again,
    a_platform_without_lookups_is_searched_after_a_withdrawal,
    a_second_product_that_comes_back_and_stays_is_named,
);

/// A listed file with a second product `p2`, for which the platform only reports a takedown.
fn lying<S: Store>(store: S) -> ListedFile<S> {
    let listed = listed(store);
    listed.etsy.copy("p1");
    listed.etsy.lies_about("p2", true);
    listed
}

fn still_there(reason: &str) -> bool {
    reason.contains("the platform answered that \"p2\" is taken down, but a lookup still shows it")
}

fn a_duplicate_that_is_still_there_after_its_withdrawal_is_named(store: impl Store) {
    let listed = lying(store);
    let mended = listed.repair();
    assert_eq!((mended.taken_down, mended.failed.len()), (0, 1));
    assert_eq!(mended.failed[0].platform_id, "p2");
    assert!(still_there(&mended.failed[0].reason), "{mended:?}");
    let job = Reconcile::new(Platform::Etsy);
    match listed.publisher.run_reconcile(&job) {
        Outcome::Retry { error } => assert!(still_there(&error), "{error}"),
        other => panic!("{other:?}"),
    }
    listed.etsy.lies_about("p2", false);
    assert_eq!(listed.repair(), with!(RepairReport::default(), taken_down: 1));
    listed.assert_only("p1");
}

fn a_job_that_could_not_take_a_copy_down_comes_again(store: impl Store) {
    let listed = lying(store);
    match listed.publisher.list(&on_etsy(listed.id)) {
        Err(PublishError::NotTakenDown { platform_id, source: CallError::NoAnswer { reason } }) => {
            assert_eq!(platform_id, "p2");
            assert!(still_there(&reason), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(listed.publisher.run_create_listing(&on_etsy(listed.id)), Outcome::Retry { .. }));
    listed.etsy.lies_about("p2", false);
    assert!(listed.publisher.list(&on_etsy(listed.id)).is_ok());
    listed.assert_only("p1");
}

fn a_platform_without_lookups_is_searched_after_a_withdrawal(store: impl Store) {
    let listed = lying(store);
    listed.etsy.refuses_lookups(true);
    listed.etsy.finds(Finds::ByPrefix);
    assert!(matches!(listed.publisher.list(&on_etsy(listed.id)), Err(PublishError::NotTakenDown { .. })));
    listed.etsy.lies_about("p2", false);
    assert!(listed.publisher.list(&on_etsy(listed.id)).is_ok());
    assert_eq!(listed.etsy.ids(), ["p1"]);
}

fn a_second_product_that_comes_back_and_stays_is_named(store: impl Store) {
    let listed = listed(store);
    let product = listed.etsy.live().remove(0);
    fieldfen_services::publishing::Marketplace::withdraw(&listed.etsy, "p1").unwrap();
    listed.repair();
    listed.publish();
    assert_eq!(listed.etsy.ids(), ["p2"]);
    listed.etsy.bring_back(&product);
    listed.etsy.lies_about("p1", true);
    let mended = listed.repair();
    assert_eq!((mended.taken_down, mended.failed.len()), (0, 1), "{mended:?}");
    assert!(mended.failed[0].reason.contains("a lookup still shows it"), "{mended:?}");
    listed.etsy.lies_about("p1", false);
    assert_eq!(listed.repair(), with!(RepairReport::default(), taken_down: 1));
    listed.assert_only("p2");
}
