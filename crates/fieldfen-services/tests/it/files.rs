//! The handle on files.

use std::collections::BTreeMap;

use fieldfen_domain::file::{
    ContentHash, Deletion, FileDeleteOutcome, FileEdit, FileFilter, FileStatus, IngestOutcome, NewFile,
};
use fieldfen_domain::job::JobKind;
use fieldfen_domain::operator::{ActionKind, ActionOutcome, OperatorActionFilter, Subject};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Cursor, FileId, PageRequest, RawJson};
use fieldfen_services::files::ShopFiles;
use fieldfen_services::pipeline::{EditOutcome, FileActionOutcome};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::scope_with_deadline;

use crate::shop_harness::{ETSY, Shop, confirm, describe, listing_on, titled, upscale};

on_every_store!(
    a_file_is_taken_in_once_with_its_first_job,
    a_broken_file_is_there_and_can_be_retried,
    what_no_file_can_be_is_refused_and_leaves_nothing,
    each_action_on_a_file_is_recorded_once,
    a_file_that_is_missing_is_a_value,
    the_second_of_two_editors_is_told_what_the_first_changed,
    of_many_editors_at_once_one_wins,
    of_many_approvals_at_once_one_enqueues,
    files_are_listed_found_and_counted,
);

fn files<S: Store>(shop: &Shop<S>) -> ShopFiles<S> {
    shop.pipeline.files(shop.bench.queue.store().clone())
}

/// A file that awaits approval.
fn processed<S: Store>(shop: &Shop<S>, name: &str) -> FileId {
    let arrived = files(shop).new_file(name);
    assert_eq!(files(shop).ingest(&arrived).unwrap(), IngestOutcome::Created);
    shop.finish(JobKind::CreateFileRecord, confirm);
    shop.finish(JobKind::UpscaleImage, upscale);
    shop.finish(JobKind::GenerateMetadata, describe);
    arrived.id
}

/// The kinds and outcomes of the actions on a file, the oldest first.
fn recorded<S: Store>(shop: &Shop<S>, id: FileId) -> Vec<(ActionKind, ActionOutcome)> {
    let filter = OperatorActionFilter::of(Subject::File(id));
    let read = shop.bench.queue.store().read(|s| s.operator_actions().page(&filter, &PageRequest::first(100)));
    read.unwrap().items.iter().map(|action| (action.kind, action.outcome)).collect()
}

fn a_file_is_taken_in_once_with_its_first_job(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let files = files(&shop);
    let hash = Some(ContentHash::of(b"pixels"));
    let first = files.new_file("buck.jpg").content_hash(hash);
    assert_eq!(files.ingest(&first).unwrap(), IngestOutcome::Created);
    let again = files.new_file("copy of buck.jpg").content_hash(hash);
    let IngestOutcome::Duplicate(met) = files.ingest(&again).unwrap() else { panic!("the same bytes are there") };
    assert_eq!((met.id, files.find(&again.id).unwrap()), (first.id, None));
    assert_eq!(shop.live_jobs(&first.id), ["CreateFileRecord"]);
    assert_eq!(files.find_by_content(&ContentHash::of(b"pixels")).unwrap().unwrap().id, first.id);
}

fn a_broken_file_is_there_and_can_be_retried(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let files = files(&shop);
    let broken = files.new_file("half.jpg");
    assert_eq!(files.ingest_broken(&broken, "it ends too early").unwrap(), IngestOutcome::Created);
    let found = files.find(&broken.id).unwrap().unwrap();
    assert_eq!(found.state.failure().map(|failure| failure.reason.as_str()), Some("it ends too early"));
    assert_eq!(shop.live_jobs(&broken.id), [""; 0]);
    let followed = files.retry(&broken.id, &by_ann("it is whole now")).unwrap().event_outcome().unwrap();
    assert_eq!((followed.status, followed.jobs.len()), (FileStatus::Ingested, 1));
    let history = files.history(&broken.id, &PageRequest::first(9)).unwrap();
    assert_eq!(history.items.len(), 3);
    assert_eq!(history.items[2].reason, "it is whole now");
}

fn what_no_file_can_be_is_refused_and_leaves_nothing(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let files = files(&shop);
    let blank = files.new_file("buck.jpg").drive_file_id(" ");
    let error = files.ingest(&blank).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    assert_eq!(files.find(&blank.id).unwrap(), None);

    let id = processed(&shop, "doe.jpg");
    let unreadable = FileEdit::new().metadata(RawJson::unchecked("{\"title\":".to_owned()));
    let error = files.edit(&id, &unreadable, &by_ann("no JSON")).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    let taken = files.new_file("another.jpg").id(id);
    let error = files.ingest(&taken).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    let error = files.list(&FileFilter::default(), &PageRequest::first(1).after(Cursor::new("jobs?"))).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    assert_eq!((recorded(&shop, id), files.find(&id).unwrap().unwrap().original_filename), (vec![], "doe.jpg".into()));
}

