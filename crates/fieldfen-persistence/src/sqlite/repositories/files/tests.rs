use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fieldfen_domain::file::{
    Deletion, FileChangeOutcome, FileDeleteOutcome, FileEvent, FileFilter, FileState, FileStatus,
};
use fieldfen_domain::store::{FileReads, Files, StoreError};
use fieldfen_domain::{FileId, PageRequest};
use fieldfen_testkit::fixtures::{at, file, file_id};

use crate::sqlite::columns::test_database::{database, session, text};

/// An id as SQLAlchemy writes it. `HYPHENATED` is the same id with hyphens.
const PLAIN: &str = "c3b1a7a06f0e4a3e9d2a5b8c7d6e5f40";
const HYPHENATED: &str = "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40";

fn id() -> FileId {
    HYPHENATED.parse().unwrap()
}

/// Inserts a row as a program does that knows only the specification.
fn insert_row_of_another_program(conn: &mut SqliteConnection) {
    let row = format!("INSERT INTO files (id, original_filename, status) VALUES ('{PLAIN}', 'buck.jpg', 'ingested')");
    conn.batch_execute(&row).unwrap();
}

#[test]
fn a_row_of_another_program_is_found_and_its_history_refers_to_it_as_it_is_spelled() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    let mut s = session(&mut conn);
    let found = s.find(&id()).unwrap().unwrap();
    assert_eq!((found.id, found.id.to_string().as_str()), (id(), HYPHENATED));
    assert!(found.created_at.is_some() && found.updated_at.is_some(), "CURRENT_TIMESTAMP is read");
    let change = found.after(FileEvent::ProcessingStarted, "why", at(0)).unwrap();
    assert_eq!(s.change(&change).unwrap(), FileChangeOutcome::Done);
    assert_eq!(s.history(&id(), &PageRequest::first(9)).unwrap().items.len(), 1);
    assert_eq!(text(&mut conn, "SELECT file_id FROM file_history"), PLAIN);
}

#[test]
fn an_id_is_taken_in_either_spelling() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    let mut new = file(1);
    new.id = id();
    let error = session(&mut conn).insert(&new).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error}");
    assert!(error.to_string().contains(HYPHENATED), "{error}");
}

#[test]
fn a_failure_of_another_program_is_taken_up_from_the_beginning() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    conn.batch_execute("UPDATE files SET status = 'failed'").unwrap();
    let mut s = session(&mut conn);
    let failed = s.find(&id()).unwrap().unwrap();
    assert_eq!(s.change(&failed.after(FileEvent::Retried, "again", at(0)).unwrap()).unwrap(), FileChangeOutcome::Done);
    assert_eq!(s.find(&id()).unwrap().unwrap().state, FileState::Ingested);
}

#[test]
fn nulls_that_the_specification_allows_are_read_or_named() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    conn.batch_execute("UPDATE files SET created_at = NULL, updated_at = NULL").unwrap();
    let found = session(&mut conn).find(&id()).unwrap().unwrap();
    assert_eq!((found.created_at, found.updated_at), (None, None));
    conn.batch_execute("UPDATE files SET id = NULL").unwrap();
    let page = session(&mut conn).page(&FileFilter::default(), &PageRequest::first(9)).unwrap();
    assert_eq!(page.unreadable[0].to_string(), "files without id (rowid 1): column id holds NULL; it must not be NULL");
}

#[test]
fn what_no_file_can_hold_is_named_with_table_row_and_column() {
    for (set, column) in [
        ("status = 'Ingested'", "status"),
        ("status = ''", "status"),
        ("failed_from = 'processed'", "failed_from"),
        ("status = 'failed', failed_from = 'failed'", "failed_from"),
        ("status = 'failed', failed_from = 'lost'", "failed_from"),
        ("width = 'wide', height = 7", "width"),
        ("width = 7.5, height = 7", "width"),
        ("width = 0, height = 7", "width"),
        ("width = 7, height = -7", "width"),
        ("width = 99999999999, height = 7", "width"),
        ("width = 7", "height"),
        ("height = 7", "width"),
        ("content_hash = 'e3b0'", "content_hash"),
        ("created_at = '2026-11-23T10:00:00+01:00'", "created_at"),
        ("created_at = 1763906709", "created_at"),
        ("updated_at = ''", "updated_at"),
    ] {
        let mut conn = database();
        insert_row_of_another_program(&mut conn);
        conn.batch_execute(&format!("UPDATE files SET {set}")).unwrap();
        let error = session(&mut conn).find(&id()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("files {PLAIN}: column {column} holds")), "{set}: {error}");
    }
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    conn.batch_execute("UPDATE files SET id = 'buck'").unwrap();
    let page = session(&mut conn).page(&FileFilter::default(), &PageRequest::first(9)).unwrap();
    let error = page.unreadable[0].to_string();
    assert!(error.starts_with("files buck: column id holds \"buck\""), "{error}");
}

