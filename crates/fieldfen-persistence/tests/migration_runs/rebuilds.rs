//! Tables that are rebuilt: new table, copy, drop, rename. Other tables, views and triggers depend on them.

use diesel::connection::SimpleConnection as _;

use super::*;

/// Rebuilds `files` as <https://sqlite.org/lang_altertable.html>, section 7, describes it.
pub(crate) const REBUILD: &str = "
    CREATE TABLE files_new (id TEXT PRIMARY KEY, original_filename TEXT NOT NULL, processed_filename TEXT, species TEXT, status TEXT NOT NULL,
        drive_file_id TEXT, metadata_json TEXT, width INTEGER, height INTEGER, aspect_ratio TEXT,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    INSERT INTO files_new SELECT id, original_filename, processed_filename, species, status, drive_file_id, metadata_json, width, height,
        aspect_ratio, created_at, updated_at FROM files;
    DROP TABLE files;
    ALTER TABLE files_new RENAME TO files;
    CREATE INDEX idx_files_status ON files(status); CREATE INDEX idx_files_species ON files(species);
    CREATE INDEX idx_files_drive_file_id ON files(drive_file_id);";

/// A database with the specification's tables alone, in which `feathers` refers to `files` with ON DELETE CASCADE.
pub(crate) fn specification() -> Shop {
    let shop = Shop { folder: tempfile::tempdir().unwrap() };
    let mut conn = connect(&SqliteUrl::from(shop.path().as_path()), OpenMode::CreateIfMissing).unwrap();
    let own = Migrations::fieldfen();
    MigrationRun::new(&own).target(Target::Version("0001".to_owned())).run(&mut conn).unwrap();
    conn.batch_execute(ROWS).unwrap();
    shop
}

fn rebuild(rest: &str) -> Migrations {
    one(&format!("DROP VIEW feathered; {REBUILD} {rest}"), "SELECT 1")
}

fn up(shop: &Shop, migrations: &Migrations) -> Result<RunReport, MigrationError> {
    let target = Target::Version("20260101000001".to_owned());
    MigrationRun::new(migrations).target(target).run(&mut shop.conn())
}

const VIEW: &str = "CREATE VIEW feathered AS SELECT f.id, colour FROM files AS f JOIN feathers ON file_id = f.id;";

#[test]
fn a_rebuilt_table_takes_no_rows_of_its_children_along() {
    let shop = specification();
    // The hazard: with foreign keys on, the same statements empty the child table, and no check complains.
    let mut conn = shop.conn();
    conn.batch_execute(&format!("BEGIN; PRAGMA defer_foreign_keys = ON; DROP VIEW feathered; {REBUILD}")).unwrap();
    assert_eq!(number(&mut conn, "SELECT count(*) FROM feathers"), 0);
    assert_eq!(number(&mut conn, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    conn.batch_execute("ROLLBACK").unwrap();
    drop(conn);

    up(&shop, &rebuild(VIEW)).unwrap();
    let mut conn = shop.conn();
    assert_eq!(number(&mut conn, "SELECT count(*) FROM feathers"), 3);
    assert_eq!(number(&mut conn, "SELECT count(*) FROM jobs"), 2);
    assert_eq!(number(&mut conn, "SELECT count(*) FROM feathered"), 3);
}

#[test]
fn indexes_triggers_and_views_that_a_rebuild_takes_along_are_named() {
    let shop = specification();
    shop.conn()
        .batch_execute(
            "CREATE TRIGGER theirs AFTER DELETE ON files BEGIN SELECT 1; END; CREATE INDEX theirs_too ON files(width)",
        )
        .unwrap();
    let target = || Target::Version("20260101000001".to_owned());
    let findings = shop.stopped(&rebuild(VIEW), target());
    let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings, ["index theirs_too of table files is gone", "trigger theirs of table files is gone"]);
    // The same view again is fine; a view of columns that are gone is not.
    let broken = "CREATE VIEW feathered AS SELECT plume FROM feathers;";
    let findings = shop.stopped(&rebuild(broken), target());
    assert!(findings.iter().any(|one| one.to_string().contains("view feathered cannot be compiled")), "{findings:?}");
    let back = format!(
        "{VIEW} CREATE TRIGGER theirs AFTER DELETE ON files BEGIN SELECT 1; END; CREATE INDEX theirs_too ON files(width)"
    );
    up(&shop, &rebuild(&back)).unwrap();
}

#[test]
fn an_index_trigger_or_view_that_a_rebuild_creates_differently_is_named_unless_the_text_drops_it() {
    let shop = specification();
    shop.conn()
        .batch_execute(
            "CREATE TRIGGER theirs AFTER DELETE ON files BEGIN SELECT 1; END;
             CREATE UNIQUE INDEX theirs_too ON files(width) WHERE width IS NOT NULL",
        )
        .unwrap();
    let target = || Target::Version("20260101000001".to_owned());
    let trigger = "create trigger Theirs after delete on \"files\" begin select 1; end;";
    let index = "CREATE UNIQUE INDEX IF NOT EXISTS theirs_too ON files (width) /* wide */ WHERE width IS NOT NULL;";
    for (again, expected) in [
        // Without UNIQUE, without the condition, on another column, with another statement.
        (format!("{trigger} CREATE INDEX theirs_too ON files(width) WHERE width IS NOT NULL"), "index theirs_too"),
        (format!("{trigger} CREATE UNIQUE INDEX theirs_too ON files(width)"), "index theirs_too"),
        (format!("{trigger} {}", index.replace("(width)", "(height)")), "index theirs_too"),
        (format!("{} {index}", trigger.replace("select 1", "select 2")), "trigger theirs"),
    ] {
        let findings = shop.stopped(&rebuild(&format!("{VIEW} {again}")), target());
        let said: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].starts_with(&format!("{expected} is another one: CREATE")), "{said:?}");
        assert!(matches!(&findings[0], GuardFinding::ObjectChanged { table, .. } if table == "files"), "{findings:?}");
    }
    // `rebuild` drops the view by its name, so that it may become another one.
    let view = "CREATE VIEW feathered AS SELECT id FROM files;";
    let dropped = format!("{view} {trigger} {index} DROP INDEX theirs_too; CREATE INDEX theirs_too ON files(height)");
    up(&shop, &rebuild(&dropped)).unwrap();
    assert_eq!(number(&mut shop.conn(), "SELECT count(*) FROM feathered"), 2);
}

