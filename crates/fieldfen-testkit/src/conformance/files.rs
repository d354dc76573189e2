//! Files: arrival, moves, edits.

use fieldfen_domain::RawJson;
use fieldfen_domain::file::{
    ContentHash, Deletion, Dimensions, Failure, File, FileChangeOutcome, FileDetails, FileEdit, FileEditOutcome,
    FileEvent, FileState, FileStatus, IngestOutcome, NewFile, Patch,
};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{at, file, file_id, metadata};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["files":
        a_new_file_is_read_back_as_it_came,
        a_file_without_anything_known_is_read_back,
        the_arrival_is_the_first_line_of_the_history,
        the_same_drive_id_is_the_same_file,
        the_same_bytes_are_the_same_file,
        a_met_file_gets_the_drive_id_and_the_hash_that_it_lacks,
        every_drive_id_of_a_file_leads_to_it_until_it_is_deleted,
        a_blank_drive_id_is_refused,
        drive_id_and_bytes_of_two_files_are_a_conflict,
        an_id_that_is_taken_is_a_conflict,
        a_change_moves_the_file_and_writes_its_history,
        a_change_that_has_happened_already_writes_nothing,
        a_change_from_another_status_is_lost_and_writes_nothing,
        a_second_failure_with_another_reason_is_lost,
        a_failure_is_kept_and_its_retry_leads_back,
        an_approval_is_withdrawn_from_a_failed_file_once,
        a_further_listing_leaves_a_published_file_as_it_is,
        a_change_of_a_file_that_is_gone_says_so,
        an_edit_sets_what_is_given_and_leaves_the_rest,
        an_edit_clears_what_it_is_told_to,
        of_two_edits_of_one_version_the_second_is_told_what_the_first_changed,
        an_edit_of_a_file_that_is_gone_says_so,
        files_are_counted_by_status,
        times_are_cut_to_microseconds,
    ]
}

fn a_new_file_is_read_back_as_it_came<S: Store>(store: &S) {
    let on = On(store);
    let new = file(1);
    assert_eq!(on.write(|s| s.files().insert(&new)), IngestOutcome::Created);
    let expected = with!(
        File::new(new.id, new.original_filename.clone(), FileState::Ingested),
        species: new.species.clone(),
        drive_file_id: new.drive_file_id.clone(),
        content_hash: new.content_hash,
        size: new.size,
        created_at: Some(at(0)),
        updated_at: Some(at(0)),
    );
    assert_eq!(on.file(1), expected);
    assert_eq!(on.read(|s| s.files().find_by_drive_id("drive-1")), Some(expected.clone()));
    assert_eq!(on.read(|s| s.files().find_by_content(&ContentHash::of(&1_u64.to_be_bytes()))), Some(expected));
    assert_eq!(on.read(|s| s.files().find(&file_id(2))), None);
    assert_eq!(on.read(|s| s.files().find_by_drive_id("drive-2")), None);
    assert_eq!(on.read(|s| s.files().find_by_content(&ContentHash::of(b""))), None);
}

/// A file with only a name.
fn bare(number: u64) -> NewFile {
    let original_filename = "Fuchs im Schnee – 雪.jpg".to_owned();
    file(number).original_filename(original_filename).species(None).drive_file_id(None).content_hash(None).size(None)
}

fn a_file_without_anything_known_is_read_back<S: Store>(store: &S) {
    let on = On(store);
    for number in [1, 2] {
        assert_eq!(
            on.write(|s| s.files().insert(&bare(number))),
            IngestOutcome::Created,
            "no two are taken for the same"
        );
    }
    let file = on.file(1);
    assert_eq!(file.original_filename, bare(1).original_filename);
    assert_eq!((file.species, file.drive_file_id, file.content_hash, file.size), (None, None, None, None));
}

fn the_arrival_is_the_first_line_of_the_history<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    on.write(|s| s.files().insert(&file(1)));
    let history = on.history(1);
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!((history[0].from, history[0].to, history[0].at), (None, FileStatus::Ingested, at(0)));
    assert_eq!(on.history(2), []);
}

