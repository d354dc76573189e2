//! The guard: what was there before is there afterwards, or the run is rolled back.

use diesel::connection::SimpleConnection as _;
use fieldfen_persistence::migrations::{DataLoss, MigrationEvent, MigrationRun, Target};

use super::*;

const DROP_COLUMN: &str = "DROP VIEW feathered; DROP TRIGGER paint; DROP INDEX idx_feathers_colour;
    ALTER TABLE feathers DROP COLUMN colour";

#[test]
fn a_migration_that_changes_what_was_there_is_rolled_back() {
    let shop = Shop::new();
    for (up, expected) in [
        // One row of one table is lost.
        ("DELETE FROM feathers WHERE id = 2", "table feathers had 3 rows and has 2 now"),
        ("INSERT INTO painted VALUES ('green')", "table painted had 0 rows and has 1 now"),
        ("UPDATE feathers SET colour = 'BLUE' WHERE id = 2", "table feathers has 3 rows as before, but other values"),
        // The sum of the values stays the same.
        ("UPDATE jobs SET file_id = iif(file_id = 'f', 'g', 'f')", "table jobs has 2 rows as before, but other values"),
        ("UPDATE feathers SET colour = '' WHERE colour IS NULL", "table feathers has 3 rows as before"),
        ("UPDATE files SET width = '7' WHERE id = 'f'", "table files has 2 rows as before, but other values"),
        ("DROP TABLE painted", "table painted with 0 rows is gone"),
        ("ALTER TABLE feathers RENAME TO plumes", "table feathers with 3 rows is gone"),
        (DROP_COLUMN, "column feathers.colour is gone"),
        ("ALTER TABLE feathers RENAME COLUMN colour TO color", "column feathers.colour is gone"),
        ("UPDATE feathers SET id = 9 WHERE id = 3", "table feathers has 3 rows as before"),
    ] {
        let migrations = one(up, "SELECT 1");
        let error = shop.refused(&migrations, Target::Newest).to_string();
        assert!(error.contains(expected) && error.contains("20260101000001_birds"), "{up}: {error}");
    }
}

#[test]
fn a_declaration_allows_the_change_of_its_table_in_its_migration_alone() {
    let shop = Shop::new();
    let declared =
        "-- fieldfen:changes feathers because blue is a structural colour\nDELETE FROM feathers WHERE id = 2";
    let then = |up: &str| sets(vec![file(1, declared, "SELECT 1"), file(2, up, "SELECT 1")]);
    for (before_or_after, expected) in [
        ("DELETE FROM feathers WHERE id = 1", "table feathers had 2 rows and has 1 now"),
        ("DELETE FROM jobs WHERE id = 'j'", "table jobs had 2 rows and has 1 now"),
    ] {
        let error = shop.refused(&then(before_or_after), Target::Newest).to_string();
        assert!(error.contains(expected), "{error}");
    }
    // The migration before the declared one is compared just before it.
    let first = sets(vec![file(1, "UPDATE feathers SET colour = 'x'", "SELECT 1"), file(2, declared, "SELECT 1")]);
    let error = shop.refused(&first, Target::Newest).to_string();
    assert!(error.contains("applying 20260101000001_birds changed") && error.contains("table feathers"), "{error}");
    shop.run(&then("CREATE TABLE eggs (n)")).unwrap();
    assert_eq!(number(&mut shop.conn(), "SELECT sum(id) FROM feathers"), 4);
}

