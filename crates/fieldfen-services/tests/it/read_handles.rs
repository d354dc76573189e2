//! The handles on publications, deliveries, API usage and operators' actions.

use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter};
use fieldfen_domain::file::FileFilter;
use fieldfen_domain::job::{EnqueueOutcome, JobFilter};
use fieldfen_domain::operator::{ActionKind, ActionOutcome, OperatorActionFilter, Subject};
use fieldfen_domain::publication::{ListingFilter, Platform, PostFilter, PublicationFilter, PublicationState};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::webhook::PayloadHash;
use fieldfen_domain::{Cursor, FileId, PageRequest, PublicationId};
use fieldfen_services::Environment;
use fieldfen_services::api_usage::ApiUsage;
use fieldfen_services::files::Files;
use fieldfen_services::operator_actions::OperatorActions;
use fieldfen_services::publications::Publications;
use fieldfen_services::queue::Completion;
use fieldfen_services::webhooks::{Deliveries, ReceiveOutcome, WebhookIntake, hash};
use fieldfen_testkit::fixtures::{by_ann, foreign_listing, foreign_post};
use fieldfen_testkit::wait::scope_with_deadline;

use crate::listed_file::{ListedFile, listed};
use crate::shop_harness::{ETSY, Shop, approved, listing_on, publisher};
use crate::{Bench, Note};

on_every_store!(
    publications_listings_and_posts_of_a_file_are_read_together,
    products_that_others_have_listed_are_written_down_once,
    what_of_publications_is_missing_is_a_value,
    deliveries_are_listed_found_and_forgotten,
    a_forgotten_delivery_takes_effect_once_more_and_only_once,
    the_jobs_of_a_delivery_are_found_however_many_others_were_deleted,
    calls_are_recorded_listed_and_added_up,
    cursors_of_other_lists_are_refused_by_every_handle,
    actions_are_listed_by_subject_and_operator,
);

fn first() -> PageRequest {
    PageRequest::first(100)
}

fn at(platform: Platform) -> ListingFilter {
    ListingFilter::new().platform(platform)
}

fn publications_listings_and_posts_of_a_file_are_read_together(store: impl Store) {
    let ListedFile { shop, id, .. } = listed(store);
    let publications = Publications::new(shop.bench.queue.store().clone(), shop.bench.queue.environment().clone());
    let post = foreign_post(1, id);
    publications.insert_post(&post, &by_ann("posted by hand")).unwrap();
    let of_file = publications.list_by_file(&id).unwrap();
    let [publication] = &of_file.publications[..] else { panic!("{of_file:?}") };
    let [listing] = &of_file.listings[..] else { panic!("{of_file:?}") };
    assert_eq!((publication.state, &of_file.posts[..]), (PublicationState::Confirmed, &[post][..]));
    assert_eq!(publications.find(&publication.id).unwrap().as_ref(), Some(publication));
    let confirmed = PublicationFilter::new().state(PublicationState::Confirmed);
    assert_eq!(publications.list(&confirmed, &first()).unwrap().items, of_file.publications);
    let unknown = PublicationFilter::new().state(PublicationState::Unknown);
    assert!(publications.list(&unknown, &first()).unwrap().is_empty());
    assert_eq!(publications.list_listings(&at(Platform::Etsy), &first()).unwrap().items, of_file.listings);
    assert!(publications.list_listings(&at(Platform::Ebay), &first()).unwrap().is_empty());
    let platform_id = publication.platform_id.as_deref().unwrap();
    let found = publications.find_listing(Platform::Etsy, "", platform_id).unwrap();
    assert_eq!(found.as_ref(), Some(listing));
}

fn products_that_others_have_listed_are_written_down_once(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let publications = Publications::new(shop.bench.queue.store().clone(), shop.bench.queue.environment().clone());
    let (listing, post) = (foreign_listing(1, id), foreign_post(1, id));
    let action = by_ann("listed by hand");
    publications.insert_listing(&listing, &action).unwrap();
    publications.insert_post(&post, &action).unwrap();
    let error = publications.insert_listing(&listing, &action).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    let error = publications.insert_listing(&foreign_listing(2, FileId::from_random(9)), &action).unwrap_err();
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
    let of_file = publications.list_by_file(&id).unwrap();
    for subject in [Subject::Listing(listing.id), Subject::SocialPost(post.id)] {
        let filter = OperatorActionFilter::of(subject);
        let rows = shop.bench.queue.store().read(|s| s.operator_actions().page(&filter, &first())).unwrap().items;
        let recorded: Vec<_> = rows.iter().map(|row| (row.kind, row.outcome, row.action.reason())).collect();
        assert_eq!(recorded, [(ActionKind::WriteDown, ActionOutcome::Done, "listed by hand")]);
    }
    assert_eq!((of_file.listings, of_file.posts), (vec![listing], vec![post]));
    // The row blocks its file until a person or a lookup resolves it.
    let untracked = publisher(&shop, &[]).untracked(&id, &listing_on(Platform::Etsy)).unwrap();
    assert_eq!(untracked.len(), 1);
}