fn the_same_drive_id_is_the_same_file<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let again = file(2).drive_file_id(file(1).drive_file_id).content_hash(None);
    assert_eq!(on.write(|s| s.files().insert(&again)), IngestOutcome::Duplicate(Box::new(on.file(1))));
    assert_eq!(
        on.write(|s| s.files().insert(&file(1))),
        IngestOutcome::Duplicate(Box::new(on.file(1))),
        "twice with the same id"
    );
    assert_eq!(on.read(|s| s.files().count()), [(FileStatus::Ingested, 1)]);
}

fn the_same_bytes_are_the_same_file<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let again = file(2).content_hash(file(1).content_hash).drive_file_id(None);
    assert_eq!(on.write(|s| s.files().insert(&again)), IngestOutcome::Duplicate(Box::new(on.file(1))));
    let elsewhere = file(3).content_hash(file(1).content_hash);
    assert_eq!(on.write(|s| s.files().insert(&elsewhere)), IngestOutcome::Duplicate(Box::new(on.file(1))));
    assert_eq!(on.read(|s| s.files().count()), [(FileStatus::Ingested, 1)]);
}

fn a_met_file_gets_the_drive_id_and_the_hash_that_it_lacks<S: Store>(store: &S) {
    let on = On(store);
    let by_bytes = |number| bare(number).content_hash(file(number).content_hash);
    let by_drive = |number| bare(number).drive_file_id(file(number).drive_file_id);
    for (number, first, last) in [(1, by_bytes(1), by_drive(1)), (2, by_drive(2), by_bytes(2))] {
        on.write(|s| s.files().insert(&first));
        let before = on.file(number);
        let both = file(number).at(at(5)).id(file_id(9));
        let IngestOutcome::Duplicate(met) = on.write(|s| s.files().insert(&both)) else { panic!("it was not met") };
        let (drive_file_id, content_hash) = (file(number).drive_file_id, file(number).content_hash);
        let expected = with!(before, drive_file_id, content_hash, updated_at: Some(at(5)));
        assert_eq!((&*met, on.file(number)), (&expected, expected.clone()), "and nothing else");
        let last = last.id(file_id(8));
        assert_eq!(
            on.write(|s| s.files().insert(&last)),
            IngestOutcome::Duplicate(Box::new(expected)),
            "no second file"
        );
    }
    // The known file keeps its values, since its bytes are known by another Drive id.
    let elsewhere = file(1).drive_file_id("drive-9").id(file_id(9));
    assert_eq!(on.write(|s| s.files().insert(&elsewhere)), IngestOutcome::Duplicate(Box::new(on.file(1))));
    assert_eq!(on.file(1).drive_file_id, file(1).drive_file_id);
}

fn every_drive_id_of_a_file_leads_to_it_until_it_is_deleted<S: Store>(store: &S) {
    let on = On(store);
    let arriving = |number, drive: &str| bare(number).drive_file_id(Some(drive.to_owned()));
    on.write(|s| s.files().insert(&file(1)));
    on.write(|s| s.files().insert(&file(2)));
    let copy = arriving(3, "drive-copy").content_hash(file(1).content_hash);
    assert_eq!(on.write(|s| s.files().insert(&copy)), IngestOutcome::Duplicate(Box::new(on.file(1))));
    assert_eq!(on.file(1).drive_file_id, file(1).drive_file_id, "the row keeps its first one");
    assert_eq!(on.read(|s| s.files().find_by_drive_id("drive-copy")), Some(on.file(1)));
    // Without bytes, and with unknown bytes, as after an edit of the copy at Google Drive.
    let alone = arriving(4, "drive-copy");
    assert_eq!(on.write(|s| s.files().insert(&alone)), IngestOutcome::Duplicate(Box::new(on.file(1))));
    let edited = arriving(4, "drive-copy").content_hash(file(9).content_hash).at(at(9));
    let before = on.file(1);
    for _ in 0..2 {
        let (known, arrived) = (file(1).content_hash.unwrap(), file(9).content_hash.unwrap());
        let replaced = IngestOutcome::ContentDiffers { file: Box::new(before.clone()), known, arrived };
        assert_eq!(on.write(|s| s.files().insert(&edited)), replaced);
        assert_eq!(on.file(1), before, "the file keeps the bytes that it stands for");
    }
    let both = arriving(5, "drive-copy").content_hash(file(2).content_hash);
    let error = on.refuse(|s| s.files().insert(&both));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(on.read(|s| s.files().count()), [(FileStatus::Ingested, 2)]);

    on.write(|s| s.files().delete(&file_id(1), Deletion::Forced));
    for drive in ["drive-1", "drive-copy"] {
        assert_eq!(on.read(|s| s.files().find_by_drive_id(drive)), None);
    }
    assert_eq!(on.write(|s| s.files().insert(&arriving(6, "drive-copy"))), IngestOutcome::Created);
    assert_eq!(on.write(|s| s.files().insert(&arriving(7, "drive-1"))), IngestOutcome::Created);
}

