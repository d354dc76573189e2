//! Each rule on a small set of migrations.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// The older schema of the tests.
const BASE: &str =
    "CREATE TABLE birds (id INTEGER PRIMARY KEY, name TEXT NOT NULL, wing INTEGER, sort TEXT DEFAULT 'x');
    CREATE TABLE eggs (id INTEGER PRIMARY KEY, bird INTEGER REFERENCES birds(id) ON DELETE CASCADE);
    CREATE INDEX idx_birds_wing ON birds(wing);
    CREATE TRIGGER birds_named AFTER INSERT ON birds BEGIN UPDATE birds SET name = trim(name) WHERE id = new.id; END;
    CREATE VIEW long_wings AS SELECT name FROM birds WHERE wing > 100;
    CREATE TABLE parts (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;";

const REBUILD: &str = "CREATE TABLE parts_new (a TEXT, b TEXT, c TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    INSERT INTO parts_new (a, b) SELECT a, b FROM parts;
    DROP TABLE parts;
    ALTER TABLE parts_new RENAME TO parts;";

fn source(name: &str, up: &str, down: &str) -> MigrationSource {
    let text = |text: &str| FileText::Text(text.to_owned());
    MigrationSource {
        name: name.to_owned(),
        path: name.to_owned(),
        up: text(up),
        down: text(down),
        ..MigrationSource::default()
    }
}

fn base() -> MigrationSource {
    let down = "DROP VIEW long_wings; DROP TABLE parts; DROP TABLE eggs; DROP TABLE birds;";
    source("0001_birds", BASE, down)
}

fn lint(sources: &[MigrationSource]) -> LintReport {
    lint_sources(sources, &|_, _| true).unwrap()
}

/// The findings in an `up.sql` after the older schema, without those about its `down.sql`.
fn findings(up: &str) -> Vec<Finding> {
    let report = lint(&[base(), source("0002_next", up, "SELECT 1;")]);
    report.findings.into_iter().filter(|one| one.place.file == "0002_next/up.sql").collect()
}

fn codes(up: &str) -> Vec<&'static str> {
    findings(up).iter().map(|finding| finding.rule.code()).collect()
}

fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fieldfen-persistence/migrations/sqlite")
}

#[test]
fn fieldfens_own_migrations_break_no_rule() {
    let embedded = lint_set(&MigrationSet::fieldfen()).unwrap();
    let listed = embedded.findings.iter().fold(String::new(), |mut listed, one| {
        let _ = writeln!(listed, "{}: {} {}", one.place, one.rule.code(), one.message);
        listed
    });
    assert_eq!(listed, "");
    let folder = lint_paths(&[own_folder()]).unwrap();
    assert_eq!((folder.findings.len(), folder.statements), (0, embedded.statements));
    assert_eq!(folder.files, MigrationSet::fieldfen().migrations().len() * 2);
}

#[test]
fn a_set_without_problems_has_no_finding() {
    assert_eq!(lint(&[base()]).findings, []);
    let up = "-- fieldfen:changes birds because names lose their blanks\n\
              ALTER TABLE birds ADD COLUMN colour TEXT;\nUPDATE birds SET name = trim(name);\n\
              ALTER TABLE birds ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;\n\
              CREATE UNIQUE INDEX idx_birds_colour ON birds(colour);\nUPDATE birds SET colour = 'brown';";
    let down = "DROP INDEX idx_birds_colour; ALTER TABLE birds DROP COLUMN seen; ALTER TABLE birds DROP COLUMN colour;";
    assert_eq!(lint(&[base(), source("0002_next", up, down)]).findings, []);
    assert_eq!(codes(REBUILD), [""; 0]);
}

