//! Requests of operators from programs without the shop's rules.

use std::time::Duration;

use super::panics::end_of;
use fieldfen_domain::file::{Deletion, File, FileEdit, FileStatus};
use fieldfen_domain::job::{InvalidJob, JobStatus, NewJob, Payload as _};
use fieldfen_domain::operator::{Action, Actor, OperatorActionFilter, Subject, Via};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, PageRequest, RawJson};
use fieldfen_services::Transaction;
use fieldfen_services::operator::{ApproveRequest, Operator, OperatorAnswer, QueuedRequest, Request, RequestOutcome};
use fieldfen_services::worker::Worker;
use fieldfen_testkit::fixtures::by_ann;

use crate::LONG;
use crate::shop_harness::{ETSY, Shop, listing_on};

on_every_store!(
    a_request_leads_to_what_the_rules_of_the_worker_say,
    each_action_can_be_asked_for_and_is_recorded_once,
    what_a_rule_forbids_is_answered_and_recorded,
    the_second_of_two_editors_is_told_what_the_first_has_changed,
    a_request_without_a_worker_waits_for_one,
    a_request_that_waits_already_is_found,
    a_request_after_another_one_about_the_file_is_a_job_of_its_own,
    a_request_that_was_cancelled_does_nothing,
    a_request_that_is_repeated_is_there_once_with_its_answer,
    an_editor_is_told_of_a_change_that_is_too_large_for_an_answer,
    a_request_of_another_version_is_said_to_be_declined,
    a_request_of_a_newer_version_is_left_to_a_newer_worker,
);

/// A shop, and an operator in a program without its rules.
pub(crate) struct ShopAndOperator<S: Store> {
    pub(crate) shop: Shop<S>,
    pub(crate) operator: Operator<S>,
}

impl<S: Store> ShopAndOperator<S> {
    fn new(store: S) -> Self {
        Self::of(Shop::wanting(store, ETSY))
    }

    pub(crate) fn of(shop: Shop<S>) -> Self {
        let queue = &shop.bench.queue;
        let operator = Operator::new(queue.store().clone(), queue.environment().clone());
        Self { shop, operator }
    }

    pub(crate) fn worker(&self) -> Worker {
        let queue = &self.shop.bench.queue;
        let worker = Worker::builder(queue.store().clone(), queue.environment().clone()).threads(2);
        self.shop.pipeline.serve_operators(worker).start().unwrap()
    }

    fn ask(&self, request: Result<Request, InvalidJob>) -> QueuedRequest {
        self.operator.ask(&request.unwrap()).unwrap()
    }

