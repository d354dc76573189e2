//! Tests the lines of the pipeline's table that need no platform.

use fieldfen_domain::file::{ContentHash, FileEdit, FileStatus, IngestOutcome};
use fieldfen_domain::job::{CreateFileRecord, JobActionOutcome, JobKind, JobStatus, Payload, UpscaleImage};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::pipeline::{EditOutcome, FileActionOutcome, Pipeline};
use fieldfen_testkit::fixtures::by_ann;

use crate::shop_harness::{Shop, confirm, describe, listing_on, upscale};

on_every_store!(
    a_picture_that_arrives_twice_is_one_file_with_one_job,
    a_broken_picture_is_kept_with_its_reason_and_can_be_taken_up_again,
    each_step_of_processing_is_followed_by_the_next,
    an_approval_publishes_what_is_wanted_once,
    only_a_processed_file_can_be_approved,
    automatic_approval_follows_the_description,
    an_edit_withdraws_an_approval,
    an_edit_of_a_failed_file_withdraws_its_approval_too,
    an_edit_that_changes_nothing_withdraws_nothing,
    under_automatic_approval_an_edit_leaves_the_file_approved,
    a_dead_processing_job_takes_its_file_with_it_and_a_retry_takes_it_up_again,
    a_retry_goes_on_where_the_file_failed,
    a_job_retried_by_itself_takes_its_file_up_again,
    another_dead_job_keeps_a_file_failed,
    one_platform_that_fails_fails_no_file,
    a_file_fails_when_every_listing_has_failed,
    dead_letters_that_were_made_good_are_not_retried,
    events_of_files_that_are_gone_are_nothing,
);

const BOTH: &[Platform] = &[Platform::Etsy, Platform::Shopify];

fn a_picture_that_arrives_twice_is_one_file_with_one_job(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    let by_bytes = shop.new_file("buck").drive_file_id(None);
    let by_drive = shop.new_file("buck").content_hash(None);
    for again in [shop.new_file("buck"), by_bytes, by_drive] {
        match shop.write(|s| shop.pipeline.ingest(&mut Transaction::new(s), &again)).unwrap() {
            IngestOutcome::Duplicate(file) => assert_eq!(file.id, id),
            other => panic!("{other:?}"),
        }
    }
    let replaced = shop.new_file("buck").content_hash(ContentHash::of(b"another buck"));
    for ingested in [
        shop.write(|s| shop.pipeline.ingest(&mut Transaction::new(s), &replaced)).unwrap(),
        shop.write(|s| shop.pipeline.ingest_broken(&mut Transaction::new(s), &replaced, "the JPEG is cut short"))
            .unwrap(),
    ] {
        let IngestOutcome::ContentDiffers { file, known, arrived } = ingested else { panic!("{ingested:?}") };
        assert_eq!((file.id, Some(known)), (id, shop.new_file("buck").content_hash));
        assert_eq!(arrived, ContentHash::of(b"another buck"));
    }
    assert_eq!(shop.jobs(&id), [("CreateFileRecord".to_owned(), JobStatus::Pending)]);
    assert_eq!(shop.status(&id), FileStatus::Ingested);
}

fn a_broken_picture_is_kept_with_its_reason_and_can_be_taken_up_again(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let file = shop.new_file("torn");
    shop.write(|s| shop.pipeline.ingest_broken(&mut Transaction::new(s), &file, "the JPEG is cut short")).unwrap();
    let again = shop.new_file("torn");
    let met =
        shop.write(|s| shop.pipeline.ingest_broken(&mut Transaction::new(s), &again, "the JPEG is cut short")).unwrap();
    assert!(matches!(met, IngestOutcome::Duplicate(_)));
    let read = shop.write(|s| s.files().find(&file.id)).unwrap().unwrap();
    assert_eq!(read.state.failure().unwrap().reason, "the JPEG is cut short");
    assert_eq!((shop.jobs(&file.id), shop.history(&file.id)), (vec![], vec!["ingested".into(), "failed".into()]));

    let retried = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &file.id, &by_ann("mended"))).unwrap();
    assert!(matches!(retried, FileActionOutcome::Done(followed) if followed.status == FileStatus::Ingested));
    assert_eq!(shop.live_jobs(&file.id), ["CreateFileRecord"]);
}

