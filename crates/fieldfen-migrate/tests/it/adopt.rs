//! Databases that SQLAlchemy and Alembic have made are taken over, or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::publication::{Platform, ReserveOutcome, ReserveRequest, Target};
use fieldfen_domain::store::Store as _;
use fieldfen_domain::{FenceToken, FileId, PublicationId, Timestamp};
use fieldfen_migrate::{AdoptError, AdoptionOutcome, MigrateError, MigrateEvent, Migrator};
use fieldfen_persistence::SqliteStore;
use fieldfen_persistence::migrations::{self, MigrationFile, MigrationSet, Migrations};
use fieldfen_testkit::sqlalchemy::{Fault, SHOP_DATABASES, ShopDatabase};
use fieldfen_testkit::wait::{exit_status, wait_until};

use crate::rehearsal::{backups, names};
use crate::shop_harness::Shop;

/// The columns of times, by table.
const TIMES: [(&str, &[&str]); 6] = [
    ("files", &["created_at", "updated_at"]),
    ("jobs", &["created_at", "started_at", "completed_at"]),
    ("processed_hashes", &["created_at"]),
    ("api_usage", &["rate_limit_reset_at", "recorded_at"]),
    ("listings", &["created_at", "updated_at"]),
    ("social_posts", &["posted_at"]),
];

const REGULAR: &str =
    "[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn connection(shop: &Shop) -> SqliteConnection {
    SqliteConnection::establish(shop.database()).unwrap()
}

fn number(conn: &mut SqliteConnection, query: &str) -> i64 {
    diesel::sql_query(query).get_result::<Number>(conn).unwrap_or_else(|error| panic!("{query}: {error}")).n
}

fn lines(conn: &mut SqliteConnection, query: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(query).load(conn).unwrap_or_else(|error| panic!("{query}: {error}"));
    lines.into_iter().map(|line| line.line).collect()
}

/// A shop whose database another program has made.
pub(crate) fn shop_of(database: &ShopDatabase) -> Shop {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    let path = shop.url().path().unwrap().to_owned();
    database.create(&path, |sql| connection(&shop).batch_execute(sql).unwrap());
    shop
}

/// The columns of the specification of each row, with each time as SQLite reads it, in the order of rows.
pub(crate) fn meanings(conn: &mut SqliteConnection) -> BTreeMap<&'static str, Vec<String>> {
    let specification = include_str!("../../../fieldfen-persistence/tests/specification.sql");
    let mut as_specified = SqliteConnection::establish(":memory:").unwrap();
    as_specified.batch_execute(specification).unwrap();
    let mut read = |(table, times): (&'static str, &[&str])| {
        let columns = format!("SELECT name AS line FROM pragma_table_info('{table}') ORDER BY cid");
        let columns = lines(&mut as_specified, &columns).into_iter();
        let parts = columns.map(|column| match times.contains(&column.as_str()) {
            true => format!("coalesce(strftime('%s %f', {column}), quote({column}))"),
            false => format!("quote({column})"),
        });
        let parts = parts.collect::<Vec<_>>().join(" || ' ' || ");
        (table, lines(conn, &format!("SELECT {parts} AS line FROM {table} ORDER BY rowid")))
    };
    TIMES.into_iter().map(&mut read).collect()
}

/// The number of times that have not the form that fieldfen writes.
pub(crate) fn irregular_times(conn: &mut SqliteConnection) -> i64 {
    let of_column = |table: &str, column: &&str| {
        format!("SELECT {column} AS at FROM {table} WHERE {column} IS NOT NULL AND {column} NOT GLOB '{REGULAR}'")
    };
    let columns = TIMES.iter().flat_map(|(table, columns)| columns.iter().map(|column| of_column(table, column)));
    number(conn, &format!("SELECT count(*) AS n FROM ({})", columns.collect::<Vec<_>>().join(" UNION ALL ")))
}

