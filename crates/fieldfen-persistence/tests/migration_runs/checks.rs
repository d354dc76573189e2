//! `checks.sql`: assertions on the data that run before the migration.

use super::*;

fn with_checks(checks: &str) -> Migrations {
    let mut file = file(1, "CREATE UNIQUE INDEX i ON feathers (file_id)", "DROP INDEX i");
    file.checks = Some(checks.to_owned().into());
    sets(vec![file])
}

#[test]
fn the_rows_that_a_check_returns_are_named() {
    let shop = Shop::new();
    let checks = "-- each file has one feather\nSELECT file_id, count(*) AS feathers FROM feathers GROUP BY 1 HAVING count(*) > 1;
                  SELECT id, colour FROM feathers; -- passes\nSELECT 1 WHERE 0;";
    let error = shop.refused(&with_checks(checks), Target::Newest);
    let MigrationError::ChecksFailed { failed, .. } = &error else { panic!("{error:?}") };
    assert_eq!(failed.len(), 2);
    assert_eq!((failed[0].check.as_str(), failed[0].total), ("each file has one feather", 1));
    assert_eq!(failed[0].rows, ["file_id=\"f\", feathers=2"]);
    assert_eq!((failed[1].check.as_str(), failed[1].total), ("check 2", 3));
    assert!(failed[1].rows.contains(&"id=3, colour=NULL".to_owned()), "{error}");
    assert!(error.to_string().contains("20260101000001_birds"), "{error}");
}

#[test]
fn a_check_cannot_write_and_one_that_passes_lets_the_migration_run() {
    let shop = Shop::new();
    let writing = "WITH x AS (SELECT 1) DELETE FROM feathers";
    let error = shop.refused(&with_checks(writing), Target::Newest);
    assert!(matches!(&error, MigrationError::CheckError { check, .. } if check == "check 1"), "{error:?}");
    let mut file = file(1, "CREATE INDEX i ON feathers (file_id)", "DROP INDEX i");
    file.checks = Some("SELECT 1 WHERE 0".into());
    shop.run(&sets(vec![file])).unwrap();
}
