//! The transaction in which completions and webhooks write.

use fieldfen_domain::RawJson;
use fieldfen_domain::file::{FileEdit, FileStatus, IngestOutcome};
use fieldfen_domain::job::{EnqueueOutcome, JobKind, JobStatus, NewJob};
use fieldfen_domain::operator::{OperatorActionFilter, Subject};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::operator_actions::OperatorActions;
use fieldfen_services::pipeline::EditOutcome;
use fieldfen_services::queue::{Completion, QueueError};
use fieldfen_services::webhooks::{ReceiveOutcome, WebhookIntake, hash};
use fieldfen_testkit::fixtures::by_ann;

use crate::shop_harness::{ETSY, Shop, approved, titled};
use crate::{Bench, Note};

on_every_store!(
    a_job_whose_payload_breaks_a_rule_fails_the_whole_completion,
    what_a_transaction_has_written_it_reads,
    a_picture_that_a_webhook_brings_is_taken_in_with_its_first_job,
    an_edit_by_a_job_withdraws_the_approval_and_is_recorded,
);

fn a_job_whose_payload_breaks_a_rule_fails_the_whole_completion(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("first");
    let claimed = bench.claim_notes(1).remove(0);
    let good = bench.queue.job(&Note::new("second")).unwrap();
    let payload = Some(RawJson::parse(r#"{"scale_factor": 0}"#).unwrap());
    let broken = NewJob::untyped(bench.queue.environment().job_id(), JobKind::UpscaleImage, payload, bench.now());
    let (broken, good_id) = (broken.unwrap(), good.id);
    let mut completion = Completion::new()
        .writing(move |t| t.enqueue(&good).map(drop))
        .writing(move |t| t.enqueue_many(std::slice::from_ref(&broken)).map(drop));
    let error = bench.queue.complete(&claimed, &mut completion).unwrap_err();
    assert!(matches!(error, QueueError::Job(_)), "{error:?}");
    assert_eq!((bench.status(&id), bench.queue.find(&good_id).unwrap()), (JobStatus::Running, None));
}

fn what_a_transaction_has_written_it_reads(store: impl Store) {
    let bench = Bench::new(store);
    bench.note("first");
    let claimed = bench.claim_notes(1).remove(0);
    let next = bench.queue.job(&Note::new("second")).unwrap();
    let mut completion = Completion::new().writing(move |t| {
        assert_eq!(t.reads().jobs().find(&next.id)?, None);
        assert_eq!(t.enqueue(&next)?, EnqueueOutcome::Created(next.id));
        assert!(t.reads().jobs().find(&next.id)?.is_some());
        Ok::<_, QueueError>(())
    });
    assert!(bench.queue.complete(&claimed, &mut completion).unwrap().is_done());
}

fn a_picture_that_a_webhook_brings_is_taken_in_with_its_first_job(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let (store, environment) = (shop.bench.queue.store(), shop.bench.queue.environment());
    let files = shop.pipeline.files(store.clone());
    let intake = WebhookIntake::new(store.clone(), environment.clone());
    let body = br#"{"picture": "buck.jpg"}"#;
    let delivery = hash("drive", None, None, body).unwrap();
    let arrived = files.new_file("buck.jpg");
    let receive = || {
        intake.receive("drive", None, None, body, |t| {
            let ingested = shop.pipeline.ingest(t, &arrived)?;
            assert!(t.link_delivery(&delivery, &arrived.id)?);
            Ok::<_, StoreError>(ingested)
        })
    };
    assert_eq!(receive().unwrap(), ReceiveOutcome::New(IngestOutcome::Created));
    let first_seen = Some(shop.bench.now());
    assert_eq!(receive().unwrap(), ReceiveOutcome::Duplicate { first_seen, file_id: Some(arrived.id) });
    assert_eq!(shop.live_jobs(&arrived.id), ["CreateFileRecord"]);
}

fn an_edit_by_a_job_withdraws_the_approval_and_is_recorded(store: impl Store) {
    let (shop, id) = approved(store, ETSY);
    shop.bench.note("retitle");
    let claimed = shop.bench.claim_notes(1).remove(0);
    let pipeline = shop.pipeline.clone();
    let mut completion = Completion::new().writing(move |t| {
        let edit = FileEdit::new().metadata(titled("Buck at Dawn"));
        let edited = pipeline.edit(t, &id, &edit, &by_ann("dawn"))?;
        assert!(matches!(edited, EditOutcome::Edited(_)), "{edited:?}");
        Ok::<_, StoreError>(())
    });
    assert!(shop.bench.queue.complete(&claimed, &mut completion).unwrap().is_done());
    assert_eq!(shop.status(&id), FileStatus::Processed);
    let actions = OperatorActions::new(shop.bench.queue.store().clone());
    let of_file = OperatorActionFilter::of(Subject::File(id));
    let page = actions.list(&of_file, &fieldfen_domain::PageRequest::first(9)).unwrap();
    assert_eq!(page.items.last().map(|action| action.action.reason()), Some("dawn"));
}