fn each_action_on_a_file_is_recorded_once(store: impl Store) {
    use ActionKind as Kind;
    use ActionOutcome as Outcome;
    let shop = Shop::wanting(store, ETSY);
    let files = files(&shop);
    let id = processed(&shop, "buck.jpg");
    let edited = files.edit(&id, &FileEdit::new().species("elk"), &by_ann("an elk")).unwrap();
    assert!(matches!(edited, EditOutcome::Edited(_)), "{edited:?}");
    let approved = files.approve(&id, &by_ann("sharp")).unwrap().event_outcome().unwrap();
    assert_eq!((approved.status, approved.jobs.len()), (FileStatus::Approved, 1));
    let again = files.approve(&id, &by_ann("sharp, again")).unwrap();
    assert_eq!(again, FileActionOutcome::Unchanged { status: FileStatus::Approved });
    let published = files.publish(&id, &listing_on(Platform::Ebay), &by_ann("also there")).unwrap();
    assert_eq!(published.event_outcome().unwrap().jobs.len(), 1);
    let rejected = files.reject(&id, &by_ann("blurred")).unwrap().event_outcome().unwrap();
    assert_eq!((rejected.status, shop.live_jobs(&id)), (FileStatus::Failed, vec![]));
    let rejected_again = files.reject(&id, &by_ann("still blurred")).unwrap();
    assert!(matches!(rejected_again, FileActionOutcome::Refused { status: FileStatus::Failed, .. }));
    let followed = files.retry(&id, &by_ann("it is sharp")).unwrap().event_outcome().unwrap();
    assert_eq!(followed.status, FileStatus::Approved);
    assert_eq!(files.fail(&id, &by_ann("stolen")).unwrap().event_outcome().unwrap().status, FileStatus::Failed);
    let twice = files.fail(&id, &by_ann("twice")).unwrap();
    assert_eq!(twice, FileActionOutcome::Unchanged { status: FileStatus::Failed });
    assert_eq!(files.delete(&id, Deletion::KeepLiveListings, &by_ann("gone")).unwrap(), FileDeleteOutcome::Done);
    assert_eq!(files.find(&id).unwrap(), None);
    assert_eq!(
        recorded(&shop, id),
        [
            (Kind::Edit, Outcome::Done),
            (Kind::Approve, Outcome::Done),
            (Kind::Approve, Outcome::Unchanged),
            (Kind::Publish, Outcome::Done),
            (Kind::Reject, Outcome::Done),
            (Kind::Reject, Outcome::Refused),
            (Kind::Retry, Outcome::Done),
            (Kind::Fail, Outcome::Done),
            (Kind::Fail, Outcome::Unchanged),
            (Kind::Delete, Outcome::Done),
        ]
    );
}

fn a_file_that_is_missing_is_a_value(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let files = files(&shop);
    let (id, action) = (FileId::from_random(7), by_ann("where is it?"));
    assert_eq!(files.find(&id).unwrap(), None);
    assert_eq!(files.find_by_drive_id("drive-7").unwrap(), None);
    assert_eq!(files.find_by_content(&ContentHash::of(b"7")).unwrap(), None);
    assert!(files.history(&id, &PageRequest::first(9)).unwrap().is_empty());
    assert_eq!(files.approve(&id, &action).unwrap(), FileActionOutcome::NotFound);
    assert_eq!(files.reject(&id, &action).unwrap(), FileActionOutcome::NotFound);
    assert_eq!(files.fail(&id, &action).unwrap(), FileActionOutcome::NotFound);
    assert_eq!(files.publish(&id, &listing_on(Platform::Etsy), &action).unwrap(), FileActionOutcome::NotFound);
    assert_eq!(files.retry(&id, &action).unwrap(), FileActionOutcome::NotFound);
    assert_eq!(files.edit(&id, &FileEdit::new(), &action).unwrap(), EditOutcome::NotFound);
    assert_eq!(files.delete(&id, Deletion::Forced, &action).unwrap(), FileDeleteOutcome::NotFound);
    let recorded = recorded(&shop, id);
    assert_eq!(recorded.len(), 7);
    assert!(recorded.iter().all(|(_, outcome)| *outcome == ActionOutcome::NotFound), "{recorded:?}");
}

