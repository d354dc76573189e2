//! The handle on recurring work.

use std::time::Duration;

use fieldfen_domain::job::{EnqueueOutcome, JobKind, Payload};
use fieldfen_domain::operator::{ActionKind, ActionOutcome, OperatorActionFilter, Subject};
use fieldfen_domain::recurring::{NewRecurringJob, PauseOutcome, RecurringName};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{PageRequest, RawJson};
use fieldfen_services::operator_actions::OperatorActions;
use fieldfen_services::queue::{Completion, QueueError};
use fieldfen_services::recurring::{self, Recurring, Schedule};
use fieldfen_services::worker::Task;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::scope_with_deadline;

use crate::{Bench, Note, SetUp as _};

on_every_store!(
    work_is_defined_listed_and_removed,
    paused_work_makes_no_jobs_and_what_it_missed_makes_one,
    a_pause_without_a_missed_tick_moves_no_tick,
    a_program_that_starts_again_does_not_end_a_pause,
    a_worker_takes_no_tick_of_paused_work,
    work_runs_now_once_at_a_time_and_keeps_its_tick,
    work_that_is_missing_is_a_value,
    what_cannot_recur_is_refused_and_leaves_nothing,
    of_many_pauses_at_once_one_is_done,
);

const HOUR: Duration = Duration::from_secs(3600);

struct Work<S> {
    bench: Bench<S>,
    recurring: Recurring<S>,
    name: RecurringName,
}

/// Work that makes a note every hour, first in almost an hour.
fn hourly<S: Store>(store: S) -> Work<S> {
    let bench = Bench::new(store);
    let recurring = Recurring::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let work = Work { bench, recurring, name: "sweep".parse().unwrap() };
    work.define("defined");
    work
}

impl<S: Store> Work<S> {
    fn define(&self, reason: &str) {
        let schedule: Schedule = "0 * * * *".parse().unwrap();
        self.recurring.define(&self.name, &schedule, &Note::new("swept"), &by_ann(reason)).unwrap();
    }

    fn take_due(&self) -> usize {
        recurring::take_due(self.bench.queue.store(), self.bench.queue.environment()).unwrap().jobs.len()
    }

    /// Ends the jobs of the ticks, and returns their number.
    fn finish(&self) -> usize {
        let claimed = self.bench.claim_notes(9);
        for job in &claimed {
            assert!(self.bench.queue.complete(job, &mut Completion::new()).unwrap().is_done());
        }
        claimed.len()
    }

    fn recorded(&self) -> Vec<(ActionKind, ActionOutcome)> {
        let actions = OperatorActions::new(self.bench.queue.store().clone());
        let filter = OperatorActionFilter::of(Subject::Recurring(self.name.clone()));
        let page = actions.list(&filter, &PageRequest::first(100)).unwrap();
        page.items.iter().map(|action| (action.kind, action.outcome)).collect()
    }
}

