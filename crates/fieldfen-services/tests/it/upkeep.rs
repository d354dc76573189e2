//! Upkeep.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::job::{JobAction, JobFilter, JobStatus, Payload};
use fieldfen_domain::operator::Subject;
use fieldfen_domain::publication::{Platform, PublicationState};
use fieldfen_domain::rate_limit::{CallAnswer, PermitRequest, ReportedLimit};
use fieldfen_domain::store::{LogHeld, MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};
use fieldfen_domain::webhook::{NewHash, PayloadHash};
use fieldfen_services::api_usage::ApiUsage;
use fieldfen_services::bulk_actions::BulkActions;
use fieldfen_services::queue::Completion;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_services::recurring::Recurring;
use fieldfen_services::upkeep::{self, Upkeep, UpkeepReport};
use fieldfen_services::worker::Metrics;
use fieldfen_testkit::faults::suspended;
use fieldfen_testkit::fixtures::{by_ann, job_id, operator_action};
use fieldfen_testkit::with;

use super::Bench;
use super::fake_marketplace::{FakeMarketplace, Next};
use super::shop_harness::{HOLD, approved, on_etsy, publisher};
use crate::SetUp as _;

on_every_store!(
    old_jobs_go_and_young_ones_stay,
    of_the_young_ones_only_so_many_are_kept,
    expired_hashes_are_purged,
    publications_that_are_over_go_and_others_stay,
    operators_actions_go_only_where_an_age_is_set,
    old_calls_go_and_stay_in_the_totals_of_their_days,
    limits_that_no_answer_names_any_more_go,
    it_ends_between_two_batches_when_told,
    it_recurs_and_says_what_it_has_done,
    the_workers_metrics_get_the_figures_of_the_log,
);

fn nothing() -> Upkeep {
    Upkeep::new()
        .completed_max_age_secs(u64::MAX)
        .completed_keep(None)
        .failed_max_age_secs(u64::MAX)
        .failed_keep(None)
        .publications_max_age_secs(u64::MAX)
        .api_calls_max_age_secs(u64::MAX)
        .batch(3)
}

impl<S: Store> Bench<S> {
    /// Ends this many jobs with success and without, one each second.
    fn end_jobs(&self, completed: usize, failed: usize) {
        for number in 0..completed + failed {
            self.note("x");
            let claimed = self.claim_notes(1).remove(0);
            if number < completed {
                assert!(self.queue.complete(&claimed, &mut Completion::new()).unwrap().is_done());
            } else {
                assert!(self.queue.fail_for_good(&claimed, "no").unwrap().is_done());
            }
            self.clock.advance(Duration::from_secs(1));
        }
    }

    fn upkeep(&self, upkeep: &Upkeep) -> UpkeepReport {
        suspended(|| upkeep::run(self.queue.store(), self.now(), upkeep, || true)).unwrap()
    }

    fn jobs_in(&self, status: JobStatus) -> u64 {
        let counts = self.queue.count().unwrap();
        counts.iter().filter(|count| count.status == status).map(|count| count.jobs).sum()
    }
}

fn old_jobs_go_and_young_ones_stay(store: impl Store) {
    let bench = Bench::new(store);
    bench.end_jobs(10, 10);
    bench.note("pending");
    assert_eq!(bench.upkeep(&nothing()), UpkeepReport::default());
    // The first completed job ended 20 seconds ago, the first failed one 10 seconds ago.
    let upkeep = nothing().completed_max_age_secs(13).failed_max_age_secs(4);
    assert_eq!(bench.upkeep(&upkeep), with!(UpkeepReport::default(), completed_jobs: 7, failed_jobs: 6));
    let left = [JobStatus::Completed, JobStatus::Failed, JobStatus::Pending].map(|status| bench.jobs_in(status));
    assert_eq!(left, [3, 4, 1]);
    assert_eq!(bench.upkeep(&upkeep), UpkeepReport::default());
}

fn of_the_young_ones_only_so_many_are_kept(store: impl Store) {
    let bench = Bench::new(store);
    bench.end_jobs(8, 8);
    let upkeep = nothing().completed_keep(Some(5)).failed_keep(Some(0));
    assert_eq!(bench.upkeep(&upkeep), with!(UpkeepReport::default(), completed_jobs: 3, failed_jobs: 8));
    assert_eq!(bench.jobs_in(JobStatus::Completed), 5);
}

