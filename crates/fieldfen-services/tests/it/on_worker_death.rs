//! Jobs whose workers die, by the consequence that was stored with each.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::job::{
    Job, JobAction, JobActionOutcome, JobFilter, JobKind, JobStatus, NewJob, OnWorkerDeath, ParkedFor, Payload,
    RetryPolicy, UpscaleImage, WorkerName,
};
use fieldfen_domain::publication::{Platform, PlatformRowId};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{JobId, PageRequest, RawJson, Timestamp};
use fieldfen_services::Transaction;
use fieldfen_services::publishing::RowResolution;
use fieldfen_services::queue::{FailedJob, FailureHook, RetryPolicies};
use fieldfen_services::recurring::{Recurring, Schedule};
use fieldfen_services::shop::Shop;
use fieldfen_services::worker::{Task, Worker};
use fieldfen_testkit::fixtures::{by_ann, foreign_listing, recurring_name};
use fieldfen_testkit::wait::wait_until;
use serde::{Deserialize, Serialize};

use super::panics::end_of;
use super::{Bench, LEASE, Note};
use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{Shop as ShopOnBench, approved, confirm, publisher};

on_every_store!(
    a_worker_without_the_handler_of_a_kind_honours_its_consequence_and_the_hooks_are_told,
    a_job_without_a_consequence_gets_that_of_the_worker_that_claims_it,
    the_job_of_a_schedule_gets_the_consequence_of_the_worker_that_claims_it,
    the_policy_of_the_kind_is_stored_with_each_job,
    a_job_enqueued_anew_keeps_the_consequence,
    the_answer_of_a_person_about_a_platform_runs_no_held_job_of_the_file,
);

/// Records the jobs that fail and those that are parked.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<(String, JobId)>>>);

impl FailureHook for Told {
    fn job_failed(&self, _: &mut Transaction<'_>, job: &FailedJob<'_>, _: Timestamp) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(("failed".to_owned(), job.id.parse().unwrap()));
        Ok(())
    }

    fn job_parked(
        &self,
        _: &mut Transaction<'_>,
        job: &Job,
        parked_for: ParkedFor,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.lock().unwrap().push((format!("parked: {parked_for}"), job.id));
        Ok(())
    }
}

fn enqueue<S: Store>(bench: &Bench<S>, consequence: OnWorkerDeath) -> JobId {
    let job = bench.queue.job(&Note::new(consequence.as_str())).unwrap().on_worker_death(consequence);
    *bench.queue.enqueue(&job).unwrap().id()
}

fn a_worker_without_the_handler_of_a_kind_honours_its_consequence_and_the_hooks_are_told(store: impl Store) {
    use OnWorkerDeath::{Fail, Hold, Retry};
    let bench = Bench::new(store);
    let [retried, held, failed] = [Retry, Hold, Fail].map(|consequence| enqueue(&bench, consequence));
    assert_eq!(bench.claim_notes(3).len(), 3);
    bench.clock.advance(LEASE);
    let told = Told::default();
    let other = bench.worker().failure_hook(told.clone()).handle_kind("test.other".parse().unwrap(), |_| ());
    let running = other.start().unwrap();
    wait_until("the jobs are reclaimed", || bench.status(&retried) == JobStatus::Pending);
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert_eq!(bench.job(&held).state.parked_for(), Some(ParkedFor::Person));
    assert_eq!((bench.status(&failed), bench.job(&failed).state.parked_for()), (JobStatus::Failed, None));
    let mut last: BTreeSet<_> = told.0.lock().unwrap().iter().cloned().collect();
    assert!(last.remove(&("parked: person".to_owned(), held)) && last.remove(&("failed".to_owned(), failed)));
    assert!(last.is_empty(), "{last:?}");
    let why = bench.queue.why(&held).unwrap().unwrap().to_string();
    assert!(why.starts_with("it waits for the answer of a person since 20"), "{why}");
    assert!(why.contains("the lease of test expired; nobody knows"), "{why}");
    assert_eq!(bench.queue.retry(&held, &by_ann("it was not done")).unwrap(), JobActionOutcome::Done);
    bench.clock.advance(LEASE);
    bench.drain(bench.worker().handle(|_: Task<Note>| ()));
    assert_eq!([retried, held].map(|id| bench.status(&id)), [JobStatus::Completed; 2]);
}

/// The payload of a job that must not run twice without a person.
#[derive(Debug, Serialize, Deserialize)]
struct OrderPrint {
    number: u32,
}

impl Payload for OrderPrint {
    const KIND: &'static str = "test.order_print";
    const ON_WORKER_DEATH: Option<OnWorkerDeath> = Some(OnWorkerDeath::Hold);
}

