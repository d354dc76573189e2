//! Recurring work.

use std::time::Duration;

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{JobKind, JobStatus};
use fieldfen_domain::recurring::{NewRecurringJob, RecurringJob, RecurringName};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::queue::{Completion, QueueError};
use fieldfen_services::recurring::{self, Schedule};
use fieldfen_services::worker::Task;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::{received, scope_with_deadline, wait_until};

use super::panics::end_of;
use super::{Bench, Note};
use crate::SetUp as _;

on_every_store!(
    each_tick_makes_one_job,
    a_tick_whose_predecessor_has_not_ended_makes_no_job,
    a_clock_that_was_wrong_once_does_not_end_the_ticks,
    a_clock_that_is_put_back_a_little_repeats_no_tick,
    a_clock_that_was_ahead_silences_no_schedule_for_longer_than_its_period,
    a_job_that_a_clock_ahead_has_made_keeps_no_tick_from_its_job,
    many_ticks_hold_up_neither_other_jobs_nor_a_stop,
    work_that_cannot_be_run_does_not_fill_the_batches,
    ticks_that_were_missed_make_one_job_together,
    many_threads_take_each_tick_once,
    defining_again_keeps_the_next_tick_unless_the_schedule_changes,
    a_broken_payload_is_not_set_up,
    work_that_cannot_be_read_does_not_stop_the_rest,
    a_schedule_that_ends_is_not_run_again,
    a_schedule_without_a_tick_is_not_set_up,
    a_worker_takes_ticks_by_itself,
);

const HOURLY: &str = "0 * * * *";
const NEVER: &str = "0 0 30 2 *";

impl<S: Store> Bench<S> {
    fn define(&self, name: &str, schedule: &str) {
        let (name, schedule): (RecurringName, Schedule) = (name.parse().unwrap(), schedule.parse().unwrap());
        let define = |s: &mut dyn fieldfen_domain::store::Session| {
            self.recurring().define_in(
                &mut Transaction::new(s),
                &name,
                &schedule,
                &Note::new(name.as_str()),
                &by_ann("test"),
            )
        };
        self.queue.store().try_set_up(define).unwrap();
    }

    fn work(&self) -> Vec<RecurringJob> {
        self.queue.store().read(|s| s.recurring().list()).unwrap().into_iter().map(Result::unwrap).collect()
    }

    fn take_due(&self) -> usize {
        recurring::take_due(self.queue.store(), self.queue.environment()).unwrap().jobs.len()
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn schedules_are_utc_cron_expressions() {
    let next = |schedule: &str, after: &str| schedule.parse::<Schedule>().unwrap().next_after(time(after));
    for (schedule, after, expected) in [
        (HOURLY, "2026-11-23T14:05:09.123456Z", "2026-11-23T15:00:00Z"),
        (HOURLY, "2026-11-23T14:59:59.999999Z", "2026-11-23T15:00:00Z"),
        (HOURLY, "2026-11-23T15:00:00Z", "2026-11-23T16:00:00Z"),
        ("*/10 * * * * *", "2026-11-23T14:05:09.5Z", "2026-11-23T14:05:10Z"),
        ("0 0 29 2 *", "2026-11-23T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 3 * * SUN", "2026-11-23T00:00:00Z", "2026-11-29T03:00:00Z"),
        ("@daily", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
    ] {
        assert_eq!(next(schedule, after), Some(time(expected)), "{schedule} after {after}");
    }
    assert_eq!(next("0 0 30 2 *", "2026-11-23T00:00:00Z"), None);
    for broken in ["", "* * * *", "60 * * * *", "every day"] {
        let error = broken.parse::<Schedule>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("schedule {broken:?}: it must be a cron")), "{error}");
    }
}

fn each_tick_makes_one_job(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", HOURLY);
    assert_eq!(bench.work()[0].next_at, time("2026-11-23T15:00:00Z"));
    assert_eq!(bench.take_due(), 0);
    bench.clock.set(time("2026-11-23T14:59:59.999999Z"));
    assert_eq!(bench.take_due(), 0);
    for hour in 15..18 {
        bench.clock.set(time(&format!("2026-11-23T{hour}:00:00Z")));
        assert_eq!((bench.take_due(), bench.take_due()), (1, 0), "at {hour} o'clock");
        let claimed = bench.claim_notes(9);
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].job.payload.as_ref().unwrap().as_str(), r#"{"text":"sweep"}"#);
        assert_eq!(claimed[0].job.run_at, bench.now());
        assert!(bench.queue.complete(&claimed[0], &mut Completion::new()).unwrap().is_done());
    }
}