fn expired_hashes_are_purged(store: impl Store) {
    let bench = Bench::new(store);
    let remember = |number: u8, expires_at: Timestamp| {
        let hash = PayloadHash::of_body(&[number]);
        let hash = NewHash::new(hash, "test".to_owned(), bench.now(), expires_at);
        bench.queue.store().set_up(|s| s.hashes().insert(&hash)).unwrap();
    };
    for number in 0..10 {
        remember(number, bench.now() + Duration::from_secs(60 + u64::from(number)));
    }
    assert_eq!(bench.upkeep(&nothing()).hashes, 0);
    bench.clock.advance(Duration::from_secs(64));
    assert_eq!(bench.upkeep(&nothing()).hashes, 5);
}

fn publications_that_are_over_go_and_others_stay(store: impl Store) {
    let (shop, id) = approved(store, &[]);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let list = |variant: &str| publisher.list(&on_etsy(id).variant(variant)).unwrap();
    etsy.next([Next::Refuse, Next::Refuse, Next::Refuse, Next::Refuse, Next::Ignore]);
    for variant in ["a", "b", "c", "d", "unknown", "confirmed"] {
        list(variant);
    }
    assert_eq!(shop.bench.upkeep(&nothing()).publications, 0);
    let upkeep = nothing().publications_max_age_secs(60);
    assert_eq!(shop.bench.upkeep(&upkeep).publications, 0, "nothing is over for so long");
    shop.bench.clock.advance(HOLD + Duration::from_secs(61));
    assert_eq!(shop.bench.upkeep(&upkeep).publications, 4, "in two batches");
    assert_eq!(shop.states(&id), [PublicationState::Unknown, PublicationState::Confirmed]);
}

fn operators_actions_go_only_where_an_age_is_set(store: impl Store) {
    let bench = Bench::new(store);
    for number in 1..=5_u64 {
        let action = operator_action(number, "ann", Subject::Job(job_id(number)), bench.now());
        bench.queue.store().set_up(|s| s.operator_actions().record(&action)).unwrap();
        bench.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(bench.upkeep(&nothing()), UpkeepReport::default());
    // The first action is 5 seconds old, the last one 1 second.
    let upkeep = nothing().operator_actions_max_age_secs(1);
    assert_eq!(bench.upkeep(&upkeep), with!(UpkeepReport::default(), operator_actions: 4), "in two batches");
    assert_eq!(bench.upkeep(&upkeep), UpkeepReport::default());

    let bulk = BulkActions::new(bench.queue.clone());
    let started = bulk.start(&JobFilter::new(), JobAction::Retry, &by_ann("the light is back")).unwrap();
    bench.clock.advance(Duration::from_secs(9));
    assert_eq!(bench.upkeep(&upkeep).bulk_actions, 0, "it is not finished");
    assert!(bulk.resume(&started.order.id, |_| true).unwrap().unwrap().is_finished());
    assert_eq!(bench.upkeep(&upkeep).bulk_actions, 1);
}

fn old_calls_go_and_stay_in_the_totals_of_their_days(store: impl Store) {
    let bench = Bench::new(store);
    let usage = ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let first_day = bench.now().date_naive();
    for _ in 0..5 {
        bench.queue.store().set_up(|s| s.api_usage().record(&ApiCall::new("etsy", bench.now()))).unwrap();
        bench.clock.advance(Duration::from_secs(1));
    }
    let requests = || {
        let days = usage.days(&(first_day..=bench.now().date_naive())).unwrap().days;
        days.iter().map(|total| total.requests).sum::<u64>()
    };
    assert_eq!(bench.upkeep(&nothing()), with!(UpkeepReport::default(), rolled_up_api_calls: 5));
    // The first was made 5 seconds ago, the last one second ago.
    let upkeep = nothing().api_calls_max_age_secs(1);
    assert_eq!(bench.upkeep(&upkeep), with!(UpkeepReport::default(), api_calls: 4), "in two batches");
    assert_eq!(bench.upkeep(&upkeep), UpkeepReport::default());
    assert_eq!(requests(), 5);
}

fn limits_that_no_answer_names_any_more_go(store: impl Store) {
    let bench = Bench::new(store);
    let limiter = RateLimiter::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let permit = limiter.acquire(&PermitRequest::new("etsy")).unwrap().permit().unwrap();
    let said = ["a", "b", "c", "d"].map(|bucket| ReportedLimit::new(bucket.to_owned()).limit(9).remaining(5));
    limiter.settle(permit, CallAnswer::reported(said.to_vec())).unwrap();
    bench.clock.advance(Duration::from_secs(90 * 24 * 60 * 60));
    assert_eq!(bench.upkeep(&nothing()), UpkeepReport::default());
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.upkeep(&nothing()), with!(UpkeepReport::default(), rate_limits: 4), "in two batches");
    assert_eq!(limiter.list(None).unwrap(), []);
}

