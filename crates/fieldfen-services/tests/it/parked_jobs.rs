//! Jobs that wait for an approval, for a person or for an event of the importing program.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{
    FailOutcome, FencedResult, Job, JobActionOutcome, JobFilter, JobKind, JobStatus, ParkedFor,
};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, JobId, PageRequest, Timestamp};
use fieldfen_services::Transaction;
use fieldfen_services::publishing::{RemoteItem, ReservationAttempt, ReservationConfirmOutcome};
use fieldfen_services::queue::{FailedJob, FailureHook, WaitOutcome};
use fieldfen_services::upkeep::{self, Upkeep};
use fieldfen_services::worker::{AppliedOutcome, Metrics, Outcome, Task};
use fieldfen_testkit::fixtures::by_ann;

use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{BOTH, Shop, listing_on, publisher};
use crate::{Bench, Note};

on_every_store!(
    a_cancelled_job_stays_cancelled_whatever_its_reason_says,
    the_text_of_a_failure_lets_nothing_run_again,
    an_approval_that_came_while_the_job_ran_is_not_missed,
    a_file_that_is_taken_up_with_its_approval_wakes_what_waits_for_one,
    two_parked_jobs_with_one_key_run_once,
    a_parked_listing_keeps_its_file_from_failing_until_it_is_cancelled,
    a_rejected_file_has_no_parked_jobs,
    a_handler_parks_its_job_for_a_word_of_its_own,
    a_job_that_was_asked_to_stop_is_cancelled_instead_of_parked,
    upkeep_leaves_parked_jobs_alone,
);

const APPROVAL: &str = "waits for an approval of Ann";

/// A shop whose rules want nothing, and a processed file for which a listing was requested while it was approved.
fn asked_for<S: Store>(store: S) -> (Shop<S>, FileId, JobId) {
    let shop = Shop::wanting(store, &[]);
    let id = shop.process("buck");
    shop.approve(&id);
    publish(&shop, &id);
    shop.retitle(&id, "Buck in the Mist");
    assert_eq!(shop.status(&id), FileStatus::Processed);
    let job = shop.all_jobs(&id).pop().unwrap();
    assert_eq!(job.kind, JobKind::CreateListing);
    (shop, id, job.id)
}

fn publish<S: Store>(shop: &Shop<S>, id: &FileId) {
    let _ = shop
        .write(|s| shop.pipeline.publish(&mut Transaction::new(s), id, &listing_on(Platform::Etsy), &by_ann("wanted")))
        .unwrap();
}

/// Approves a file, and returns the jobs that follow.
fn approve<S: Store>(shop: &Shop<S>, id: &FileId) -> Vec<JobId> {
    shop.write(|s| shop.pipeline.approve(&mut Transaction::new(s), id, &by_ann("by Ann")))
        .unwrap()
        .event_outcome()
        .unwrap()
        .jobs
}

fn parked_for<S: Store>(shop: &Shop<S>, id: &JobId) -> Option<ParkedFor> {
    shop.bench.job(id).state.parked_for()
}

fn a_cancelled_job_stays_cancelled_whatever_its_reason_says(store: impl Store) {
    let (shop, id, job) = asked_for(store);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    shop.work(&publisher(&shop, &[&etsy]));
    assert_eq!(parked_for(&shop, &job), Some(ParkedFor::Approval));
    let queue = &shop.bench.queue;
    assert_eq!(queue.cancel(&job, &by_ann(APPROVAL)).unwrap(), JobActionOutcome::Done);
    assert_eq!(approve(&shop, &id), []);

    // The same while the job is due and the file is approved: the hook of the pipeline gets the reason.
    publish(&shop, &id);
    let pending = shop.all_jobs(&id).pop().unwrap().id;
    assert_eq!(queue.cancel(&pending, &by_ann(APPROVAL)).unwrap(), JobActionOutcome::Done);
    for cancelled in [job, pending] {
        assert_eq!(shop.bench.status(&cancelled), JobStatus::Failed);
        assert_eq!((parked_for(&shop, &cancelled), shop.work(&publisher(&shop, &[&etsy]))), (None, 0));
    }
    assert_eq!(etsy.made(), 0);
}

