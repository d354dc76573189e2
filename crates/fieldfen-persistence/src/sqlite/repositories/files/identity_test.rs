//! Tests Drive ids and bytes of files whose rows other programs have inserted or changed.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::FileId;
use fieldfen_domain::file::{ContentHash, Deletion, File, IngestOutcome, NewFile};
use fieldfen_domain::store::{FileReads, Files};
use fieldfen_testkit::fixtures::{at, file, file_id};

use crate::sqlite::columns::test_database::{database, session, text};

/// Inserts a row as a program does that knows only the specification.
fn insert_row_of_another_program(conn: &mut SqliteConnection, number: u64, drive_file_id: &str) {
    let id = file_id(number).uuid().simple().to_string();
    let row = format!(
        "INSERT INTO files (id, original_filename, status, drive_file_id) VALUES ('{id}', 'buck.jpg', 'ingested', \
         '{drive_file_id}')"
    );
    conn.batch_execute(&row).unwrap();
}

/// An arrival with a Drive id and no bytes.
fn arriving(number: u64, drive_file_id: &str) -> NewFile {
    file(number).drive_file_id(drive_file_id.to_owned()).content_hash(None)
}

/// The known file of an arrival, or `None` for a new file.
fn met(conn: &mut SqliteConnection, new: &NewFile) -> Option<FileId> {
    match session(conn).insert(new).unwrap() {
        IngestOutcome::Created => None,
        IngestOutcome::Duplicate(file) | IngestOutcome::ContentDiffers { file, .. } => Some(file.id),
    }
}

#[test]
fn of_several_rows_with_one_drive_id_the_oldest_is_met_and_then_the_next() {
    let mut conn = database();
    for number in [3, 1, 2] {
        insert_row_of_another_program(&mut conn, number, "drive-7");
    }
    for number in [3, 1, 2] {
        assert_eq!(met(&mut conn, &arriving(9, "drive-7")), Some(file_id(number)));
        let found = session(&mut conn).find_by_drive_id("drive-7").unwrap();
        assert_eq!(found.map(|file| file.id), Some(file_id(number)));
        session(&mut conn).delete(&file_id(number), Deletion::Forced).unwrap();
    }
    assert_eq!(met(&mut conn, &arriving(9, "drive-7")), None);
}

#[test]
fn an_older_row_that_gets_the_drive_id_of_a_file_does_not_take_its_place() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn, 1, "drive-1");
    assert_eq!(met(&mut conn, &arriving(2, "drive-2")), None);
    conn.batch_execute("UPDATE files SET drive_file_id = 'drive-2'").unwrap();
    assert_eq!(met(&mut conn, &arriving(9, "drive-2")), Some(file_id(2)));
}

#[test]
fn an_empty_drive_id_is_none() {
    let mut conn = database();
    for (number, blank) in [(1, ""), (2, ""), (3, " ")] {
        insert_row_of_another_program(&mut conn, number, blank);
        let found = session(&mut conn).find(&file_id(number)).unwrap().unwrap();
        assert_eq!(found.drive_file_id, None);
    }
    assert_eq!(session(&mut conn).find_by_drive_id("").unwrap(), None);
    let hash = ContentHash::of(b"buck");
    conn.batch_execute(&format!("UPDATE files SET content_hash = '{hash}' WHERE rowid = 2")).unwrap();
    let with_both = arriving(9, "drive-2").content_hash(hash);
    assert_eq!(met(&mut conn, &with_both), Some(file_id(2)));
    let filled: File = session(&mut conn).find(&file_id(2)).unwrap().unwrap();
    assert_eq!((filled.drive_file_id.as_deref(), filled.updated_at), (Some("drive-2"), Some(at(0))));
}

#[test]
fn a_drive_id_that_another_program_replaces_leads_to_its_file_like_the_new_one() {
    let mut conn = database();
    assert_eq!(met(&mut conn, &arriving(1, "before")), None);
    conn.batch_execute("UPDATE files SET drive_file_id = 'after'").unwrap();
    for drive_file_id in ["before", "after"] {
        assert_eq!(met(&mut conn, &arriving(9, drive_file_id)), Some(file_id(1)), "{drive_file_id}");
    }
}

#[test]
fn drive_ids_that_another_program_exchanges_lead_where_the_rows_say() {
    let mut conn = database();
    for (number, drive_file_id) in [(1, "one"), (2, "two")] {
        assert_eq!(met(&mut conn, &arriving(number, drive_file_id)), None);
    }
    conn.batch_execute("UPDATE files SET drive_file_id = CASE drive_file_id WHEN 'one' THEN 'two' ELSE 'one' END")
        .unwrap();
    for _ in 0..2 {
        assert_eq!(met(&mut conn, &arriving(9, "one")), Some(file_id(2)));
        assert_eq!(met(&mut conn, &arriving(9, "two")), Some(file_id(1)));
    }
}

#[test]
fn a_drive_id_whose_file_was_deleted_without_foreign_keys_is_that_of_a_new_file() {
    let mut conn = database();
    assert_eq!(met(&mut conn, &arriving(1, "drive-1")), None);
    conn.batch_execute("PRAGMA foreign_keys = OFF; DELETE FROM files; PRAGMA foreign_keys = ON").unwrap();
    assert_eq!(session(&mut conn).find_by_drive_id("drive-1").unwrap(), None);
    assert_eq!(met(&mut conn, &arriving(2, "drive-1")), None);
    conn.batch_execute("UPDATE files SET drive_file_id = NULL").unwrap();
    assert_eq!(met(&mut conn, &arriving(9, "drive-1")), Some(file_id(2)), "the dead entry was replaced");
}

#[test]
fn what_hangs_on_a_file_follows_when_another_program_gives_it_a_new_id() {
    let mut conn = database();
    assert_eq!(met(&mut conn, &arriving(1, "drive-1")), None);
    let id = file_id(2).to_string();
    conn.batch_execute(&format!("UPDATE files SET id = '{id}', drive_file_id = NULL")).unwrap();
    assert_eq!(met(&mut conn, &arriving(9, "drive-1")), Some(file_id(2)));
    assert_eq!(text(&mut conn, "SELECT DISTINCT file_id FROM file_history"), id);
}

#[test]
fn a_row_with_this_drive_id_that_cannot_be_read_is_named_instead_of_making_a_second_file() {
    let mut conn = database();
    insert_row_of_another_program(&mut conn, 1, "drive-1");
    conn.batch_execute("UPDATE files SET width = 7").unwrap();
    let error = session(&mut conn).insert(&arriving(9, "drive-1")).unwrap_err().to_string();
    assert!(error.contains("column height"), "{error}");
    assert_eq!(text(&mut conn, "SELECT count(*) || '' FROM files"), "1");
}
