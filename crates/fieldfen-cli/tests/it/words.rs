//! Words that a newcomer meets: one word for one thing, warnings of misspelt names, and manual pages of commands.

use std::fs;

use crate::shop_harness::Shop;

#[test]
fn a_service_is_a_service_in_every_list() {
    let shop = Shop::new();
    shop.run(&["pause", "--service", "etsy", "--reason", "a review"]).ends_with(0);
    shop.run(&["pause", "--account", "etsy/main", "--reason", "a review"]).ends_with(0);
    let pauses = shop.run(&["pauses", "--json"]).document(0);
    let log = shop.run(&["log", "--json", "--oldest"]).document(0);
    for (index, word) in [(0, "service"), (1, "account")] {
        assert_eq!(log["items"][index]["subject_kind"], word, "{log}");
        assert!(pauses["items"].as_array().unwrap().iter().any(|pause| pause["scope"] == word), "{pauses}");
    }
    for (kind, id) in [("service", "etsy"), ("account", "etsy/main")] {
        let found = shop.run(&["log", "--subject", kind, id, "--json"]).document(0);
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{kind} {id}: {found}");
        assert_eq!(found["items"][0]["subject_kind"], kind);
    }
}

#[test]
fn a_pause_of_an_unknown_name_is_made_with_a_warning() {
    let shop = Shop::new();
    fs::write(shop.folder().join("fieldfen.toml"), "[marketplaces]\nebay = [\"shop\"]\n").unwrap();
    let call = ["usage", "record", "--service", "replicate", "--endpoint", "predictions"];
    shop.run(&call).ends_with(0);
    shop.run(&["jobs", "enqueue", "acme.count", "--account", "pinterest/main"]).ends_with(0);
    for (scope, name, is_known) in [
        ("--kind", "acme.count", true),
        ("--kind", "UpscaleImage", true),
        ("--kind", "acme.cuont", false),
        ("--service", "replicate", true),
        ("--service", "ebay", true),
        ("--service", "ebya", false),
        ("--account", "ebay/shop", true),
        ("--account", "ebay/other", false),
        ("--account", "pinterest/main", true),
        ("--account", "replicate/main", false),
    ] {
        let paused = shop.run(&["pause", scope, name, "--reason", "a test"]);
        paused.ends_with(0);
        assert_eq!(!paused.err.contains("warning"), is_known, "{scope} {name}: {}", paused.err);
        assert!(is_known || paused.err.contains(name), "{}", paused.err);
        shop.run(&["resume", scope, name]).ends_with(0);
    }
}

#[test]
fn a_missing_database_and_an_old_schema_name_the_programs_own_command() {
    let shop = Shop::new();
    let missing = shop.run(&["files", "list", "--database", "other.db"]);
    missing.ends_with(3);
    assert!(missing.err.contains("`fieldfen migrate up`"), "{}", missing.err);
    shop.run(&["migrate", "down", "--to", "0001"]).ends_with(0);
    let old = shop.run(&["files", "list"]);
    old.ends_with(5);
    assert!(old.err.contains("run `fieldfen migrate up` first"), "{}", old.err);
}

#[test]
fn a_command_of_a_command_has_a_manual_page() {
    let shop = Shop::new();
    for arguments in [&["man", "jobs", "list"][..], &["man", "jobs list"]] {
        let page = shop.run(arguments);
        page.ends_with(0);
        assert!(page.out.contains("fingerprint"), "{arguments:?}: {}", page.out);
    }
    let unknown = shop.run(&["man", "jobs", "lsit"]);
    unknown.ends_with(2);
    assert!(unknown.err.contains("\"lsit\" is no command of fieldfen jobs"), "{}", unknown.err);
}
