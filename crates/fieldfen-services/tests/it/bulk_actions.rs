//! Actions on all jobs that match a filter.

use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::job::{
    BulkAction, DedupKey, FailureReport, JobAction, JobActionOutcome, JobFilter, JobState, JobStatus, OnWorkerDeath,
    Payload as _, Priority, Retry,
};
use fieldfen_domain::operator::{OperatorActionFilter, Subject};
use fieldfen_domain::store::Store;
use fieldfen_domain::{BulkActionId, JobId, PageRequest};
use fieldfen_services::bulk_actions::BulkActions;
use fieldfen_testkit::fixtures::by_ann;

use crate::{Bench, Note, SetUp as _};

on_every_store!(
    a_dry_run_counts_and_changes_nothing,
    the_jobs_that_are_left_are_counted,
    each_dead_letter_is_retried_once_although_some_fail_again,
    a_job_that_fails_after_the_start_is_not_taken,
    jobs_of_a_clock_that_was_ahead_are_taken,
    requeued_jobs_are_not_requeued_again,
    a_job_for_which_the_action_is_impossible_is_refused,
    the_start_and_the_end_are_recorded_and_no_job,
    each_action_on_one_job_is_recorded,
    a_requeued_job_has_all_that_the_old_one_had,
    two_processes_that_carry_out_one_action_take_each_job_once,
);

fn bulk<S: Store>(bench: &Bench<S>) -> BulkActions<S> {
    BulkActions::new(bench.queue.clone())
}

/// Enqueues notes and lets them fail for good, one second before now.
fn dead_letters<S: Store>(bench: &Bench<S>, number: usize) -> Vec<JobId> {
    let ids = (0..number).map(|number| bench.note(&format!("note {number}"))).collect();
    fail_all(bench);
    ids
}

/// Claims all due notes and fails them for good, one second before now.
fn fail_all<S: Store>(bench: &Bench<S>) {
    let now = bench.now();
    let claimed = bench.claim_notes(10_000);
    bench
        .queue
        .store()
        .set_up(|s| {
            for claimed in &claimed {
                assert!(s.jobs().fail(&claimed.claim, &FailureReport::new("no light", Retry::Never, now))?.is_done());
            }
            Ok(())
        })
        .unwrap();
    bench.clock.advance(Duration::from_secs(1));
}

fn attempts<S: Store>(bench: &Bench<S>, id: &JobId) -> usize {
    bench.queue.attempts(id).unwrap().len()
}

fn start<S: Store>(bench: &Bench<S>, action: JobAction, filter: &JobFilter) -> BulkAction {
    bulk(bench).start(filter, action, &by_ann("the light is back")).unwrap()
}

/// Carries out an action to its end. Returns the numbers of jobs done and refused.
fn finish<S: Store>(bench: &Bench<S>, id: &BulkActionId) -> (u64, u64) {
    let ended = bulk(bench).resume(id, |_| true).unwrap().unwrap();
    assert!(ended.is_finished());
    assert_eq!(bulk(bench).find(id).unwrap(), Some(ended.clone()));
    (ended.progress.done, ended.progress.refused)
}

fn a_dry_run_counts_and_changes_nothing(store: impl Store) {
    let bench = Bench::new(store);
    let dead = dead_letters(&bench, 7);
    bench.note("pending");
    let before: Vec<_> = dead.iter().map(|id| bench.job(id)).collect();
    let all = bulk(&bench).dry_run(&JobFilter::new(), JobAction::Retry).unwrap();
    assert_eq!((all.possible.to_string(), all.impossible.to_string()), ("7".to_owned(), "0".to_owned()));
    assert_eq!(all.examples.iter().map(|job| job.id).collect::<Vec<_>>(), dead[..5]);
    let pending = bulk(&bench).dry_run(&JobFilter::new().status(JobStatus::Pending), JobAction::Retry).unwrap();
    assert_eq!((pending.possible.number, pending.impossible.number, pending.examples.len()), (0, 1, 0));
    assert_eq!(dead.iter().map(|id| bench.job(id)).collect::<Vec<_>>(), before);
    assert!(bulk(&bench).list(&PageRequest::first(9)).unwrap().is_empty());
}

fn the_jobs_that_are_left_are_counted(store: impl Store) {
    let bench = Bench::new(store);
    dead_letters(&bench, 250);
    let row = start(&bench, JobAction::Retry, &JobFilter::new());
    bench.clock.advance(Duration::from_secs(1));
    dead_letters(&bench, 3);
    let left = |row: &BulkAction| bulk(&bench).left(row).unwrap();
    assert_eq!((left(&row).number, left(&row).is_capped), (250, false), "later dead letters are not taken");
    let row = bulk(&bench).step(&row.order.id).unwrap().unwrap();
    assert_eq!((row.progress.matched(), left(&row).number), (100, 150));
    let row = bulk(&bench).resume(&row.order.id, |_| true).unwrap().unwrap();
    assert_eq!((row.progress.matched(), left(&row).number), (250, 0));
}