fn a_blank_drive_id_is_refused<S: Store>(store: &S) {
    let on = On(store);
    for blank in ["", " "] {
        let error = on.refuse(|s| s.files().insert(&file(1).drive_file_id(Some(blank.to_owned()))));
        assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
        assert_eq!(on.read(|s| s.files().find_by_drive_id(blank)), None);
    }
    assert_eq!(on.read(|s| s.files().count()), []);
}

fn drive_id_and_bytes_of_two_files_are_a_conflict<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    on.write(|s| s.files().insert(&file(2)));
    let both = file(3).content_hash(file(2).content_hash).drive_file_id(file(1).drive_file_id);
    let error = on.refuse(|s| s.files().insert(&both));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(on.read(|s| s.files().count()), [(FileStatus::Ingested, 2)]);
}

fn an_id_that_is_taken_is_a_conflict<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let error = on.refuse(|s| s.files().insert(&file(2).id(file_id(1))));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(on.file(1).drive_file_id, file(1).drive_file_id);
    assert_eq!(on.history(1).len(), 1);
}

fn a_change_moves_the_file_and_writes_its_history<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let change = on.file(1).after(FileEvent::ProcessingStarted, "job 7", at(5)).unwrap();
    assert_eq!(on.write(|s| s.files().change(&change)), FileChangeOutcome::Done);
    let moved = on.file(1);
    assert_eq!((&moved.state, moved.updated_at, moved.created_at), (&FileState::Processing, Some(at(5)), Some(at(0))));
    let history = on.history(1);
    let line = &history[1];
    assert_eq!((line.from, line.to), (Some(FileStatus::Ingested), FileStatus::Processing));
    assert_eq!((line.reason.as_str(), line.at), ("job 7", at(5)));
}

fn a_change_that_has_happened_already_writes_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let change = on.file(1).after(FileEvent::Failed, "lens cap", at(5)).unwrap();
    on.write(|s| s.files().change(&change));
    let (before, history) = (on.file(1), on.history(1));
    let again = with!(before.clone(), state: FileState::Ingested);
    let again = again.after(FileEvent::Failed, "lens cap", at(6)).unwrap();
    assert_eq!(on.write(|s| s.files().change(&again)), FileChangeOutcome::Unchanged);
    assert_eq!((on.file(1), on.history(1)), (before, history));
}

fn a_change_from_another_status_is_lost_and_writes_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(1, FileStatus::Approved);
    let (before, history) = (on.file(1), on.history(1));
    let stale = with!(before.clone(), state: FileState::Processing);
    let change = stale.after(FileEvent::ProcessingFinished, "late", at(9)).unwrap();
    assert_eq!(on.write(|s| s.files().change(&change)), FileChangeOutcome::Conflict { now: FileStatus::Approved });
    assert_eq!((on.file(1), on.history(1)), (before, history));
}

