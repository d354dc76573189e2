//! Sets of importing programs: their versions, names and texts, and folders in the layout of diesel.

use std::fs;
use std::path::Path;

use super::*;

fn refused(files: Vec<MigrationFile>) -> String {
    MigrationSet::new("aviary", files).unwrap_err().to_string()
}

fn named(folder: &'static str) -> MigrationFile {
    MigrationFile::new(folder, "SELECT 1", "SELECT 1")
}

#[test]
fn what_is_no_set_is_named() {
    for (files, expected) in [
        (vec![named("0020_birds")], "0020_birds\": the version of an importing program's migration must have fourteen"),
        (vec![named("2026010100000x_birds")], "fourteen digits"),
        (vec![named("20260101000000")], "the name after the version"),
        (vec![named("20260101000000_bi/rds")], "the name after the version"),
        (
            vec![named("20260101000000_b"), named("20260101000000_a")],
            "20260101000000_a and 20260101000000_b have the same version",
        ),
        (vec![file(1, "-- nothing\n;", "SELECT 1")], "up.sql of migration 20260101000001_birds has no statement"),
        (vec![file(1, "SELECT 1", " ")], "down.sql of migration 20260101000001_birds has no statement"),
        (vec![file(1, "SELECT 1; COMMIT; SELECT 2", "SELECT 1")], "\"COMMIT;\", which ends the transaction"),
        (vec![file(1, "SELECT 1", "VACUUM")], "\"VACUUM\""),
        (vec![file(1, "-- fieldfen:changes jobs\nSELECT 1", "SELECT 1")], "`-- fieldfen:changes TABLE because REASON`"),
    ] {
        let error = refused(files);
        assert!(error.contains(expected), "{error}");
    }
    let mut deleting = file(1, "SELECT 1", "SELECT 1");
    deleting.checks = Some("DELETE FROM jobs".into());
    assert!(refused(vec![deleting]).contains("which is no SELECT"));
    for program in ["", "fieldfen", "a b"] {
        assert!(MigrationSet::new(program, Vec::new()).is_err(), "{program:?}");
    }
    let trigger = "CREATE TRIGGER t AFTER INSERT ON jobs BEGIN SELECT 1; END;";
    MigrationSet::new("aviary", vec![file(1, trigger, "DROP TRIGGER t")]).unwrap();
}

#[test]
fn two_sets_share_neither_name_nor_version() {
    let set = |name: &str| MigrationSet::new(name, vec![file(1, "SELECT 1", "SELECT 1")]).unwrap();
    let twice = Migrations::fieldfen().with(set("aviary")).unwrap().with(set("aviary")).unwrap_err();
    assert!(twice.to_string().contains("was given to another set"), "{twice}");
    let same = Migrations::fieldfen().with(set("aviary")).unwrap().with(set("zoo")).unwrap_err();
    assert!(same.to_string().contains("20260101000001_birds of aviary and 20260101000001_birds of zoo"), "{same}");
}

fn write(folder: &Path, name: &str, files: &[(&str, &str)]) {
    fs::create_dir_all(folder.join(name)).unwrap();
    for (file, content) in files {
        fs::write(folder.join(name).join(file), content).unwrap();
    }
}

#[test]
fn a_folder_of_diesel_is_read_and_what_it_lacks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let read = || MigrationSet::read_folder("aviary", folder.path());
    let good =
        [("up.sql", "CREATE TABLE eggs (n)"), ("down.sql", "DROP TABLE eggs"), ("checks.sql", "SELECT 1 WHERE 0")];
    write(folder.path(), "2026-01-01-000001_eggs", &good);
    fs::write(folder.path().join("migrations.sum"), "").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::create_dir(folder.path().join(".hidden")).unwrap();
    let set = read().unwrap();
    assert_eq!(set.migrations()[0].migration().to_string(), "20260101000001_eggs");
    assert_eq!(set.migrations()[0].checks.as_deref(), Some("SELECT 1 WHERE 0"));
    for (files, expected) in [
        (&[("down.sql", "SELECT 1")][..], "up.sql of migration 20260101000002_x is missing"),
        (&[("up.sql", "SELECT 1")], "down.sql of migration 20260101000002_x is missing"),
        (
            &[("up.sql", "SELECT 1"), ("down.sql", "SELECT 1"), ("metadata.toml", "")],
            "metadata.toml of migration 20260101000002_x switches the transaction off",
        ),
        (
            &[("up.sql", "SELECT 1"), ("down.sql", "SELECT 1"), ("metadata.toml", "run_in_transaction = false")],
            "switches the transaction off",
        ),
        (&[("up.sql", "SELECT 1"), ("down.sql", "SELECT 1"), ("metadata.toml", "what")], "cannot be read"),
    ] {
        write(folder.path(), "20260101000002_x", files);
        let error = read().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        fs::remove_dir_all(folder.path().join("20260101000002_x")).unwrap();
    }
    let kept = [good[0], good[1], ("metadata.toml", "run_in_transaction = true")];
    write(folder.path(), "20260101000002_x", &kept);
    assert_eq!(read().unwrap().migrations().len(), 2);
    write(folder.path(), "2026-0101000002_y", &kept);
    let error = read().unwrap_err().to_string();
    assert!(error.contains("20260101000002_x and 20260101000002_y have the same version"), "{error}");
}

#[test]
fn the_sum_changes_with_every_file_and_not_with_comments() {
    let sum = |files| MigrationSet::new("aviary", files).unwrap().sum();
    let (first, second) =
        (file(1, "CREATE TABLE a (n)", "DROP TABLE a"), file(2, "CREATE TABLE b (n)", "DROP TABLE b"));
    let all = sum(vec![first.clone(), second.clone()]);
    assert_eq!(all.lines().count(), 3);
    assert_eq!(
        all,
        sum(vec![second.clone(), file(1, "-- why\nCREATE TABLE a(n);", "DROP TABLE a")]
            .into_iter()
            .map(|mut one| {
                one.up = one.up.trim_end_matches(';').to_owned().into();
                one
            })
            .collect())
    );
    let edited = sum(vec![first, file(2, "CREATE TABLE b (n)", "DROP TABLE IF EXISTS b")]);
    let differing = all.lines().zip(edited.lines()).filter(|(a, b)| a != b).count();
    assert_eq!(differing, 2, "the line of the migration and the line over all");
}