fn each_dead_letter_is_retried_once_although_some_fail_again(store: impl Store) {
    let bench = Bench::new(store);
    let dead = dead_letters(&bench, 250);
    let action = start(&bench, JobAction::Retry, &JobFilter::new().kind(Note::kind()));
    let first = bulk(&bench).step(&action.order.id).unwrap().unwrap();
    assert!(!first.is_finished() && first.progress.done > 0, "{first:?}");
    fail_all(&bench);
    let stopped = bulk(&bench).resume(&action.order.id, |_| false).unwrap().unwrap();
    assert!(!stopped.is_finished() && stopped.progress.done > first.progress.done, "{stopped:?}");
    fail_all(&bench);
    assert_eq!(finish(&bench, &action.order.id), (250, 0));
    fail_all(&bench);
    for id in &dead {
        assert_eq!(attempts(&bench, id), 2, "each failed once before and once after the retry");
    }
    assert_eq!(finish(&bench, &action.order.id), (250, 0), "a finished action does nothing");
}

fn a_job_that_fails_after_the_start_is_not_taken(store: impl Store) {
    let bench = Bench::new(store);
    let late = bench.note("fails after the start");
    let dead = bench.note("failed before");
    assert_eq!(bench.queue.cancel(&dead, &by_ann("wrong")).unwrap(), JobActionOutcome::Done);
    bench.clock.advance(Duration::from_secs(1));
    let action = start(&bench, JobAction::Retry, &JobFilter::new());
    bench.clock.advance(Duration::from_secs(1));
    fail_all(&bench);
    assert_eq!(finish(&bench, &action.order.id), (1, 0));
    assert_eq!((bench.status(&late), bench.status(&dead)), (JobStatus::Failed, JobStatus::Pending));
}

fn jobs_of_a_clock_that_was_ahead_are_taken(store: impl Store) {
    let bench = Bench::new(store);
    bench.clock.advance(Duration::from_secs(86_400));
    let dead = dead_letters(&bench, 3);
    let pending = bench.note("pending");
    bench.clock.set(bench.now() - Duration::from_secs(86_400));
    let retry = start(&bench, JobAction::Retry, &JobFilter::new().dead_letters());
    assert_eq!(finish(&bench, &retry.order.id), (3, 0));
    assert!(dead.iter().all(|id| bench.status(id) == JobStatus::Pending));
    let cancel = start(&bench, JobAction::Cancel, &JobFilter::new());
    assert_eq!(finish(&bench, &cancel.order.id), (4, 0));
    assert_eq!(bench.status(&pending), JobStatus::Failed);
}

fn requeued_jobs_are_not_requeued_again(store: impl Store) {
    let bench = Bench::new(store);
    let dead = dead_letters(&bench, 130);
    let action = start(&bench, JobAction::Requeue, &JobFilter::new().kind(Note::kind()));
    assert!(!bulk(&bench).step(&action.order.id).unwrap().unwrap().is_finished());
    // The clock is set back: what is new has earlier times than the action.
    bench.clock.set(action.order.started_at - TimeDelta::days(1));
    fail_all(&bench);
    assert_eq!(finish(&bench, &action.order.id), (130, 0));
    let jobs =
        |status| bulk(&bench).dry_run(&JobFilter::new().status(status), JobAction::Delete).unwrap().possible.number;
    assert_eq!(jobs(JobStatus::Failed) + jobs(JobStatus::Pending), 260);
    assert!(dead.iter().all(|id| bench.status(id) == JobStatus::Failed), "the old rows stay");
}

fn a_job_for_which_the_action_is_impossible_is_refused(store: impl Store) {
    let bench = Bench::new(store);
    let dead = dead_letters(&bench, 2);
    let pending = bench.note("pending");
    bench.clock.advance(Duration::from_secs(1));
    let action = start(&bench, JobAction::Cancel, &JobFilter::new().kind(Note::kind()));
    assert_eq!(finish(&bench, &action.order.id), (1, 2));
    assert_eq!(bench.job(&pending).last_error.as_deref(), Some("the light is back"));
    assert_eq!(bench.job(&dead[0]).last_error.as_deref(), Some("no light"));
    let action = start(&bench, JobAction::Delete, &JobFilter::new().payload("note 1"));
    assert_eq!(finish(&bench, &action.order.id), (1, 0));
    assert!(bench.queue.find(&dead[1]).unwrap().is_none());
}

fn recorded<S: Store>(bench: &Bench<S>, filter: &OperatorActionFilter) -> Vec<String> {
    let page = bench.queue.store().read(|s| s.operator_actions().page(filter, &PageRequest::first(100))).unwrap();
    let line = |action: &fieldfen_domain::operator::OperatorAction| {
        format!("{} {}: {}", action.kind, action.outcome, action.action.reason())
    };
    page.items.iter().map(line).collect()
}