#[test]
fn each_rule_finds_its_statement() {
    let rebuilt = |columns: &str| {
        format!(
            "CREATE TABLE parts_new ({columns}); INSERT INTO parts_new SELECT * FROM parts; DROP TABLE parts; ALTER TABLE \
             parts_new RENAME TO parts;"
        )
    };
    let birds_new = "CREATE TABLE birds_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, wing INTEGER, sort TEXT DEFAULT \
                     'x'); INSERT INTO birds_new SELECT * FROM birds; DROP VIEW long_wings; DROP TABLE birds; ALTER TABLE \
                     birds_new RENAME TO birds; CREATE VIEW long_wings AS SELECT name FROM birds WHERE wing > 100;";
    let mut wrong = Vec::new();
    for (up, expected) in [
        ("SELEC 1;", &["FF002"][..]),
        ("SELECT 'a", &["FF002"]),
        ("UPDATE parts SET d = 1;", &["FF003"]),
        ("CREATE TABLE birds (id);", &["FF003"]),
        ("-- nothing\n;;", &["FF004"]),
        ("BEGIN; SELECT 1; COMMIT;", &["FF101", "FF101"]),
        ("SAVEPOINT a; RELEASE a; ROLLBACK; END;", &["FF101"; 4]),
        ("PRAGMA foreign_keys = OFF;", &["FF102"]),
        ("VACUUM;", &["FF103"]),
        ("ATTACH 'other.db' AS o; DETACH o;", &["FF104", "FF104"]),
        ("CREATE TEMP TABLE t (a); CREATE TABLE temp.u (a);", &["FF105", "FF105"]),
        ("DROP TABLE parts;", &["FF201"]),
        ("DROP VIEW long_wings; DROP TRIGGER birds_named;", &["FF201", "FF201"]),
        // Without a copy it is no rebuild.
        (
            "CREATE TABLE n (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID; DROP TABLE parts; ALTER TABLE n RENAME TO \
             parts;",
            &["FF201"],
        ),
        ("ALTER TABLE birds DROP COLUMN sort;", &["FF202"]),
        (&rebuilt("a TEXT, x TEXT, PRIMARY KEY (a, x)"), &["FF202", "FF305"]),
        ("ALTER TABLE birds DROP COLUMN wing;", &["FF202", "FF203"]),
        ("DELETE FROM parts;", &["FF204"]),
        ("UPDATE parts SET a = 1;", &["FF204"]),
        ("INSERT INTO parts VALUES (1, 2);", &["FF204"]),
        (
            "ALTER TABLE parts RENAME TO parts_old; CREATE TABLE parts (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;",
            &["FF205"],
        ),
        (birds_new, &["FF206", "FF206"]),
        // The index is on another column, the trigger is the same in another spelling.
        (
            &format!(
                "{birds_new} CREATE INDEX idx_birds_wing ON birds(name); CREATE TRIGGER Birds_Named AFTER insert ON birds \
                 BEGIN UPDATE birds SET name = trim(name) WHERE id = new.id; END;"
            ),
            &["FF206"],
        ),
        ("-- fieldfen:changes birds because x\nINSERT OR REPLACE INTO birds (id, name) VALUES (1, 'a');", &["FF207"]),
        ("-- fieldfen:changes birds because x\nREPLACE INTO birds (id, name) VALUES (1, 'a');", &["FF207"]),
        ("-- fieldfen:changes birds because x\nUPDATE OR REPLACE birds SET id = 1;", &["FF207"]),
        ("ALTER TABLE birds ADD COLUMN seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP;", &["FF302"]),
        ("ALTER TABLE birds ADD COLUMN seen TEXT DEFAULT (lower('A'));", &["FF302"]),
        ("ALTER TABLE birds ADD COLUMN mate INTEGER DEFAULT 1 REFERENCES birds(id);", &["FF303"]),
        ("CREATE UNIQUE INDEX i ON birds(name, wing);", &["FF304"]),
        ("CREATE UNIQUE INDEX i ON birds(lower(name)) WHERE wing > 1;", &["FF304"]),
        ("ALTER TABLE birds ADD COLUMN n TEXT DEFAULT ''; CREATE UNIQUE INDEX i ON birds(n);", &["FF304"]),
        (&rebuilt("a TEXT, b TEXT, PRIMARY KEY (a, b), UNIQUE (b)"), &["FF304", "FF305"]),
        (&rebuilt("a TEXT, b TEXT, PRIMARY KEY (a, b)"), &["FF305"]),
        (&rebuilt("a TEXT, b INTEGER, PRIMARY KEY (a, b)"), &["FF305", "FF305"]),
        (&rebuilt("a TEXT, b TEXT CHECK (b <> ''), PRIMARY KEY (a, b)"), &["FF305", "FF306"]),
        ("ALTER TABLE birds RENAME TO fowls;", &["FF307"]),
        ("ALTER TABLE birds RENAME COLUMN sort TO kind;", &["FF307"]),
        ("CREATE TABLE IF NOT EXISTS birds (id);", &["FF308"]),
        ("CREATE INDEX IF NOT EXISTS i ON birds(name);", &["FF308"]),
        ("DROP INDEX IF EXISTS i;", &["FF308"]),
        (
            "CREATE TABLE n AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT * FROM c;",
            &["FF309"],
        ),
        ("-- fieldfen:allow FF201\nSELECT 1;", &["FF901"]),
        ("-- fieldfen:allow FF999 because x\nSELECT 1;", &["FF901"]),
        ("-- fieldfen:allow FF101 because x\nBEGIN;", &["FF901", "FF101"]),
        ("-- fieldfen:allow FF201 because x\nSELECT 1;", &["FF902"]),
        ("SELECT 1;\n-- fieldfen:allow FF201 because x", &["FF902"]),
        ("-- fieldfen:allow FF201 because x\nSELECT 1;\nDROP TABLE parts;", &["FF201", "FF902"]),
        ("-- fieldfen:changes birds\nSELECT 1;", &["FF903"]),
        ("-- fieldfen:changes parts because x\nSELECT 1;", &["FF904"]),
    ] {
        let found = findings(up);
        let codes: Vec<_> = found.iter().map(|one| one.rule.code()).collect();
        if codes != expected {
            wrong.push(format!("{up}\n{expected:?} {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_new_column_that_is_not_null_needs_a_default() {
    let codes = codes("ALTER TABLE birds ADD COLUMN seen INTEGER NOT NULL;");
    assert!(codes.contains(&"FF301"), "{codes:?}");
    let columns = "CREATE TABLE n (a TEXT, b TEXT, c TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO n SELECT \
                   a, b, '' FROM parts; DROP TABLE parts; ALTER TABLE n RENAME TO parts;";
    assert_eq!(self::codes(columns), ["FF301"]);
}

#[test]
fn a_reason_allows_one_finding_of_one_statement() {
    let up = "-- fieldfen:allow FF201 because nobody has ever written a row\nDROP TABLE parts;\n\
              ALTER TABLE birds RENAME COLUMN sort TO kind;";
    let report = lint(&[base(), source("0002_next", up, "SELECT 1;")]);
    assert_eq!(report.allowed.len(), 1);
    assert_eq!(report.allowed[0].allowed_because.as_deref(), Some("nobody has ever written a row"));
    let (place, code) = (&report.findings[0].place, report.findings[0].rule.code());
    assert_eq!((place.to_string().as_str(), code), ("0002_next/up.sql:3:1", "FF307"));
}

#[test]
fn a_down_sql_must_undo_its_up_sql() {
    let up = "ALTER TABLE birds ADD COLUMN colour TEXT; CREATE TABLE nests (id INTEGER PRIMARY KEY);";
    let lint_down = |down: &str| {
        let report = lint(&[base(), source("0002_next", up, down)]);
        report.findings.iter().map(|one| format!("{} {}", one.rule.code(), one.message)).collect::<Vec<_>>()
    };
    assert_eq!(lint_down("DROP TABLE nests; ALTER TABLE birds DROP COLUMN colour;"), [""; 0]);
    let left = lint_down("DROP TABLE nests;");
    assert_eq!(left, ["FF006 after up.sql and down.sql, column birds.colour is left"]);
    let more = lint_down("DROP TABLE nests; ALTER TABLE birds DROP COLUMN colour; DROP TABLE parts;");
    assert!(more[0].starts_with("FF006") && more[1].starts_with("FF201"), "{more:?}");
    assert_eq!(lint_down("")[0], "FF004 the migration has no statement that reverts it");
}

#[test]
fn folders_and_settings_that_a_run_refuses_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &[u8]| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("0001_birds/up.sql", BASE.as_bytes());
    write("0001_birds/metadata.toml", b"");
    write("0001_birds/checks.sql", b"SELECT 1; DELETE FROM x;");
    write("0001_again/up.sql", b"SELECT '\xff';");
    write("0001_again/down.sql", b"SELECT 1;");
    write("20260102030405_other/up.sql", b"SELECT 1;");
    write("20260102030405_other/down.sql", b"SELECT 1;");
    write("birds/up.sql", b"SELECT 1;");
    write("birds/down.sql", b"SELECT 1;");
    let report = lint_paths(&[folder.path().to_owned()]).unwrap();
    let mut found: Vec<_> = report
        .findings
        .iter()
        .map(|one| {
            let file = Path::new(&one.place.file).strip_prefix(folder.path()).unwrap();
            format!("{} {}", one.rule.code(), file.display())
        })
        .collect();
    found.sort();
    let expected = [
        "FF001 0001_again/up.sql",
        "FF004 0001_birds/down.sql",
        "FF005 0001_birds/metadata.toml",
        "FF007 0001_birds",
        "FF007 20260102030405_other",
        "FF007 birds",
        "FF007 birds",
        "FF008 0001_birds/checks.sql",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_importing_program_starts_from_the_newest_schema() {
    let folder = tempfile::tempdir().unwrap();
    let migration = folder.path().join("20260102030405_birds");
    fs::create_dir(&migration).unwrap();
    fs::write(migration.join("up.sql"), "CREATE TABLE birds (id TEXT);\nDROP TABLE jobs;").unwrap();
    fs::write(migration.join("down.sql"), "DROP TABLE birds;").unwrap();
    let all = lint_paths(&[folder.path().to_owned()]).unwrap();
    let codes: Vec<_> = all.findings.iter().map(|one| one.rule.code()).collect();
    assert_eq!(codes, ["FF201", "FF006"]);
    let one = lint_paths(&[migration.join("up.sql")]).unwrap();
    assert_eq!((one.files, one.findings.len()), (1, 1));
    assert_eq!(lint_paths(&[migration]).unwrap(), all);

    let alone = folder.path().join("new.sql");
    fs::write(&alone, "ALTER TABLE jobs ADD COLUMN n INTEGER NOT NULL DEFAULT 0;").unwrap();
    assert_eq!(lint_paths(&[alone]).unwrap().findings, []);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(lint_paths(&[empty.path().to_owned()]), Err(LintError::NoMigrations(_))));
    assert!(matches!(lint_paths(&[empty.path().join("no")]), Err(LintError::Unreadable { .. })));
}

/// A generator of numbers that is the same in each run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn lint_text(text: String) -> LintReport {
    lint_sources(&[source("0001_x", &text, "SELECT 1;")], &|_, _| true).unwrap()
}

#[test]
fn no_text_makes_the_linter_panic() {
    let files: Vec<String> = MigrationSet::fieldfen().migrations().iter().map(|file| file.up.to_string()).collect();
    let all = files.concat();
    let words: Vec<&str> = all.split_inclusive(char::is_whitespace).collect();
    let strange =
        ["'", "\"", "`", "[", "(", ")", ";", "--", "/*", "\0", "é", "x'0", "?1", "BEGIN ", "END;", "AS ", "\u{feff}"];
    let mut numbers = Numbers(0x5eed);
    for _ in 0..500 {
        let mut text = String::new();
        let mut at = numbers.below(words.len());
        for _ in 0..1 + numbers.below(60) {
            match numbers.below(12) {
                0 => at = numbers.below(words.len()),
                1 => text.push_str(strange[numbers.below(strange.len())]),
                _ => {}
            }
            text.push_str(words[at % words.len()]);
            at += 1;
        }
        lint_text(text);
    }
    for _ in 0..100 {
        let bytes: Vec<u8> = (0..numbers.below(200)).map(|_| u8::try_from(numbers.below(256)).unwrap()).collect();
        lint_text(String::from_utf8_lossy(&bytes).into_owned());
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_linted() {
    let up = MigrationSet::fieldfen().migrations()[1].up.to_string();
    for end in (0..up.len()).step_by(23).filter(|end| up.is_char_boundary(*end)) {
        let mut file = LintedFile::new("up.sql".to_owned(), &up[..end]);
        file.found_at(end, Rule::Syntax, "the end".to_owned());
        file.report(&mut LintReport::default());
    }
}

#[test]
fn large_files_are_linted() {
    let many = "SELECT 1 FROM WHERE;\n".repeat(1024 * 1024 / 21);
    let file = LintedFile::new("up.sql".to_owned(), &many);
    let mut report = LintReport::default();
    file.report(&mut report);
    assert_eq!(report.findings.len(), report.statements);
    assert_eq!(report.findings.last().unwrap().place.line, report.statements);

    let columns = (0..200_000).fold(String::new(), |mut columns, number| {
        let _ = write!(columns, "c{number},");
        columns
    });
    assert_eq!(lint_text(format!("CREATE TABLE t ({columns} x);")).findings[0].rule, Rule::Syntax);
    let deep = format!("SELECT {}1{};", "(".repeat(9_000), ")".repeat(9_000));
    assert!(!lint_text(deep).findings.is_empty(), "SQLite refuses expressions of this depth");
    lint_text("(".repeat(1024 * 1024));
    lint_text(format!("SELECT '{}';", "x".repeat(10 * 1024 * 1024)));
}