fn the_second_of_two_editors_is_told_what_the_first_changed(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let files = files(&shop);
    let id = processed(&shop, "buck.jpg");
    // Both operators see the same version of the file.
    let seen = files.find(&id).unwrap().unwrap();
    let first = FileEdit::new().species("elk").seen(&seen);
    assert!(matches!(files.edit(&id, &first, &by_ann("an elk")).unwrap(), EditOutcome::Edited(_)));
    let second = FileEdit::new().metadata(titled("Moose at Dusk")).seen(&seen);
    let EditOutcome::Changed(now) = files.edit(&id, &second, &by_ann("a moose")).unwrap() else {
        panic!("the first editor was faster")
    };
    assert_eq!(second.seen.as_ref().unwrap().differences(&now), ["species"]);
    assert_eq!((now.species.as_deref(), now.metadata), (Some("elk"), seen.metadata.clone()));
    // The second operator reads the file again, and is then not refused.
    let again = FileEdit::new().metadata(titled("Elk at Dusk")).seen(&files.find(&id).unwrap().unwrap());
    assert!(matches!(files.edit(&id, &again, &by_ann("the elk")).unwrap(), EditOutcome::Edited(_)));
    let edits = [ActionOutcome::Done, ActionOutcome::Refused, ActionOutcome::Done].map(|to| (ActionKind::Edit, to));
    assert_eq!(recorded(&shop, id), edits);
}

fn of_many_editors_at_once_one_wins(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let id = processed(&shop, "buck.jpg");
    let seen = files(&shop).find(&id).unwrap().unwrap();
    let edit = |number: u32| {
        let (files, seen) = (files(&shop), &seen);
        move || {
            let edit = FileEdit::new().species(format!("species-{number}")).seen(seen);
            files.edit(&seen.id, &edit, &by_ann(&format!("editor {number}"))).unwrap()
        }
    };
    let answers: BTreeMap<u32, EditOutcome> = scope_with_deadline("all editors have their answers", |scope| {
        let editors: Vec<_> = (0..4).map(|number| (number, scope.spawn(edit(number)))).collect();
        editors.into_iter().map(|(number, editor)| (number, editor.join().unwrap())).collect()
    });
    let winners: Vec<_> = answers.iter().filter(|(_, answer)| matches!(answer, EditOutcome::Edited(_))).collect();
    let [(winner, _)] = winners[..] else { panic!("{answers:?}") };
    let species = Some(format!("species-{winner}"));
    assert_eq!(files(&shop).find(&id).unwrap().unwrap().species, species);
    for (number, answer) in answers.iter().filter(|(number, _)| *number != winner) {
        let EditOutcome::Changed(now) = answer else { panic!("{number}: {answer:?}") };
        assert_eq!(now.species, species, "editor {number} is told what the winner wrote");
    }
}

fn of_many_approvals_at_once_one_enqueues(store: impl Store) {
    let shop = Shop::wanting(store, ETSY);
    let id = processed(&shop, "buck.jpg");
    let approve = |number: u32| {
        let files = files(&shop);
        move || files.approve(&id, &by_ann(&format!("operator {number}"))).unwrap()
    };
    let jobs: usize = scope_with_deadline("all operators have their answers", |scope| {
        let approvals: Vec<_> = (0..4).map(|number| scope.spawn(approve(number))).collect();
        approvals
            .into_iter()
            .map(|approval| approval.join().unwrap().event_outcome().map_or(0, |followed| followed.jobs.len()))
            .sum()
    });
    assert_eq!((jobs, shop.live_jobs(&id)), (1, vec!["CreateListing".to_owned()]));
    let outcomes: Vec<_> = recorded(&shop, id).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == ActionOutcome::Done).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.len(), 4);
}

fn files_are_listed_found_and_counted(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let files = files(&shop);
    let elk = |number: u32| {
        files
            .new_file(format!("{number}.jpg"))
            .species(number.is_multiple_of(2).then(|| "elk".to_owned()))
            .drive_file_id(format!("drive-{number}"))
    };
    let arrived: Vec<NewFile> = (0..5).map(elk).collect();
    for file in &arrived {
        files.ingest(file).unwrap();
    }
    let _ = files.fail(&arrived[0].id, &by_ann("a crack")).unwrap();
    let names = |filter: &FileFilter, page: &PageRequest| {
        let page = files.list(filter, page).unwrap();
        page.items.into_iter().map(|file| file.original_filename).collect::<Vec<_>>()
    };
    let elks = FileFilter::new().species("elk");
    assert_eq!(names(&elks, &PageRequest::first(2)), ["0.jpg", "2.jpg"]);
    assert_eq!(names(&FileFilter::default(), &PageRequest::first(2).newest_first()), ["4.jpg", "3.jpg"]);
    assert_eq!(files.find_by_drive_id("drive-3").unwrap().unwrap().id, arrived[3].id);
    assert_eq!(files.count().unwrap(), [(FileStatus::Ingested, 4), (FileStatus::Failed, 1)]);
}
