//! The commands of `fieldfen-migrate` and of `fieldfen migrate`.

mod exit;
mod progress;
mod rehearse;
mod run;
mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use fieldfen_backup::default_folder;
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::{DataLoss, Migrations, Target};
use fieldfen_terminal::Terminal;

use crate::adopt::{AdoptArguments, adopt};
use crate::scratch::remove_on_signals;
use crate::{Migrator, drift_command, lint_command};
pub(crate) use exit::with_exit;

/// The commands that migrate a database.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum MigrateCommand {
    /// Apply every migration that the database lacks: rehearses, backs up, applies; creates the database and its folder
    Up {
        /// Apply migrations up to this version only, for example 0002 or 0002_job_queue
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// The rehearsal and the backup before.
        #[command(flatten)]
        safety: Safety,
    },
    /// Revert the newest migrations; refuses if data in their tables and columns would be lost
    Down {
        /// The number of migrations
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "to")]
        n: u16,
        /// Revert all migrations newer than this version, for example 0002 or 0002_job_queue; `none` reverts all
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Go on although data will be lost; the backup before keeps it
        #[arg(long)]
        allow_data_loss: bool,
        /// The rehearsal and the backup before.
        #[command(flatten)]
        safety: Safety,
    },
    /// Apply or revert migrations until this version is the newest one
    To {
        /// The version, for example 0002 or 0002_job_queue; `none` reverts all
        version: String,
        /// Go on although data will be lost; the backup before keeps it
        #[arg(long)]
        allow_data_loss: bool,
        /// The rehearsal and the backup before.
        #[command(flatten)]
        safety: Safety,
    },
    /// Take over a database that SQLAlchemy and Alembic have made, with a rehearsal and a backup
    Adopt(AdoptArguments),
    /// Try the migrations on a copy: apply, revert, apply again; the database itself is only read
    Rehearse {
        /// Rehearse the way to this version, for example 0002 or 0002_job_queue; `none` reverts all
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// The folder in which the copy is made [default: the folder of the database]
        #[arg(long, value_name = "FOLDER")]
        scratch: Option<PathBuf>,
    },
    /// Say which migrations the database has, and what became of their files
    Status,
    /// Print the statements that would run, and what the last rehearsal predicts
    Plan {
        /// Plan the way to this version, for example 0002 or 0002_job_queue; `none` reverts all
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
    },
    /// Accept the files of an edited migration as they are now
    Repair {
        /// The version, for example 0002 or 0002_job_queue
        version: String,
        /// The name of the person who accepts them, for the ledger
        #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
        by: String,
    },
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

/// The arguments for the rehearsal and the backup before a run.
#[derive(Debug, Args)]
pub struct Safety {
    /// Do not try the migrations on a copy first
    #[arg(long)]
    no_rehearsal: bool,
    /// The folder in which the copy is made [default: the folder of the database]
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_rehearsal")]
    scratch: Option<PathBuf>,
    /// Make no backup before
    #[arg(long)]
    no_backup: bool,
    /// The folder of the backup, which is made if it is missing [default: the one that fieldfen.toml names, then
    /// backups]
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_backup")]
    backups: Option<PathBuf>,
}

impl MigrateCommand {
    /// Runs the command on the database of this terminal.
    ///
    /// # Errors
    /// The error of the command, whose exit code [`Exit::of`](fieldfen_terminal::Exit::of) returns.
    pub fn run(&self, terminal: &Terminal) -> anyhow::Result<()> {
        self.run_with(&Migrations::fieldfen(), terminal)
    }

    /// As [`MigrateCommand::run`], for a program with migrations of its own.
    ///
    /// # Errors
    /// As [`MigrateCommand::run`].
    pub fn run_with(&self, migrations: &Migrations, terminal: &Terminal) -> anyhow::Result<()> {
        if let Self::Lint { paths } = self {
            return lint_command::run(paths, migrations, terminal);
        }
        let url: SqliteUrl = terminal.database_url()?.parse()?;
        let migrator = Migrator::new(url.clone()).map_err(with_exit)?.migrations(migrations.clone());
        let migrator = progress::shown(migrator, terminal);
        match self {
            Self::Status => show::status(&migrator, terminal),
            Self::Drift => drift_command::run(&url, terminal),
            Self::Lint { paths } => lint_command::run(paths, migrations, terminal),
            Self::Plan { to } => show::plan(&migrator, &url, &target(to.as_deref()), terminal),
            Self::Repair { version, by } => show::repair(&migrator, &url, version, by, terminal),
            Self::Rehearse { to, scratch } => {
                remove_on_signals();
                let migrator = with_scratch(migrator, scratch.as_deref());
                rehearse::rehearse(&migrator, &url, &target(to.as_deref()), terminal)
            }
            Self::Adopt(arguments) => adopt(arguments, arguments.safety.of(migrator)?, &url, terminal),
            Self::Up { to, safety } => {
                let migrator = safety.of(migrator)?;
                run::up(&migrator, &url, &target(to.as_deref()), terminal)
            }
            Self::Down { n, to, allow_data_loss, safety } => {
                let migrator = safety.of(migrator)?;
                let target = match to {
                    Some(to) => target(Some(to)),
                    None => Target::Down(usize::from(*n)),
                };
                let plan = || migrator.plan_down(&target);
                run::planned(&migrator, &url, &target, plan, data_loss(*allow_data_loss), terminal)
            }
            Self::To { version, allow_data_loss, safety } => {
                let migrator = safety.of(migrator)?;
                let target = target(Some(version));
                let plan = || migrator.plan(&target);
                run::planned(&migrator, &url, &target, plan, data_loss(*allow_data_loss), terminal)
            }
        }
    }
}

impl Safety {
    fn backup_folder(&self) -> anyhow::Result<Option<PathBuf>> {
        match (self.no_backup, &self.backups) {
            (true, _) => Ok(None),
            (false, Some(folder)) => Ok(Some(folder.clone())),
            (false, None) => default_folder(Path::new("fieldfen.toml")).map(Some),
        }
    }

    fn of(&self, migrator: Migrator) -> anyhow::Result<Migrator> {
        remove_on_signals();
        let backups = self.backup_folder()?;
        Ok(with_scratch(migrator.rehearsal(!self.no_rehearsal).backups(backups), self.scratch.as_deref()))
    }
}

fn with_scratch(migrator: Migrator, scratch: Option<&Path>) -> Migrator {
    match scratch {
        Some(folder) => migrator.scratch(folder),
        None => migrator,
    }
}

const fn data_loss(is_allowed: bool) -> DataLoss {
    if is_allowed { DataLoss::Allow } else { DataLoss::Refuse }
}

fn target(version: Option<&str>) -> Target {
    match version {
        None => Target::Newest,
        Some("none") => Target::Nothing,
        Some(version) => Target::Version(version.to_owned()),
    }
}
