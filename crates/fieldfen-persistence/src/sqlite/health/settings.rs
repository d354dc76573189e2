//! The settings of SQLite in force, and the versions of SQLite that use the file.

use diesel::connection::SimpleConnection as _;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::health::{Check, Finding};
use fieldfen_domain::store::StoreError;

use super::not_done;
use super::query::pragma;
use crate::sqlite::connection::hooks::OpenConnection;
use crate::sqlite::connection::open::{OLDEST_SQLITE, sqlite_version, without_journal};
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::error::Classify as _;
use crate::sqlite::url::SqliteUrl;

/// The settings that the file keeps, and those that a store sets for its connection.
const PRAGMAS: [&str; 11] = [
    "synchronous",
    "foreign_keys",
    "page_size",
    "page_count",
    "freelist_count",
    "auto_vacuum",
    "encoding",
    "cache_size",
    "application_id",
    "user_version",
    "schema_version",
];

/// The header of the database file: <https://sqlite.org/fileformat2.html#the_database_header>.
struct Header {
    is_wal: bool,
    /// `SQLITE_VERSION_NUMBER` of the program that has last changed the first page, for example 3051003; 0 if no
    /// program has written it.
    written_by: u32,
}

impl Header {
    fn parse(bytes: &[u8; 100]) -> Self {
        let written_by = u32::from_be_bytes([bytes[96], bytes[97], bytes[98], bytes[99]]);
        Self { is_wal: bytes[18..20] == [2, 2], written_by }
    }
}

pub(super) fn check(opened: &mut OpenConnection, url: &SqliteUrl) -> Vec<Finding> {
    let header = opened.handle.read_header(&mut opened.conn).as_ref().map(Header::parse);
    let mut findings = vec![of_settings(&mut opened.conn, url, header.as_ref())];
    findings.extend(header.map(|header| of_versions(header.written_by)));
    findings
}

fn of_settings(conn: &mut SqliteConnection, url: &SqliteUrl, header: Option<&Header>) -> Finding {
    let looked_at = format!("the settings of {url}");
    let mut in_force = match settings(conn) {
        Ok(settings) => settings,
        Err(error) => return not_done(Check::Settings, &looked_at, &error),
    };
    let journal = match header {
        Some(header) if header.is_wal => "wal",
        _ => "a rollback journal",
    };
    in_force.insert(0, format!("journal_mode = {journal}"));
    let finding = if journal == "wal" {
        Finding::ok(Check::Settings, looked_at, "journal_mode is wal, and a store's settings are accepted")
    } else {
        let advice = "a store sets the mode when it opens the database: start a worker, or run `fieldfen status`";
        Finding::warning(Check::Settings, looked_at, "the file is not in WAL mode", advice)
    };
    finding.details(in_force)
}

/// The values that SQLite reports on a connection with the settings of a store's writer. They change no file.
fn settings(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    for (name, value, _) in without_journal(&SqliteOptions::default()) {
        conn.batch_execute(&format!("PRAGMA {name} = {value}")).store()?;
    }
    PRAGMAS.iter().map(|name| Ok(format!("{name} = {}", pragma(conn, name)?))).collect()
}

fn of_versions(written_by: u32) -> Finding {
    let looked_at = "this program, and the header of the file";
    let this = sqlite_version();
    let found = match written_by {
        0 => format!("this program has SQLite {this}; the header names no version"),
        _ => format!("this program has SQLite {this}; the program that last wrote the header had {}", name(written_by)),
    };
    if written_by != 0 && i64::from(written_by) < i64::from(OLDEST_SQLITE) {
        let oldest = name(OLDEST_SQLITE.unsigned_abs());
        let advice = format!(
            "give the other program SQLite {oldest} or newer: older ones can lose a transaction when the log is reset"
        );
        return Finding::warning(Check::SqliteVersions, looked_at, found, advice);
    }
    Finding::ok(Check::SqliteVersions, looked_at, found)
}

/// A version number as SQLite writes it: 3051003 is 3.51.3.
fn name(version: u32) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1000 % 1000, version % 1000)
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::health::Severity;

    use super::*;

    #[test]
    fn an_old_sqlite_that_has_written_the_file_is_named() {
        let old = of_versions(3_040_001);
        assert!(old.severity == Severity::Warning && old.found.ends_with("had 3.40.1"), "{old:?}");
        assert!(old.advice.unwrap().contains("3.51.3"));
        for version in [0, 3_051_003, 3_053_001] {
            assert_eq!(of_versions(version).severity, Severity::Ok);
        }
    }
}