fn it_ends_between_two_batches_when_told(store: impl Store) {
    let bench = Bench::new(store);
    bench.end_jobs(10, 0);
    let asked = std::cell::Cell::new(0);
    // Once for the batch that finds no job too old, and for two of those above the number.
    let three_times = || asked.replace(asked.get() + 1) < 3;
    let upkeep = nothing().completed_keep(Some(0));
    let done = suspended(|| upkeep::run(bench.queue.store(), bench.now(), &upkeep, three_times)).unwrap();
    assert_eq!((done.completed_jobs, bench.jobs_in(JobStatus::Completed)), (6, 4));
}

fn it_recurs_and_says_what_it_has_done(store: impl Store) {
    let bench = Bench::new(store);
    bench.end_jobs(4, 0);
    let (store, environment) = (bench.queue.store().clone(), bench.queue.environment());
    let schedule = "*/10 * * * *".parse().unwrap();
    let wanted = nothing().completed_keep(Some(1));
    let recurring = Recurring::new(store.clone(), environment.clone());
    recurring.define(&upkeep::name(), &schedule, &wanted, &by_ann("test")).unwrap();
    bench.clock.advance(Duration::from_secs(600));
    bench.drain(bench.worker().handle(upkeep::handler(store)));
    let page = bench.queue.list(&Default::default(), &fieldfen_domain::PageRequest::first(9)).unwrap();
    let job = bench.job(&page.items.last().unwrap().id);
    assert_eq!((job.kind, job.state.status()), (Upkeep::kind(), JobStatus::Completed));
    let done: UpkeepReport = job.result.unwrap().read().unwrap();
    assert_eq!(done, with!(UpkeepReport::default(), completed_jobs: 3));
}

/// A store whose log two processes keep from being truncated.
#[derive(Clone)]
struct HeldLog<S>(S);

fn held_log() -> MaintenanceReport {
    let mut report = MaintenanceReport::default();
    report.log_bytes = 20 << 20;
    report.log_held = Some(LogHeld::new(Duration::from_millis(100), vec![7, 8]));
    report
}

impl<S: Store> Store for HeldLog<S> {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.0.try_read(f)
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        self.0.try_write(f)
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.0.watch()
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        Ok(held_log())
    }
}

#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<MaintenanceReport>>>);

impl Metrics for Reports {
    fn store_maintained(&self, report: &MaintenanceReport) {
        self.0.lock().unwrap().push(report.clone());
    }
}

fn the_workers_metrics_get_the_figures_of_the_log(store: impl Store) {
    let bench = Bench::new(store);
    let job = bench.queue.job(&nothing()).unwrap();
    bench.queue.enqueue(&job).unwrap();
    let (reports, held) = (Reports::default(), HeldLog(bench.queue.store().clone()));
    bench.drain(bench.worker().metrics(reports.clone()).handle(upkeep::handler(held)));
    assert_eq!(*reports.0.lock().unwrap(), [held_log()]);
    let done: UpkeepReport = bench.job(&job.id).result.unwrap().read().unwrap();
    assert_eq!(done.log_bytes, 20 << 20);
    assert!(done.log_held.unwrap().ends_with("processes 7, 8"));
}

#[test]
fn fields_that_are_left_out_have_their_defaults_and_the_batch_is_checked() {
    let read = |json: &str| Upkeep::from_json(&fieldfen_domain::RawJson::parse(json).unwrap());
    assert_eq!(read("{}").unwrap(), Upkeep::default());
    assert_eq!(read(r#"{"failed_keep": 7}"#).unwrap(), Upkeep::new().failed_keep(Some(7)));
    for batch in ["0", "10001"] {
        let error = read(&format!(r#"{{"batch": {batch}}}"#)).unwrap_err().to_string();
        assert_eq!(error, format!("payload of fieldfen.upkeep: batch is \"{batch}\"; it must be 1 to 10000"));
    }
}