#[test]
fn clean_and_messy_databases_are_adopted_with_nothing_lost() {
    for database in SHOP_DATABASES.iter().filter(|database| database.fault.is_none()) {
        let shop = shop_of(database);
        let before = meanings(&mut connection(&shop));
        let orphans = "SELECT count(*) AS n FROM pragma_foreign_key_check";
        let orphans_before = number(&mut connection(&shop), orphans);
        let listing = shop.listing();
        let status = shop.migrate(&["status"]);
        status.ends_with(5);
        let revision = "tables of the specification, made by SQLAlchemy/Alembic at revision 00";
        assert!(status.err.contains(revision) && status.err.contains("not adopted"), "{}", status.err);
        let rehearsed = shop.migrate(&["adopt", "--dry-run", "--json"]).document(0);
        assert_eq!(rehearsed["outcome"], "rehearsed");
        assert_eq!(shop.listing(), listing, "{}: a rehearsal leaves the folder as it is", database.name);

        let report = shop.migrate(&["adopt", "--json"]).document(0);
        assert_eq!(report["outcome"], "adopted", "{}", database.name);
        assert_eq!(report["rewritten"], rehearsed["rewritten"]);
        let conn = &mut connection(&shop);
        assert_eq!(meanings(conn), before, "{}", database.name);
        assert_eq!(number(conn, orphans), orphans_before);
        assert_eq!(irregular_times(conn), 0, "{}", database.name);
        assert!(!lines(conn, "SELECT version_num AS line FROM alembic_version").is_empty(), "Alembic's table stays");
        let how = "SELECT how || coalesce(backup, '') AS line FROM __fieldfen_migrations WHERE version = '0001'";
        let how = lines(conn, how);
        assert!(how[0].starts_with("adopted") && how[0].contains("backups/fieldfen-"), "{how:?}");
        shop.migrate(&["status"]).ends_with(0);
        SqliteStore::open(shop.database()).unwrap();

        let again = shop.migrate(&["adopt"]);
        again.ends_with(12);
        assert!(again.err.contains("adopted at 2"), "{}", again.err);
        assert!(shop.migrate(&["up"]).out.starts_with("nothing to do"));
    }
}

#[test]
fn broken_databases_are_refused_by_name_and_stay_as_they_are() {
    for database in SHOP_DATABASES {
        let Some(fault) = database.fault else { continue };
        let shop = shop_of(database);
        let before = shop.listing();
        for action in [&["adopt"][..], &["adopt", "--convert"], &["adopt", "--dry-run"], &["up"]] {
            let refused = shop.migrate(action);
            refused.ends_with(match fault {
                Fault::Schema => 5,
                Fault::Value | Fault::Page => 6,
            });
            for named in database.named {
                assert!(refused.err.contains(named), "{}: {named}: {refused:?}", database.name);
            }
            assert_eq!(shop.listing(), before, "{} after {action:?}", database.name);
        }
    }
}

#[test]
fn every_offending_row_is_in_the_document() {
    let shop = shop_of(&ShopDatabase::named("clean"));
    connection(&shop).batch_execute("UPDATE files SET created_at = 'some day', status = 'lost'").unwrap();
    let refused = shop.migrate(&["adopt", "--json"]).document(6);
    let forms = refused["forms"].as_array().unwrap();
    let refused: Vec<_> = forms.iter().filter(|form| form["treatment"] == "refused").collect();
    assert_eq!(refused.len(), 2, "{refused:#?}");
    for form in refused {
        assert_eq!((&form["rows"], form["examples"].as_array().unwrap().len()), (&6.into(), 6));
    }
}

#[test]
fn live_products_and_posts_become_confirmed_publications_and_nothing_is_published_again() {
    let shop = shop_of(&ShopDatabase::named("clean"));
    let report = shop.migrate(&["up", "--json"]).document(0);
    assert_eq!(report["publications"]["confirmed"], 5, "three live listings and two posts: {report:#}");
    let conn = &mut connection(&shop);
    let live =
        "SELECT count(*) AS n FROM listings WHERE status <> 'delisted' AND NOT EXISTS (SELECT 1 FROM publications
                WHERE publications.platform_id = listings.platform_listing_id AND state = 'confirmed'
                AND publications.file_id = listings.file_id AND publications.platform = listings.platform)";
    assert_eq!(number(conn, live), 0);
    let file: FileId = lines(conn, "SELECT DISTINCT file_id AS line FROM listings")[0].parse().unwrap();
    let store = SqliteStore::open(shop.database()).unwrap();
    let at: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
    for (platform, is_live) in
        [(Platform::Shopify, true), (Platform::Etsy, true), (Platform::Ebay, true), (Platform::Amazon, false)]
    {
        let (id, token) = (PublicationId::from_random(7), FenceToken::from_random(7));
        let request = ReserveRequest::new(id, file, Target::listing(platform), token, at, at);
        let outcome = store.write(|s| s.publications().reserve(&request)).unwrap();
        assert_eq!(matches!(outcome, ReserveOutcome::Published(_)), is_live, "{platform}: {outcome:?}");
    }
}

#[test]
fn rows_that_cannot_have_a_publication_are_named() {
    let shop = shop_of(&ShopDatabase::named("messy"));
    let report = shop.migrate(&["adopt", "--json"]).document(0);
    let reasons: Vec<_> =
        report["publications"]["rows"].as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert!(reasons.contains(&"its file does not exist"), "{reasons:?}");
    assert!(reasons.contains(&"it has no id at its platform"), "{reasons:?}");
    let orphans = report["orphans"].as_array().unwrap();
    assert!(orphans.iter().any(|orphan| orphan["table"] == "listings" && orphan["rows"] == 1), "{orphans:?}");
}

