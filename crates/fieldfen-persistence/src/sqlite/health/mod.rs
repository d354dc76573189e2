//! Checks on the health of a database file. They write nothing: the database is opened for reading only.
//!
//! ```
//! use fieldfen_domain::health::Severity;
//! use fieldfen_persistence::{SqliteStore, SqliteUrl, health::HealthCheck};
//!
//! # let folder = std::env::temp_dir().join(format!("fieldfen-health-{}", std::process::id()));
//! let path = folder.join("shop.db");
//! drop(SqliteStore::create(path.to_str().ok_or("not UTF-8")?)?);
//! let findings = HealthCheck::new(&SqliteUrl::from(path.as_path()), "2026-11-27T09:00:00Z".parse()?).run();
//! assert!(findings.iter().all(|finding| finding.severity < Severity::Problem), "{findings:?}");
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `fieldfen doctor` adds the checks of rows of `fieldfen-services`:
//! `.rows(|session, go_on| fieldfen_services::health::check_rows(session, now, go_on))`. It checks the backups with
//! `fieldfen_backup::check_backups`.

mod disk_space;
mod foreign_keys;
mod integrity;
mod leases;
mod permissions;
mod query;
mod schema;
mod settings;
mod time_budget;
mod times;
mod unreadable_rows;
mod write_ahead_log;

use std::path::Path;
use std::time::Duration;

use fieldfen_domain::health::{Check, Finding};
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::{Timestamp, with_causes};

use crate::sqlite::connection::hooks::OpenConnection;
use crate::sqlite::file::path_check::file_exists;
use crate::sqlite::file::read_only::read_with_handle;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::url::SqliteUrl;
use time_budget::TimeBudget;

/// A check of rows through the repository traits. It stops early when its second argument returns `false`.
type RowCheck<'a> = dyn FnMut(&mut dyn ReadSession, &mut dyn FnMut() -> bool) -> Vec<Finding> + 'a;

/// A step of a [`HealthCheck`] that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthStep {
    /// The number of the step, from 0.
    pub number: u64,
    /// The number of steps; it may grow when more is known of the database.
    pub steps: u64,
    /// The thing that is looked at, for people.
    pub what: String,
}

/// Checks a database. [`HealthCheck::run`] never fails: a check that cannot be done is a finding.
pub struct HealthCheck<'a> {
    url: SqliteUrl,
    now: Timestamp,
    full: bool,
    time_budget: Duration,
    rows: Option<Box<RowCheck<'a>>>,
    progress: Box<dyn FnMut(HealthStep) + 'a>,
}

impl std::fmt::Debug for HealthCheck<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { url, now, full, time_budget, .. } = self;
        let mut debug = f.debug_struct("HealthCheck");
        debug.field("url", url).field("now", now).field("full", full).field("time_budget", time_budget);
        debug.finish_non_exhaustive()
    }
}

impl<'a> HealthCheck<'a> {
    /// A quick check of the database at this address. Each check that reads whole tables ends after 10 seconds.
    #[must_use]
    pub fn new(url: &SqliteUrl, now: Timestamp) -> Self {
        let time_budget = Duration::from_secs(10);
        Self { url: url.clone(), now, full: false, time_budget, rows: None, progress: Box::new(|_| ()) }
    }

    /// Reads everything, however long it takes, and compares each index with its table.
    #[must_use]
    pub const fn full(mut self, full: bool) -> Self {
        self.full = full;
        self
    }

    /// Sets the time after which each check that reads whole tables ends, unless the check is full.
    #[must_use]
    pub const fn time_budget(mut self, time_budget: Duration) -> Self {
        self.time_budget = time_budget;
        self
    }

    /// Adds a check of rows through the repository traits, for example that of `fieldfen-services`. It runs if the
    /// schema is the one of this program, and should return early when its second argument returns `false`.
    #[must_use]
    pub fn rows(
        mut self,
        check: impl FnMut(&mut dyn ReadSession, &mut dyn FnMut() -> bool) -> Vec<Finding> + 'a,
    ) -> Self {
        self.rows = Some(Box::new(check));
        self
    }