fn each_step_of_processing_is_followed_by_the_next(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    shop.finish(JobKind::CreateFileRecord, confirm);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Processing, vec!["UpscaleImage".into()]));
    let job = shop.all_jobs(&id).pop().unwrap();
    let payload = UpscaleImage::from_json(&job.payload.unwrap()).unwrap();
    assert_eq!((payload.file_id, payload.scale_factor, payload.target_dpi), (id, 4, 300));
    shop.finish(JobKind::UpscaleImage, upscale);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Processing, vec!["GenerateMetadata".into()]));
    shop.finish(JobKind::GenerateMetadata, describe);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Processed, vec![]));
    assert_eq!(shop.history(&id), ["ingested", "processing", "processed"]);

    // A second confirmation of the record, by a job of another program, starts nothing again.
    let job = shop.bench.queue.job(&CreateFileRecord::new(id)).unwrap();
    shop.bench.queue.enqueue(&job).unwrap();
    shop.finish(JobKind::CreateFileRecord, confirm);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Processed, vec![]));
}

fn an_approval_publishes_what_is_wanted_once(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.process("buck");
    let followed = shop
        .write(|s| shop.pipeline.approve(&mut Transaction::new(s), &id, &by_ann("by Ann")))
        .unwrap()
        .event_outcome()
        .unwrap();
    assert_eq!((followed.status, followed.jobs.len()), (FileStatus::Approved, 2));
    let again = shop.write(|s| shop.pipeline.approve(&mut Transaction::new(s), &id, &by_ann("by Ben"))).unwrap();
    assert_eq!(again, FileActionOutcome::Unchanged { status: FileStatus::Approved });
    assert_eq!(shop.live_jobs(&id), ["CreateListing", "CreateListing"]);
    let publish = |platform: Platform| {
        shop.write(|s| shop.pipeline.publish(&mut Transaction::new(s), &id, &listing_on(platform), &by_ann("wanted")))
            .unwrap()
    };
    assert_eq!(publish(Platform::Etsy), FileActionOutcome::Unchanged { status: FileStatus::Approved });
    let more = publish(Platform::Ebay).event_outcome().unwrap();
    assert_eq!((more.status, more.jobs.len()), (FileStatus::Approved, 1));
}

fn only_a_processed_file_can_be_approved(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    for refused in [
        shop.write(|s| shop.pipeline.approve(&mut Transaction::new(s), &id, &by_ann("by Ann"))).unwrap(),
        shop.write(|s| {
            shop.pipeline.publish(&mut Transaction::new(s), &id, &listing_on(Platform::Etsy), &by_ann("wanted"))
        })
        .unwrap(),
    ] {
        let is_refused = matches!(refused, FileActionOutcome::Refused { status: FileStatus::Ingested, .. });
        assert!(is_refused, "{refused:?}");
    }
    assert_eq!(shop.live_jobs(&id), ["CreateFileRecord"]);
}

fn automatic_approval_follows_the_description(store: impl Store) {
    let shop = Shop::wanting(store, BOTH).automatic();
    let id = shop.process("buck");
    assert_eq!(shop.status(&id), FileStatus::Approved);
    assert_eq!(shop.live_jobs(&id), ["CreateListing", "CreateListing"]);
    assert_eq!(shop.history(&id), ["ingested", "processing", "processed", "approved"]);
}

fn an_edit_withdraws_an_approval(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.process("buck");
    shop.approve(&id);
    shop.retitle(&id, "Buck in the Mist");
    assert_eq!(shop.status(&id), FileStatus::Processed);
    shop.approve(&id);
    assert_eq!(shop.status(&id), FileStatus::Approved);
    assert_eq!(shop.live_jobs(&id), ["CreateListing", "CreateListing"]);
}