#[test]
fn the_account_of_a_platform_can_be_named() {
    let shop = shop_of(&ShopDatabase::named("clean"));
    shop.migrate(&["adopt", "--account", "etsy=prints"]).ends_with(0);
    let conn = &mut connection(&shop);
    let accounts = "SELECT DISTINCT platform || '=' || account AS line FROM publications WHERE account <> ''";
    assert_eq!(lines(conn, accounts), ["etsy=prints"]);
    for wrong in ["etsy", "=prints", "etsy="] {
        shop_of(&ShopDatabase::named("clean")).migrate(&["adopt", "--account", wrong]).ends_with(2);
    }
}

/// The spellings that a conversion rewrites.
fn convertible(conn: &mut SqliteConnection) -> i64 {
    let ids = ["files", "jobs", "listings", "social_posts"];
    let ids = ids.map(|table| format!("SELECT id AS word FROM {table} WHERE length(id) <> 36 OR id <> lower(id)"));
    let references = ["jobs", "processed_hashes", "listings", "social_posts", "publications"];
    let references = references
        .map(|table| format!("SELECT file_id FROM {table} WHERE length(file_id) <> 36 OR file_id <> lower(file_id)"));
    let words =
        ["files", "jobs", "listings"].map(|table| format!("SELECT status FROM {table} WHERE status <> lower(status)"));
    let all = [&ids[..], &references[..], &words[..]].concat().join(" UNION ALL ");
    number(conn, &format!("SELECT count(*) AS n FROM ({all})"))
}

#[test]
fn a_conversion_rewrites_ids_words_and_references_at_once_or_later() {
    for name in ["messy", "messy-typed"] {
        let [at_once, later] = [(), ()].map(|()| shop_of(&ShopDatabase::named(name)));
        at_once.migrate(&["adopt", "--convert"]).ends_with(0);
        later.migrate(&["adopt"]).ends_with(0);
        assert!(convertible(&mut connection(&later)) > 0, "{name}: the spelling stays for Python programs");
        let orphans = "SELECT count(*) AS n FROM pragma_foreign_key_check";
        let before = number(&mut connection(&later), orphans);
        let report = later.migrate(&["adopt", "--convert", "--json"]).document(0);
        assert_eq!(report["outcome"], "converted");
        for shop in [&at_once, &later] {
            let conn = &mut connection(shop);
            assert_eq!(convertible(conn), 0, "{name}");
            assert_eq!(number(conn, orphans), before);
            shop.migrate(&["status"]).ends_with(0);
        }
        assert_eq!(meanings(&mut connection(&at_once)), meanings(&mut connection(&later)));
        let again = later.migrate(&["adopt", "--convert", "--json"]).document(0);
        assert_eq!(again["rewritten"]["ids"], 0);
    }
}

#[test]
fn a_trigger_of_another_program_does_not_fire_and_stays() {
    let shop = shop_of(&ShopDatabase::named("messy-trigger"));
    let triggers = "SELECT sql AS line FROM sqlite_schema WHERE name = 'touch_files'";
    let before = lines(&mut connection(&shop), triggers);
    shop.migrate(&["adopt"]).ends_with(0);
    let conn = &mut connection(&shop);
    assert_eq!(lines(conn, triggers), before);
    assert_eq!(number(conn, "SELECT count(*) AS n FROM files WHERE updated_at LIKE '1999%'"), 0);
}

#[test]
fn a_database_that_cannot_be_adopted_is_named() {
    let shop = Shop::new();
    shop.migrate(&["adopt"]).ends_with(3);
    assert!(shop.listing().is_empty(), "nothing is created");
    shop.migrate(&["up"]).ends_with(0);
    let refused = shop.migrate(&["adopt"]);
    refused.ends_with(12);
    assert!(refused.err.contains("applied at 2"), "{}", refused.err);
    let empty = Shop::new();
    fs::create_dir(empty.folder().join("data")).unwrap();
    connection(&empty).batch_execute("CREATE TABLE notes (text TEXT)").unwrap();
    empty.migrate(&["adopt"]).ends_with(5);
    empty.command(&["adopt", "--database", ":memory:"], false).ends_with(2);
}

/// Multiplies the rows of `clean`, each with a time that an adoption rewrites.
pub(crate) fn grow(shop: &Shop, rows: u32) {
    connection(shop)
        .batch_execute(&format!(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO files (id, original_filename, status, metadata_json, created_at)
             SELECT printf('%08x-0000-4000-8000-000000000000', i), 'a.jpg', 'ingested',
                    '{{\"title\": \"' || hex(randomblob(200)) || '\"}}', '2026-11-23T14:05:09Z' FROM n"
        ))
        .unwrap();
}