    /// Sets a function that is called at the beginning of each step.
    #[must_use]
    pub fn on_progress(mut self, progress: impl FnMut(HealthStep) + 'a) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Runs the checks. No byte of the database and its log changes.
    ///
    /// If a program of the same user has died, SQLite makes the index of its log (`-shm`) anew, as every reader does.
    #[must_use]
    pub fn run(mut self) -> Vec<Finding> {
        match file_exists(&self.url) {
            Ok(true) => {}
            Ok(false) => {
                let rule = match self.url.path() {
                    Some(_) => "there is no such file",
                    None => "a database in memory ends with its program",
                };
                let advice = "create it with `fieldfen migrate up`, or correct the address";
                return vec![Finding::problem(Check::Database, self.url.to_string(), rule, advice)];
            }
            Err(error) => return vec![cannot_open(&self.url, &error)],
        }
        let mut findings = Vec::new();
        if let Some(path) = self.url.path().and_then(|path| path.canonicalize().ok()) {
            findings.extend(permissions::check(&path));
            findings.push(disk_space::check(&path));
            findings.push(write_ahead_log::check(&path));
        }
        if is_empty(&self.url) {
            let advice = "if it has never been a database, make it one with `fieldfen migrate up`; if it has been one, \
                          stop all programs that have it open, and copy the newest backup to its place";
            let found = "the file is empty: it has 0 bytes";
            findings.push(Finding::problem(Check::Database, self.url.to_string(), found, advice));
            return findings;
        }
        let url = self.url.clone();
        match read_with_handle(&url, |opened| Ok::<_, StoreError>(self.of_content(opened))) {
            Ok(of_content) => findings.extend(of_content),
            Err(error) => findings.push(cannot_open(&url, &error)),
        }
        findings
    }

    /// The checks of an open database.
    fn of_content(&mut self, opened: &mut OpenConnection) -> Vec<Finding> {
        let steps = if self.rows.is_some() { 7 } else { 6 };
        let mut steps = Steps { number: 0, steps, progress: &mut self.progress };
        let mut budget = TimeBudget::new(if self.full { None } else { Some(self.time_budget) });
        steps.begin("settings and schema");
        let mut findings = settings::check(opened, &self.url);
        let (of_schema, is_current) = schema::check(&mut opened.conn);
        findings.push(of_schema);
        if is_current {
            findings.push(schema::check_claim_plan(&mut opened.conn));
        }
        findings.push(integrity::check(opened, &mut budget, self.full, &mut steps));
        steps.begin("foreign keys");
        findings.push(foreign_keys::check(opened, &mut budget));
        if !is_current {
            return findings;
        }
        steps.begin("jobs without a lease");
        findings.push(leases::check(opened, &mut budget, self.now));
        steps.begin("times in the future");
        findings.push(times::check(opened, &mut budget, self.now));
        steps.begin("rows that cannot be read");
        findings.extend(unreadable_rows::check(opened, &mut budget));
        if let Some(rows) = &mut self.rows {
            steps.begin("rows");
            budget.begin();
            findings.extend(rows(&mut SqliteSession::new(&mut opened.conn), &mut || budget.is_left()));
        }
        findings
    }
}

/// Counts the steps, and says which one begins.
struct Steps<'s, 'a> {
    number: u64,
    steps: u64,
    progress: &'s mut (dyn FnMut(HealthStep) + 'a),
}

impl Steps<'_, '_> {
    fn begin(&mut self, what: impl Into<String>) {
        (self.progress)(HealthStep { number: self.number, steps: self.steps, what: what.into() });
        self.number += 1;
    }

    /// More steps follow than were counted.
    fn add(&mut self, steps: usize) {
        self.steps += steps as u64;
    }
}

/// The steps that put a damaged file right. SQLite would write the old file's log into the backup, so it must not stay.
const RESTORE: &str = "stop all programs that have it open; move it away together with its -wal and -shm, which would spoil \
                       the backup; copy the newest backup to its place; `.recover` of sqlite3 reads what is left of a \
                       damaged file";

/// Returns whether the file has no byte, and neither has its log.
fn is_empty(url: &SqliteUrl) -> bool {
    let Some(path) = url.path() else { return false };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_bytes = |path: &Path| path.metadata().is_ok_and(|file| file.len() > 0);
    path.metadata().is_ok_and(|file| file.len() == 0) && !has_bytes(Path::new(&log))
}

/// The finding of a database that cannot be opened or read.
fn cannot_open(url: &SqliteUrl, error: &StoreError) -> Finding {
    let advice = match error {
        StoreError::Corrupt(_) => RESTORE,
        StoreError::Busy { .. } => "try again; if it stays busy, end the program that holds the lock",
        StoreError::Full(_) => "make room on the disk",
        _ => "check the address, the permissions of the file and its folder, and the disk",
    };
    Finding::problem(Check::Database, url.to_string(), with_causes(error), advice)
}

/// The finding of a check that could not be done.
fn not_done(check: Check, looked_at: &str, error: &StoreError) -> Finding {
    let advice = match error {
        StoreError::Corrupt(_) => RESTORE,
        _ => {
            "try again with `fieldfen doctor --full`; if it fails again, check the permissions of the file and the disk"
        }
    };
    Finding::problem(check, looked_at, format!("the check failed: {}", with_causes(error)), advice)
}

#[cfg(test)]
mod tests;