    pub(crate) fn answer(&self, request: Result<Request, InvalidJob>) -> OperatorAnswer {
        match self.operator.wait(&self.ask(request).job, LONG).unwrap() {
            RequestOutcome::Answered(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn file(&self, id: &FileId) -> File {
        self.shop.bench.queue.store().read(|s| s.files().find(id)).unwrap().unwrap()
    }

    /// The actions on a file, as kind, outcome and operator.
    fn recorded(&self, id: &FileId) -> Vec<String> {
        self.recorded_of(Subject::File(*id))
    }

    pub(crate) fn recorded_of(&self, subject: Subject) -> Vec<String> {
        let filter = OperatorActionFilter::of(subject);
        let store = self.shop.bench.queue.store();
        let page = store.read(|s| s.operator_actions().page(&filter, &PageRequest::first(100))).unwrap();
        page.items.iter().map(|row| format!("{} {} {}", row.action.by().name(), row.kind, row.outcome)).collect()
    }
}

fn by(name: &str, reason: &str) -> Action {
    Action::new(Actor::new(name, Via::Console).unwrap(), reason).unwrap()
}

pub(crate) fn stop(worker: Worker) {
    worker.stop_handle().stop();
    end_of(worker).unwrap();
}

fn a_request_leads_to_what_the_rules_of_the_worker_say(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let worker = setup.worker();
    let answer = setup.answer(setup.operator.approve(&id, &by_ann("sharp")));
    let OperatorAnswer::Done { status: Some(FileStatus::Approved), jobs } = answer else { panic!("{answer:?}") };
    let listing = setup.shop.all_jobs(&id).pop().unwrap();
    assert_eq!((jobs, listing.kind.as_str()), (vec![listing.id], "CreateListing"));
    let again = setup.answer(setup.operator.approve(&id, &by_ann("sharp")));
    assert_eq!(again, OperatorAnswer::Unchanged { status: Some(FileStatus::Approved) });
    assert_eq!(setup.recorded(&id), ["ann approve done", "ann approve unchanged"]);
    stop(worker);
}

fn each_action_can_be_asked_for_and_is_recorded_once(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let worker = setup.worker();
    let operator = &setup.operator;
    let status = |answer: OperatorAnswer| match answer {
        OperatorAnswer::Done { status, .. } => status,
        other => panic!("{other:?}"),
    };
    let edit = FileEdit::new().species("whitetail-deer").seen(&setup.file(&id));
    assert_eq!(status(setup.answer(operator.edit(&id, &edit, &by_ann("a deer")))), Some(FileStatus::Processed));
    assert_eq!(setup.file(&id).species.as_deref(), Some("whitetail-deer"));
    assert_eq!(status(setup.answer(operator.reject(&id, &by_ann("blurred")))), Some(FileStatus::Failed));
    assert_eq!(status(setup.answer(operator.retry(&id, &by_ann("it is not")))), Some(FileStatus::Processed));
    assert_eq!(status(setup.answer(operator.approve(&id, &by_ann("sharp")))), Some(FileStatus::Approved));
    let ebay = listing_on(Platform::Ebay);
    assert_eq!(status(setup.answer(operator.publish(&id, &ebay, &by_ann("ebay too")))), Some(FileStatus::Approved));
    assert_eq!(setup.shop.live_jobs(&id), ["CreateListing", "CreateListing"]);
    assert_eq!(status(setup.answer(operator.fail(&id, &by_ann("a crack")))), Some(FileStatus::Failed));
    assert_eq!(status(setup.answer(operator.delete(&id, Deletion::KeepLiveListings, &by_ann("sold")))), None);
    assert_eq!(setup.answer(operator.approve(&id, &by_ann("back"))), OperatorAnswer::NotFound);
    let done =
        ["edit", "reject", "retry", "approve", "publish", "fail", "delete"].map(|kind| format!("ann {kind} done"));
    assert_eq!(setup.recorded(&id), [done.as_slice(), &["ann approve not_found".to_owned()]].concat());
    stop(worker);
}

fn what_a_rule_forbids_is_answered_and_recorded(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.ingest("buck");
    let worker = setup.worker();
    let refused = setup.answer(setup.operator.approve(&id, &by_ann("sharp")));
    assert!(matches!(&refused, OperatorAnswer::Refused { reason } if reason.contains("ingested")), "{refused:?}");
    let bad = FileEdit::new().metadata(RawJson::unchecked("{".to_owned()));
    let refused = setup.answer(setup.operator.edit(&id, &bad, &by_ann("words")));
    assert!(matches!(&refused, OperatorAnswer::Refused { reason } if reason.contains("metadata")), "{refused:?}");
    assert_eq!(setup.recorded(&id), ["ann approve refused", "ann edit refused"]);
    assert_eq!((setup.shop.status(&id), setup.file(&id).metadata), (FileStatus::Ingested, None));
    stop(worker);
}

fn the_second_of_two_editors_is_told_what_the_first_has_changed(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let worker = setup.worker();
    let seen = setup.file(&id);
    let first = FileEdit::new().species("roe-deer").seen(&seen);
    let done = setup.answer(setup.operator.edit(&id, &first, &by("bo", "it is a roe deer")));
    assert!(matches!(done, OperatorAnswer::Done { .. }), "{done:?}");
    let second = FileEdit::new().species("red-deer").seen(&seen);
    let answer = setup.answer(setup.operator.edit(&id, &second, &by("cy", "it is a red deer")));
    let OperatorAnswer::Changed { columns, now: Some(now), last_edit: Some(last) } = &answer else {
        panic!("{answer:?}")
    };
    assert_eq!((columns.as_slice(), now.species.as_deref()), (&["species".to_owned()][..], Some("roe-deer")));
    assert_eq!((last.by.name(), last.reason.as_str()), ("bo", "it is a roe deer"));
    let said = answer.to_string();
    assert!(said.contains("species is \"roe-deer\" now; bo (console) has edited it at"), "{said}");
    assert_eq!(setup.file(&id).species.as_deref(), Some("roe-deer"));
    assert_eq!(setup.recorded(&id), ["bo edit done", "cy edit refused"]);
    stop(worker);
}

fn a_request_that_waits_already_is_found(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let [id, other] = ["buck", "doe"].map(|name| setup.shop.process(name));
    let first = setup.ask(setup.operator.approve(&id, &by_ann("sharp")));
    assert!(!first.was_asked_before);
    let again = setup.ask(setup.operator.approve(&id, &by("bob", "well lit")));
    assert_eq!((again.job, again.was_asked_before), (first.job, true));
    assert!(again.to_string().starts_with("the same request waits already: "), "{again}");
    let elsewhere = setup.ask(setup.operator.approve(&other, &by_ann("sharp")));
    assert!(!elsewhere.was_asked_before, "another file is another request");
    let edit = |species| setup.ask(setup.operator.edit(&other, &FileEdit::new().species(species), &by_ann("seen")));
    let edits = [edit("red-fox"), edit("red-deer")];
    assert!(edits.iter().all(|edit| !edit.was_asked_before), "the content differs");
    let worker = setup.worker();
    assert!(matches!(setup.operator.wait(&again.job, LONG).unwrap(), RequestOutcome::Answered(_)));
    assert_eq!(setup.recorded(&id), ["ann approve done"]);
    let later = setup.ask(setup.operator.approve(&id, &by("bob", "well lit")));
    assert!(!later.was_asked_before, "the first request was carried out");
    assert!(matches!(setup.operator.wait(&later.job, LONG).unwrap(), RequestOutcome::Answered(_)));
    assert_eq!(setup.recorded(&id), ["ann approve done", "bob approve unchanged"]);
    stop(worker);
}

fn a_request_after_another_one_about_the_file_is_a_job_of_its_own(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let asked = [
        setup.ask(setup.operator.approve(&id, &by_ann("sharp"))),
        setup.ask(setup.operator.reject(&id, &by("bob", "blurry"))),
        setup.ask(setup.operator.retry(&id, &by_ann("not blurry"))),
        setup.ask(setup.operator.approve(&id, &by_ann("sharp after all"))),
    ];
    assert!(asked.iter().all(|asked| !asked.was_asked_before), "{asked:?}");
    let last = asked[3].job;
    let worker = setup.worker();
    assert!(matches!(setup.operator.wait(&last, LONG).unwrap(), RequestOutcome::Answered(_)));
    stop(worker);
}

fn a_request_without_a_worker_waits_for_one(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let asked = setup.ask(setup.operator.approve(&id, &by_ann("sharp")));
    assert_eq!(asked.workers_alive, 0);
    assert!(asked.to_string().starts_with("no worker for fieldfen.approve is alive: "), "{asked}");
    let waited = setup.operator.wait(&asked.job, Duration::from_millis(1)).unwrap();
    assert_eq!(waited, RequestOutcome::TimedOut { no_worker_alive: true, declined: None });
    assert_eq!((setup.shop.status(&id), setup.recorded(&id)), (FileStatus::Processed, vec![]));
    let worker = setup.worker();
    let waited = setup.operator.wait(&asked.job, LONG).unwrap();
    assert!(matches!(waited, RequestOutcome::Answered(OperatorAnswer::Done { .. })), "{waited:?}");
    // The worker registers while it runs its first jobs.
    let mut alive = 0..6000;
    assert!(alive.any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        setup.ask(setup.operator.fail(&id, &by_ann("a crack"))).workers_alive == 1
    }));
    stop(worker);
}

fn a_request_of_a_newer_version_is_left_to_a_newer_worker(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let queue = &setup.shop.bench.queue;
    let request = ApproveRequest { file_id: id, action: by_ann("sharp") };
    let mut job = queue.job(&request).unwrap();
    let json = job.payload.as_ref().unwrap().as_str().replacen('{', r#"{"only_at":"etsy","#, 1);
    job.payload = Some(RawJson::parse(json).unwrap());
    let newer = *queue.enqueue(&job).unwrap().id();
    let worker = setup.worker();
    let mut looks = 0..6000;
    assert!(looks.any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        setup.shop.bench.job(&newer).declined_since.is_some()
    }));
    assert_eq!(setup.shop.bench.status(&newer), JobStatus::Pending);
    assert_eq!((setup.shop.status(&id), setup.recorded(&id)), (FileStatus::Processed, vec![]));
    stop(worker);
}