/// Enqueues a job as a program does that knows no consequences.
fn enqueue_untyped<S: Store>(bench: &Bench<S>) -> JobId {
    let environment = bench.queue.environment();
    let payload = RawJson::parse(r#"{"number": 7}"#).unwrap();
    let job = NewJob::untyped(environment.job_id(), OrderPrint::kind(), Some(payload), environment.now()).unwrap();
    *bench.queue.enqueue(&job).unwrap().id()
}

/// Starts a worker of orders whose handler waits for its end.
fn start_worker_of_orders<S: Store>(bench: &Bench<S>) -> Worker {
    let policies =
        RetryPolicies::default().with(OrderPrint::kind(), RetryPolicy::default().on_worker_death(OnWorkerDeath::Fail));
    let waits = |task: Task<OrderPrint>| wait_until("the worker stops", || task.is_stopping());
    bench.worker().retry_policies(policies).handle(waits).start().unwrap()
}

fn a_job_without_a_consequence_gets_that_of_the_worker_that_claims_it(store: impl Store) {
    let bench = Bench::new(store);
    let id = enqueue_untyped(&bench);
    assert_eq!(bench.queue.on_worker_death(&id).unwrap(), None);
    let running = start_worker_of_orders(&bench);
    wait_until("the job runs", || bench.status(&id) == JobStatus::Running);
    assert_eq!(bench.queue.on_worker_death(&id).unwrap(), Some(OnWorkerDeath::Hold), "the payload's own comes first");
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn the_job_of_a_schedule_gets_the_consequence_of_the_worker_that_claims_it(store: impl Store) {
    let bench = Bench::new(store);
    let recurring = Recurring::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let schedule: Schedule = "0 * * * *".parse().unwrap();
    let order = OrderPrint { number: 7 };
    recurring.define(&recurring_name("prints"), &schedule, &order, &by_ann("as wanted")).unwrap();
    bench.clock.advance(Duration::from_secs(7200));
    let running = start_worker_of_orders(&bench);
    let orders = JobFilter::new().kind(OrderPrint::kind()).status(JobStatus::Running);
    let of_tick = || bench.queue.list(&orders, &PageRequest::first(9)).unwrap().items;
    wait_until("the job of the tick runs", || !of_tick().is_empty());
    assert_eq!(bench.queue.on_worker_death(&of_tick()[0].id).unwrap(), Some(OnWorkerDeath::Hold));
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn the_policy_of_the_kind_is_stored_with_each_job(store: impl Store) {
    let bench = Bench::new(store);
    let policies =
        RetryPolicies::default().with(Note::kind(), RetryPolicy::default().on_worker_death(OnWorkerDeath::Fail));
    let queue = bench.queue.clone().with_policies(policies);
    let note = *queue.enqueue(&queue.job(&Note::new("x")).unwrap()).unwrap().id();
    assert_eq!(queue.on_worker_death(&note).unwrap(), Some(OnWorkerDeath::Fail));
    assert_eq!(bench.queue.on_worker_death(&bench.note("y")).unwrap(), None);
}

fn a_job_enqueued_anew_keeps_the_consequence(store: impl Store) {
    let bench = Bench::new(store);
    let id = enqueue(&bench, OnWorkerDeath::Fail);
    let claimed = bench.claim_notes(1).remove(0);
    assert!(bench.queue.fail_for_good(&claimed, "no").unwrap().is_done());
    let again = bench.queue.apply(&id, JobAction::Requeue, &by_ann("once more")).unwrap();
    let JobActionOutcome::Requeued(new) = again else { panic!("{again:?}") };
    assert_eq!(bench.queue.on_worker_death(&new).unwrap(), Some(OnWorkerDeath::Fail));
}

fn the_answer_of_a_person_about_a_platform_runs_no_held_job_of_the_file(store: impl Store) {
    let (shop, file) = approved(store, &[Platform::Etsy]);
    let bench = &shop.bench;
    let add = |text: &str, consequence| {
        let job = bench.queue.job(&Note::new(text)).unwrap().file_id(file).on_worker_death(consequence);
        *bench.queue.enqueue(&job).unwrap().id()
    };
    let [asks, held] = [add("asks", OnWorkerDeath::Retry), add("held", OnWorkerDeath::Hold)];
    let claimed = bench.claim_notes(2);
    let asking = claimed.iter().find(|claimed| claimed.job.id == asks).unwrap();
    assert!(bench.queue.park(asking, ParkedFor::Person, "is it there?").unwrap().is_done());
    bench.clock.advance(LEASE);
    assert_eq!(bench.queue.reclaim(9).unwrap().len(), 1);
    assert_eq!([asks, held].map(|id| bench.job(&id).state.parked_for()), [Some(ParkedFor::Person); 2]);
    let row = foreign_listing(1, file);
    shop.write(|s| s.listings().insert_listing(&row)).unwrap();
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let (row, gone) = (PlatformRowId::Listing(row.id), RowResolution::NotThere);
    publisher(&shop, &[&etsy]).resolve_row(&file, row, &gone, &by_ann("it is gone")).unwrap();
    assert_eq!((bench.status(&asks), bench.status(&held)), (JobStatus::Pending, JobStatus::Failed));
}

#[test]
fn the_rules_of_a_shop_reach_its_pipeline_and_its_queues() {
    let bench = Bench::new(fieldfen_testkit::ModelStore::new());
    let rules =
        Shop::new().on_worker_death(OnWorkerDeath::Fail).on_worker_death_of(JobKind::UpscaleImage, OnWorkerDeath::Hold);
    let policies = rules.retry_policies();
    let of = |kind: JobKind| policies.of(&kind).on_worker_death;
    assert_eq!([of(JobKind::UpscaleImage), of(Note::kind())], [OnWorkerDeath::Hold, OnWorkerDeath::Fail].map(Some));
    let shop = ShopOnBench { pipeline: rules.pipeline(bench.queue.environment().clone()).unwrap(), bench };
    let queue = &shop.bench.queue;
    let file = shop.ingest("buck");
    let claim = |kind| {
        let name = WorkerName::new("test");
        queue.claim(&BTreeSet::from([kind]), 1, LEASE, &name).unwrap().jobs.remove(0)
    };
    let record = claim(JobKind::CreateFileRecord);
    assert_eq!(queue.on_worker_death(&record.job.id).unwrap(), Some(OnWorkerDeath::Fail));
    shop.write(|s| confirm(&shop.pipeline, &mut Transaction::new(s), &file)).unwrap();
    let upscale = claim(UpscaleImage::kind());
    assert_eq!(queue.on_worker_death(&upscale.job.id).unwrap(), Some(OnWorkerDeath::Hold));
}
