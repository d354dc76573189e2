//! Files and their history.

use fieldfen_domain::file::{
    ContentHash, Dimensions, File, FileChangeOutcome, FileEdit, FileEditOutcome, FileEvent, FileHistoryEntry,
    FileState, IngestOutcome, MAX_SIDE, NewFile, Patch,
};
use fieldfen_domain::{FileId, PageRequest, Timestamp};
use fieldfen_testkit::with;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::each;
use crate::values::{json, text, time};

fn size() -> impl Strategy<Value = Dimensions> {
    (1..=MAX_SIDE, 1..=MAX_SIDE).prop_map(|(width, height)| Dimensions::new(width, height).unwrap())
}

fn new_file() -> impl Strategy<Value = NewFile> {
    let content_hash = any::<[u8; 4]>().prop_map(|bytes| ContentHash::of(&bytes));
    let drive_file_id = text().prop_filter("a blank one names nothing", |id| !id.trim().is_empty());
    let texts = (text(), option::of(text()), option::of(drive_file_id));
    (any::<u128>(), texts, option::of(content_hash), option::of(size()), time()).prop_map(
        |(id, (original_filename, species, drive_file_id), content_hash, size, at)| {
            NewFile::new(FileId::from_random(id), original_filename, at)
                .species(species)
                .drive_file_id(drive_file_id)
                .content_hash(content_hash)
                .size(size)
        },
    )
}

fn edit() -> impl Strategy<Value = FileEdit> {
    (patch(text()), patch(text()), patch(json()), patch(size())).prop_map(
        |(processed_filename, species, metadata, size)| {
            let mut edit = FileEdit::new();
            (edit.processed_filename, edit.species) = (processed_filename, species);
            (edit.metadata, edit.size) = (metadata, size);
            edit
        },
    )
}

fn patch<T: Clone + std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Patch<T>> {
    (option::of(value), any::<bool>()).prop_map(|(value, clears)| match value {
        Some(value) => Patch::Set(value),
        None if clears => Patch::Clear,
        None => Patch::Keep,
    })
}

fn steps() -> impl Strategy<Value = Vec<(FileEvent, String, Timestamp)>> {
    vec((select(FileEvent::ALL), text(), time()), 0..12)
}

#[test]
fn a_file_and_its_history_read_back_as_they_were_written() {
    each((new_file(), edit(), time(), steps()), |place, (new, edit, edited_at, steps)| {
        assert_eq!(place.write(|s| s.files().insert(&new)), IngestOutcome::Created);
        let mut file = with!(
            File::new(new.id, new.original_filename.clone(), FileState::Ingested),
            species: new.species.clone(),
            drive_file_id: new.drive_file_id.clone(),
            content_hash: new.content_hash,
            size: new.size,
            created_at: Some(new.at),
            updated_at: Some(new.at),
        );
        assert_eq!(place.read(|s| s.files().find(&new.id)).as_ref(), Some(&file));

        assert_eq!(place.write(|s| s.files().edit(&new.id, &edit, edited_at)), FileEditOutcome::Done);
        edit.processed_filename.apply(&mut file.processed_filename);
        edit.species.apply(&mut file.species);
        edit.metadata.apply(&mut file.metadata);
        edit.size.apply(&mut file.size);
        file.updated_at = Some(edited_at);
        assert_eq!(place.read(|s| s.files().find(&new.id)).as_ref(), Some(&file));

        let mut history = Vec::new();
        for (event, reason, at) in steps {
            let Ok(change) = file.after(event, reason.clone(), at) else { continue };
            let moved = place.write(|s| s.files().change(&change));
            if moved == FileChangeOutcome::Done {
                let (from, to) = (Some(file.state.status()), change.to().status());
                history.push(FileHistoryEntry::new(from, to, reason, at));
                file.state = change.to().clone();
                file.updated_at = Some(at);
            }
            assert_eq!(place.read(|s| s.files().find(&new.id)).as_ref(), Some(&file));
        }
        if let Some(drive_file_id) = &file.drive_file_id {
            assert_eq!(place.read(|s| s.files().find_by_drive_id(drive_file_id)).as_ref(), Some(&file));
        }
        let kept = place.read(|s| s.files().history(&new.id, &PageRequest::first(100))).items;
        assert_eq!(kept[1..], history);
    });
}