#[test]
fn a_signal_during_an_adoption_leaves_no_copy() {
    let shop = shop_of(&ShopDatabase::named("clean"));
    grow(&shop, 20_000);
    let before = fs::read(shop.database()).unwrap();
    for (signal, command) in [("INT", "adopt"), ("TERM", "up"), ("HUP", "adopt")] {
        let is_there = || names(&shop).iter().any(|name| name.starts_with(".fieldfen-rehearsal-"));
        let mut child = shop.spawn(&[command]);
        wait_until("the adoption of the copy is under way", is_there);
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success()
        );
        assert_eq!(exit_status(&mut child).code(), None, "{signal} ends the process");
        assert!(names(&shop) == ["fieldfen.db"] && backups(&shop).is_empty(), "{signal}: {:?}", names(&shop));
        assert_eq!(fs::read(shop.database()).unwrap(), before, "{signal}");
    }
}

#[test]
fn an_importing_program_that_meets_such_a_database_adopts_it() {
    const BIRDS: MigrationFile =
        MigrationFile::new("20260102030405_birds", "CREATE TABLE birds (name TEXT)", "DROP TABLE birds");
    let shop = shop_of(&ShopDatabase::named("messy"));
    let before = meanings(&mut connection(&shop));
    let migrations = Migrations::fieldfen().with(MigrationSet::new("aviary", vec![BIRDS]).unwrap()).unwrap();
    let steps = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&steps);
    let migrator = Migrator::new(shop.url()).unwrap().migrations(migrations).observer(move |event| match event {
        MigrateEvent::Adopting { step, .. } => drop(seen.lock().unwrap().insert(format!("{step:?}"))),
        MigrateEvent::Copying { .. } => drop(seen.lock().unwrap().insert("Copying".to_owned())),
        _ => {}
    });
    let refused = migrator.up_to(&migrations::Target::Version("0004".to_owned())).unwrap_err();
    assert!(matches!(refused, MigrateError::Adopt(AdoptError::OnlyToNewest)), "{refused}");
    let outcome = migrator.up().unwrap();
    let report = outcome.adoption.unwrap();
    assert!(report.outcome == AdoptionOutcome::Adopted && report.publications.confirmed > 0, "{report:?}");
    assert!(outcome.backup.is_some_and(|backup| backup.starts_with(shop.folder().join("data/backups"))));
    assert_eq!(outcome.applied.last().unwrap().migration.version, "20260102030405");
    assert_eq!(*steps.lock().unwrap(), ["Confirming", "Copying", "Reading", "Rewriting"].map(str::to_owned).into());
    assert_eq!((meanings(&mut connection(&shop)), irregular_times(&mut connection(&shop))), (before, 0));
    let again = migrator.up().unwrap();
    assert!(again.adoption.is_none() && again.applied.is_empty());
}

#[test]
fn the_folder_of_backups_of_the_shop_is_honoured_and_rehearsal_and_backup_can_be_left_out() {
    let shop = shop_of(&ShopDatabase::named("clean"));
    fs::write(shop.folder().join("fieldfen.toml"), "[backups]\nfolder = \"kept\"\n").unwrap();
    let report = shop.migrate(&["adopt", "--json"]).document(0);
    assert!(report["backup"].as_str().unwrap().starts_with("kept/fieldfen-before-migration-"), "{report:#}");
    assert!(!shop.folder().join("backups").exists());

    let shop = shop_of(&ShopDatabase::named("clean"));
    let report = shop.migrate(&["adopt", "--no-rehearsal", "--no-backup", "--json"]).document(0);
    assert_eq!((report["outcome"].as_str(), &report["backup"]), (Some("adopted"), &serde_json::Value::Null));
    assert!(backups(&shop).is_empty());
    shop.migrate(&["adopt", "--dry-run", "--no-rehearsal"]).ends_with(2);
}

#[test]
fn two_adoptions_at_once_adopt_once() {
    let shop = shop_of(&ShopDatabase::named("messy"));
    let children = [shop.spawn(&["adopt", "--json", "--no-backup"]), shop.spawn(&["adopt", "--json", "--no-backup"])];
    let ended =
        children.map(|child| crate::shop_harness::ProgramOutput::from(fieldfen_testkit::wait::output_of(child)));
    let codes: Vec<_> = ended.iter().map(|ended| ended.code).collect();
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 12].contains(code)), "{ended:?}");
    assert_eq!(
        number(&mut connection(&shop), "SELECT count(*) AS n FROM __fieldfen_migrations WHERE how = 'adopted'"),
        1
    );
    shop.migrate(&["status"]).ends_with(0);
}

#[test]
fn the_fixtures_have_rows_in_every_table() {
    let shop = shop_of(&ShopDatabase::named("messy"));
    for (table, _) in TIMES {
        assert!(number(&mut connection(&shop), &format!("SELECT count(*) AS n FROM {table}")) > 0, "{table}");
    }
}