fn a_tick_whose_predecessor_has_not_ended_makes_no_job(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", HOURLY);
    bench.clock.set(time("2026-11-23T15:00:00Z"));
    assert_eq!(bench.take_due(), 1);
    bench.clock.set(time("2026-11-23T16:00:00Z"));
    assert_eq!(bench.take_due(), 0, "the first job waits");
    assert_eq!(bench.work()[0].next_at, time("2026-11-23T17:00:00Z"), "the tick is over");
    let claimed = bench.claim_notes(9);
    assert_eq!(claimed.len(), 1);
    bench.clock.set(time("2026-11-23T17:00:00Z"));
    assert_eq!(bench.take_due(), 0, "the first job runs");
    assert!(bench.queue.complete(&claimed[0], &mut Completion::new()).unwrap().is_done());
    bench.clock.set(time("2026-11-23T18:00:00Z"));
    assert_eq!(bench.take_due(), 1);
}

fn a_clock_that_was_wrong_once_does_not_end_the_ticks(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", HOURLY);
    bench.clock.set(time("2099-01-01T00:30:00Z"));
    assert_eq!(bench.take_due(), 1);
    bench.define("set-up-then", HOURLY);
    assert_eq!(bench.work()[0].next_at, time("2099-01-01T01:00:00Z"));
    bench.clock.set(time("2026-11-23T14:30:00Z"));
    let ticks = recurring::take_due(bench.queue.store(), bench.queue.environment()).unwrap();
    assert_eq!((ticks.jobs.len(), ticks.next_at), (0, Some(time("2026-11-23T15:00:00Z"))));
    assert!(bench.work().iter().all(|work| work.next_at == time("2026-11-23T15:00:00Z")));
    bench.clock.set(time("2026-11-23T15:00:00Z"));
    assert_eq!(bench.take_due(), 2);
    assert_eq!(bench.claim_notes(9).len(), 2, "no job waits for 2099");
}

fn a_clock_that_is_put_back_a_little_repeats_no_tick(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", HOURLY);
    bench.clock.set(time("2026-11-23T20:00:00Z"));
    assert_eq!(bench.take_due(), 1);
    assert!(bench.queue.complete(&bench.claim_notes(1)[0], &mut Completion::new()).unwrap().is_done());
    for put_back_to in ["2026-11-23T19:58:00Z", "2026-11-23T19:00:00Z"] {
        bench.clock.set(time(put_back_to));
        assert_eq!(bench.take_due(), 0);
        assert_eq!(bench.work()[0].next_at, time("2026-11-23T21:00:00Z"));
    }
}

fn a_clock_that_was_ahead_silences_no_schedule_for_longer_than_its_period(store: impl Store) {
    let bench = Bench::new(store);
    let before = bench.now();
    for (schedule, ahead_by_hours, next) in [
        ("* * * * * *", 12, "2026-11-23T14:05:10Z"),
        ("* * * * *", 1, "2026-11-23T14:06:00Z"),
        (HOURLY, 12, "2026-11-23T15:00:00Z"),
        ("0 0 * * *", 72, "2026-11-24T00:00:00Z"),
    ] {
        for defined_anew in [false, true] {
            bench.define("sweep", schedule);
            for second in 0..3 {
                bench.clock.set(before + Duration::from_secs(ahead_by_hours * 3600 + second));
                bench.take_due();
            }
            bench.clock.set(before);
            if defined_anew {
                bench.define("sweep", schedule);
            }
            bench.take_due();
            assert_eq!(bench.work()[0].next_at, time(next), "{schedule}, defined anew: {defined_anew}");
            bench.queue.store().set_up(|s| s.recurring().remove(&"sweep".parse().unwrap())).unwrap();
        }
    }
}

