//! The program `fieldfen-migrate` as an operator runs it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod adopt;
mod adopted_targets;
mod compatibility;
mod disk_full;
mod down;
mod drift;
mod every_version;
mod filled_tables;
mod importing_program;
mod killed_process;
mod lint;
mod read_only;
mod refusals;
mod rehearsal;
mod shop_harness;
mod sigkill;

use std::fs;
use std::process::Stdio;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::wait::output_of;
use shop_harness::Shop;

#[test]
fn a_fresh_database_is_created_with_its_folder_and_migrated_once() {
    let shop = Shop::new();
    let first = shop.migrate(&["up"]);
    first.ends_with(0);
    assert!(first.out.starts_with("applied 0001_initial_schema\n"), "{}", first.out);
    SqliteStore::open(shop.database()).expect("the store finds the schema it needs");

    let again = shop.migrate(&["up"]);
    again.ends_with(0);
    assert!(again.out.starts_with("nothing to do: "), "{}", again.out);
}

#[test]
fn without_arguments_the_database_is_where_the_specification_has_it() {
    let shop = Shop::new();
    shop.command(&["up", "--quiet"], false).ends_with(0);
    assert!(shop.folder().join("data/fieldfen.db").is_file());

    fs::write(shop.folder().join(".env"), "DATABASE_URL=sqlite:///./other/shop.db\n").unwrap();
    let up = shop.command(&["up", "--quiet"], false);
    up.ends_with(0);
    assert_eq!((up.out.as_str(), up.err.as_str()), ("", ""), "quiet says nothing");
    assert!(shop.folder().join("other/shop.db").is_file());

    fs::write(shop.folder().join(".env"), "DATABASE_URL\n").unwrap();
    let malformed = shop.command(&["status"], false);
    malformed.ends_with(2);
    assert!(malformed.err.contains(".env, line 1"), "{}", malformed.err);
}

#[test]
fn status_tells_applied_pending_and_unknown_apart() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    shop.migrate(&["down"]).ends_with(0);
    let newest = migrations::newest();
    let status = shop.migrate(&["status", "--json"]).document(5);
    assert_eq!((&status["pending"], &status["unknown"]), (&1.into(), &0.into()));
    let lines = status["migrations"].as_array().unwrap();
    assert_eq!(lines[0]["name"], "initial_schema");
    assert_eq!(lines[0]["applied"], true);
    let last = lines.last().unwrap();
    assert_eq!((last["version"].as_str(), &last["applied"]), (Some(newest.version.as_str()), &false.into()));

    let people = shop.migrate(&["status"]);
    people.ends_with(5);
    assert!(people.out.contains("pending") && people.err.contains("run `fieldfen-migrate up`"), "{people:?}");
}

#[test]
fn two_at_once_apply_every_migration_once() {
    for _ in 0..5 {
        let shop = Shop::new();
        let children = [shop.spawn(&["up", "--json"]), shop.spawn(&["up", "--json"])];
        let ended = children.map(|child| shop_harness::ProgramOutput::from(output_of(child)));
        let mut applied = Vec::new();
        for ended in ended {
            // On a slow disk, one of them may have found the database busy and applied nothing.
            let again = (ended.code == 4).then(|| shop.migrate(&["up", "--json"]));
            let document = again.unwrap_or(ended).document(0);
            applied
                .extend(document["applied"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()));
        }
        let known = shop.migrate(&["status", "--json"]).document(0)["migrations"].as_array().unwrap().len();
        assert_eq!(applied.len(), known, "{applied:?}");
        applied.dedup();
        assert_eq!(applied.len(), known, "{applied:?}");
    }
}

