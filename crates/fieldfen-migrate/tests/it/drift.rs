//! `fieldfen-migrate drift` as an operator runs it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use crate::shop_harness::Shop;

fn change(shop: &Shop, sql: &str) {
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(sql).unwrap();
}

#[test]
fn a_database_of_the_migrations_has_no_drift_at_any_version() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    let before = shop.listing();
    let drift = shop.migrate(&["drift"]);
    drift.ends_with(0);
    assert!(drift.out.contains("is as its migrations made it"), "{}", drift.out);
    assert_eq!(shop.listing(), before, "nothing is written");

    shop.migrate(&["down", "--to", "0005"]).ends_with(0);
    let document = shop.migrate(&["drift", "--json"]).document(0);
    assert_eq!((&document["migrations"], &document["schema_file"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert!(document["pending"].as_u64().unwrap() > 0);
}

#[test]
fn a_changed_schema_is_named_and_an_addition_is_no_difference() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    change(
        &shop,
        "CREATE TABLE birds (id TEXT); ALTER TABLE files ADD COLUMN colour TEXT; CREATE INDEX b ON birds(id)",
    );
    let document = shop.migrate(&["drift", "--json"]).document(0);
    let additions: Vec<_> =
        document["additions"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(additions, ["column files.colour", "table birds"]);

    change(&shop, "DROP INDEX idx_jobs_claim; ALTER TABLE files RENAME COLUMN failure TO failed_because");
    let drift = shop.migrate(&["drift"]);
    drift.ends_with(5);
    for named in ["idx_jobs_claim", "files.failure", "schema.rs", "files.failed_because", "additions"] {
        assert!(drift.out.contains(named), "{named}: {}", drift.out);
    }
    let document = shop.migrate(&["drift", "--json"]).document(5);
    let file = document["schema_file"].as_array().unwrap();
    assert_eq!((file.len(), &file[0]["what"]), (1, &"column files.failure".into()));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let shop = Shop::new();
    shop.migrate(&["drift"]).ends_with(3);
    shop.migrate(&["up"]).ends_with(0);
    change(&shop, "INSERT INTO __diesel_schema_migrations (version) VALUES ('9000')");
    let newer = shop.migrate(&["drift"]);
    newer.ends_with(5);
    assert!(newer.err.contains("newer than this program"), "{}", newer.err);
    shop.migrate(&["status"]).ends_with(5);
    change(&shop, "DELETE FROM __diesel_schema_migrations");
    let none = shop.migrate(&["drift"]);
    none.ends_with(5);
    assert!(none.err.contains("no migration"), "{}", none.err);
}
