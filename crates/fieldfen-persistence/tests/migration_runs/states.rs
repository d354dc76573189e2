//! Pending, edited, missing, out of order: what a run refuses, and what the ledger says.

use diesel::connection::SimpleConnection as _;
use fieldfen_persistence::migrations::MigrationState;

use super::*;

const EGGS: &str = "CREATE TABLE eggs (n)";
const NESTS: &str = "CREATE TABLE nests (n)";

fn states(shop: &Shop, migrations: &Migrations) -> Vec<(String, MigrationState)> {
    let status = migrations.status(&mut shop.conn()).unwrap();
    let others = status.into_iter().filter(|status| status.migration.version.len() != 4);
    others.map(|status| (status.migration.version, status.state)).collect()
}

fn eggs() -> MigrationFile {
    file(2, EGGS, "DROP TABLE eggs")
}

#[test]
fn listing_writes_nothing() {
    let shop = Shop { folder: tempfile::tempdir().unwrap() };
    let mut conn = connect(&SqliteUrl::from(shop.path().as_path()), OpenMode::CreateIfMissing).unwrap();
    conn.batch_execute("CREATE TABLE t (n)").unwrap();
    drop(conn);
    let before = shop.bytes();
    let migrations = sets(vec![eggs()]);
    let mut conn = shop.conn();
    migrations.status(&mut conn).unwrap();
    migrations.inspect(&mut conn).unwrap();
    assert_eq!(migrations.plan(&mut conn, &Target::Newest).unwrap().len(), 20);
    drop(conn);
    assert!(shop.bytes() == before);
}

#[test]
fn an_edited_migration_is_refused_until_it_is_accepted() {
    let shop = Shop::new();
    shop.run(&sets(vec![eggs()])).unwrap();
    let layout = file(2, "-- a comment\r\nCREATE  TABLE eggs(n) ", "DROP TABLE\teggs");
    assert_eq!(states(&shop, &sets(vec![layout])), [("20260101000002".to_owned(), MigrationState::Applied)]);
    let edited = file(2, "CREATE TABLE eggs (n, m)", "DROP TABLE eggs");
    let migrations = sets(vec![edited, file(3, NESTS, "DROP TABLE nests")]);
    let error = shop.refused(&migrations, Target::Newest).to_string();
    assert!(error.contains("20260101000002_birds") && error.contains("fieldfen-migrate repair VERSION"), "{error}");
    assert!(!migrations.repair(&mut shop.conn(), "20260101000003", "Ada").unwrap());
    assert!(migrations.repair(&mut shop.conn(), "20260101000002", "Ada").unwrap());
    let status = migrations.status(&mut shop.conn()).unwrap();
    let entry = status.into_iter().find(|one| one.migration.version == "20260101000002").unwrap().ledger.unwrap();
    assert!(entry.repaired_by.as_deref() == Some("Ada") && entry.repaired_at.is_some(), "{entry:?}");
    assert_eq!(shop.run(&migrations).unwrap().applied.len(), 1);
}

#[test]
fn a_deleted_migration_and_one_out_of_order_are_refused() {
    let shop = Shop::new();
    shop.run(&sets(vec![eggs()])).unwrap();
    let deleted = sets(vec![file(3, NESTS, "DROP TABLE nests")]);
    assert_eq!(states(&shop, &deleted)[0], ("20260101000002".to_owned(), MigrationState::Missing));
    let error = shop.refused(&deleted, Target::Newest).to_string();
    assert!(error.contains("20260101000002_birds") && error.contains("files are gone"), "{error}");
    let late = sets(vec![file(1, NESTS, "DROP TABLE nests"), eggs()]);
    assert_eq!(states(&shop, &late)[0].1, MigrationState::OutOfOrder);
    let error = shop.refused(&late, Target::Newest).to_string();
    assert!(error.contains("lacks 20260101000001_birds") && error.contains("newer 20260101000002_birds"), "{error}");
    // The same for fieldfen's own: 0003 without 0002 is not applied in silence.
    shop.conn().batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = '0018'").unwrap();
    let error = shop.refused(&Migrations::fieldfen(), Target::Newest).to_string();
    assert!(error.contains("lacks 0018_bulk_actions"), "{error}");
}