fn the_text_of_a_failure_lets_nothing_run_again(store: impl Store) {
    let (shop, id, job) = asked_for(store);
    let claimed = shop.bench.claim(JobKind::CreateListing, 9).remove(0);
    let failed = shop.bench.queue.fail_for_good(&claimed, "waits for an approval: the file is processed").unwrap();
    assert_eq!(failed, FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!((approve(&shop, &id), shop.bench.status(&job)), (vec![], JobStatus::Failed));
}

fn an_approval_that_came_while_the_job_ran_is_not_missed(store: impl Store) {
    let (shop, id, job) = asked_for(store);
    let claimed = shop.bench.claim(JobKind::CreateListing, 9).remove(0);
    assert_eq!(approve(&shop, &id), [], "the job that runs is not known to need it");
    let parked = shop.bench.queue.park(&claimed, ParkedFor::Approval, "the file is processed").unwrap();
    assert_eq!(parked, FencedResult::Done(FailOutcome::Parked));
    assert_eq!((shop.bench.status(&job), parked_for(&shop, &job)), (JobStatus::Pending, None));

    let claimed = shop.bench.claim(JobKind::CreateListing, 9).remove(0);
    let parked = shop.bench.queue.park(&claimed, ParkedFor::Person, "two products").unwrap();
    assert_eq!((parked, parked_for(&shop, &job)), (FencedResult::Done(FailOutcome::Parked), Some(ParkedFor::Person)));
}

fn a_file_that_is_taken_up_with_its_approval_wakes_what_waits_for_one(store: impl Store) {
    let (shop, id) = crate::shop_harness::approved(store, BOTH);
    let jobs = shop.all_jobs(&id);
    let [.., at_etsy, at_shopify] = jobs.as_slice() else { panic!("{jobs:?}") };
    let (etsy, shopify) = (FakeMarketplace::new(Platform::Etsy), FakeMarketplace::new(Platform::Shopify));
    let publisher = publisher(&shop, &[&etsy, &shopify]);
    let ReservationAttempt::Granted(late) = publisher.reserve(&id, &listing_on(Platform::Shopify)).unwrap() else {
        panic!("not granted")
    };
    for claimed in shop.bench.claim(JobKind::CreateListing, 9) {
        assert!(shop.bench.queue.fail_for_good(&claimed, "no").unwrap().is_done());
    }
    assert_eq!(shop.status(&id), FileStatus::Failed);
    assert_eq!(shop.bench.queue.retry(&at_etsy.id, &by_ann("once more")).unwrap(), JobActionOutcome::Done);
    shop.work(&publisher);
    assert_eq!(parked_for(&shop, &at_etsy.id), Some(ParkedFor::Approval), "the file has failed");
    // The other call has got its answer meanwhile.
    let found = RemoteItem::from(shopify.by_hand("late", Some(late.key().as_str())));
    assert_eq!(late.confirm(&found).unwrap(), ReservationConfirmOutcome::Confirmed);
    assert_eq!(shop.status(&id), FileStatus::Published);
    let statuses = [at_etsy, at_shopify].map(|job| shop.bench.status(&job.id));
    assert_eq!(statuses, [JobStatus::Pending, JobStatus::Failed]);
    shop.work(&publisher);
    assert_eq!((etsy.made(), shopify.ids()), (1, vec!["late".to_owned()]));
}

fn two_parked_jobs_with_one_key_run_once(store: impl Store) {
    let (shop, id, first) = asked_for(store);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    shop.work(&publisher);
    // Another program enqueues the same job once more.
    let mut again = shop.bench.queue.job(&crate::shop_harness::on_etsy(id)).unwrap();
    again.dedup_key = shop.bench.job(&first).dedup_key;
    let second = *shop.bench.queue.enqueue(&again).unwrap().id();
    assert_ne!(first, second, "a parked job keeps no other from its key");
    shop.work(&publisher);
    assert_eq!([first, second].map(|job| parked_for(&shop, &job)), [Some(ParkedFor::Approval); 2]);
    assert_eq!(approve(&shop, &id), [second]);
    assert_eq!((shop.bench.status(&first), parked_for(&shop, &first)), (JobStatus::Failed, None));
    shop.work(&publisher);
    assert_eq!((shop.status(&id), etsy.made()), (FileStatus::Published, 1));
}

fn a_parked_listing_keeps_its_file_from_failing_until_it_is_cancelled(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.process("buck");
    shop.approve(&id);
    let claimed = shop.bench.claim(JobKind::CreateListing, 9);
    assert_eq!(claimed.len(), 2);
    let queue = &shop.bench.queue;
    assert!(queue.park(&claimed[0], ParkedFor::Person, "two products").unwrap().is_done());
    assert!(queue.fail_for_good(&claimed[1], "refused").unwrap().is_done());
    assert_eq!(shop.status(&id), FileStatus::Approved, "a person's word may still lead to a listing");

    assert_eq!(queue.cancel(&claimed[0].claim.id, &by_ann("neither is ours")).unwrap(), JobActionOutcome::Done);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    let file = queue.store().read(|s| s.files().find(&id)).unwrap().unwrap();
    assert!(file.state.failure().unwrap().reason.ends_with("the last one with: neither is ours"), "{:?}", file.state);
}

fn a_rejected_file_has_no_parked_jobs(store: impl Store) {
    let (shop, id, job) = asked_for(store);
    shop.work(&publisher(&shop, &[]));
    assert_eq!(parked_for(&shop, &job), None, "no account is configured");
    assert_eq!(shop.bench.queue.retry(&job, &by_ann("again")).unwrap(), JobActionOutcome::Done);
    shop.work(&publisher(&shop, &[&FakeMarketplace::new(Platform::Etsy)]));
    assert_eq!(parked_for(&shop, &job), Some(ParkedFor::Approval));
    let _ = shop.write(|s| shop.pipeline.reject(&mut Transaction::new(s), &id, &by_ann(APPROVAL))).unwrap();
    assert_eq!((shop.bench.status(&job), parked_for(&shop, &job)), (JobStatus::Failed, None));
}

/// Counts the outcomes of jobs.
#[derive(Clone, Default)]
struct Endings(Arc<Mutex<HashMap<AppliedOutcome, u32>>>);

impl Metrics for Endings {
    fn job_ended(&self, _: &Job, ended: AppliedOutcome, _: Duration) {
        *self.0.lock().unwrap().entry(ended).or_default() += 1;
    }
}

/// Records the event of each parked job, and ignores failed jobs.
#[derive(Debug, Clone, Default)]
struct Parked(Arc<Mutex<HashMap<JobId, ParkedFor>>>);

impl FailureHook for Parked {
    fn job_failed(&self, _: &mut Transaction<'_>, job: &FailedJob<'_>, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Full(format!("{} has not failed", job.id).into()))
    }

    fn job_parked(
        &self,
        _: &mut Transaction<'_>,
        job: &Job,
        parked_for: ParkedFor,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.lock().unwrap().insert(job.id, parked_for);
        Ok(())
    }
}

