//! `fieldfen migrate adopt`.

use anyhow::Context as _;
use clap::Args;
use fieldfen_persistence::SqliteUrl;
use fieldfen_terminal::Terminal;

use super::error::AdoptError;
use super::form::Treatment;
use super::report::{AdoptionOutcome, AdoptionReport, origin_in_words};
use super::settings::Adoption;
use crate::command::{Safety, with_exit};
use crate::error::MigrateError;
use crate::migrator::Migrator;

/// The arguments of `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArguments {
    /// Rewrite ids and words too, as fieldfen writes them: only when the last Python program has gone. Also on an
    /// adopted database
    #[arg(long)]
    convert: bool,
    /// Adopt a copy alone, and report
    #[arg(long, conflicts_with_all = ["no_rehearsal", "backups", "no_backup"])]
    dry_run: bool,
    /// The account at which the products or posts of a platform are, if it has a name; may be repeated
    #[arg(long = "account", value_name = "PLATFORM=NAME", value_parser = account)]
    accounts: Vec<(String, String)>,
    /// The rehearsal and the backup before.
    #[command(flatten)]
    pub(crate) safety: Safety,
}

impl AdoptArguments {
    fn settings(&self) -> Adoption {
        let adoption = Adoption::new().convert(self.convert);
        self.accounts.iter().fold(adoption, |adoption, (platform, account)| adoption.account(platform, account))
    }
}

/// Adopts the database.
pub(crate) fn adopt(
    arguments: &AdoptArguments,
    migrator: Migrator,
    url: &SqliteUrl,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let migrator = migrator.adoption(arguments.settings());
    let adopted = if arguments.dry_run { migrator.rehearse_adoption() } else { migrator.adopt() };
    let adopted = report_or_error(adopted, terminal)?;
    let report = adopted.map_err(with_exit).with_context(|| format!("cannot adopt {url}"))?;
    print(&report, terminal)
}

/// Prints the report on a database that was refused, and returns the result.
pub(crate) fn report_or_error<T>(
    result: Result<T, MigrateError>,
    terminal: &Terminal,
) -> anyhow::Result<Result<T, MigrateError>> {
    if let Err(MigrateError::Adopt(AdoptError::Refused(report))) = &result {
        print(report, terminal)?;
    }
    Ok(result)
}

pub(crate) fn print(report: &AdoptionReport, terminal: &Terminal) -> anyhow::Result<()> {
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
