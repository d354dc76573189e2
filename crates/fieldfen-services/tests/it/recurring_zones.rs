//! Recurring work with a time zone, an account and runs, and work that a file defines.

use std::time::Duration;

use fieldfen_domain::job::{JobKind, JobStatus, PauseScope};
use fieldfen_domain::recurring::{NewRecurringJob, RecurringJob, RecurringName};
use fieldfen_domain::store::Store;
use fieldfen_services::pauses::Pauses;
use fieldfen_services::publishing::Reconcile;
use fieldfen_services::queue::QueueError;
use fieldfen_services::recurring::{self, DefinedFile, Definition, Schedule, schedule_of};
use fieldfen_testkit::fixtures::by_ann;

use super::{Bench, Note};
use crate::SetUp as _;

on_every_store!(
    ticks_come_by_the_clocks_of_the_zone,
    another_zone_sets_the_next_tick_anew,
    a_zone_that_this_program_does_not_know_stops_no_other_work,
    a_pause_of_the_account_holds_the_jobs_back,
    runs_name_their_jobs_and_ticks,
    a_deleted_job_leaves_its_run,
    a_file_defines_its_work_and_names_what_it_no_longer_defines,
    a_file_defines_all_its_work_or_none,
    work_that_a_file_changes_is_returned_as_it_was,
);

impl<S: Store> Bench<S> {
    fn in_zone(&self, name: &str, cron: &str, zone: &str) {
        let schedule = cron.parse::<Schedule>().unwrap().in_time_zone(zone.parse().unwrap());
        self.recurring().define(&name.parse().unwrap(), &schedule, &Note::new(name), &by_ann("test")).unwrap();
    }

    fn known(&self, name: &str) -> RecurringJob {
        self.recurring().find(&name.parse().unwrap()).unwrap().unwrap()
    }

    /// Takes the ticks that are due at this time, and completes their jobs.
    fn ticks_at(&self, time: &str) -> usize {
        self.clock.set(time.parse().unwrap());
        let taken = recurring::take_due(self.queue.store(), self.queue.environment()).unwrap().jobs.len();
        for job in self.claim_notes(9) {
            assert!(self.queue.complete(&job, &mut fieldfen_services::queue::Completion::new()).unwrap().is_done());
        }
        taken
    }
}

fn names(names: &[&str]) -> Vec<RecurringName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn ticks_come_by_the_clocks_of_the_zone(store: impl Store) {
    let bench = Bench::new(store);
    bench.clock.set("2026-03-28T12:00:00Z".parse().unwrap());
    bench.in_zone("nightly", "30 2 * * *", "Europe/Berlin");
    assert_eq!(bench.known("nightly").time_zone.as_deref(), Some("Europe/Berlin"));
    for (time, taken) in [
        ("2026-03-29T00:59:59Z", 0),
        ("2026-03-29T01:00:00Z", 1), // 03:00, since 02:30 is skipped
        ("2026-03-29T01:30:00Z", 0),
        ("2026-03-30T00:29:59Z", 0),
        ("2026-03-30T00:30:00Z", 1),
        ("2026-10-24T12:00:00Z", 1), // all that were missed
        ("2026-10-25T00:30:00Z", 1),
        ("2026-10-25T01:30:00Z", 0), // 02:30 for the second time
        ("2026-10-26T01:30:00Z", 1),
    ] {
        assert_eq!(bench.ticks_at(time), taken, "at {time}");
    }
}

fn another_zone_sets_the_next_tick_anew(store: impl Store) {
    let bench = Bench::new(store);
    for (zone, next) in
        [("UTC", "2026-11-24T03:00:00Z"), ("Asia/Kathmandu", "2026-11-23T21:15:00Z"), ("UTC", "2026-11-24T03:00:00Z")]
    {
        bench.in_zone("nightly", "0 3 * * *", zone);
        assert_eq!(bench.known("nightly").next_at, next.parse::<fieldfen_domain::Timestamp>().unwrap());
    }
    assert_eq!(bench.known("nightly").time_zone, None, "UTC is no zone of its own");
}