fn an_edit_of_a_failed_file_withdraws_its_approval_too(store: impl Store) {
    let shop = Shop::wanting(store, &[Platform::Etsy]);
    let id = shop.process("buck");
    shop.approve(&id);
    shop.kill(JobKind::CreateListing);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    shop.retitle(&id, "Never Approved");
    let retried = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("again"))).unwrap();
    assert!(matches!(retried, FileActionOutcome::Done(followed) if followed.status == FileStatus::Processed));
    assert_eq!(shop.live_jobs(&id), Vec::<String>::new(), "nothing goes on sale that nobody has approved");
    shop.approve(&id);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Approved, vec!["CreateListing".into()]));
}

fn an_edit_that_changes_nothing_withdraws_nothing(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.process("buck");
    shop.approve(&id);
    shop.retitle(&id, "Buck");
    assert_eq!(shop.status(&id), FileStatus::Approved);
}

fn under_automatic_approval_an_edit_leaves_the_file_approved(store: impl Store) {
    let shop = Shop::wanting(store, BOTH).automatic();
    let id = shop.process("buck");
    shop.retitle(&id, "Buck in the Mist");
    assert_eq!(shop.status(&id), FileStatus::Approved);
}

fn a_dead_processing_job_takes_its_file_with_it_and_a_retry_takes_it_up_again(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    shop.finish(JobKind::CreateFileRecord, confirm);
    shop.kill(JobKind::UpscaleImage);
    let failed = shop.write(|s| s.files().find(&id)).unwrap().unwrap();
    let failure = failed.state.failure().unwrap();
    assert_eq!(failure.from, FileStatus::Processing);
    assert!(failure.reason.contains("UpscaleImage") && failure.reason.contains("out of paint"), "{}", failure.reason);

    let followed = shop
        .write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("bought paint")))
        .unwrap()
        .event_outcome()
        .unwrap();
    assert_eq!((followed.status, followed.jobs.len()), (FileStatus::Processing, 1));
    assert_eq!(shop.live_jobs(&id), ["UpscaleImage"]);
    let again = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("once more"))).unwrap();
    assert_eq!(again, FileActionOutcome::Unchanged { status: FileStatus::Processing });
    shop.finish(JobKind::UpscaleImage, upscale);
    shop.finish(JobKind::GenerateMetadata, describe);
    assert_eq!(shop.history(&id), ["ingested", "processing", "failed", "processing", "processed"]);
}

fn a_retry_goes_on_where_the_file_failed(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    shop.finish(JobKind::CreateFileRecord, confirm);
    shop.finish(JobKind::UpscaleImage, upscale);
    shop.kill(JobKind::GenerateMetadata);
    // The dead letters were deleted: the missing jobs are enqueued again, and the upscaled picture is kept.
    let dead = shop.all_jobs(&id).into_iter().find(|job| job.kind == JobKind::GenerateMetadata).unwrap();
    assert_eq!(shop.bench.queue.delete(&dead.id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
    let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("again"))).unwrap();
    assert_eq!(shop.live_jobs(&id), ["GenerateMetadata"]);
    assert_eq!(shop.status(&id), FileStatus::Processing);
}

fn a_job_retried_by_itself_takes_its_file_up_again(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    shop.finish(JobKind::CreateFileRecord, confirm);
    shop.kill(JobKind::UpscaleImage);
    let dead = shop.all_jobs(&id).pop().unwrap();
    assert_eq!(shop.bench.queue.retry(&dead.id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
    assert_eq!(shop.status(&id), FileStatus::Failed);
    shop.finish(JobKind::UpscaleImage, upscale);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Processing, vec!["GenerateMetadata".into()]));
}

