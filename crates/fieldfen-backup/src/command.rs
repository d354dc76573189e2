//! The commands of `fieldfen-backup` and of `fieldfen backup`.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use fieldfen_domain::with_causes;
use fieldfen_persistence::SqliteUrl;
use fieldfen_services::environment::Environment;
use fieldfen_services::shop::{Backups, ShopFile, ShopFileError};
use fieldfen_terminal::{Exit, Terminal};
use serde::Serialize;

use crate::{BackupError, BackupReport, DEFAULT_KEEP_DAYS, RetentionReport, back_up, remove_old};

/// The commands that back a database up.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum BackupCommand {
    /// Make today's backup (UTC), check it, and remove the ones that are too old
    Run {
        /// The folder of the backups, which is made if it is missing [default: the one that fieldfen.toml names, then
        /// backups]
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
        /// Remove backups that are older than this many days, but never the newest DAYS backups
        #[arg(long, value_name = "DAYS", default_value_t = DEFAULT_KEEP_DAYS, value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
        /// The mode of the backup, as for chmod, for example 640; it never gives a right that the database's mode does
        /// not
        #[arg(long, value_name = "MODE", default_value = "600", value_parser = file_mode)]
        mode: u32,
    },
}

impl BackupCommand {
    /// Runs the command on the database of this terminal.
    ///
    /// # Errors
    /// The error of the command, whose exit code [`Exit::of`] returns.
    pub fn run(&self, terminal: &Terminal) -> anyhow::Result<()> {
        let url: SqliteUrl = terminal.database_url()?.parse()?;
        let Self::Run { dir, keep, mode } = self;
        let dir = &match dir {
            Some(dir) => dir.clone(),
            None => default_folder(Path::new("fieldfen.toml"))?,
        };
        let now = Environment::system().now();
        let report = back_up(&url, dir, now, *mode)
            .map_err(with_exit)
            .with_context(|| format!("no backup of {url} was made"))?;
        if report.dangling_references > 0 {
            let n = report.dangling_references;
            terminal.print_message(&format!(
                "warning: {n} rows refer to rows that do not exist, in the database as in the backup"
            ));
        }
        let made = || format!("{:?} was made, but older backups stay", report.backup);
        let retention = remove_old(&url, dir, now.date_naive(), *keep).map_err(with_exit).with_context(made)?;
        for (_, reason) in &retention.skipped {
            terminal.print_message(&format!("warning: an old backup stays: {}", with_causes(reason)));
        }
        if retention.later > 0 {
            let n = retention.later;
            terminal.print_message(&format!("warning: {n} backups are of a later day than today: is the clock right?"));
        }
        terminal.print_result(&Run::new(&report, &retention), |out| {
            let rows: i64 = report.rows.values().sum();
            let schema = report.schema.as_deref().unwrap_or("no migrations");
            writeln!(out, "{}: {} bytes, {rows} rows, {schema}, checked", report.backup.display(), report.bytes)?;
            retention.removed.iter().try_for_each(|old| writeln!(out, "removed {}", old.display()))
        })?;
        // Retention may skip a file that is not a backup or is in use. A backup that cannot be removed fills the disk.
        match retention.skipped.into_iter().find(|(_, reason)| matches!(reason, BackupError::File { .. })) {
            Some((_, error)) => Err(with_exit(error)).with_context(made),
            None => Ok(()),
        }
    }
}

/// The folder in the section `[backups]` of this `fieldfen.toml`, otherwise `backups`. No other rule of the file is
/// looked at.
///
/// # Errors
/// An error with the exit code [`Exit::Usage`] if the file cannot be read, or if the section is not valid.
pub fn default_folder(path: &Path) -> anyhow::Result<PathBuf> {
    let file = match ShopFile::read(path) {
        Err(ShopFileError::Unreadable { source, .. })
            if source.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() =>
        {
            return Ok(Backups::default().folder);
        }
        read => read.map_err(|error| Exit::Usage.with(error))?,
    };
    let folder = file.backup_folder().map_err(|error| Exit::Usage.with(error))?;
    Ok(folder.unwrap_or_else(|| Backups::default().folder))
}

/// Parses the mode of a file, whose owner must be able to read and write it.
fn file_mode(text: &str) -> Result<u32, &'static str> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if text.len() == 3 && mode & !0o066 == 0o600 => Ok(mode),
        _ => Err("it must be three octal digits, 6 for the owner and 0, 2, 4 or 6 for the group and others"),
    }
}

/// The JSON document of a run.
#[derive(Serialize)]
struct Run<'a> {
    #[serde(flatten)]
    report: &'a BackupReport,
    /// The older backups that were removed.
    removed: &'a [PathBuf],
    /// The paths with the name of an older backup that were kept.
    skipped: Vec<Skipped<'a>>,
    /// The number of backups of a later day than today.
    later: usize,
}

#[derive(Serialize)]
struct Skipped<'a> {
    path: &'a Path,
    reason: String,
}

impl<'a> Run<'a> {
    fn new(report: &'a BackupReport, retention: &'a RetentionReport) -> Self {
        let skipped = retention.skipped.iter().map(|(path, reason)| Skipped { path, reason: with_causes(reason) });
        Self { report, removed: &retention.removed, skipped: skipped.collect(), later: retention.later }
    }
}

/// The same error with the exit code of its kind. Other errors get the code of their causes.
fn with_exit(error: BackupError) -> anyhow::Error {
    match error {
        BackupError::InMemory { .. }
        | BackupError::OntoItself { .. }
        | BackupError::NotText { .. }
        | BackupError::NoFolder { .. } => Exit::Usage.with(error).into(),
        BackupError::Empty { .. } => Exit::Schema.with(error).into(),
        BackupError::AlreadyRunning { .. } | BackupError::InUse { .. } => Exit::Busy.with(error).into(),
        BackupError::CheckFailed { .. } => Exit::Corrupt.with(error).into(),
        error => error.into(),
    }
}