fn the_start_and_the_end_are_recorded_and_no_job(store: impl Store) {
    let bench = Bench::new(store);
    dead_letters(&bench, 3);
    let action = start(&bench, JobAction::SetPriority(Priority::Low), &JobFilter::new());
    let of_action = OperatorActionFilter::of(Subject::BulkAction(action.order.id));
    assert_eq!(recorded(&bench, &of_action), ["set_priority requested: the light is back"]);
    assert_eq!(finish(&bench, &action.order.id), (3, 0));
    let both = ["set_priority requested: the light is back", "set_priority done: the light is back"];
    assert_eq!(recorded(&bench, &of_action), both);
    assert_eq!(recorded(&bench, &OperatorActionFilter::all()), both);
}

fn each_action_on_one_job_is_recorded(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("a");
    let tomorrow = bench.now() + TimeDelta::days(1);
    let apply = |action, reason: &str| bench.queue.apply(&id, action, &by_ann(reason)).unwrap();
    assert_eq!(apply(JobAction::Reschedule(tomorrow), "closed"), JobActionOutcome::Done);
    assert_eq!(bench.claim_notes(1).len(), 0);
    assert_eq!(apply(JobAction::RunNow, "open"), JobActionOutcome::Done);
    assert_eq!(apply(JobAction::SetPriority(Priority::Urgent), "hurry"), JobActionOutcome::Done);
    let claimed = bench.claim_notes(1);
    assert_eq!(claimed[0].job.priority, Priority::Urgent);
    let refused = JobActionOutcome::Refused { status: JobStatus::Running };
    assert_eq!(apply(JobAction::Requeue, "again"), refused);
    assert_eq!(apply(JobAction::Release, "another worker"), JobActionOutcome::Done);
    assert_eq!(bench.job(&id).state, JobState::Pending);
    assert_eq!(apply(JobAction::Cancel, "wrong"), JobActionOutcome::Done);
    assert_eq!(apply(JobAction::Retry, "right"), JobActionOutcome::Done);
    assert_eq!(apply(JobAction::Delete, "done with"), JobActionOutcome::Done);
    assert_eq!(apply(JobAction::Requeue, "too late"), JobActionOutcome::NotFound);
    assert_eq!(
        recorded(&bench, &OperatorActionFilter::of(Subject::Job(id))),
        [
            "reschedule done: closed",
            "run_now done: open",
            "set_priority done: hurry",
            "requeue refused: again",
            "release done: another worker",
            "cancel done: wrong",
            "retry done: right",
            "delete done: done with",
            "requeue not_found: too late",
        ]
    );
}

fn a_requeued_job_has_all_that_the_old_one_had(store: impl Store) {
    let bench = Bench::new(store);
    let file = bench.file();
    let new = bench.queue.job(&Note::new("b")).unwrap().file_id(file).priority(Priority::High).max_retries(3);
    let new = new.on_worker_death(OnWorkerDeath::Fail);
    let new = new.account("etsy/main".parse::<fieldfen_domain::job::ApiAccount>().unwrap());
    let old = *bench.queue.enqueue(&new.dedup_key(DedupKey::new("b").unwrap())).unwrap().id();
    assert_eq!(bench.queue.cancel(&old, &by_ann("wrong")).unwrap(), JobActionOutcome::Done);
    bench.clock.advance(Duration::from_secs(1));
    let requeued = bench.queue.apply(&old, JobAction::Requeue, &by_ann("again")).unwrap();
    let JobActionOutcome::Requeued(id) = requeued else { panic!("{requeued:?}") };
    let (was, is) = (bench.job(&old), bench.job(&id));
    assert_eq!((is.file_id, &is.account, is.priority, is.max_retries), (Some(file), &was.account, Priority::High, 3));
    assert_eq!((&is.payload, &is.dedup_key, is.run_at, is.attempts), (&was.payload, &was.dedup_key, bench.now(), 0));
    assert_eq!((is.state, is.last_error), (JobState::Pending, None));
    let consequence = bench.queue.store().read(|s| s.workers().on_worker_death(&id)).unwrap();
    assert_eq!(consequence, Some(OnWorkerDeath::Fail));
    let again = bench.queue.apply(&old, JobAction::Requeue, &by_ann("again")).unwrap();
    assert_eq!(again, JobActionOutcome::Duplicate(id));
}

fn two_processes_that_carry_out_one_action_take_each_job_once(store: impl Store) {
    let bench = Bench::new(store);
    let dead = dead_letters(&bench, 450);
    let action = start(&bench, JobAction::Requeue, &JobFilter::new().kind(Note::kind()));
    thread::scope(|scope| {
        for _ in 0..3 {
            let (bulk, id) = (bulk(&bench), action.order.id);
            scope.spawn(move || bulk.resume(&id, |_| true).unwrap());
        }
    });
    assert_eq!(finish(&bench, &action.order.id), (450, 0));
    let new = bulk(&bench).dry_run(&JobFilter::new(), JobAction::RunNow).unwrap();
    assert_eq!(new.possible.number, dead.len() as u64);
}
