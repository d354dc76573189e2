//! `backup`: copies of a live database, for operators and cron.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use fieldfen_backup::{BackupError, BackupReport, DEFAULT_KEEP_DAYS, back_up, remove_old};
use fieldfen_console::{CommonArgs, Exit, Versions, run};
use fieldfen_persistence::{SqliteUrl, migrations, sqlite_version};
use fieldfen_services::environment::Environment;
use serde::Serialize;

/// Backs up a fieldfen database while programs are at work on it
#[derive(Parser)]
#[command(
    name = "backup",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 database not there, 4 busy \
    or another backup at work, 5 unknown schema, 6 damaged, 7 read-only, 8 disk full, 9 I/O"
)]
struct Backup {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make today's backup (UTC), check it, and remove the ones that are too old
    Run {
        /// The folder of the backups; it is made where it is missing
        #[arg(long, value_name = "FOLDER", default_value = "backups")]
        dir: PathBuf,
        /// For how many days backups are kept; at least as many of the newest stay, however old
        #[arg(long, value_name = "DAYS", default_value_t = DEFAULT_KEEP_DAYS, value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
    },
}

impl AsRef<CommonArgs> for Backup {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

fn main() -> ExitCode {
    let versions = || {
        let newest_migration = migrations::newest().to_string();
        Ok(Versions { program: env!("CARGO_PKG_VERSION"), sqlite: sqlite_version(), newest_migration })
    };
    run(versions, |args: &Backup, console| {
        let url: SqliteUrl = console.database_url()?.parse()?;
        let Action::Run { dir, keep } = &args.action;
        let now = Environment::system().now();
        let report =
            back_up(&url, dir, now).map_err(with_exit).with_context(|| format!("no backup of {url} was made"))?;
        if report.dangling_references > 0 {
            let n = report.dangling_references;
            console
                .note(&format!("warning: {n} rows refer to rows that do not exist, in the database as in the backup"));
        }
        let removed = remove_old(dir, now.date_naive(), *keep)
            .map_err(with_exit)
            .with_context(|| format!("{} was made, but older backups stay", report.backup.display()))?;
        console.finish(&Run { report: &report, removed: &removed }, |out| {
            let rows: i64 = report.rows.values().sum();
            let schema = report.schema.as_deref().unwrap_or("no migrations");
            writeln!(out, "{}: {} bytes, {rows} rows, {schema}, checked", report.backup.display(), report.bytes)?;
            removed.iter().try_for_each(|old| writeln!(out, "removed {}", old.display()))
        })?;
        Ok(())
    })
}

/// What a run says under `--json`.
#[derive(Serialize)]
struct Run<'a> {
    #[serde(flatten)]
    report: &'a BackupReport,
    /// Older backups that were removed.
    removed: &'a [PathBuf],
}

/// The same error with the exit code that its kind has; the others' code follows from their causes.
fn with_exit(error: BackupError) -> anyhow::Error {
    match error {
        BackupError::InMemory { .. } | BackupError::OntoItself { .. } | BackupError::NotText { .. } => {
            Exit::Usage.with(error).into()
        }
        BackupError::AtWork { .. } | BackupError::InUse { .. } => Exit::Busy.with(error).into(),
        BackupError::Unsound { .. } => Exit::Corrupt.with(error).into(),
        error => error.into(),
    }
}