fn a_zone_that_this_program_does_not_know_stops_no_other_work(store: impl Store) {
    let bench = Bench::new(store);
    let newer = NewRecurringJob::new(
        "a-newer-one".parse().unwrap(),
        "0 * * * *",
        JobKind::custom("test.note").unwrap(),
        bench.now(),
        bench.now(),
    );
    let newer = newer.time_zone("Mars/Olympus_Mons");
    bench.queue.store().set_up(|s| s.recurring().define(&newer)).unwrap();
    bench.in_zone("hourly", "0 * * * *", "Europe/Berlin");
    assert_eq!(bench.ticks_at("2026-11-23T15:00:00Z"), 1);
    assert_eq!(bench.known("a-newer-one").next_at, newer.next_at, "the tick is left to the newer program");
    let error = schedule_of(&bench.known("a-newer-one")).unwrap_err().to_string();
    assert!(error.starts_with("time zone \"Mars/Olympus_Mons\": it must be a name of the IANA database"), "{error}");
}

fn a_pause_of_the_account_holds_the_jobs_back(store: impl Store) {
    let bench = Bench::new(store);
    let (name, hourly) = ("reconcile".parse().unwrap(), "0 * * * *".parse().unwrap());
    let reconcile = Reconcile::new(fieldfen_domain::publication::Platform::Etsy).account("main");
    bench.recurring().define(&name, &hourly, &reconcile, &by_ann("test")).unwrap();
    assert_eq!(bench.known("reconcile").account.unwrap().as_str(), "etsy/main");
    let pauses = Pauses::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let etsy = PauseScope::Account("etsy".parse().unwrap());
    let kind = JobKind::custom("fieldfen.reconcile").unwrap();
    pauses.pause(&etsy, None, &by_ann("Etsy reviews the shop")).unwrap();
    assert_eq!(bench.ticks_at("2026-11-23T15:00:00Z"), 1);
    assert_eq!(bench.claim(kind.clone(), 9).len(), 0);
    pauses.lift(&etsy, &by_ann("the review is over")).unwrap();
    let [claimed] = &bench.claim(kind.clone(), 9)[..] else { panic!("no job") };
    assert!(bench.queue.complete(claimed, &mut fieldfen_services::queue::Completion::new()).unwrap().is_done());
    // A run that a person asks for has the account too.
    pauses.pause(&etsy, None, &by_ann("again")).unwrap();
    let run = bench.recurring().run_now(&name, &by_ann("now")).unwrap().unwrap();
    assert_eq!((bench.claim(kind, 9).len(), bench.job(run.id()).account.unwrap().as_str()), (0, "etsy/main"));
}

fn runs_name_their_jobs_and_ticks(store: impl Store) {
    let bench = Bench::new(store);
    bench.in_zone("hourly", "0 * * * *", "UTC");
    let name: RecurringName = "hourly".parse().unwrap();
    let runs = || bench.recurring().runs(&name).unwrap().into_iter().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(runs(), []);
    assert_eq!(bench.ticks_at("2026-11-23T17:30:00Z"), 1);
    bench.clock.advance(Duration::from_secs(60));
    let job = *bench.recurring().run_now(&name, &by_ann("now")).unwrap().unwrap().id();
    let [asked, missed] = &runs()[..] else { panic!("{:?}", runs()) };
    assert_eq!((asked.run.at, asked.run.due, asked.run.job), (bench.now(), None, job));
    assert_eq!(asked.job.as_ref().unwrap().state.status(), JobStatus::Pending);
    assert_eq!(missed.run.due, Some("2026-11-23T15:00:00Z".parse().unwrap()));
    assert_eq!(missed.run.at, "2026-11-23T17:30:00Z".parse::<fieldfen_domain::Timestamp>().unwrap());
    assert_eq!(missed.job.as_ref().unwrap().state.status(), JobStatus::Completed);
    // The job of the run has not ended, so that neither a tick nor a person makes another one.
    bench.clock.set("2026-11-23T18:00:00Z".parse().unwrap());
    assert_eq!(recurring::take_due(bench.queue.store(), bench.queue.environment()).unwrap().jobs, []);
    bench.recurring().run_now(&name, &by_ann("again")).unwrap();
    assert_eq!(runs().len(), 2);
}