fn what_of_publications_is_missing_is_a_value(store: impl Store) {
    let publications = Publications::new(store, Environment::system());
    assert_eq!(publications.find(&PublicationId::from_random(7)).unwrap(), None);
    assert_eq!(publications.find_listing(Platform::Etsy, "", "p7").unwrap(), None);
    let of_file = publications.list_by_file(&FileId::from_random(7)).unwrap();
    assert!(of_file.publications.is_empty() && of_file.listings.is_empty() && of_file.posts.is_empty());
}

struct Shopfront<S> {
    bench: Bench<S>,
    intake: WebhookIntake<S>,
    deliveries: Deliveries<S>,
}

fn shopfront<S: Store>(store: S) -> Shopfront<S> {
    let bench = Bench::new(store);
    let (store, environment) = (bench.queue.store(), bench.queue.environment());
    let intake = WebhookIntake::new(store.clone(), environment.clone());
    let deliveries = Deliveries::new(store.clone(), environment.clone());
    Shopfront { bench, intake, deliveries }
}

impl<S: Store> Shopfront<S> {
    /// Receives a webhook with this source and id, whose effect is a note.
    fn receive(&self, source: &str, id: &str) -> ReceiveOutcome<EnqueueOutcome> {
        let note = self.bench.queue.job(&Note::new(id)).unwrap();
        self.intake.receive(source, Some(id), None, b"{}", |t| t.enqueue(&note)).unwrap()
    }
}

fn hash_of(source: &str, id: &str) -> PayloadHash {
    hash(source, Some(id), None, b"{}").unwrap()
}

fn deliveries_are_listed_found_and_forgotten(store: impl Store) {
    let shop = shopfront(store);
    for (source, id) in [("etsy", "1"), ("stripe", "2"), ("etsy", "3")] {
        assert!(matches!(shop.receive(source, id), ReceiveOutcome::New(_)));
    }
    let listed = shop.deliveries.list(&PageRequest::first(2).newest_first()).unwrap();
    let sources: Vec<_> = listed.items.iter().map(|delivery| delivery.source.as_deref().unwrap()).collect();
    assert_eq!(sources, ["etsy", "stripe"]);
    let found = shop.deliveries.find(&hash_of("stripe", "2")).unwrap().unwrap();
    assert_eq!((&found, found.first_seen), (&listed.items[1], Some(shop.bench.now())));
    assert!(found.expires_at > found.first_seen);
    let missing = hash_of("stripe", "7");
    assert_eq!(shop.deliveries.find(&missing).unwrap(), None);
    assert!(!shop.deliveries.forget(&missing, &by_ann("a wrong number")).unwrap());
    assert!(shop.deliveries.forget(&found.hash, &by_ann("to be sent again")).unwrap());
    assert_eq!(shop.deliveries.list(&first()).unwrap().items.len(), 2);
    let actions = OperatorActions::new(shop.bench.queue.store().clone());
    let recorded = actions.list(&OperatorActionFilter::all(), &first()).unwrap().items;
    let recorded: Vec<_> = recorded.into_iter().map(|action| (action.kind, action.subject, action.outcome)).collect();
    let forget = |hash, outcome| (ActionKind::Forget, Subject::Delivery(hash), outcome);
    assert_eq!(recorded, [forget(missing, ActionOutcome::NotFound), forget(found.hash, ActionOutcome::Done)]);
}

fn a_forgotten_delivery_takes_effect_once_more_and_only_once(store: impl Store) {
    let shop = shopfront(store);
    assert!(matches!(shop.receive("etsy", "1"), ReceiveOutcome::New(_)));
    assert!(matches!(shop.receive("etsy", "1"), ReceiveOutcome::Duplicate { .. }));
    let hash = hash_of("etsy", "1");
    let forgotten: usize = scope_with_deadline("all operators have their answers", |scope| {
        let forgets: Vec<_> = (0..4)
            .map(|number| {
                let deliveries = shop.deliveries.clone();
                let action = by_ann(&format!("operator {number}"));
                scope.spawn(move || usize::from(deliveries.forget(&hash, &action).unwrap()))
            })
            .collect();
        forgets.into_iter().map(|forget| forget.join().unwrap()).sum()
    });
    assert_eq!(forgotten, 1, "one operator is told that it was there");
    assert!(matches!(shop.receive("etsy", "1"), ReceiveOutcome::New(_)));
    assert!(matches!(shop.receive("etsy", "1"), ReceiveOutcome::Duplicate { .. }));
    assert_eq!(shop.bench.claim_notes(9).len(), 2);
}

