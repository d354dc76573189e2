//! Products and posts that an operator takes down.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::operator::{OperatorActionFilter, Subject};
use fieldfen_domain::publication::{ListingStatus, Platform, PlatformRowId, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_domain::{ListingId, PageRequest, SocialPostId};
use fieldfen_services::operator::{Operator, OperatorAnswer, RequestOutcome, WithdrawRequest};
use fieldfen_services::publishing::{CallError, PublishError, Publisher, WithdrawOutcome};
use fieldfen_services::worker::{Outcome, Worker};
use fieldfen_testkit::fixtures::by_ann;

use crate::LONG;
use crate::fake_marketplace::FakeMarketplace;
use crate::foreign_listings::{insert, row};
use crate::listed_file::{ListedFile, listed};
use crate::operator_requests::stop;
use crate::posts::{Answers, FakeNetwork};
use crate::shop_harness::{ETSY, Shop, approved, publisher, reel};

on_every_store!(
    a_withdrawn_listing_is_gone_and_its_publication_has_ended,
    every_product_with_the_key_is_taken_down,
    a_product_that_may_be_somebody_elses_stays,
    a_withdrawal_that_the_platform_refuses_changes_nothing,
    a_withdrawal_after_a_lost_answer_finds_the_product_gone,
    a_withdrawn_post_is_gone_and_is_not_posted_again,
    a_listing_of_another_program_is_withdrawn,
    a_worker_with_the_platforms_client_answers_the_request,
    a_worker_without_the_client_declines_and_names_the_account,
);

fn the_listing<S: Store>(listed: &ListedFile<S>) -> PlatformRowId {
    PlatformRowId::Listing(listed.shop.listings(&listed.id)[0].id)
}

fn recorded<S: Store>(shop: &Shop<S>, subject: Subject) -> Vec<String> {
    let filter = OperatorActionFilter::of(subject);
    let page = shop.bench.queue.store().read(|s| s.operator_actions().page(&filter, &PageRequest::first(9))).unwrap();
    page.items.iter().map(|action| format!("{} {}", action.kind, action.outcome)).collect()
}

fn a_withdrawn_listing_is_gone_and_its_publication_has_ended(store: impl Store) {
    let listed = listed(store);
    let row = the_listing(&listed);
    let outcome = listed.publisher.withdraw(row, &by_ann("the buyer complains")).unwrap();
    assert_eq!(outcome, WithdrawOutcome::Withdrawn);
    assert!(listed.etsy.ids().is_empty());
    let listing = &listed.shop.listings(&listed.id)[0];
    assert_eq!(listing.status, ListingStatus::Delisted);
    assert_eq!(listed.shop.states(&listed.id), [PublicationState::Ended]);
    assert_eq!(listed.shop.status(&listed.id), FileStatus::Published);
    assert!(listed.shop.live_jobs(&listed.id).is_empty(), "it is not listed anew");
    let again = listed.publisher.withdraw(row, &by_ann("again")).unwrap();
    assert_eq!(again, WithdrawOutcome::AlreadyGone);
    assert_eq!(recorded(&listed.shop, Subject::Listing(listing.id)), ["withdraw done", "withdraw unchanged"]);
    let nowhere = ListingId::from_random(9);
    let nothing = listed.publisher.withdraw(PlatformRowId::Listing(nowhere), &by_ann("a wrong id")).unwrap();
    assert_eq!(nothing, WithdrawOutcome::NotFound);
    assert_eq!(recorded(&listed.shop, Subject::Listing(nowhere)), ["withdraw not_found"]);
    listed.publish();
    listed.assert_only("p2");
}

fn every_product_with_the_key_is_taken_down(store: impl Store) {
    let listed = listed(store);
    listed.etsy.copy("p1");
    let outcome = listed.publisher.withdraw(the_listing(&listed), &by_ann("enough")).unwrap();
    assert_eq!(outcome, WithdrawOutcome::Withdrawn);
    assert!(listed.etsy.ids().is_empty());
    assert!(listed.publisher.reconcile(Platform::Etsy, "").unwrap().is_clean());
    assert_eq!(listed.shop.states(&listed.id), [PublicationState::Ended]);
}

fn a_product_that_may_be_somebody_elses_stays(store: impl Store) {
    let listed = listed(store);
    listed.etsy.retain(|_| false);
    listed.etsy.by_hand("p1", Some("SKU-7"));
    let row = the_listing(&listed);
    let outcome = listed.publisher.withdraw(row, &by_ann("enough")).unwrap();
    let WithdrawOutcome::Refused { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("unknown key \"SKU-7\""), "{reason}");
    assert_eq!(listed.etsy.ids(), ["p1"]);
    assert_eq!(listed.shop.states(&listed.id), [PublicationState::Confirmed]);
    // The platform has given the id to the product of another file.
    let other = listed.shop.process("doe");
    listed.shop.approve(&other);
    listed.shop.work(&listed.publisher);
    let key = listed.shop.publications(&other)[0].client_key.clone();
    listed.etsy.retain(|_| false);
    listed.etsy.by_hand("p1", Some(key.as_str()));
    let outcome = listed.publisher.withdraw(row, &by_ann("enough")).unwrap();
    let WithdrawOutcome::Refused { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("another publication"), "{reason}");
    assert_eq!(listed.etsy.ids(), ["p1"]);
    let PlatformRowId::Listing(id) = row else { panic!("{row:?}") };
    assert_eq!(recorded(&listed.shop, Subject::Listing(id)), ["withdraw refused", "withdraw refused"]);
}

fn a_withdrawal_that_the_platform_refuses_changes_nothing(store: impl Store) {
    let listed = listed(store);
    listed.etsy.keeps("p1");
    let error = listed.publisher.withdraw(the_listing(&listed), &by_ann("enough")).unwrap_err();
    let refused = matches!(&error, PublishError::NotTakenDown { source: CallError::Refused { .. }, .. });
    assert!(refused, "{error}");
    listed.etsy.lookup_fails(true);
    let error = listed.publisher.withdraw(the_listing(&listed), &by_ann("enough")).unwrap_err();
    assert!(matches!(&error, PublishError::Lookup { .. }), "{error}");
    assert_eq!(listed.shop.states(&listed.id), [PublicationState::Confirmed]);
    assert!(listed.shop.listings(&listed.id)[0].status.is_live());
}

fn a_withdrawal_after_a_lost_answer_finds_the_product_gone(store: impl Store) {
    let listed = listed(store);
    // The call of a first attempt took effect, and its process died before it wrote the row.
    listed.etsy.retain(|_| false);
    let outcome = listed.publisher.withdraw(the_listing(&listed), &by_ann("enough")).unwrap();
    assert_eq!(outcome, WithdrawOutcome::Withdrawn);
    assert_eq!(listed.shop.states(&listed.id), [PublicationState::Ended]);
}

fn a_withdrawn_post_is_gone_and_is_not_posted_again(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let network = FakeNetwork::new(Answers::ByKey);
    let publisher = publisher(&shop, &[&FakeMarketplace::new(Platform::Etsy)]).network(network.clone());
    let _ = publisher.post(&reel(id, "")).unwrap();
    let posts = || shop.bench.queue.store().read(|s| s.listings().list_posts_by_file(&id)).unwrap();
    let post = posts().remove(0);
    assert_eq!(network.ids(), ["post-1"]);
    let outcome = publisher.withdraw(PlatformRowId::Post(post.id), &by_ann("a wrong species")).unwrap();
    assert_eq!((outcome, network.ids()), (WithdrawOutcome::Withdrawn, Vec::new()));
    assert!(posts()[0].gone_at.is_some());
    assert_eq!(recorded(&shop, Subject::SocialPost(post.id)), ["withdraw done"]);
    let _ = publisher.post(&reel(id, "")).unwrap();
    assert!(network.ids().is_empty(), "its publication stays confirmed");
    let nothing = publisher.withdraw(PlatformRowId::Post(SocialPostId::from_random(9)), &by_ann("a wrong id")).unwrap();
    assert_eq!(nothing, WithdrawOutcome::NotFound);
}

fn a_listing_of_another_program_is_withdrawn(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    etsy.by_hand("FIRST", None);
    insert(&shop, &row(1, id, "FIRST"));
    insert(&shop, &row(2, id, "GONE"));
    let publisher = publisher(&shop, &[&etsy]);
    for number in 0..2 {
        let row = PlatformRowId::Listing(shop.listings(&id)[number].id);
        assert_eq!(publisher.withdraw(row, &by_ann("enough")).unwrap(), WithdrawOutcome::Withdrawn, "{number}");
    }
    assert!(etsy.ids().is_empty());
    assert!(shop.listings(&id).iter().all(|row| row.status == ListingStatus::Delisted));
}

fn operator<S: Store>(shop: &Shop<S>) -> Operator<S> {
    Operator::new(shop.bench.queue.store().clone(), shop.bench.queue.environment().clone())
}

fn a_worker_with_the_platforms_client_answers_the_request(store: impl Store) {
    let listed = listed(store);
    let operator = operator(&listed.shop);
    let row = the_listing(&listed);
    assert_eq!(operator.withdraw(PlatformRowId::Listing(ListingId::from_random(9)), &by_ann("x")).unwrap(), None);
    let queued = operator.ask(&operator.withdraw(row, &by_ann("enough")).unwrap().unwrap()).unwrap();
    assert!(queued.to_string().contains("no worker for fieldfen.withdraw is alive"), "{queued}");
    assert!(queued.to_string().contains("with the clients of the platforms"), "{queued}");
    let queue = &listed.shop.bench.queue;
    let worker = Worker::builder(queue.store().clone(), queue.environment().clone());
    let worker = listed.publisher.serve(worker).start().unwrap();
    let answer = operator.wait(&queued.job, LONG).unwrap();
    assert_eq!(answer, RequestOutcome::Answered(OperatorAnswer::Done { status: None, jobs: Vec::new() }));
    let again = operator.ask(&operator.withdraw(row, &by_ann("enough")).unwrap().unwrap()).unwrap();
    let answer = operator.wait(&again.job, LONG).unwrap();
    assert_eq!(answer, RequestOutcome::Answered(OperatorAnswer::Unchanged { status: None }));
    stop(worker);
    assert!(listed.etsy.ids().is_empty());
    let PlatformRowId::Listing(id) = row else { panic!("{row:?}") };
    assert_eq!(recorded(&listed.shop, Subject::Listing(id)), ["withdraw done", "withdraw unchanged"]);
}

fn a_worker_without_the_client_declines_and_names_the_account(store: impl Store) {
    let listed = listed(store);
    let row = the_listing(&listed);
    let (action, platform) = (by_ann("enough"), "etsy".to_owned());
    let job = WithdrawRequest { action, row, platform, account: String::new() };
    let queue = &listed.shop.bench.queue;
    let without = Publisher::new(queue.store().clone(), listed.shop.pipeline.clone());
    let Outcome::Decline { error } = without.run_withdraw(&job) else { panic!("it is not declined") };
    assert!(error.contains("etsy") && error.contains("no marketplace or network is configured"), "{error}");
    assert_eq!(listed.etsy.ids(), ["p1"]);
}
