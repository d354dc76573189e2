//! The statements of this release's store, which the next releases must leave working: compared with their record, or
//! recorded anew.
//!
//! The store runs the conformance suite and all checks of its health. diesel's instrumentation reports each statement.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use fieldfen_persistence::health::HealthCheck;
use fieldfen_persistence::{SqliteStore, migrations};
use fieldfen_testkit::{conformance, fixtures};

/// The case that runs, and the statements so far with the case that issued each first.
static RECORDED: Mutex<(Option<&str>, BTreeMap<String, &str>)> = Mutex::new((None, BTreeMap::new()));

struct Recorder;

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let InstrumentationEvent::StartQuery { query, .. } = event else { return };
        let mut recorded = RECORDED.lock().unwrap();
        let (Some(case), statements) = &mut *recorded else { return };
        let text = query.to_string();
        let (sql, _) = text.split_once(" -- binds: ").unwrap_or((&text, ""));
        let word = sql.split_whitespace().next().unwrap_or_default().to_uppercase();
        let is_of_rows = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE", "VALUES"].contains(&word.as_str());
        // Transactions and settings work with every schema, and so do questions about the schema.
        if is_of_rows && !sql.contains("sqlite_schema") && !sql.contains("pragma_") {
            statements.entry(sql.trim().to_owned()).or_insert(*case);
        }
    }
}

/// Records what the store does in one case.
fn record(case: &'static str, run: impl FnOnce()) {
    RECORDED.lock().unwrap().0 = Some(case);
    run();
    RECORDED.lock().unwrap().0 = None;
}

/// The file of this release. The files of the releases before stay as they are.
fn path() -> PathBuf {
    let release =
        concat!("compat/release-", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"), ".sql");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(release)
}

fn written(statements: &BTreeMap<String, &str>) -> String {
    let release = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
    let mut text = format!(
        "-- The statements of the store of fieldfen {release}. Each migration must let them work, for as long as programs\n\
         -- of this release may be at work. `just record-statements` has written this file.\n\
         -- fieldfen schema: {}\n-- fieldfen program: fieldfen {release}\n",
        migrations::newest().version
    );
    for (statement, case) in statements {
        writeln!(text, "-- fieldfen statement: {case}\n{statement};").unwrap();
    }
    text
}

#[test]
fn every_statement_of_the_store_is_recorded() {
    set_default_instrumentation(|| Some(Box::new(Recorder))).unwrap();
    for (name, case) in conformance::cases::<SqliteStore>() {
        let store = SqliteStore::in_memory().unwrap();
        record(name, || case(&store));
    }
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("shop.db").display().to_string()).unwrap();
    let now = fixtures::at(1);
    record("health", || drop(HealthCheck::new(store.url(), now).full(true).run()));

    let found = std::mem::take(&mut RECORDED.lock().unwrap().1);
    let text = written(&found);
    if std::env::var_os("FIELDFEN_RECORD_STATEMENTS").is_some() {
        fs::write(path(), &text).unwrap();
    }
    let kept = fs::read_to_string(path()).unwrap_or_default();
    let without_cases = |text: &str| -> Vec<String> {
        text.split("-- fieldfen statement: ")
            .map(|part| part.split_once('\n').unwrap_or(("", part)).1.to_owned())
            .collect()
    };
    let (found, kept) = (without_cases(&text), without_cases(&kept));
    let missing: Vec<_> = found.iter().filter(|one| !kept.contains(one)).collect();
    let gone: Vec<_> = kept.iter().filter(|one| !found.contains(one)).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "the record of the store's statements is out of date: run `just record-statements`, and read what it changes\n\
         not in the record: {missing:#?}\nonly in the record: {gone:#?}"
    );
}
