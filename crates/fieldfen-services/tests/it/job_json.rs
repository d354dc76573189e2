//! JSON in the queue: stored documents can be read back and are not too large.

use std::time::Duration;

use fieldfen_domain::job::{ClaimRef, JobActionOutcome, JobStatus, NewJob, Payload};
use fieldfen_domain::store::Store;
use fieldfen_domain::{RawJson, recurring::RecurringName};
use fieldfen_services::Transaction;
use fieldfen_services::queue::{Completion, QueueError};
use fieldfen_services::recurring::Schedule;
use fieldfen_services::worker::{Outcome, Task};
use fieldfen_testkit::fixtures::by_ann;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Bench, LEASE, Note};
use crate::SetUp as _;

on_every_store!(
    a_payload_that_cannot_be_read_back_is_refused,
    a_text_that_no_handler_can_read_is_refused,
    recurring_work_with_a_payload_that_cannot_be_read_back_is_refused,
    a_result_that_cannot_be_kept_fails_its_job_at_once,
    a_follow_up_job_that_cannot_be_read_back_fails_its_job_at_once,
    progress_that_cannot_be_kept_is_refused_and_its_job_goes_on,
    errors_and_reasons_are_cut_where_they_are_stored,
);

/// A text of slightly more than a megabyte.
fn large() -> String {
    "x".repeat((1 << 20) + 1)
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| json!([inner]))
}

#[derive(Debug, Serialize, Deserialize)]
struct Measure {
    ratios: Vec<f64>,
    weight: Option<f64>,
    notes: Value,
}

impl Measure {
    fn new(ratio: f64, levels: usize) -> Self {
        Self { ratios: vec![1.0, ratio], weight: None, notes: nested(levels) }
    }
}

impl Payload for Measure {
    const KIND: &'static str = "test.measure";
}

fn a_payload_that_cannot_be_read_back_is_refused(store: impl Store) {
    let bench = Bench::new(store);
    for (ratio, levels, told) in
        [(f64::NAN, 1, "ratios[1]: NaN"), (f64::INFINITY, 1, "ratios[1]: inf"), (0.5, 200, "recursion limit")]
    {
        let error = bench.queue.job(&Measure::new(ratio, levels)).unwrap_err().to_string();
        assert!(error.contains("payload of test.measure") && error.contains(told), "{error}");
    }
    let light = Measure { weight: Some(f64::NAN), ..Measure::new(0.5, 1) };
    let error = bench.queue.job(&light).unwrap_err().to_string();
    let rule = "weight: NaN cannot be written as JSON; it must be a finite number, or None";
    assert_eq!(error, format!("payload of test.measure: {rule}"));
    let deep = bench.queue.job(&Measure::new(0.5, 120)).unwrap();
    bench.queue.enqueue(&deep).unwrap();
    bench.drain(bench.worker().handle(|task: Task<Measure>| assert_eq!(task.notes, nested(120))));
    assert_eq!(bench.status(&deep.id), JobStatus::Completed);
}

fn a_text_that_no_handler_can_read_is_refused(store: impl Store) {
    let bench = Bench::new(store);
    let deep = nested(200).to_string();
    for text in ["1e999", r#"{"name": "\ud800"}"#, &deep, "{", "\u{feff}{}", "[1] [2]", "\"\0\"", &large()] {
        assert!(RawJson::parse(text).is_err(), "{text:.40}");
        let unchecked = || Some(RawJson::unchecked(text.to_owned()));
        let new = |payload| NewJob::untyped(bench.queue.environment().job_id(), Note::kind(), payload, bench.now());
        let error = new(unchecked()).unwrap_err().to_string();
        assert!(error.contains("payload of test.note"), "{error:.200}");
        let put_in_later = new(None).unwrap().payload(unchecked());
        let error = bench.queue.enqueue(&put_in_later).unwrap_err();
        assert!(matches!(error, QueueError::Job(_)), "{error:.200}");
    }
    assert_eq!(bench.queue.count().unwrap(), []);
}

fn recurring_work_with_a_payload_that_cannot_be_read_back_is_refused(store: impl Store) {
    let bench = Bench::new(store);
    let (name, hourly): (RecurringName, Schedule) = ("measure".parse().unwrap(), "0 * * * *".parse().unwrap());
    for broken in [Measure::new(f64::NAN, 1), Measure::new(0.5, 200)] {
        let set_up = bench.queue.store().try_set_up(|s| {
            bench.recurring().define_in(&mut Transaction::new(s), &name, &hourly, &broken, &by_ann("test"))
        });
        assert!(matches!(set_up, Err(QueueError::Job(_))), "{set_up:?}");
    }
    assert_eq!(bench.queue.store().read(|s| s.recurring().list()).unwrap(), []);
}