fn work_is_defined_listed_and_removed(store: impl Store) {
    let work = hourly(store);
    let listed = work.recurring.list().unwrap();
    let [Ok(found)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((&found.name, found.schedule.as_str(), &found.kind), (&work.name, "0 * * * *", &Note::kind()));
    assert_eq!(work.recurring.find(&work.name).unwrap().as_ref(), Some(found));
    work.define("the same");
    assert!(work.recurring.remove(&work.name, &by_ann("over")).unwrap());
    assert!(work.recurring.list().unwrap().is_empty());
    let done = |kind| (kind, ActionOutcome::Done);
    assert_eq!(work.recorded(), [done(ActionKind::Define), done(ActionKind::Remove)]);
}

fn paused_work_makes_no_jobs_and_what_it_missed_makes_one(store: impl Store) {
    let work = hourly(store);
    assert_eq!(work.recurring.pause(&work.name, &by_ann("the disk is full")).unwrap(), PauseOutcome::Done);
    assert_eq!(work.recurring.pause(&work.name, &by_ann("still")).unwrap(), PauseOutcome::Unchanged);
    work.bench.clock.advance(5 * HOUR);
    assert_eq!(work.take_due(), 0);
    assert_eq!(work.recurring.resume(&work.name, &by_ann("there is room")).unwrap(), PauseOutcome::Done);
    assert_eq!(work.recurring.resume(&work.name, &by_ann("twice")).unwrap(), PauseOutcome::Unchanged);
    assert_eq!((work.take_due(), work.take_due(), work.finish()), (1, 0, 1), "five ticks were missed");
    work.bench.clock.advance(HOUR);
    assert_eq!((work.take_due(), work.finish()), (1, 1));
    use ActionKind as Kind;
    use ActionOutcome as Outcome;
    assert_eq!(
        work.recorded(),
        [
            (Kind::Define, Outcome::Done),
            (Kind::Pause, Outcome::Done),
            (Kind::Pause, Outcome::Unchanged),
            (Kind::Resume, Outcome::Done),
            (Kind::Resume, Outcome::Unchanged),
        ]
    );
}

fn a_pause_without_a_missed_tick_moves_no_tick(store: impl Store) {
    let work = hourly(store);
    let before = work.recurring.find(&work.name).unwrap();
    let _ = work.recurring.pause(&work.name, &by_ann("a moment")).unwrap();
    let paused = work.recurring.find(&work.name).unwrap().unwrap();
    assert_eq!(paused.paused_at, Some(work.bench.now()));
    let _ = work.recurring.resume(&work.name, &by_ann("go on")).unwrap();
    assert_eq!((work.recurring.find(&work.name).unwrap(), work.take_due()), (before, 0));
}

fn a_program_that_starts_again_does_not_end_a_pause(store: impl Store) {
    let work = hourly(store);
    let _ = work.recurring.pause(&work.name, &by_ann("the disk is full")).unwrap();
    work.define("the program starts again");
    let minutely: Schedule = "* * * * *".parse().unwrap();
    work.recurring.define(&work.name, &minutely, &Note::new("swept"), &by_ann("a new version")).unwrap();
    work.bench.clock.advance(HOUR);
    assert_eq!(work.take_due(), 0);
    let _ = work.recurring.resume(&work.name, &by_ann("there is room")).unwrap();
    assert_eq!(work.take_due(), 1);
}

fn a_worker_takes_no_tick_of_paused_work(store: impl Store) {
    let work = hourly(store);
    let other = "dust".parse().unwrap();
    let hourly: Schedule = "0 * * * *".parse().unwrap();
    work.recurring.define(&other, &hourly, &Note::new("dusted"), &by_ann("test")).unwrap();
    let _ = work.recurring.pause(&work.name, &by_ann("the disk is full")).unwrap();
    work.bench.clock.advance(HOUR);
    work.bench.drain(work.bench.worker().handle(|_: Task<Note>| ()));
    let last = |name| work.recurring.find(name).unwrap().unwrap().last_at;
    assert!(last(&other).is_some());
    assert_eq!(last(&work.name), None);
}

fn work_runs_now_once_at_a_time_and_keeps_its_tick(store: impl Store) {
    let work = hourly(store);
    let before = work.recurring.find(&work.name).unwrap().unwrap();
    let run = |reason: &str| work.recurring.run_now(&work.name, &by_ann(reason)).unwrap().unwrap();
    let EnqueueOutcome::Created(id) = run("the floor is dirty") else { panic!("nothing else runs") };
    assert_eq!(run("again"), EnqueueOutcome::Duplicate(id));
    assert_eq!(work.bench.job(&id).payload.unwrap().as_str(), r#"{"text":"swept"}"#);
    assert_eq!(work.recurring.find(&work.name).unwrap(), Some(before));
    work.bench.clock.advance(HOUR);
    assert_eq!(work.take_due(), 0, "the job that runs already stands for the tick");
    assert_eq!(work.finish(), 1);
    let _ = work.recurring.pause(&work.name, &by_ann("the disk is full")).unwrap();
    assert!(matches!(run("all the same"), EnqueueOutcome::Created(_)), "an operator may run what is paused");
    let runs: Vec<_> = work.recorded().into_iter().filter(|(kind, _)| *kind == ActionKind::RunNow).collect();
    let outcomes = [ActionOutcome::Done, ActionOutcome::Unchanged, ActionOutcome::Done];
    assert_eq!(runs, outcomes.map(|outcome| (ActionKind::RunNow, outcome)));
}

fn work_that_is_missing_is_a_value(store: impl Store) {
    let mut work = hourly(store);
    work.name = "dust".parse().unwrap();
    let action = by_ann("where is it?");
    assert_eq!(work.recurring.find(&work.name).unwrap(), None);
    assert_eq!(work.recurring.pause(&work.name, &action).unwrap(), PauseOutcome::NotFound);
    assert_eq!(work.recurring.resume(&work.name, &action).unwrap(), PauseOutcome::NotFound);
    assert_eq!(work.recurring.run_now(&work.name, &action).unwrap(), None);
    assert!(!work.recurring.remove(&work.name, &action).unwrap());
    let outcomes: Vec<_> = work.recorded().into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [ActionOutcome::NotFound; 4]);
}

fn what_cannot_recur_is_refused_and_leaves_nothing(store: impl Store) {
    let work = hourly(store);
    let (name, hourly) = ("dust".parse().unwrap(), "0 * * * *".parse().unwrap());
    let never: Schedule = "0 0 30 2 *".parse().unwrap();
    let error = work.recurring.define(&name, &hourly, &Note::new(""), &by_ann("empty")).unwrap_err();
    assert!(matches!(error, QueueError::Job(_)), "{error:?}");
    let error = work.recurring.define(&name, &never, &Note::new("x"), &by_ann("never")).unwrap_err();
    assert!(matches!(error, QueueError::Store(StoreError::Invalid { what: "schedule", .. })), "{error:?}");
    assert_eq!(work.recurring.find(&name).unwrap(), None);
    // Another program's work, whose payload does not fit its kind.
    let broken = NewRecurringJob::new(
        name.clone(),
        "0 * * * *".to_owned(),
        JobKind::UpscaleImage,
        work.bench.now() + HOUR,
        work.bench.now(),
    )
    .payload(RawJson::unchecked("{}".to_owned()));
    work.bench.queue.store().set_up(|s| s.recurring().define(&broken)).unwrap();
    let error = work.recurring.run_now(&name, &by_ann("broken")).unwrap_err();
    assert!(matches!(error, QueueError::Job(_)), "{error:?}");
    assert_eq!(work.bench.queue.count().unwrap(), []);
}

fn of_many_pauses_at_once_one_is_done(store: impl Store) {
    let work = hourly(store);
    let pause = |number: u32| {
        let (recurring, name) = (work.recurring.clone(), &work.name);
        move || recurring.pause(name, &by_ann(&format!("operator {number}"))).unwrap()
    };
    let outcomes: Vec<PauseOutcome> = scope_with_deadline("all operators have their answers", |scope| {
        let pauses: Vec<_> = (0..4).map(|number| scope.spawn(pause(number))).collect();
        pauses.into_iter().map(|pause| pause.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == PauseOutcome::Done).count(), 1, "{outcomes:?}");
    let recorded = work.recorded().into_iter().filter(|(kind, _)| *kind == ActionKind::Pause);
    assert_eq!(recorded.filter(|(_, outcome)| *outcome == ActionOutcome::Done).count(), 1);
}
