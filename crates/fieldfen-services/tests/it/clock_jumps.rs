//! Times that were written by a clock that was ahead and has been corrected since.

use std::time::Duration;

use super::panics::end_of;
use fieldfen_domain::job::{FailOutcome, FencedResult, JobActionOutcome, JobStatus};
use fieldfen_domain::publication::{ListingStatus, ListingUpdate, Platform, PublicationState};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{JobId, Timestamp};
use fieldfen_services::Transaction;
use fieldfen_services::publishing::{StatusUpdateOutcome, apply_status_update};
use fieldfen_services::queue::ClaimedJob;
use fieldfen_services::webhooks::{ReceiveOutcome, WebhookIntake};
use fieldfen_testkit::faults::suspended;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::wait_until;

use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{ETSY, approved, publisher};
use crate::{Bench, LONG, Note};

on_every_store!(
    a_wait_that_a_clock_ahead_has_set_begins_when_a_reclaim_finds_it,
    a_wait_that_a_clock_a_little_ahead_has_set_stays,
    a_due_time_that_somebody_has_chosen_stays,
    a_worker_finds_waits_of_a_clock_ahead_by_itself,
    a_killed_handler_that_still_runs_holds_a_retry_back_for_its_lease,
    a_job_that_a_clock_ahead_has_declined_is_declined_for_its_whole_patience,
    a_delivery_to_a_clock_ahead_is_remembered_for_one_retention,
    a_repetition_of_a_delivery_to_a_clock_ahead_ends_its_retention,
    news_to_a_clock_ahead_hides_no_later_news,
    a_listing_that_a_clock_ahead_has_delisted_comes_back,
);

const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A way in which a job begins to wait.
type Step<S> = fn(&Bench<S>, &JobId);

impl<S: Store> Bench<S> {
    /// Runs a closure while the clock is ahead.
    fn ahead<T>(&self, by: Duration, f: impl FnOnce() -> T) -> T {
        let right = self.now();
        self.clock.set(right + by);
        let done = f();
        self.clock.set(right);
        done
    }

    fn claimed(&self, id: &JobId) -> ClaimedJob {
        let claimed = self.claim_notes(1).remove(0);
        assert_eq!(claimed.job.id, *id);
        claimed
    }
}

fn retrying<S: Store>(bench: &Bench<S>, finished: FencedResult<FailOutcome>) {
    assert!(matches!(finished, FencedResult::Done(FailOutcome::Retrying { run_at, .. }) if run_at >= bench.now()));
}