fn a_handler_parks_its_job_for_a_word_of_its_own(store: impl Store) {
    const SUPPLIER: Option<ParkedFor> = ParkedFor::own("acme.supplier");
    let bench = Bench::new(store);
    let id = bench.note("frame");
    let (endings, parked) = (Endings::default(), Parked::default());
    let handler = |_: Task<Note>| Outcome::park(SUPPLIER.unwrap(), "the frames are sold out");
    bench.drain(bench.worker().metrics(endings.clone()).failure_hook(parked.clone()).handle(handler));
    assert_eq!(*endings.0.lock().unwrap(), HashMap::from([(AppliedOutcome::Parked, 1)]));
    assert_eq!(*parked.0.lock().unwrap(), HashMap::from([(id, SUPPLIER.unwrap())]));

    let waited = bench.queue.wait_for(&id, Duration::ZERO).unwrap();
    let reason = "the frames are sold out".to_owned();
    assert_eq!(waited, WaitOutcome::Parked { parked_for: SUPPLIER.unwrap(), reason });
    let listed = |filter: JobFilter| bench.queue.list(&filter, &PageRequest::first(9)).unwrap().items.len();
    assert_eq!(listed(JobFilter::new().parked_for(SUPPLIER.unwrap())), 1);
    assert_eq!(listed(JobFilter::new().parked_for(ParkedFor::Approval)), 0);
    assert_eq!(bench.queue.parked(&PageRequest::first(9)).unwrap().items.len(), 1);
    assert_eq!(bench.queue.dead_letters(&PageRequest::first(9)).unwrap().items, []);
    let counts = bench.queue.count().unwrap();
    assert_eq!((counts.len(), counts[0].parked_for.as_deref()), (1, Some("acme.supplier")));

    assert_eq!(bench.queue.retry(&id, &by_ann("they are back")).unwrap(), JobActionOutcome::Done);
    bench.drain(bench.worker().handle(|_: Task<Note>| ()));
    assert_eq!(bench.status(&id), JobStatus::Completed);
}

fn a_job_that_was_asked_to_stop_is_cancelled_instead_of_parked(store: impl Store) {
    let (shop, id, job) = asked_for(store);
    let claimed = shop.bench.claim(JobKind::CreateListing, 9).remove(0);
    assert_eq!(shop.bench.queue.cancel(&job, &by_ann(APPROVAL)).unwrap(), JobActionOutcome::CancelRequested);
    let ended = shop.bench.queue.park(&claimed, ParkedFor::Approval, "the file is processed").unwrap();
    assert_eq!(ended, FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!((approve(&shop, &id), shop.bench.status(&job)), (vec![], JobStatus::Failed));
}

fn upkeep_leaves_parked_jobs_alone(store: impl Store) {
    let bench = Bench::new(store);
    let [waits, dead] = ["waits", "dead"].map(|text| bench.note(text));
    let claimed = bench.claim_notes(2);
    assert!(bench.queue.park(&claimed[0], ParkedFor::Person, "who is it?").unwrap().is_done());
    assert!(bench.queue.fail_for_good(&claimed[1], "torn").unwrap().is_done());
    bench.clock.advance(Duration::from_secs(365 * 24 * 3600));
    let done = upkeep::run(bench.queue.store(), bench.now(), &Upkeep::default(), || true).unwrap();
    assert!(done.failed_jobs <= 1, "{done:?}");
    assert_eq!(bench.queue.find(&dead).unwrap(), None);
    assert_eq!(bench.job(&waits).state.parked_for(), Some(ParkedFor::Person));
}
