//! Products and posts that the database no longer knows: after a restored backup, and after migrations were reverted
//! while an answer was outstanding.

use std::fs;

use fieldfen_backup::{PRIVATE, back_up};
use fieldfen_persistence::SqliteUrl;

use crate::database::Database;
use crate::existing_listings::{DOWN, Program, ROWS, UP};
use crate::fake_platform::FakePlatform;

/// A processed file without products and posts.
fn database() -> Database {
    let database = Database::new();
    database.foreign().execute_batch(ROWS).unwrap();
    database.foreign().execute_batch("DELETE FROM listings; DELETE FROM social_posts").unwrap();
    database
}

/// Publishes the file, and returns the platforms with their products and posts.
fn publish(database: &Database, shop: FakePlatform, network: FakePlatform) -> (FakePlatform, FakePlatform) {
    let program = Program::new(database, shop, network);
    program.approve();
    program.work();
    assert_eq!((program.shop.ids(), program.network.ids()), (vec!["made-0".to_owned()], vec!["made-0".to_owned()]));
    assert_eq!(program.confirmed(), ["made-0", "made-0"]);
    (program.shop, program.network)
}

#[test]
fn what_was_published_after_a_backup_is_found_when_it_has_been_restored() {
    let database = database();
    let folder = database.folder().join("backups");
    let now = "2026-11-24T03:15:00Z".parse().unwrap();
    let backup = back_up(&SqliteUrl::from(database.path()), &folder, now, PRIVATE).unwrap().backup;
    let (shop, network) = publish(&database, FakePlatform::default(), FakePlatform::default());

    fs::copy(backup, database.path()).unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(database.beside(ending));
    }
    publish(&database, shop, network);
}

#[test]
fn a_call_without_an_answer_is_found_after_down_and_up() {
    let database = database();
    let (shop, network) = publish(&database, FakePlatform::default(), FakePlatform::default());
    let conn = database.foreign();
    // Only the publication knew of the product, as before the answer to a call.
    conn.execute_batch("DELETE FROM listings; DELETE FROM social_posts").unwrap();
    conn.execute_batch(DOWN).unwrap();
    conn.execute_batch(UP).unwrap();
    conn.execute_batch("UPDATE files SET status = 'processed'").unwrap();
    drop(conn);
    publish(&database, shop, network);
}