/// Each way in which a job begins to wait for a time that its writer has computed from its own clock.
fn waits<S: Store>() -> [(&'static str, Step<S>); 7] {
    [
        ("enqueue", |_, _| {}),
        ("fail", |bench, id| retrying(bench, bench.queue.fail(&bench.claimed(id), "no").unwrap())),
        ("throttle", |bench, id| {
            let until = bench.now() + HOUR;
            retrying(bench, bench.queue.throttle(&bench.claimed(id), until).unwrap());
        }),
        ("release", |bench, id| {
            let at = bench.now() + HOUR;
            retrying(bench, bench.queue.snooze(&bench.claimed(id), at).unwrap());
        }),
        ("decline", |bench, id| retrying(bench, bench.queue.decline(&bench.claimed(id), "no", HOUR).unwrap())),
        ("reclaim", |bench, id| {
            bench.claimed(id);
            bench.clock.advance(LONG);
            assert_eq!(bench.queue.reclaim(9).unwrap().len(), 1);
        }),
        ("retry", |bench, id| {
            let _ = bench.queue.fail_for_good(&bench.claimed(id), "no").unwrap();
            assert_eq!(bench.queue.retry(id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
        }),
    ]
}

fn a_wait_that_a_clock_ahead_has_set_begins_when_a_reclaim_finds_it(store: impl Store) {
    let bench = Bench::new(store);
    for by in [12 * HOUR, YEAR] {
        for (way, step) in waits() {
            let (id, wait) = bench.ahead(by, || {
                let id = bench.note(way);
                step(&bench, &id);
                (id, bench.job(&id).run_at - bench.now())
            });
            assert_eq!(bench.claim_notes(9), [], "{way}");
            bench.queue.reclaim(9).unwrap();
            let job = bench.job(&id);
            assert_eq!((job.state.status(), job.run_at - bench.now()), (JobStatus::Pending, wait), "{way}");
            assert!(wait <= chrono::TimeDelta::hours(1), "{way}");
            bench.queue.reclaim(9).unwrap();
            assert_eq!(bench.job(&id), job, "{way}: it is found once");
            bench.clock.set(job.run_at);
            let claimed = bench.claimed(&id);
            assert!(bench.queue.complete(&claimed, &mut Default::default()).unwrap().is_done(), "{way}");
        }
    }
}

fn a_wait_that_a_clock_a_little_ahead_has_set_stays(store: impl Store) {
    let bench = Bench::new(store);
    for (way, step) in waits() {
        let id = bench.ahead(Duration::from_secs(59), || {
            let id = bench.note(way);
            step(&bench, &id);
            id
        });
        // A reclaim wrote its time five minutes later.
        if way != "reclaim" {
            let job = bench.job(&id);
            bench.queue.reclaim(9).unwrap();
            assert_eq!(bench.job(&id), job, "{way}");
        }
        assert_eq!(bench.queue.cancel(&id, &by_ann("not needed")).unwrap(), JobActionOutcome::Done);
    }
}

fn a_due_time_that_somebody_has_chosen_stays(store: impl Store) {
    let bench = Bench::new(store);
    let chosen: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    let enqueue = || {
        let job = bench.queue.job(&Note::new("for 2099")).unwrap().run_at(chosen);
        *bench.queue.enqueue(&job).unwrap().id()
    };
    let (now, ahead) = (enqueue(), bench.ahead(YEAR, enqueue));
    let given_back = bench.note("given back");
    let claimed = bench.claimed(&given_back);
    retrying(&bench, bench.queue.snooze(&claimed, chosen).unwrap());
    bench.queue.reclaim(9).unwrap();
    for id in [now, ahead, given_back] {
        assert_eq!(bench.job(&id).run_at, chosen);
    }
}

fn a_worker_finds_waits_of_a_clock_ahead_by_itself(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.ahead(YEAR, || bench.note("x"));
    let queue = &bench.queue;
    let worker = fieldfen_services::worker::Worker::builder(queue.store().clone(), queue.environment().clone())
        .handle(|_: fieldfen_services::worker::Task<Note>| {})
        .start()
        .unwrap();
    wait_until("the job is completed", || bench.status(&id) == JobStatus::Completed);
    worker.stop_handle().stop();
    end_of(worker).unwrap();
}

fn a_killed_handler_that_still_runs_holds_a_retry_back_for_its_lease(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let claimed = bench.claimed(&id);
    assert_eq!(bench.queue.kill(&id, &by_ann("it hangs")).unwrap(), JobActionOutcome::Done);
    assert_eq!(bench.queue.retry(&id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
    let heartbeat = || {
        assert_eq!(bench.queue.heartbeat(&[(claimed.claim, None)], HOUR).unwrap(), [FencedResult::LeaseLost]);
        bench.job(&id).run_at - bench.now()
    };
    let hour = chrono::TimeDelta::hours(1);
    assert_eq!(bench.ahead(YEAR, heartbeat), hour);
    assert!(heartbeat() > hour, "the wait of the clock ahead stays until a reclaim finds it");
    bench.queue.reclaim(9).unwrap();
    assert!(bench.job(&id).run_at - bench.now() <= hour);
}

fn a_job_that_a_clock_ahead_has_declined_is_declined_for_its_whole_patience(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    bench.ahead(YEAR, || {
        retrying(&bench, bench.queue.decline(&bench.claimed(&id), "too new", HOUR).unwrap());
    });
    bench.queue.reclaim(9).unwrap();
    bench.clock.advance(Duration::from_secs(1));
    let first = bench.now();
    loop {
        match bench.queue.decline(&bench.claimed(&id), "too new", HOUR).unwrap() {
            FencedResult::Done(FailOutcome::Retrying { run_at, .. }) => bench.clock.set(run_at),
            other => break assert_eq!(other, FencedResult::Done(FailOutcome::DeadLetter)),
        }
    }
    let patience = (bench.now() - first).to_std().unwrap();
    assert!(patience >= HOUR && patience < HOUR + Duration::from_secs(61), "{patience:?}");
}

/// Receives a delivery without an id. Returns the time of the first delivery if it is a repetition.
fn deliver<S: Store>(bench: &Bench<S>) -> Option<Timestamp> {
    let intake = WebhookIntake::new(bench.queue.store().clone(), bench.queue.environment().clone());
    match intake.receive("etsy", None, None, b"{\"sold\":1}", |_| Ok::<_, StoreError>(())).unwrap() {
        ReceiveOutcome::New(()) => None,
        ReceiveOutcome::Duplicate { first_seen, .. } => Some(first_seen.unwrap()),
    }
}

const ETSY_RETENTION: Duration = Duration::from_secs(29 * 3600);

fn a_delivery_to_a_clock_ahead_is_remembered_for_one_retention(store: impl Store) {
    let bench = Bench::new(store);
    let intake = WebhookIntake::new(bench.queue.store().clone(), bench.queue.environment().clone());
    assert_eq!(bench.ahead(YEAR, || deliver(&bench)), None);
    assert_eq!(suspended(|| intake.purge(9)).unwrap(), 0);
    bench.clock.advance(ETSY_RETENTION - Duration::from_secs(1));
    assert_eq!(suspended(|| intake.purge(9)).unwrap(), 0);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(suspended(|| intake.purge(9)).unwrap(), 1);
    assert_eq!(deliver(&bench), None);
}

fn a_repetition_of_a_delivery_to_a_clock_ahead_ends_its_retention(store: impl Store) {
    let bench = Bench::new(store);
    assert_eq!(bench.ahead(YEAR, || deliver(&bench)), None);
    let found = bench.now();
    assert_eq!(deliver(&bench), Some(found));
    bench.clock.advance(ETSY_RETENTION - Duration::from_secs(1));
    assert_eq!(deliver(&bench), Some(found));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(deliver(&bench), None);
}

fn news(status: ListingStatus, at: Timestamp) -> ListingUpdate {
    ListingUpdate::new(status, at, at)
}

fn news_to_a_clock_ahead_hides_no_later_news(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let (bench, etsy) = (&shop.bench, FakeMarketplace::new(Platform::Etsy));
    shop.work(&publisher(&shop, &[&etsy]));
    let take = |status| {
        shop.write(|s| {
            apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p1", &news(status, bench.now()))
        })
        .unwrap()
    };
    bench.ahead(YEAR, || assert!(matches!(take(ListingStatus::Draft), StatusUpdateOutcome::Applied { .. })));
    bench.clock.advance(Duration::from_secs(1));
    assert!(matches!(take(ListingStatus::SoldOut), StatusUpdateOutcome::Applied { .. }));
    let listing = shop.listings(&id).remove(0);
    assert_eq!((listing.status, listing.status_event_at), (ListingStatus::SoldOut, Some(bench.now())));
}

fn a_listing_that_a_clock_ahead_has_delisted_comes_back(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    let (bench, etsy) = (&shop.bench, FakeMarketplace::new(Platform::Etsy));
    shop.work(&publisher(&shop, &[&etsy]));
    let take = |status| {
        shop.write(|s| {
            apply_status_update(&mut Transaction::new(s), Platform::Etsy, "", "p1", &news(status, bench.now()))
        })
        .unwrap()
    };
    bench.ahead(YEAR, || assert!(matches!(take(ListingStatus::Delisted), StatusUpdateOutcome::Applied { .. })));
    assert_eq!(shop.states(&id), [PublicationState::Ended]);
    bench.clock.advance(Duration::from_secs(1));
    assert!(matches!(take(ListingStatus::Active), StatusUpdateOutcome::Applied { .. }));
    assert_eq!(shop.states(&id), [PublicationState::Confirmed]);
    assert_eq!(shop.listings(&id)[0].status, ListingStatus::Active);
}
