//! The commands of `fieldfen-migrate` and of `fieldfen migrate`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::{self, DataLoss, Loss, Migration, MigrationError};
use fieldfen_terminal::{Exit, Table, Terminal};
use serde_json::json;

use crate::adopt::{AdoptArguments, adopt, adopt_if_due};
use crate::{DifferenceLine, Down, DownPlan, MigrateError, Migrator, SchemaReport};
use crate::{drift_command, lint_command};

/// The commands that migrate a database.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum MigrateCommand {
    /// Apply every migration that the database lacks; creates the database and its folder
    Up,
    /// Revert the newest migration, with all data in its tables and columns
    Down {
        /// Revert all migrations newer than this version, for example 0002 or 0002_job_queue; `none` reverts all
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Do not ask: data will be lost
        #[arg(long)]
        yes: bool,
        /// Go on even if jobs run, publications are live or rows of other programs will be lost
        #[arg(long)]
        allow_data_loss: bool,
    },
    /// Take over a database that SQLAlchemy and Alembic have made, with a rehearsal and a backup
    Adopt(AdoptArguments),
    /// Say which migrations the database has
    Status,
    /// Find what loses data, breaks older programs or fails on full tables in the SQL of migrations
    #[command(after_help = "Exit codes: 0 nothing found, 2 a path does not exist, 14 something found. \
        A comment `-- fieldfen:allow CODE because REASON` before a statement allows one finding.")]
    Lint {
        /// Folders of migrations, migrations or SQL files; without any, the migrations of this program
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Compare the schema of the database with its migrations and with the schema file of diesel
    #[command(after_help = "Exit codes: 0 no difference, 3 database not there, 5 different or unknown. \
        Additions of other programs are listed and are no difference.")]
    Drift,
}

impl MigrateCommand {
    /// Runs the command on the database of this terminal.
    ///
    /// # Errors
    /// The error of the command, whose exit code [`Exit::of`] returns.
    pub fn run(&self, terminal: &Terminal) -> anyhow::Result<()> {
        if let Self::Lint { paths } = self {
            return lint_command::run(paths, terminal);
        }
        let url: SqliteUrl = terminal.database_url()?.parse()?;
        let migrator = Migrator::new(url.clone()).map_err(with_exit)?;
        match self {
            Self::Up if adopt_if_due(Some("backups".into()), &url, terminal)? => Ok(()),
            Self::Up => up(&migrator, &url, terminal),
            Self::Adopt(arguments) => adopt(arguments, &url, terminal),
            Self::Down { to, yes, allow_data_loss } => {
                let data_loss = if *allow_data_loss { DataLoss::Allow } else { DataLoss::Refuse };
                down(&migrator, &url, to.as_deref(), *yes, data_loss, terminal)
            }
            Self::Status => status(&migrator, terminal),
            Self::Drift => drift_command::run(&url, terminal),
            Self::Lint { paths } => lint_command::run(paths, terminal),
        }
    }
}

fn up(migrator: &Migrator, url: &SqliteUrl, terminal: &Terminal) -> anyhow::Result<()> {
    let applied = migrator.up().map_err(with_exit).with_context(|| format!("cannot migrate {url}"))?;
    let at = migrations::newest().to_string();
    let recognised = applied.recognised.as_ref().map(ToString::to_string);
    let applied = applied.migrations;
    let document = json!({
        "database": url.to_string(), "recognised": recognised, "applied": names(&applied), "at": at,
    });
    terminal.print_result(&document, |out| {
        if let Some(recognised) = &recognised {
            writeln!(out, "the database has the specification's tables: taken as {recognised}")?;
        }
        for migration in &applied {
            writeln!(out, "applied {migration}")?;
        }
        match applied.len() {
            0 => writeln!(out, "nothing to do: {url} is at {at}"),
            _ => writeln!(out, "{url} is at {at} now"),
        }
    })?;
    Ok(())
}