fn a_deleted_job_leaves_its_run(store: impl Store) {
    let bench = Bench::new(store);
    bench.in_zone("hourly", "0 * * * *", "UTC");
    let name: RecurringName = "hourly".parse().unwrap();
    let job = *bench.recurring().run_now(&name, &by_ann("now")).unwrap().unwrap().id();
    assert!(
        bench
            .queue
            .complete(&bench.claim_notes(1)[0], &mut fieldfen_services::queue::Completion::new())
            .unwrap()
            .is_done()
    );
    let _ = bench.queue.delete(&job, &by_ann("over")).unwrap();
    let [Ok(run)] = &bench.recurring().runs(&name).unwrap()[..] else { panic!("no run") };
    assert_eq!((run.run.job, &run.job), (job, &None));
}

fn definition(name: &str, cron: &str) -> Definition {
    Definition::new(name.parse().unwrap(), cron.parse().unwrap(), JobKind::custom("test.note").unwrap())
}

fn a_file_defines_its_work_and_names_what_it_no_longer_defines(store: impl Store) {
    let bench = Bench::new(store);
    bench.in_zone("of-a-program", "0 * * * *", "UTC");
    let define = |definitions: &[Definition]| {
        bench.recurring().define_file("fieldfen.toml", definitions, &by_ann("a worker starts")).unwrap()
    };
    let (hourly, daily) = (definition("hourly", "@hourly"), definition("daily", "@daily"));
    let both = [daily, hourly];
    assert_eq!(define(&both), DefinedFile::default());
    assert_eq!(bench.known("hourly").defined_in.as_deref(), Some("fieldfen.toml"));
    let next_at = bench.known("hourly").next_at;
    bench.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(define(&both[..1]).no_longer, names(&["hourly"]));
    assert_eq!(bench.known("hourly").next_at, next_at, "it goes on");
    assert_eq!(define(&[]).no_longer, names(&["daily", "hourly"]));
    bench.recurring().remove(&"hourly".parse().unwrap(), &by_ann("over")).unwrap();
    // A program takes the other one over.
    bench.in_zone("daily", "@daily", "UTC");
    assert_eq!(define(&[]), DefinedFile::default());
}

fn work_that_a_file_changes_is_returned_as_it_was(store: impl Store) {
    let bench = Bench::new(store);
    bench.in_zone("of-a-program", "0 * * * *", "UTC");
    let define = |definition: &Definition| {
        let definitions = std::slice::from_ref(definition);
        bench.recurring().define_file("fieldfen.toml", definitions, &by_ann("a worker starts")).unwrap().changed
    };
    let (old, new) = (definition("report", "0 3 * * *"), definition("report", "0 4 * * *"));
    assert_eq!(define(&old), [], "new work was not changed");
    assert_eq!(define(&old), []);
    let was = bench.known("report");
    assert_eq!(define(&new), [was], "a second worker has another version of the file");
    assert_eq!(define(&new), []);
    assert_eq!(define(&old)[0].schedule, "0 4 * * *", "the start of a worker with the old version changes it back");
    let program = bench.known("of-a-program");
    assert_eq!(define(&definition("of-a-program", "0 * * * *")), [program], "the file takes it over");
}

fn a_file_defines_all_its_work_or_none(store: impl Store) {
    let bench = Bench::new(store);
    let works = [definition("hourly", "@hourly"), definition("never", "0 0 30 2 *")];
    let error = bench.recurring().define_file("fieldfen.toml", &works, &by_ann("test")).unwrap_err();
    assert!(matches!(error, QueueError::Store(_)), "{error}");
    assert!(error.to_string().contains("0 0 30 2 *"), "{error}");
    assert_eq!(bench.recurring().list().unwrap(), []);
}
