//! `fieldfen migrate adopt`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::MigrationError;
use fieldfen_terminal::{Exit, Terminal};

use super::adopter::Adoption;
use super::error::AdoptError;
use super::form::Treatment;
use super::report::{AdoptionOutcome, AdoptionReport, origin_in_words};

/// The arguments of `adopt`.
#[derive(Debug, Clone, Default, Args)]
pub struct AdoptArguments {
    /// Rewrite ids and words too, as fieldfen writes them: only when the last Python program has gone. Also on an
    /// adopted database
    #[arg(long)]
    convert: bool,
    /// Adopt a copy alone, and report
    #[arg(long)]
    dry_run: bool,
    /// The account at which the products or posts of a platform are, if it has a name; may be repeated
    #[arg(long = "account", value_name = "PLATFORM=NAME", value_parser = account)]
    accounts: Vec<(String, String)>,
    /// The folder of the backup, which is made if it is missing
    #[arg(long, value_name = "FOLDER", default_value = "backups")]
    backup_dir: PathBuf,
    /// Make no backup
    #[arg(long, conflicts_with = "backup_dir")]
    no_backup: bool,
}

impl AdoptArguments {
    fn adoption(&self, url: SqliteUrl) -> Result<Adoption, AdoptError> {
        let backups = (!self.no_backup).then(|| self.backup_dir.clone());
        let adoption = Adoption::new(url)?.convert(self.convert).backups(backups);
        Ok(self.accounts.iter().fold(adoption, |adoption, (platform, account)| adoption.account(platform, account)))
    }
}

/// Adopts the database.
pub(crate) fn adopt(arguments: &AdoptArguments, url: &SqliteUrl, terminal: &Terminal) -> anyhow::Result<()> {
    let adoption = arguments.adoption(url.clone()).map_err(with_exit)?;
    let report = if arguments.dry_run { adoption.rehearse() } else { adoption.run() };
    let failed = || format!("cannot adopt {url}");
    match report {
        Ok(report) => print(&report, terminal),
        Err(AdoptError::Refused(report)) => {
            print(&report, terminal)?;
            Err(with_exit(AdoptError::Refused(report))).with_context(failed)
        }
        Err(error) => Err(with_exit(error)).with_context(failed),
    }
}

/// Adopts the database if it has the specification's tables and no migration. Returns whether it did.
pub(crate) fn adopt_if_due(backups: Option<PathBuf>, url: &SqliteUrl, terminal: &Terminal) -> anyhow::Result<bool> {
    let arguments = AdoptArguments {
        no_backup: backups.is_none(),
        backup_dir: backups.unwrap_or_default(),
        ..AdoptArguments::default()
    };
    let is_due = arguments.adoption(url.clone()).and_then(|adoption| adoption.is_due());
    let is_due = is_due.map_err(with_exit).with_context(|| format!("cannot migrate {url}"))?;
    if is_due {
        adopt(&arguments, url, terminal)?;
    }
    Ok(is_due)
}

fn print(report: &AdoptionReport, terminal: &Terminal) -> anyhow::Result<()> {
    terminal.print_result(report, |out| {
        if report.outcome != AdoptionOutcome::Converted {
            writeln!(out, "{}: {}", report.database, origin_in_words(report.alembic.as_deref()))?;
        }
        let mut table = terminal.table(["table", "column", "form", "rows", "treatment"]);
        for count in report.forms.iter().filter(|count| count.treatment != Treatment::Kept) {
            let rows = count.rows.to_string();
            table.add_row([count.table, count.column, count.form, &rows, count.treatment.as_str()]);
        }
        out.table(&table)?;
        for orphans in &report.orphans {
            writeln!(
                out,
                "{} rows of {} refer to missing rows of {}: kept",
                orphans.rows, orphans.table, orphans.parent
            )?;
        }
        for row in &report.publications.rows {
            writeln!(out, "{} {} has no publication: {}", row.table, row.id, row.reason)?;
        }
        let (rewritten, confirmed) = (report.rewritten, report.publications.confirmed);
        if report.outcome != AdoptionOutcome::Refused {
            let (times, ids, words) = (rewritten.times, rewritten.ids, rewritten.words);
            writeln!(out, "{times} times, {ids} ids and {words} words rewritten, {confirmed} publications confirmed")?;
        }
        if let Some(backup) = &report.backup {
            writeln!(out, "the backup is {}", backup.display())?;
        }
        let database = &report.database;
        match (report.outcome, report.applied.last()) {
            (AdoptionOutcome::Refused, _) => Ok(()),
            (AdoptionOutcome::Rehearsed, _) => writeln!(out, "a copy was adopted; {database} is as it was"),
            (AdoptionOutcome::Converted, _) => writeln!(out, "{database} is converted"),
            (AdoptionOutcome::Adopted, at) => {
                let at = at.map_or("", String::as_str);
                writeln!(out, "{database} is adopted, and is at {at} now")
            }
        }
    })?;
    Ok(())
}

fn account(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((platform, account)) if !platform.is_empty() && !account.is_empty() => {
            Ok((platform.to_owned(), account.to_owned()))
        }
        _ => Err("it must be the name of a platform, `=` and the name of an account"),
    }
}

/// The same error with the exit code of its kind.
fn with_exit(error: AdoptError) -> anyhow::Error {
    match error {
        AdoptError::InMemory { .. } => Exit::Usage.with(error).into(),
        AdoptError::NothingToAdopt
        | AdoptError::Migration(
            MigrationError::NotTheSpecification(_)
            | MigrationError::Encoding { .. }
            | MigrationError::NamesTaken(_)
            | MigrationError::Newer { .. }
            | MigrationError::Changed(_),
        ) => Exit::Schema.with(error).into(),
        AdoptError::AlreadyAdopted { .. } => Exit::Refused.with(error).into(),
        AdoptError::Refused(_) | AdoptError::Damaged(_) => Exit::Corrupt.with(error).into(),
        error => error.into(),
    }
}