fn down(
    migrator: &Migrator,
    url: &SqliteUrl,
    to: Option<&str>,
    yes: bool,
    data_loss: DataLoss,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let target = match to {
        None => Down::Last,
        Some("none") => Down::Everything,
        Some(version) => Down::To(version.to_owned()),
    };
    let failed = || format!("cannot revert migrations of {url}");
    let DownPlan { migrations, losses, .. } = migrator.plan_down(&target).map_err(with_exit).with_context(failed)?;
    let still_needed: Vec<_> = losses.iter().filter(|loss| loss.needs_permission).cloned().collect();
    if data_loss == DataLoss::Refuse && !still_needed.is_empty() {
        return Err(with_exit(MigrationError::StillNeeded(still_needed).into())).with_context(failed);
    }
    if !migrations.is_empty() && !yes {
        let lost = match losses.len() {
            0 => "no rows will be lost".to_owned(),
            _ => format!("this will be lost: {}", listed(&losses)),
        };
        let what = format!("reverts {} of {url}: {lost}", names(&migrations).join(", "));
        match terminal.confirm(&format!("This {what}. Go on?"))? {
            Some(true) => {}
            Some(false) => bail!(Exit::Usage.with("not confirmed: nothing was done")),
            None => bail!(Exit::Usage.with(format!("`fieldfen-migrate down` {what}: back it up, then give --yes"))),
        }
    }
    migrator.down(&migrations, data_loss).map_err(with_exit).with_context(failed)?;
    let at = migrator.status().map_err(with_exit)?.at;
    let lost: Vec<_> = losses
        .iter()
        .map(|loss| json!({"what": loss.what, "rows": loss.rows, "consequence": loss.consequence}))
        .collect();
    let document = json!({"database": url.to_string(), "reverted": names(&migrations), "lost": lost, "at": at});
    terminal.print_result(&document, |out| {
        for migration in &migrations {
            writeln!(out, "reverted {migration}")?;
        }
        for loss in &losses {
            writeln!(out, "{loss}")?;
        }
        let at = at.as_deref().unwrap_or("no migration");
        match migrations.len() {
            0 => writeln!(out, "nothing to do: {url} is at {at}"),
            _ => writeln!(out, "{url} is at {at} now"),
        }
    })?;
    Ok(())
}

fn status(migrator: &Migrator, terminal: &Terminal) -> anyhow::Result<()> {
    let report = migrator.status().map_err(with_exit).context("cannot read the schema")?;
    let said = format!("{}: {}", report.database, report.advice());
    let is_current = report.is_current();
    terminal.print_result(&report, |out| {
        out.table(&table(&report, terminal))?;
        for DifferenceLine { what, found, expected, .. } in &report.differences {
            writeln!(out, "{what}: found {found}, expected {expected}")?;
        }
        if is_current { writeln!(out, "{said}") } else { Ok(()) }
    })?;
    if is_current { Ok(()) } else { bail!(Exit::Schema.with(said)) }
}

fn table(report: &SchemaReport, terminal: &Terminal) -> Table {
    let mut table = terminal.table(["version", "name", "state"]);
    for line in &report.migrations {
        let state = match (line.applied, line.known) {
            (true, true) => "applied",
            (true, false) => "applied, unknown to this program",
            (false, _) => "pending",
        };
        table.add_row([line.version.as_str(), line.name.as_str(), state]);
    }
    table
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(ToString::to_string).collect()
}

fn listed(losses: &[Loss]) -> String {
    losses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The same error with the exit code of its kind.
pub(crate) fn with_exit(error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::InMemory { .. }
        | MigrateError::NotApplied { .. }
        | MigrateError::Migration(MigrationError::NoSuchMigration { .. }) => Exit::Usage.with(error).into(),
        MigrateError::Migration(error @ MigrationError::StillNeeded(_)) => {
            Exit::Usage.with(format!("{error}; back the database up, then give --allow-data-loss")).into()
        }
        MigrateError::Migration(
            MigrationError::Newer { .. }
            | MigrationError::Missing(_)
            | MigrationError::Edited(_)
            | MigrationError::OutOfOrder { .. }
            | MigrationError::NotTheSpecification(_)
            | MigrationError::Encoding { .. }
            | MigrationError::NamesTaken(_)
            | MigrationError::Changed(_)
            | MigrationError::NotNewest { .. },
        ) => Exit::Schema.with(error).into(),
        error => error.into(),
    }
}