#[test]
fn the_error_names_the_one_migration_that_made_the_change() {
    let shop = Shop::new();
    let harmless = |version: u64| file(version, &format!("CREATE TABLE harmless_{version} (n)"), "SELECT 1");
    for (up, expected) in [
        ("DELETE FROM feathers WHERE id = 2", "table feathers had 3 rows and has 2 now"),
        ("UPDATE feathers SET colour = 'x' WHERE id = 2", "other values"),
        ("DROP TABLE painted", "table painted with 0 rows is gone"),
        ("DROP TABLE painted; CREATE TABLE painted (n)", "column painted.colour is gone"),
        ("UPDATE feathers SET file_id = 'nowhere' WHERE id = 1", "refer to no row of files: 'nowhere'"),
        ("DROP TABLE jobs", "table jobs with 2 rows is gone"),
    ] {
        // The view is broken between the first and the last migration, which is no finding.
        let first = file(1, "ALTER TABLE files ADD COLUMN plume; DROP VIEW feathered", "SELECT 1");
        let last = file(9, "CREATE VIEW feathered AS SELECT id, colour FROM feathers", "SELECT 1");
        let second = file(4, up, "SELECT 1");
        let files = vec![first, harmless(2), harmless(3), second, harmless(5), last];
        let MigrationError::Guard(report) = shop.refused(&sets(files), Target::Newest) else { panic!("{up}") };
        let named: Vec<_> = report.migrations.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["20260101000004_birds"], "{up}: {report}");
        assert!(report.to_string().contains(expected), "{up}: {report}");
    }
    // Of two, the first is named.
    let both = |version| file(version, "DELETE FROM feathers WHERE id = (SELECT max(id) FROM feathers)", "SELECT 1");
    let files = vec![harmless(1), both(2), harmless(3), both(4)];
    let error = shop.refused(&sets(files), Target::Newest).to_string();
    assert!(error.starts_with("applying 20260101000002_birds changed") && error.contains("has 2 now"), "{error}");
}

#[test]
fn a_migration_without_findings_is_compared_twice_and_runs_once() {
    let shop = Shop::new();
    let (mut compared, mut started) = (0, 0);
    let migrations =
        sets(vec![file(1, "CREATE TABLE a (n)", "DROP TABLE a"), file(2, "CREATE TABLE b (n)", "DROP TABLE b")]);
    let observer = |event: &MigrationEvent<'_>| match event {
        MigrationEvent::Digesting { table: "feathers", is_done: true, .. } => compared += 1,
        MigrationEvent::Started { .. } => started += 1,
        _ => {}
    };
    MigrationRun::new(&migrations).observer(observer).run(&mut shop.conn()).unwrap();
    assert_eq!((compared, started), (2, 2));
}

#[test]
fn a_reversal_of_an_importing_program_that_loses_what_it_declares_needs_permission() {
    let shop = Shop::new();
    let declared = "-- fieldfen:changes feathers because the old program knows no colours\n";
    for (down, lost) in [
        ("DELETE FROM feathers WHERE id > 1", "rows of feathers: 2"),
        (DROP_COLUMN, "rows with feathers.colour: 2"),
        ("DROP VIEW feathered; DROP TABLE feathers", "rows of feathers: 3"),
    ] {
        let migrations = one("CREATE TABLE eggs (n)", &format!("{declared}{down}; DROP TABLE eggs"));
        shop.run(&migrations).unwrap();
        let error = shop.refused(&migrations, Target::Down(1));
        assert!(matches!(error, MigrationError::DataLoss(_)), "{down}: {error}");
        let error = error.to_string();
        assert!(error.contains(lost) && error.contains("because the old program knows no colours"), "{down}: {error}");
        let run = MigrationRun::new(&migrations).target(Target::Down(1)).data_loss(DataLoss::Allow);
        run.run(&mut Shop::copy_of(&shop).conn()).unwrap();
        let good = one("CREATE TABLE eggs (n)", "DROP TABLE eggs");
        assert!(good.repair(&mut shop.conn(), "20260101000001", "Ada").unwrap());
        MigrationRun::new(&good).target(Target::Down(1)).run(&mut shop.conn()).unwrap();
    }
}

#[test]
fn additions_and_a_change_of_new_columns_need_no_declaration() {
    let shop = Shop::new();
    let migrations = one(
        "ALTER TABLE feathers ADD COLUMN length INTEGER NOT NULL DEFAULT 0; DROP TRIGGER paint; UPDATE feathers SET length = id;
         CREATE INDEX idx_feathers_length ON feathers (length); DROP INDEX idx_feathers_colour;
         CREATE TABLE eggs (n); INSERT INTO eggs VALUES (1)",
        "DROP INDEX idx_feathers_length; ALTER TABLE feathers DROP COLUMN length; DROP TABLE eggs",
    );
    shop.run(&migrations).unwrap();
    let losses = migrations.losses(&mut shop.conn(), &Target::Down(1)).unwrap();
    let losses: Vec<_> = losses.iter().map(|loss| (loss.what.as_str(), loss.rows)).collect();
    assert_eq!(losses, [("rows of eggs", 1), ("rows with feathers.length", 3)]);
    let error = shop.refused(&migrations, Target::Down(1)).to_string();
    assert!(error.contains("rows of eggs: 1"), "{error}");
    let run = MigrationRun::new(&migrations).target(Target::Down(1));
    let report = run.data_loss(DataLoss::Allow).run(&mut shop.conn()).unwrap();
    assert_eq!(report.reverted.len(), 1);
}