fn a_second_failure_with_another_reason_is_lost<S: Store>(store: &S) {
    let on = On(store);
    let processing = on.file_in(1, FileStatus::Processing);
    let before = on.file(1);
    for (reason, expected) in
        [("no paper", FileChangeOutcome::Done), ("no ink", FileChangeOutcome::Conflict { now: FileStatus::Failed })]
    {
        let change = before.after(FileEvent::Failed, reason, at(5)).unwrap();
        assert_eq!(on.write(|s| s.files().change(&change)), expected);
    }
    let failure = Failure { from: FileStatus::Processing, reason: "no paper".to_owned() };
    let found = on.read(|s| s.files().find(&processing)).unwrap();
    assert_eq!(found.state, FileState::Failed(failure));
}

fn a_failure_is_kept_and_its_retry_leads_back<S: Store>(store: &S) {
    let on = On(store);
    for (number, &status) in FileStatus::ALL.iter().enumerate().filter(|(_, status)| **status != FileStatus::Failed) {
        let number = number as u64;
        on.file_in(number, status);
        let change = on.file(number).after(FileEvent::Failed, "out of disk", at(5)).unwrap();
        assert_eq!(on.write(|s| s.files().change(&change)), FileChangeOutcome::Done);
        let failure = Failure { from: status, reason: "out of disk".to_owned() };
        assert_eq!(on.file(number).state, FileState::Failed(failure));
        let change = on.file(number).after(FileEvent::Retried, "disk bought", at(6)).unwrap();
        assert_eq!(on.write(|s| s.files().change(&change)), FileChangeOutcome::Done);
        assert_eq!(on.file(number).state.status(), status);
        assert_eq!(on.file(number).state.failure(), None);
    }
}

fn an_approval_is_withdrawn_from_a_failed_file_once<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(1, FileStatus::Approved);
    let failed = on.file(1).after(FileEvent::Failed, "refused", at(5)).unwrap();
    on.write(|s| s.files().change(&failed));
    let withdrawn = on.file(1).after(FileEvent::ApprovalWithdrawn, "retitled", at(6)).unwrap();
    assert_eq!(on.write(|s| s.files().change(&withdrawn)), FileChangeOutcome::Done);
    let failure = Failure { from: FileStatus::Processed, reason: "refused".to_owned() };
    assert_eq!(on.file(1).state, FileState::Failed(failure));
    let line = on.history(1).pop().unwrap();
    assert_eq!((line.from, line.to, line.reason.as_str()), (Some(FileStatus::Failed), FileStatus::Failed, "retitled"));
    let before = on.history(1);
    assert_eq!(on.write(|s| s.files().change(&withdrawn)), FileChangeOutcome::Unchanged);
    assert_eq!(on.history(1), before);
}

fn a_further_listing_leaves_a_published_file_as_it_is<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(1, FileStatus::Published);
    let (before, history) = (on.file(1), on.history(1));
    let change = before.after(FileEvent::ListingConfirmed, "ebay", at(9)).unwrap();
    assert_eq!(on.write(|s| s.files().change(&change)), FileChangeOutcome::Unchanged);
    assert_eq!((on.file(1), on.history(1)), (before, history));
}

fn a_change_of_a_file_that_is_gone_says_so<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let gone = with!(on.file(1), id: file_id(2));
    let change = gone.after(FileEvent::ProcessingStarted, "", at(5)).unwrap();
    assert_eq!(on.write(|s| s.files().change(&change)), FileChangeOutcome::NotFound);
    assert_eq!(on.history(2), []);
}