fn a_request_that_was_cancelled_does_nothing(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let asked = setup.ask(setup.operator.approve(&id, &by_ann("sharp")));
    let _ = setup.shop.bench.queue.cancel(&asked.job, &by_ann("it is not")).unwrap();
    assert_eq!(setup.shop.bench.status(&asked.job), JobStatus::Failed);
    let waited = setup.operator.wait(&asked.job, LONG).unwrap();
    assert!(matches!(&waited, RequestOutcome::Failed { reason } if reason.contains("it is not")), "{waited:?}");
    assert_eq!(setup.operator.wait(&fieldfen_domain::JobId::from_random(9), LONG).unwrap(), RequestOutcome::NotFound);
    assert_eq!(setup.recorded(&id), Vec::<String>::new());
}

fn a_request_that_is_repeated_is_there_once_with_its_answer(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let request = setup.operator.approve(&id, &by_ann("sharp")).unwrap();
    assert_eq!(setup.operator.wait(request.job(), LONG).unwrap(), RequestOutcome::NotFound, "nothing is asked for yet");
    let first = setup.operator.ask(&request).unwrap();
    let again = setup.operator.ask(&request).unwrap();
    assert_eq!((&first, &first.job), (&again, request.job()));
    let worker = setup.worker();
    let answer = setup.operator.wait(request.job(), LONG).unwrap();
    assert!(matches!(&answer, RequestOutcome::Answered(OperatorAnswer::Done { .. })), "{answer:?}");
    assert_eq!(setup.operator.ask(&request).unwrap().job, first.job, "after it was done too");
    assert_eq!(setup.operator.wait(request.job(), LONG).unwrap(), answer);
    assert_eq!(setup.recorded(&id), ["ann approve done"]);
    stop(worker);
}