#[test]
fn down_that_loses_nothing_asks_nothing_and_one_that_loses_a_row_is_refused() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    let newest = migrations::newest().to_string();
    let document = shop.migrate(&["down", "--json"]).document(0);
    assert_eq!(document["reverted"], serde_json::json!([newest]));
    assert_eq!(document["lost"], serde_json::json!([]));
    shop.migrate(&["up"]).ends_with(0);

    let row = "INSERT INTO pauses VALUES ('kind', 'test.work', 'no paper', '2026-01-01', NULL, 'ann')";
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(row).unwrap();
    let before = shop.listing();
    for arguments in [&["down", "--to", "0013"][..], &["to", "0013"], &["down", "--to", "0013", "--json"]] {
        let refused = shop.migrate(arguments);
        refused.ends_with(2);
        for said in
            ["rows of pauses: 1 (their jobs run again)", "give --allow-data-loss: a backup in backups will keep"]
        {
            assert!(refused.err.contains(said), "{said}: {}", refused.err);
        }
        let refused = shop.migrate(&[arguments, &["--no-backup"]].concat());
        assert!(refused.err.contains("leave --no-backup out"), "{}", refused.err);
        assert_eq!(shop.listing(), before, "{arguments:?}: neither a copy nor a backup was made");
    }
    let done = shop.migrate(&["down", "--to", "0013", "--allow-data-loss"]);
    done.ends_with(0);
    for said in ["lost: rows of pauses: 1 (their jobs run again)", "backed up: backups/fieldfen-before-migration-"] {
        assert!(done.out.contains(said), "{said}: {}", done.out);
    }
}

#[test]
fn down_goes_back_to_a_version_or_to_nothing_and_up_comes_back() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    let document = shop.migrate(&["down", "--to", "0001", "--json"]).document(0);
    assert_eq!(document["at"], "0001_initial_schema");
    shop.migrate(&["down", "--to", "none"]).ends_with(0);
    let again = shop.migrate(&["down"]);
    again.ends_with(0);
    assert!(again.out.starts_with("nothing to do: "), "{}", again.out);
    shop.migrate(&["up"]).ends_with(0);

    let wrong = shop.migrate(&["down", "--to", "0000"]);
    wrong.ends_with(2);
    assert!(wrong.err.contains("\"0000\"") && wrong.err.contains("0001_initial_schema"), "{}", wrong.err);
    SqliteStore::open(shop.database()).expect("no migration has been reverted");
}

#[test]
fn a_newer_schema_is_refused_and_shown() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    let mut conn = connect(&shop.url(), OpenMode::ExistingOnly).unwrap();
    conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9000')").unwrap();
    drop(conn);
    for arguments in [&["up"][..], &["rehearse"], &["down"], &["down", "--to", "none"]] {
        let refused = shop.migrate(arguments);
        refused.ends_with(5);
        assert!(refused.err.contains("9000"), "{}", refused.err);
    }
    assert_eq!(shop.migrate(&["status", "--json"]).document(5)["unknown"], 1);
    assert!(shop.migrate(&["status"]).out.contains("unknown to this program"));
}

#[test]
fn a_database_of_the_specification_is_said_to_be_one_and_migrated_from_there() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    let specification = include_str!("../../../fieldfen-persistence/tests/specification.sql");
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(specification).unwrap();
    let before = shop.listing();
    let status = shop.migrate(&["status"]);
    status.ends_with(5);
    let origin = "tables of the specification, made by another program, not adopted";
    assert!(status.err.contains(origin) && status.err.contains("migrate adopt"), "{}", status.err);
    assert_eq!(shop.listing(), before);

    let up = shop.migrate(&["up"]);
    up.ends_with(0);
    assert!(up.out.contains(origin) && up.out.contains("is adopted, and is at "), "{}", up.out);
    shop.migrate(&["status"]).ends_with(0);
    SqliteStore::open(shop.database()).unwrap();
}

#[test]
fn tables_that_are_not_the_specifications_are_refused_with_the_differences_and_stay_as_they_are() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    let theirs = "CREATE TABLE files (id TEXT PRIMARY KEY, width TEXT)";
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(theirs).unwrap();
    let before = shop.listing();
    let up = shop.migrate(&["up"]);
    up.ends_with(5);
    let status = shop.migrate(&["status"]);
    status.ends_with(5);
    for named in ["column files.width: found TEXT, expected INTEGER", "table jobs: found nothing"] {
        assert!(up.err.contains(named) && status.out.contains(named), "{named}: {up:?} {status:?}");
    }
    let document = shop.migrate(&["status", "--json"]).document(5);
    assert!(document["differences"].as_array().unwrap().len() > 5, "{document:#}");
    assert_eq!(shop.listing(), before, "not even the journal mode has changed");
}