#[test]
fn files_with_a_status_that_there_is_not_are_not_counted() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    conn.batch_execute("UPDATE files SET status = 'sold'").unwrap();
    let mut s = session(&mut conn);
    s.insert(&file(1)).unwrap();
    assert_eq!(s.count().unwrap(), [(FileStatus::Ingested, 1)]);
}

#[test]
fn texts_that_are_not_utf_8_are_named_and_hide_no_other_file() {
    for column in
        ["id", "original_filename", "processed_filename", "species", "status", "drive_file_id", "metadata_json"]
    {
        for value in ["x'00ff'", "CAST(x'e9' AS TEXT)"] {
            let mut conn = database();
            insert_row_of_another_program(&mut conn);
            conn.batch_execute(&format!("UPDATE files SET {column} = {value}")).unwrap();
            let mut s = session(&mut conn);
            s.insert(&file(1)).unwrap();
            let page = s.page(&FileFilter::default(), &PageRequest::first(9)).unwrap();
            assert_eq!((page.items.len(), page.unreadable.len()), (1, 1), "{column} = {value}");
            assert_eq!(page.unreadable[0].column, column);
            assert!(s.count().unwrap().contains(&(FileStatus::Ingested, if column == "status" { 1 } else { 2 })));
        }
    }
}

#[test]
fn a_reason_that_is_not_utf_8_is_read_as_far_as_it_can_be() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    session(&mut conn).insert(&file(1)).unwrap();
    conn.batch_execute("UPDATE files SET status = 'failed', failure = CAST(x'64e9' AS TEXT)").unwrap();
    conn.batch_execute("UPDATE files SET failed_from = 'ingested'").unwrap();
    conn.batch_execute("UPDATE file_history SET reason = CAST(x'64e9' AS TEXT)").unwrap();
    let mut s = session(&mut conn);
    let failed = s.find(&id()).unwrap().unwrap();
    assert_eq!(failed.state.failure().map(|failure| failure.reason.as_str()), Some("d\u{fffd}"));
    assert_eq!(s.history(&file_id(1), &PageRequest::first(9)).unwrap().items[0].reason, "d\u{fffd}");
}

#[test]
fn a_listing_of_another_program_keeps_its_file_from_being_deleted() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn);
    let row = format!(
        "INSERT INTO listings (id, file_id, platform, platform_listing_id, status)
         VALUES (NULL, '{PLAIN}', 'walmart', 'W-1', 'For Sale')"
    );
    conn.batch_execute(&row).unwrap();
    let mut s = session(&mut conn);
    let refused = FileDeleteOutcome::Refused(vec!["walmart: W-1".to_owned()]);
    assert_eq!(s.delete(&id(), Deletion::KeepLiveListings).unwrap(), refused);
    assert_eq!(s.delete(&id(), Deletion::Forced).unwrap(), FileDeleteOutcome::Done);
    assert_eq!(text(&mut conn, "SELECT count(*) || '' FROM listings"), "0");
}

#[test]
fn whatever_does_not_say_that_it_is_over_keeps_its_file_from_being_deleted() {
    let publication = |state: &str| {
        format!(
            "INSERT INTO publications (id, file_id, channel, platform, client_key, state, token, held_until, created_at,
                                       updated_at)
             VALUES ('{state}', '{PLAIN}', 'listing', 'etsy', 'k', '{state}', 't', '', '', '')"
        )
    };
    // Programs that disable foreign keys may write the id in any format.
    let listing = format!(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO listings (file_id, platform, platform_listing_id, status)
         VALUES ('{HYPHENATED}', 'etsy', 'E-1', 'active'); PRAGMA foreign_keys = ON"
    );
    for (row, live) in [
        (publication("under way"), Some("etsy: under way")),
        (publication("ended"), None),
        (publication("released"), None),
        (publication("confirmed"), None),
        (listing, Some("etsy: E-1")),
    ] {
        let mut conn = database();
        insert_row_of_another_program(&mut conn);
        conn.batch_execute(&row).unwrap();
        let expected = live.map_or(FileDeleteOutcome::Done, |live| FileDeleteOutcome::Refused(vec![live.to_owned()]));
        assert_eq!(session(&mut conn).delete(&id(), Deletion::KeepLiveListings).unwrap(), expected, "{row}");
    }
}

#[test]
fn the_files_of_the_fixtures_have_the_aspect_ratio_of_their_size() {
    let mut conn = database();
    session(&mut conn).insert(&file(1)).unwrap();
    assert_eq!(text(&mut conn, "SELECT aspect_ratio FROM files"), "3:2");
    assert_eq!(session(&mut conn).find(&file_id(1)).unwrap().unwrap().size, file(1).size);
}