fn an_editor_is_told_of_a_change_that_is_too_large_for_an_answer(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let seen = setup.file(&id);
    // Each quote has a backslash before it in the answer.
    let large = FileEdit::new().metadata(RawJson::parse(format!("[{}0]", "\"\",".repeat(300_000))).unwrap());
    setup
        .shop
        .write(|s| setup.shop.pipeline.edit(&mut Transaction::new(s), &id, &large, &by("bo", "all words")).map(drop))
        .unwrap();
    let worker = setup.worker();
    let answer = setup.answer(setup.operator.edit(&id, &FileEdit::new().species("fox").seen(&seen), &by_ann("a fox")));
    let OperatorAnswer::Changed { columns, now: None, last_edit: Some(last) } = &answer else { panic!("{answer}") };
    assert_eq!((columns.as_slice(), last.by.name()), (&["metadata_json".to_owned()][..], "bo"));
    assert_eq!(setup.recorded(&id), ["bo edit done", "ann edit refused"]);
    stop(worker);
}

fn a_request_of_another_version_is_said_to_be_declined(store: impl Store) {
    let setup = ShopAndOperator::new(store);
    let id = setup.shop.process("buck");
    let queue = &setup.shop.bench.queue;
    let action = r#"{"by":{"name":"ann","via":"console"},"reason":"sharp","unless":"sold"}"#;
    let payload = RawJson::parse(format!(r#"{{"file_id":"{id}","action":{action}}}"#)).unwrap();
    let kind = ApproveRequest::kind();
    let job = NewJob::untyped(queue.environment().job_id(), kind, Some(payload), setup.shop.bench.now()).unwrap();
    let _ = queue.enqueue(&job).unwrap();
    let worker = setup.worker();
    let mut looks = 0..6000;
    assert!(looks.any(|_| {
        let waited = setup.operator.wait(&job.id, Duration::from_millis(10)).unwrap();
        matches!(&waited, RequestOutcome::TimedOut { declined: Some(why), .. } if why.contains("unknown field `unless`"))
    }));
    assert_eq!((setup.shop.status(&id), setup.recorded(&id)), (FileStatus::Processed, vec![]));
    stop(worker);
}