#[test]
fn the_texts_that_sqlite_rewrites_for_a_renamed_column_or_table_are_no_finding() {
    let shop = specification();
    let declared = "-- fieldfen:changes feathers because of the spelling\n";
    let renamed = format!("{declared}ALTER TABLE feathers RENAME COLUMN colour TO color");
    up(&shop, &one(&renamed, "SELECT 1")).unwrap();
    let index = "SELECT sql FROM sqlite_schema WHERE name = 'idx_feathers_colour'";
    assert!(text(&mut shop.conn(), index).unwrap().contains("color)"));
    let again = "-- fieldfen:changes feathers because plumes are more\nALTER TABLE feathers RENAME TO plumage;
                 ALTER TABLE plumage RENAME TO plumes";
    let migrations = sets(vec![file(1, &renamed, "SELECT 1"), file(2, again, "SELECT 1")]);
    let newest = Target::Version("20260101000002".to_owned());
    MigrationRun::new(&migrations).target(newest).run(&mut shop.conn()).unwrap();
    // The view still reads the old table, which a rebuild has renamed away and left there.
    let away = "-- fieldfen:changes plumes because of this test\nALTER TABLE plumes RENAME TO plumes_old;
                CREATE TABLE plumes AS SELECT * FROM plumes_old;";
    let third = file(3, away, "SELECT 1");
    let migrations = sets(vec![file(1, &renamed, "SELECT 1"), file(2, again, "SELECT 1"), third]);
    let findings = shop.stopped(&migrations, Target::Version("20260101000003".to_owned()));
    let is_view = |one: &GuardFinding| matches!(one, GuardFinding::ObjectChanged { name, .. } if name == "feathered");
    assert!(findings.iter().any(is_view), "{findings:?}");
}

#[test]
fn a_trigger_that_refers_to_what_is_gone_is_named() {
    let shop = specification();
    let migrations = one(
        "-- fieldfen:changes painted because nobody paints any more\nDROP TABLE painted",
        "CREATE TABLE painted (colour TEXT)",
    );
    let findings = shop.stopped(&migrations, Target::Version("20260101000001".to_owned()));
    let said = findings[0].to_string();
    assert!(findings.len() == 1 && said.contains("triggers of feathers cannot be compiled"), "{findings:?}");
}

#[test]
fn new_rows_that_refer_to_nothing_stop_the_run_and_old_ones_do_not() {
    let shop = specification();
    let mut conn = shop.conn();
    conn.batch_execute("PRAGMA foreign_keys = OFF; INSERT INTO feathers VALUES (7, 'gone', 'red')").unwrap();
    drop(conn);
    up(&shop, &rebuild(VIEW)).unwrap();
    let orphan = "-- fieldfen:changes feathers because of this test\nDROP TRIGGER paint; UPDATE feathers SET file_id = 'nowhere' WHERE id = 1";
    let migrations = sets(vec![rebuild(VIEW).sets()[1].migrations()[0].clone(), file(2, orphan, "SELECT 1")]);
    let findings = shop.stopped(&migrations, Target::Version("20260101000002".to_owned()));
    let expected = "1 more rows of feathers (file_id) refer to no row of files: 'nowhere'";
    assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}
