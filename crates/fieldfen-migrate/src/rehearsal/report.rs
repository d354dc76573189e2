//! The result of a rehearsal.

use std::collections::BTreeMap;

use fieldfen_persistence::migrations::{Direction, DoneStep, RunReport};
use serde::{Deserialize, Serialize};

/// A migration that was rehearsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RehearsedMigration {
    /// The set to which the migration belongs.
    pub program: String,
    /// The version and the name.
    pub migration: String,
    /// `up` if the migration would be applied, `down` if it would be reverted.
    pub direction: String,
    /// The milliseconds that its statements took.
    pub took_ms: u64,
    /// The bytes by which the database grew, without the log; negative if it shrank.
    pub grown_bytes: i64,
    /// The milliseconds that the way back took.
    pub back_took_ms: u64,
    /// The bytes by which the database grew on the way back.
    pub back_grown_bytes: i64,
}

/// The result of a rehearsal, which predicts the run on the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RehearsalReport {
    /// The digest of the rehearsed migrations and of the schema before them.
    pub key: String,
    /// The time of the rehearsal in RFC 3339.
    pub at: String,
    /// The bytes of the copy.
    pub database_bytes: u64,
    /// The milliseconds that the copy took.
    pub copy_ms: u64,
    /// The milliseconds of the run, during which other programs cannot write.
    pub run_ms: u64,
    /// The milliseconds of the run back.
    pub back_ms: u64,
    /// The milliseconds of the whole rehearsal.
    pub took_ms: u64,
    /// The bytes by which the run made the database grow.
    pub grown_bytes: i64,
    /// The bytes of the write-ahead log at the end of the run.
    pub log_bytes: u64,
    /// The bytes of the write-ahead log at the end of the run back.
    pub back_log_bytes: u64,
    /// The number of rows that refer to rows that do not exist. They are no reason to stop.
    pub dangling_references: u64,
    /// The number of recorded statements of older programs that were tried after the migrations.
    pub checked_statements: u64,
    /// The number of these statements that fail, before the migrations too. They are no reason to stop.
    pub broken_before: u64,
    /// The migrations in the order of the run.
    pub migrations: Vec<RehearsedMigration>,
}

/// The migrations of a run there and a run back.
pub(super) fn migrations(there: &RunReport, back: &RunReport) -> Vec<RehearsedMigration> {
    let ways_back: BTreeMap<_, _> = back.applied.iter().chain(&back.reverted).map(|done| (key(done), done)).collect();
    let of = |direction: Direction, done: &DoneStep| {
        let way_back = ways_back.get(&key(done));
        RehearsedMigration {
            program: done.program.clone(),
            migration: done.migration.to_string(),
            direction: word(direction).to_owned(),
            took_ms: milliseconds(done.took),
            grown_bytes: done.grown_bytes,
            back_took_ms: way_back.map_or(0, |done| milliseconds(done.took)),
            back_grown_bytes: way_back.map_or(0, |done| done.grown_bytes),
        }
    };
    let reverted = there.reverted.iter().map(|done| of(Direction::Down, done));
    reverted.chain(there.applied.iter().map(|done| of(Direction::Up, done))).collect()
}

fn key(done: &DoneStep) -> (&str, &str) {
    (&done.program, &done.migration.version)
}

/// The direction as a word for people and for JSON.
pub(crate) const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// A length of time in whole milliseconds.
pub(crate) fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