#[test]
fn down_may_remove_what_up_has_created_and_nothing_else() {
    let shop = Shop::new();
    for (down, expected) in [
        ("DROP TABLE eggs; DELETE FROM feathers WHERE id = 1", "table feathers had 3 rows and has 2 now"),
        ("DROP TABLE eggs; DROP TABLE painted", "table painted with 0 rows is gone"),
        (&format!("DROP TABLE eggs; {DROP_COLUMN}"), "column feathers.colour is gone"),
    ] {
        let migrations = one("CREATE TABLE eggs (n)", down);
        shop.run(&migrations).unwrap();
        let error = shop.refused(&migrations, Target::Down(1)).to_string();
        assert!(error.contains(expected) && error.contains("down.sql must declare"), "{error}");
        let good = one("CREATE TABLE eggs (n)", "DROP TABLE eggs");
        assert!(good.repair(&mut shop.conn(), "20260101000001", "Ada").unwrap());
        MigrationRun::new(&good).target(Target::Down(1)).run(&mut shop.conn()).unwrap();
    }
}

#[test]
fn rows_of_all_kinds_are_compared() {
    let shop = Shop::new();
    let rows = "CREATE TABLE kinds (a, b); CREATE TABLE keyed (a TEXT PRIMARY KEY, b) WITHOUT ROWID; CREATE TABLE \"odd \"\"name\" (\"a \"\"b\");
        CREATE TABLE generated (a, b AS (a || 'y') VIRTUAL, c AS (a || 'x') STORED);
        INSERT INTO kinds VALUES (1, 1.5), ('1', x'01'), (NULL, ''), (x'', CAST(x'e9' AS TEXT)), (-0.0, char(0, 65)), (char(65533), 1),
            (9223372036854775807, zeroblob(100000));
        INSERT INTO keyed VALUES ('a', 1); INSERT INTO \"odd \"\"name\" VALUES (1); INSERT INTO generated VALUES ('x')";
    shop.conn().batch_execute(rows).unwrap();
    shop.run(&one("CREATE TABLE eggs (n)", "DROP TABLE eggs")).unwrap();
    for change in [
        "UPDATE kinds SET a = '1' WHERE a = 1 AND typeof(a) = 'integer'",
        "UPDATE kinds SET a = 1.0 WHERE a = 1 AND typeof(a) = 'integer'",
        "UPDATE kinds SET b = NULL WHERE b = ''",
        "UPDATE kinds SET b = x'' WHERE b = ''",
        "UPDATE kinds SET b = CAST(x'e8' AS TEXT) WHERE CAST(b AS BLOB) = x'e9'",
        "UPDATE kinds SET b = char(0, 66) WHERE b = char(0, 65)",
        "UPDATE kinds SET b = zeroblob(100001) WHERE length(b) = 100000",
        "UPDATE keyed SET b = 2",
        "UPDATE \"odd \"\"name\" SET \"a \"\"b\" = 2",
        "UPDATE generated SET a = 'none'",
    ] {
        let migrations = sets(vec![file(1, "CREATE TABLE eggs (n)", "DROP TABLE eggs"), file(2, change, "SELECT 1")]);
        let findings = shop.stopped(&migrations, Target::Newest);
        assert!(
            matches!(&findings[..], [GuardFinding::Rows { before, after, .. }] if before.rows == after.rows),
            "{change}"
        );
    }
}

#[test]
fn the_progress_of_a_run_is_reported_and_an_observer_that_panics_does_not_end_it() {
    let shop = Shop::new();
    let mut events = Vec::new();
    let migrations = one("CREATE TABLE eggs (n)", "DROP TABLE eggs");
    let observer = |event: &MigrationEvent<'_>| {
        events.push(format!("{event:?}"));
        panic!("nobody reads this");
    };
    let report = MigrationRun::new(&migrations).observer(observer).run(&mut shop.conn()).unwrap();
    for expected in ["Digesting { table: \"feathers\", rows: 3, is_done: true }", "Started", "Finished", "Committing"] {
        assert!(events.iter().any(|event| event.starts_with(expected)), "{expected}: {events:#?}");
    }
    assert!(report.applied[0].grown_bytes > 0, "{report:?}");
}
