//! `fieldfen-migrate lint` as a developer runs it.

use std::fs;

use crate::shop_harness::Shop;

#[test]
fn the_migrations_of_the_program_pass() {
    let shop = Shop::new();
    let lint = shop.command(&["lint"], false);
    lint.ends_with(0);
    assert!(lint.out.contains(": 0 findings, 0 allowed"), "{}", lint.out);
    let document = shop.command(&["lint", "--json"], false).document(0);
    assert_eq!((&document["findings"], &document["allowed"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert!(shop.listing().is_empty(), "no database is needed or made");
}

#[test]
fn findings_have_a_place_a_code_and_a_reason() {
    let shop = Shop::new();
    let folder = shop.folder().join("migrations/20260102030405_birds");
    fs::create_dir_all(&folder).unwrap();
    let up = "CREATE TABLE birds (id TEXT PRIMARY KEY);\n-- fieldfen:allow FF202 because nobody reads it\nALTER TABLE jobs \
              DROP COLUMN result_json;\n  DROP TABLE listings;\n";
    fs::write(folder.join("up.sql"), up).unwrap();
    let before = shop.listing();
    let lint = shop.command(&["lint", "migrations"], false);
    lint.ends_with(14);
    let up_sql = "migrations/20260102030405_birds/up.sql";
    let dropped =
        format!("{up_sql}:4:3: FF201 table listings is older than the migration, and is not rebuilt\n    its rows");
    assert!(lint.out.contains(&dropped), "{}", lint.out);
    assert!(lint.err.contains("2 findings, 1 allowed"), "{}", lint.err);

    let document = shop.command(&["lint", "migrations", "--json"], false).document(14);
    let findings = document["findings"].as_array().unwrap();
    let codes: Vec<_> =
        findings.iter().map(|one| (one["code"].as_str().unwrap(), one["line"].as_u64().unwrap())).collect();
    assert_eq!(codes, [("FF201", 4), ("FF004", 1)]);
    assert!(findings.iter().all(|one| !one["why"].as_str().unwrap().is_empty()));
    assert_eq!(document["allowed"][0]["allowed_because"], "nobody reads it");
    assert_eq!(shop.listing(), before, "nothing is written");
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("empty")).unwrap();
    for (path, named) in [("nowhere", "nowhere cannot be read"), ("empty", "empty has no migration")] {
        let lint = shop.command(&["lint", path], false);
        lint.ends_with(2);
        assert!(lint.err.contains(named), "{}", lint.err);
    }
}