fn a_job_that_a_clock_ahead_has_made_keeps_no_tick_from_its_job(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", "* * * * * *");
    let before = bench.now();
    bench.clock.set(before + Duration::from_secs(12 * 3600));
    assert_eq!(bench.take_due(), 1);
    bench.clock.set(before);
    assert_eq!(bench.take_due(), 0);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.take_due(), 1);
    assert_eq!(bench.claim_notes(9).len(), 1);
}

fn many_ticks_hold_up_neither_other_jobs_nor_a_stop(store: impl Store) {
    const SCHEDULES: u64 = 3000;
    let bench = Bench::new(store);
    bench
        .queue
        .store()
        .set_up(|s| {
            (0..SCHEDULES).try_for_each(|number| {
                s.recurring().define(&NewRecurringJob::new(
                    format!("sweep-{number}").parse().unwrap(),
                    HOURLY.to_owned(),
                    JobKind::custom("test.sweep").unwrap(),
                    bench.now(),
                    bench.now(),
                ))
            })
        })
        .unwrap();
    bench.note("due");
    let queue = bench.queue.clone();
    let taken = move || queue.count().unwrap().iter().filter(|n| n.kind == "test.sweep").map(|n| n.jobs).sum::<u64>();
    let (ran, has_run) = std::sync::mpsc::channel();
    let ran = std::sync::Mutex::new(ran);
    let handler = {
        let taken = taken.clone();
        move |_: Task<Note>| ran.lock().unwrap().send(taken()).unwrap()
    };
    let running = bench.worker().threads(1).handle(handler).start().unwrap();
    let taken_before = received("the handler has run", &has_run);
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert!(taken_before < SCHEDULES, "all ticks were taken before the due job ran");
    assert!(taken() < SCHEDULES, "all ticks were taken before the worker stopped");
    bench.take_due();
    assert_eq!(taken(), SCHEDULES);
}

fn work_that_cannot_be_run_does_not_fill_the_batches(store: impl Store) {
    let bench = Bench::new(store);
    let broken = |number| {
        NewRecurringJob::new(
            format!("broken-{number}").parse().unwrap(),
            "when the moon is full".to_owned(),
            JobKind::custom("test.note").unwrap(),
            bench.now(),
            bench.now(),
        )
    };
    let define = |s: &mut dyn fieldfen_domain::store::Session| {
        (0..250).try_for_each(|number| s.recurring().define(&broken(number)))
    };
    bench.queue.store().try_set_up(define).unwrap();
    for number in 0..150 {
        bench.define(&format!("sweep-{number}"), HOURLY);
    }
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!((bench.take_due(), bench.take_due()), (150, 0));
}

fn ticks_that_were_missed_make_one_job_together(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", HOURLY);
    bench.clock.set(time("2026-11-24T15:30:00Z"));
    assert_eq!((bench.take_due(), bench.take_due()), (1, 0));
    let work = &bench.work()[0];
    assert_eq!(work.next_at, time("2026-11-24T16:00:00Z"));
    assert_eq!(work.last_at, Some(time("2026-11-23T15:00:00Z")), "the tick that was due");
}

fn many_threads_take_each_tick_once(store: impl Store) {
    let bench = Bench::new(store);
    for number in 0..5 {
        bench.define(&format!("sweep-{number}"), HOURLY);
    }
    bench.clock.advance(Duration::from_secs(3600));
    let taken: usize = scope_with_deadline("all threads have taken their ticks", |scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| bench.take_due())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((taken, bench.claim_notes(99).len()), (5, 5));
}

