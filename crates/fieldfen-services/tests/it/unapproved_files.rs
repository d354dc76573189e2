//! Publishing while a file is failed or not approved.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{JobKind, JobStatus, UpdateImage};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::publishing::Marketplace;
use fieldfen_services::queue::Completion;
use fieldfen_testkit::fixtures::by_ann;

use crate::fake_marketplace::FakeMarketplace;
use crate::listed_file::{ListedFile, listed};
use crate::shop_harness::{Shop, listing_on, publisher};

on_every_store!(
    an_edit_while_the_file_is_failed_reaches_its_listing,
    what_was_asked_for_beyond_the_wanted_waits_for_the_next_approval,
    a_retry_lists_nothing_anew_that_was_taken_down,
);

fn an_edit_while_the_file_is_failed_reaches_its_listing(store: impl Store) {
    let ListedFile { shop, etsy, publisher, id } = listed(store);
    // An update is in progress when the file fails, and reads the failed file.
    shop.retitle(&id, "Buck at Dawn");
    let update = UpdateImage::new(id);
    shop.bench.queue.enqueue(&shop.bench.queue.job(&update).unwrap()).unwrap();
    shop.kill(JobKind::UpdateImage);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    shop.work(&publisher);
    assert_eq!(etsy.titles(), ["Buck"]);

    shop.retitle(&id, "Buck in the Mist");
    let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("again"))).unwrap();
    assert_eq!(shop.live_jobs(&id), ["UpdateImage", "UpdateListing"]);
    let image = shop.bench.claim(JobKind::UpdateImage, 2).remove(0);
    assert!(shop.bench.queue.complete(&image, &mut Completion::new()).unwrap().is_done());
    shop.work(&publisher);
    assert_eq!((etsy.titles(), shop.live_jobs(&id)), (vec!["Buck in the Mist".to_owned()], vec![]));
}

fn what_was_asked_for_beyond_the_wanted_waits_for_the_next_approval(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let id = shop.process("buck");
    shop.approve(&id);
    let _ = shop
        .write(|s| shop.pipeline.publish(&mut Transaction::new(s), &id, &listing_on(Platform::Etsy), &by_ann("wanted")))
        .unwrap();
    shop.retitle(&id, "Buck in the Mist");
    shop.work(&publisher);
    assert_eq!(shop.jobs(&id).last(), Some(&("CreateListing".to_owned(), JobStatus::Failed)));
    assert_eq!((shop.status(&id), etsy.made()), (FileStatus::Processed, 0), "it fails no file");

    let followed = shop
        .write(|s| shop.pipeline.approve(&mut Transaction::new(s), &id, &by_ann("by Ann")))
        .unwrap()
        .event_outcome()
        .unwrap();
    assert_eq!(followed.jobs, [shop.all_jobs(&id).last().unwrap().id]);
    shop.work(&publisher);
    assert_eq!((shop.status(&id), etsy.titles()), (FileStatus::Published, vec!["Buck in the Mist".to_owned()]));
}

fn a_retry_lists_nothing_anew_that_was_taken_down(store: impl Store) {
    let listed = listed(store);
    let (shop, id) = (&listed.shop, listed.id);
    listed.etsy.withdraw("p1").unwrap();
    listed.repair();
    let update = UpdateImage::new(id);
    shop.bench.queue.enqueue(&shop.bench.queue.job(&update).unwrap()).unwrap();
    shop.kill(JobKind::UpdateImage);
    let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("again"))).unwrap();
    assert_eq!(shop.live_jobs(&id), ["UpdateImage"]);
    listed.publish();
    assert_eq!(listed.etsy.ids(), ["p2"], "it is listed anew when somebody asks for it");
}