#[test]
fn what_another_program_has_removed_is_named_by_status_and_up() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    SqliteConnection::establish(shop.database()).unwrap().batch_execute("DROP INDEX idx_jobs_claim").unwrap();
    let before = shop.listing();
    let (status, up) = (shop.migrate(&["status"]), shop.migrate(&["up"]));
    for (said, ended) in [(&status.out, &status), (&up.err, &up)] {
        ended.ends_with(5);
        assert!(said.contains("index idx_jobs_claim: found nothing, expected CREATE INDEX"), "{ended:?}");
    }
    assert_eq!(shop.listing(), before);
}

#[test]
fn a_file_that_is_no_database_stays_as_it_is() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    let text = "a text of more than a hundred bytes, ".repeat(5);
    fs::write(shop.url().path().unwrap(), &text).unwrap();
    for action in ["up", "status"] {
        let refused = shop.migrate(&[action, "--json"]);
        assert_eq!(refused.document(6)["error"]["kind"], "corrupt");
    }
    assert_eq!(fs::read_to_string(shop.url().path().unwrap()).unwrap(), text);
}

#[test]
fn a_missing_database_is_created_by_up_only() {
    let shop = Shop::new();
    for arguments in [&["status"][..], &["down"]] {
        let refused = shop.migrate(arguments);
        refused.ends_with(3);
        assert!(refused.err.contains("there is no such file"), "{}", refused.err);
        assert_eq!(refused.err.lines().count(), 1);
    }
    assert!(!shop.folder().join("data").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let shop = Shop::new();
    shop.close_folder();
    let before = shop.listing();
    let refused = shop.migrate_unprivileged(&["up"]);
    refused.ends_with(3);
    assert!(refused.err.contains("data"), "{}", refused.err);
    assert_eq!(shop.listing(), before);
}

#[test]
fn wrong_arguments_are_named_and_end_with_2() {
    let shop = Shop::new();
    for (arguments, named) in [
        (&["sideways"][..], "sideways"),
        (&["up", "--database", ""], "--database"),
        (&["up", "--database", ":memory:"], "in memory"),
        (&["up", "--database", "postgres://shop:secret@db/shop"], "sqlite://"),
        (&["up", "--quiet", "--verbose"], "--verbose"),
    ] {
        let refused = shop.command(arguments, false);
        refused.ends_with(2);
        assert!(refused.err.contains(named) && !refused.err.contains("secret"), "{}", refused.err);
        assert_eq!(refused.out, "");
    }
}

#[test]
fn the_version_names_all_three() {
    let version = Shop::new().command(&["--version"], false);
    version.ends_with(0);
    let newest = migrations::newest().to_string();
    for part in [env!("CARGO_PKG_VERSION"), fieldfen_persistence::sqlite_version(), &newest] {
        assert!(version.out.contains(part), "{}", version.out);
    }
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    let mut command = shop.prepare(&["status"], true);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command.stdout(Stdio::from(writer)).stderr(Stdio::piped()).spawn().unwrap();
    let ended = shop_harness::ProgramOutput::from(output_of(child));
    ended.ends_with(0);
    assert_eq!(ended.err, "");
}

#[test]
fn a_url_as_the_existing_programs_write_it_is_the_same_database() {
    let shop = Shop::new();
    let url: SqliteUrl = "sqlite:///./data/fieldfen.db".parse().unwrap();
    shop.command(&["up", "--database", &url.to_string()], false).ends_with(0);
    shop.command(&["status", "--database", "sqlite:///./data/fieldfen.db"], false).ends_with(0);
}