#[test]
fn migrations_of_programs_that_were_not_given_are_left_alone() {
    let shop = Shop::new();
    shop.run(&sets(vec![eggs()])).unwrap();
    shop.conn().batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20200101000000')").unwrap();
    let own = Migrations::fieldfen();
    let expected = ["20200101000000", "20260101000002"].map(|one| (one.to_owned(), MigrationState::OfAnotherProgram));
    assert_eq!(states(&shop, &own), expected);
    assert_eq!(shop.run(&own).unwrap(), RunReport::default());
    let report = MigrationRun::new(&own).target(Target::Down(1)).run(&mut shop.conn()).unwrap();
    assert_eq!(report.reverted[0].migration, fieldfen_persistence::migrations::newest());
}

#[test]
fn a_newer_version_of_fieldfen_is_refused_with_both_versions() {
    let shop = Shop::new();
    shop.conn().batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
    let error = shop.refused(&Migrations::fieldfen(), Target::Newest).to_string();
    let newest = fieldfen_persistence::migrations::newest().to_string();
    assert!(error.contains("9999") && error.contains(&newest), "{error}");
}

#[test]
fn the_ledger_says_what_was_applied_when_by_which_tool_and_where_the_backup_is() {
    let shop = Shop::new();
    let migrations = sets(vec![eggs()]);
    let run = MigrationRun::new(&migrations).tool("aviary 1.2").backup("/backups/before.db");
    run.run(&mut shop.conn()).unwrap();
    let status = migrations.status(&mut shop.conn()).unwrap();
    let last = status.last().unwrap();
    let entry = last.ledger.clone().unwrap();
    assert_eq!((entry.program.as_str(), entry.how.as_str(), entry.tool.as_str()), ("aviary", "applied", "aviary 1.2"));
    assert_eq!(entry.backup.as_deref(), Some("/backups/before.db"));
    assert_eq!(entry.up_digest, eggs().up_digest().as_str());
    assert!(entry.applied_at.is_some() && entry.took.is_some() && !entry.is_stale, "{entry:?}");
    // A migration of the time before the ledger gets a row at the next run.
    let mut conn = shop.conn();
    conn.batch_execute("DROP TABLE __fieldfen_migrations").unwrap();
    assert!(migrations.status(&mut conn).unwrap().iter().all(|status| status.ledger.is_none() && status.applied));
    assert_eq!(shop.run(&migrations).unwrap(), RunReport::default());
    let rows = "SELECT count(*) FROM __fieldfen_migrations WHERE how = 'before ledger' AND applied_at IS NULL";
    assert_eq!(number(&mut conn, rows), 20);
}

#[test]
fn what_diesel_cli_reverts_or_applies_makes_the_row_stale() {
    let shop = Shop::new();
    let migrations = sets(vec![eggs()]);
    shop.run(&migrations).unwrap();
    // As `diesel migration revert` and `diesel migration run` do it.
    let mut conn = shop.conn();
    conn.batch_execute("DROP TABLE eggs; DELETE FROM __diesel_schema_migrations WHERE version = '20260101000002'")
        .unwrap();
    let last = |shop: &Shop| migrations.status(&mut shop.conn()).unwrap().pop().unwrap();
    assert!(last(&shop).state == MigrationState::Pending && last(&shop).ledger.unwrap().is_stale);
    conn.batch_execute(
        "CREATE TABLE eggs (n); INSERT INTO __diesel_schema_migrations VALUES ('20260101000002', '2020-01-01 00:00:00')",
    )
    .unwrap();
    let edited = sets(vec![file(2, "CREATE TABLE eggs (n, m)", "DROP TABLE eggs")]);
    let status = edited.status(&mut conn).unwrap().pop().unwrap();
    assert!(status.state == MigrationState::Applied && status.ledger.unwrap().is_stale, "nobody knows the text");
    assert_eq!(
        text(&mut conn, "SELECT tool FROM __fieldfen_migrations LIMIT 1").unwrap().split(' ').next(),
        Some("fieldfen-persistence")
    );
}