fn defining_again_keeps_the_next_tick_unless_the_schedule_changes(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", HOURLY);
    bench.clock.advance(Duration::from_secs(3600));
    bench.define("sweep", HOURLY);
    assert_eq!(bench.work()[0].next_at, time("2026-11-23T15:00:00Z"));
    assert_eq!(bench.take_due(), 1, "the tick was not lost");
    bench.define("sweep", "30 * * * *");
    assert_eq!(bench.work()[0].next_at, time("2026-11-23T15:30:00Z"));
}

fn a_broken_payload_is_not_set_up(store: impl Store) {
    let bench = Bench::new(store);
    let (name, schedule) = ("sweep".parse().unwrap(), HOURLY.parse().unwrap());
    let define = |s: &mut dyn fieldfen_domain::store::Session| {
        bench.recurring().define_in(&mut Transaction::new(s), &name, &schedule, &Note::new(""), &by_ann("test"))
    };
    assert!(matches!(bench.queue.store().try_set_up(define), Err(QueueError::Job(_))));
    assert_eq!(bench.work(), []);
}

fn work_that_cannot_be_read_does_not_stop_the_rest(store: impl Store) {
    let bench = Bench::new(store);
    let broken = NewRecurringJob::new(
        "a-broken-one".parse().unwrap(),
        "when the moon is full".to_owned(),
        JobKind::custom("test.note").unwrap(),
        bench.now(),
        bench.now(),
    );
    bench.queue.store().set_up(|s| s.recurring().define(&broken)).unwrap();
    bench.define("sweep", HOURLY);
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.take_due(), 1);
    assert_eq!(bench.work()[0].next_at, broken.next_at);
}

fn a_schedule_that_ends_is_not_run_again(store: impl Store) {
    let bench = Bench::new(store);
    // The store accepts values that the services would refuse.
    let ends = NewRecurringJob::new(
        "never".parse().unwrap(),
        NEVER.to_owned(),
        JobKind::custom("test.note").unwrap(),
        bench.now(),
        bench.now(),
    );
    bench.queue.store().try_set_up(|s| s.recurring().define(&ends)).unwrap();
    assert_eq!(bench.take_due(), 1);
    bench.clock.set(time("2126-11-23T00:00:00Z"));
    assert_eq!(bench.take_due(), 0);
}

fn a_schedule_without_a_tick_is_not_set_up(store: impl Store) {
    let bench = Bench::new(store);
    let (name, schedule) = ("sweep".parse().unwrap(), NEVER.parse().unwrap());
    let define = |s: &mut dyn fieldfen_domain::store::Session| {
        bench.recurring().define_in(&mut Transaction::new(s), &name, &schedule, &Note::new("never"), &by_ann("test"))
    };
    let error = bench.queue.store().try_set_up(define).unwrap_err();
    assert_eq!(error.to_string(), r#"schedule "0 0 30 2 *": it must have a tick in the future"#);
    assert_eq!(bench.work(), []);
}

fn a_worker_takes_ticks_by_itself(store: impl Store) {
    let bench = Bench::new(store);
    bench.define("sweep", HOURLY);
    let (ran, has_run) = std::sync::mpsc::channel();
    let ran = std::sync::Mutex::new(ran);
    let handler = move |task: Task<Note>| ran.lock().unwrap().send(task.now()).unwrap();
    // The clock leaps while handlers run: no lease may expire meanwhile.
    let running = bench.worker().lease(Duration::from_secs(86_400)).handle(handler).start().unwrap();
    for hour in [15, 16] {
        let tick = time(&format!("2026-11-23T{hour}:00:00Z"));
        bench.clock.set(tick);
        assert_eq!(received("the handler has run", &has_run), tick);
        // The next tick would be skipped while this job runs.
        wait_until("all jobs are completed", || {
            bench.queue.count().unwrap().iter().all(|count| count.status == JobStatus::Completed)
        });
    }
    // Defined while the worker runs, which finds the work by itself.
    bench.define("other", "*/5 * * * *");
    bench.clock.set(time("2026-11-23T16:05:00Z"));
    assert_eq!(received("the handler has run", &has_run), time("2026-11-23T16:05:00Z"));
    running.stop_handle().stop();
    end_of(running).unwrap();
}