fn an_edit_sets_what_is_given_and_leaves_the_rest<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    on.write(|s| s.files().insert(&file(2)));
    let (before, other) = (on.file(1), on.file(2));
    let metadata = metadata().to_json().unwrap();
    let edit = FileEdit::new().metadata(metadata.clone());
    assert_eq!(on.write(|s| s.files().edit(&file_id(1), &edit, at(5))), FileEditOutcome::Done);
    let expected = with!(before, metadata: Some(metadata), updated_at: Some(at(5)));
    assert_eq!(on.file(1), expected);
    let metadata = RawJson::unchecked(r#"{"title":"Fox","id":9007199254740993}"#.to_owned());
    let size = Dimensions::new(12000, 8000).unwrap();
    let edit =
        FileEdit::new().processed_filename("upscaled-1.jpg").species("fox").metadata(metadata.clone()).size(size);
    assert_eq!(on.write(|s| s.files().edit(&file_id(1), &edit, at(6))), FileEditOutcome::Done);
    let file = on.file(1);
    assert_eq!((file.processed_filename.as_deref(), file.species.as_deref()), (Some("upscaled-1.jpg"), Some("fox")));
    assert_eq!((file.metadata, file.size, file.updated_at), (Some(metadata), Some(size), Some(at(6))));
    assert_eq!(on.file(2), other);
}

fn an_edit_of_a_file_that_is_gone_says_so<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(on.write(|s| s.files().edit(&file_id(1), &FileEdit::new(), at(5))), FileEditOutcome::NotFound);
    on.write(|s| s.files().insert(&file(2)));
    let edit = FileEdit::new().seen(&on.file(2));
    assert_eq!(on.write(|s| s.files().edit(&file_id(1), &edit, at(5))), FileEditOutcome::NotFound);
}

fn an_edit_clears_what_it_is_told_to<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let size = Dimensions::new(12000, 8000).unwrap();
    let edit = FileEdit::new().processed_filename("big.png").species("fox").size(size);
    on.write(|s| s.files().edit(&file_id(1), &edit, at(5)));
    let before = on.file(1);
    let mut edit = FileEdit::new();
    edit.species = Patch::Clear;
    on.write(|s| s.files().edit(&file_id(1), &edit, at(6)));
    assert_eq!(on.file(1), with!(before, species: None, updated_at: Some(at(6))));
    (edit.processed_filename, edit.metadata, edit.size) = (Patch::Clear, Patch::Clear, Patch::Clear);
    on.write(|s| s.files().edit(&file_id(1), &edit, at(7)));
    assert_eq!(FileDetails::from(&on.file(1)), FileDetails::default());
}

fn of_two_edits_of_one_version_the_second_is_told_what_the_first_changed<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    let seen = on.file(1);
    let (first, second) = (FileEdit::new().species("fox").seen(&seen), FileEdit::new().species("elk").seen(&seen));
    assert_eq!(on.write(|s| s.files().edit(&file_id(1), &first, at(5))), FileEditOutcome::Done);
    let answer = on.write(|s| s.files().edit(&file_id(1), &second, at(5)));
    let FileEditOutcome::Conflict(now) = answer else { panic!("{answer:?}") };
    assert_eq!(FileDetails::from(&seen).differences(&now), ["species"]);
    assert_eq!(on.file(1).species.as_deref(), Some("fox"));
}

fn files_are_counted_by_status<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(on.read(|s| s.files().count()), []);
    for (number, status) in [FileStatus::Approved, FileStatus::Failed, FileStatus::Approved].into_iter().enumerate() {
        on.file_in(number as u64, status);
    }
    let mut counts = on.read(|s| s.files().count());
    counts.sort_unstable();
    assert_eq!(counts, [(FileStatus::Approved, 2), (FileStatus::Failed, 1)]);
}

fn times_are_cut_to_microseconds<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1).at(with_nanoseconds(at(1)))));
    assert_eq!((on.file(1).created_at, on.history(1)[0].at), (Some(at(1)), at(1)));
    let change = on.file(1).after(FileEvent::ProcessingStarted, "", with_nanoseconds(at(2))).unwrap();
    on.write(|s| s.files().change(&change));
    assert_eq!((on.file(1).updated_at, on.history(1)[1].at), (Some(at(2)), at(2)));
    on.write(|s| s.files().edit(&file_id(1), &FileEdit::new(), with_nanoseconds(at(3))));
    assert_eq!(on.file(1).updated_at, Some(at(3)));
}