fn the_jobs_of_a_delivery_are_found_however_many_others_were_deleted(store: impl Store) {
    let shop = shopfront(store);
    let notes = ["a", "b", "c"].map(|text| shop.bench.queue.job(&Note::new(text)).unwrap());
    let receive = || {
        shop.intake.receive("etsy", Some("1"), None, b"{}", |t| {
            notes.iter().map(|note| t.enqueue_for_delivery(note)).collect::<Result<Vec<_>, _>>()
        })
    };
    let ReceiveOutcome::New(first) = receive().unwrap() else { panic!("it is new") };
    let ids = |outcomes: &[EnqueueOutcome]| outcomes.iter().map(|outcome| *outcome.id()).collect::<Vec<_>>();
    let found = || shop.deliveries.jobs(&hash_of("etsy", "1")).unwrap().iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(found(), ids(&first));
    assert!(notes.iter().all(|note| !found().contains(&note.id)));
    let _ = shop.bench.queue.delete(first[0].id(), &by_ann("not wanted")).unwrap();
    assert_eq!(found(), ids(&first[1..]), "a deleted job hides no other");
    assert!(shop.deliveries.forget(&hash_of("etsy", "1"), &by_ann("to be sent again")).unwrap());
    let ReceiveOutcome::New(again) = receive().unwrap() else { panic!("it is new again") };
    assert_eq!(found().len(), 5);
    assert!(ids(&again).iter().all(|id| found().contains(id)));
}

fn calls_are_recorded_listed_and_added_up(store: impl Store) {
    let bench = Bench::new(store);
    let (store, environment) = (bench.queue.store(), bench.queue.environment());
    let usage = ApiUsage::new(store.clone(), environment.clone());
    // A call has no id, so that only a transaction of the caller's settles whether it was recorded.
    let calls = [("replicate", "predictions"), ("etsy", "listings"), ("etsy", "images")]
        .map(|(service, endpoint)| ApiCall::new(service, bench.now()).endpoint(endpoint.to_owned()));
    let note = bench.note("first");
    let claimed = bench.claim_notes(1).remove(0);
    let written = calls.clone();
    let mut completion = Completion::new().writing(move |t| written.iter().try_for_each(|call| t.record_call(call)));
    assert!(bench.queue.complete(&claimed, &mut completion).unwrap().is_done());
    assert_eq!(bench.job(&note).id, note);
    let of = |service: &str| ApiCallFilter::new().service(service.to_owned());
    assert_eq!(usage.list(&ApiCallFilter::new(), &first()).unwrap().items, calls);
    assert_eq!(usage.list(&of("etsy"), &first()).unwrap().items, calls[1..]);
    assert!(usage.list(&of("ebay"), &first()).unwrap().is_empty());
    let totals = usage.totals(bench.now()).unwrap();
    let totals: Vec<_> = totals.services.iter().map(|total| (total.service.as_str(), total.requests)).collect();
    assert_eq!(totals, [("etsy", 2), ("replicate", 1)]);
}

fn cursors_of_other_lists_are_refused_by_every_handle(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let (store, environment) = (shop.bench.queue.store(), shop.bench.queue.environment());
    let foreign = first().after(Cursor::new("of no list"));
    let publications = Publications::new(store.clone(), Environment::system());
    for refused in [
        publications.list(&PublicationFilter::new(), &foreign).map(drop),
        publications.list_listings(&ListingFilter::new(), &foreign).map(drop),
        publications.list_posts(&PostFilter::new(), &foreign).map(drop),
        Deliveries::new(store.clone(), environment.clone()).list(&foreign).map(drop),
        ApiUsage::new(store.clone(), environment.clone()).list(&ApiCallFilter::new(), &foreign).map(drop),
        OperatorActions::new(store.clone()).list(&OperatorActionFilter::all(), &foreign).map(drop),
        Files::new(store.clone(), Environment::system()).history(&FileId::from_random(1), &foreign).map(drop),
        Files::new(store.clone(), Environment::system()).list(&FileFilter::new(), &foreign).map(drop),
        shop.bench.queue.list(&JobFilter::new(), &foreign).map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::Invalid { what: "cursor", .. })), "{refused:?}");
    }
}

fn actions_are_listed_by_subject_and_operator(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let files = shop.pipeline.files(shop.bench.queue.store().clone());
    let arrived = files.new_file("buck.jpg");
    files.ingest(&arrived).unwrap();
    let _ = files.fail(&arrived.id, &by_ann("a crack")).unwrap();
    let _ = files.retry(&arrived.id, &by_ann("no crack")).unwrap();
    let actions = OperatorActions::new(shop.bench.queue.store().clone());
    let of_file = OperatorActionFilter::of(Subject::File(arrived.id));
    let page = actions.list(&of_file, &PageRequest::first(1).newest_first()).unwrap();
    assert_eq!(page.items[0].action.reason(), "no crack");
    assert_eq!(actions.list(&of_file.clone().by("ann"), &first()).unwrap().items.len(), 2);
    assert!(actions.list(&of_file.by("bo"), &first()).unwrap().is_empty());
}