fn a_result_that_cannot_be_kept_fails_its_job_at_once(store: impl Store) {
    let bench = Bench::new(store);
    for (result, told) in [(json!(large()), "1048579 bytes"), (nested(200), "recursion limit")] {
        let id = bench.note("x");
        bench.drain(bench.worker().handle(move |_: Task<Note>| Completion::new().result(&result)));
        let job = bench.job(&id);
        assert_eq!((job.state.status(), job.attempts, job.result), (JobStatus::Failed, 0, None));
        let error = job.last_error.unwrap();
        assert!(error.contains("result of a job") && error.contains(told), "{error:.200}");
    }
    let id = bench.note("x");
    bench.drain(bench.worker().handle(|_: Task<Note>| Completion::new().result(&(1.5, f64::NEG_INFINITY))));
    assert!(bench.job(&id).last_error.unwrap().contains("result of a job \"[1]: -inf cannot be written as JSON"));
}

fn a_follow_up_job_that_cannot_be_read_back_fails_its_job_at_once(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let follow_up = bench.queue.job(&Note::new("y")).unwrap();
    let broken = follow_up.payload(RawJson::unchecked("1e999".to_owned()));
    bench.drain(bench.worker().handle(move |_: Task<Note>| Completion::new().then(broken.clone())));
    let job = bench.job(&id);
    assert_eq!((job.state.status(), job.attempts), (JobStatus::Failed, 0));
    assert!(job.last_error.unwrap().contains("payload of test.note"));
    assert_eq!(bench.queue.count().unwrap()[0].jobs, 1);
}

fn progress_that_cannot_be_kept_is_refused_and_its_job_goes_on(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let handler = |task: Task<Note>| {
        for told in [task.progress(&large()), task.progress(&nested(200)), task.progress(&f64::NAN)] {
            assert!(!told.unwrap_err().to_string().is_empty());
        }
    };
    bench.drain(bench.worker().handle(handler));
    assert_eq!((bench.status(&id), bench.job(&id).progress), (JobStatus::Completed, None));

    bench.note("y");
    let claim: ClaimRef = bench.claim_notes(1)[0].claim;
    let unreadable = RawJson::unchecked("1e999".to_owned());
    assert!(bench.queue.heartbeat(&[(claim, Some(unreadable))], LEASE).is_err());
    assert_eq!(bench.job(&claim.id).progress, None);
}

fn errors_and_reasons_are_cut_where_they_are_stored(store: impl Store) {
    let bench = Bench::new(store);
    // Characters of two bytes, so that the limit is inside one.
    let long = format!("x{}", "é".repeat(1 << 19));
    let assert_cut = |id, what: &str| {
        let kept = bench.job(id).last_error.unwrap();
        assert!(kept.len() <= 8192 && kept.starts_with("xéé"), "{what}: {} bytes", kept.len());
        let cut: usize = kept.rsplit_once("… (").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        let left = kept.rfind("… (").unwrap();
        assert_eq!(left + cut, long.len(), "{what}: {kept:.40}");
    };
    let failing = bench.queue.job(&Note::new("x")).unwrap().max_retries(1);
    bench.queue.enqueue(&failing).unwrap();
    let _ = bench.queue.fail(&bench.claim_notes(1)[0], &long).unwrap();
    assert_cut(&failing.id, "a failed try");
    bench.clock.advance(Duration::from_secs(3600));
    let _ = bench.queue.fail_for_good(&bench.claim_notes(1)[0], &long).unwrap();
    assert_cut(&failing.id, "a failure for good");

    let (pending, running) = (bench.note("pending"), bench.note("running"));
    assert_eq!(bench.queue.cancel(&pending, &by_ann(&long)).unwrap(), JobActionOutcome::Done);
    assert_cut(&pending, "a cancelled job");
    assert_eq!(bench.claim_notes(1)[0].job.id, running);
    assert_eq!(bench.queue.cancel(&running, &by_ann(&long)).unwrap(), JobActionOutcome::CancelRequested);
    assert_cut(&running, "a job that was asked to stop");
    assert_eq!(bench.queue.kill(&running, &by_ann(&long)).unwrap(), JobActionOutcome::Done);
    assert_cut(&running, "a killed job");
    let error = long.clone();
    let id = bench.note("by a handler");
    bench.drain(bench.worker().handle(move |_: Task<Note>| Outcome::fail(error.clone())));
    assert_cut(&id, "a handler's error");
}