fn another_dead_job_keeps_a_file_failed(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    shop.finish(JobKind::CreateFileRecord, confirm);
    let update = fieldfen_domain::job::UpdateImage::new(id);
    shop.bench.queue.enqueue(&shop.bench.queue.job(&update).unwrap()).unwrap();
    shop.kill(JobKind::UpdateImage);
    shop.finish(JobKind::UpscaleImage, upscale);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Failed, vec![]));
    let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("again"))).unwrap();
    assert_eq!(shop.live_jobs(&id), ["UpdateImage", "GenerateMetadata"]);
}

fn one_platform_that_fails_fails_no_file(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.process("buck");
    shop.approve(&id);
    let claimed = shop.bench.claim(JobKind::CreateListing, 2);
    assert!(shop.bench.queue.fail_for_good(&claimed[0], "refused").unwrap().is_done());
    assert_eq!(shop.status(&id), FileStatus::Approved, "the other platform may still take it");
}

fn a_file_fails_when_every_listing_has_failed(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.process("buck");
    shop.approve(&id);
    for claimed in shop.bench.claim(JobKind::CreateListing, 2) {
        assert!(shop.bench.queue.fail_for_good(&claimed, "refused").unwrap().is_done());
    }
    let failed = shop.write(|s| s.files().find(&id)).unwrap().unwrap();
    let failure = failed.state.failure().unwrap();
    assert_eq!(failure.from, FileStatus::Approved);
    assert!(failure.reason.contains("every wanted listing"), "{}", failure.reason);
    let followed = shop
        .write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("again")))
        .unwrap()
        .event_outcome()
        .unwrap();
    assert_eq!((followed.status, followed.jobs.len()), (FileStatus::Approved, 2));
    assert_eq!(shop.live_jobs(&id), ["CreateListing", "CreateListing"]);
}

fn dead_letters_that_were_made_good_are_not_retried(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let id = shop.ingest("buck");
    shop.finish(JobKind::CreateFileRecord, confirm);
    shop.kill(JobKind::UpscaleImage);
    // The second attempt of another person succeeds; the first one stays a dead letter.
    let dead = shop.all_jobs(&id).pop().unwrap();
    let mut second = shop.bench.queue.job(&UpscaleImage::from_json(&dead.payload.unwrap()).unwrap()).unwrap();
    second.dedup_key.clone_from(&dead.dedup_key);
    shop.bench.queue.enqueue(&second).unwrap();
    shop.finish(JobKind::UpscaleImage, upscale);
    shop.kill(JobKind::GenerateMetadata);
    let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("again"))).unwrap();
    assert_eq!(shop.live_jobs(&id), ["GenerateMetadata"]);
}

fn events_of_files_that_are_gone_are_nothing(store: impl Store) {
    let shop = Shop::wanting(store, BOTH);
    let gone = shop.bench.queue.environment().file_id();
    let edit = FileEdit::new();
    let (pipeline, target) = (&shop.pipeline, listing_on(Platform::Etsy));
    shop.write(|s| {
        assert_eq!(pipeline.record_confirmed(&mut Transaction::new(s), &gone)?, None);
        assert_eq!(pipeline.upscaled(&mut Transaction::new(s), &gone, &edit)?, None);
        assert_eq!(pipeline.approve(&mut Transaction::new(s), &gone, &by_ann("-"))?, FileActionOutcome::NotFound);
        assert_eq!(pipeline.edit(&mut Transaction::new(s), &gone, &edit, &by_ann("-"))?, EditOutcome::NotFound);
        assert_eq!(
            pipeline.publish(&mut Transaction::new(s), &gone, &target, &by_ann("wanted"))?,
            FileActionOutcome::NotFound
        );
        assert_eq!(pipeline.retry(&mut Transaction::new(s), &gone, &by_ann("-"))?, FileActionOutcome::NotFound);
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_upscale_beyond_its_limits_is_refused_when_the_pipeline_is_set_up() {
    let pipeline = || Pipeline::new(fieldfen_services::Environment::system());
    assert!(pipeline().upscaling(65, 300).unwrap_err().to_string().contains("scale_factor is \"65\""));
    assert!(pipeline().upscaling(4, 0).unwrap_err().to_string().contains("target_dpi is \"0\""));
}
