//! `doctor`: the settings in force, and everything that is or soon will be wrong. It writes nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldfen_backup::check_backups;
use fieldfen_domain::health::{Check, Finding, Severity};
use fieldfen_domain::with_causes;
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::health::HealthCheck;
use fieldfen_services::health::check_rows;
use fieldfen_services::shop::Backups;
use fieldfen_terminal::{Exit, TextOutput};
use serde::Serialize;

use crate::context::Context;
use crate::shop_file;

/// The most details of a finding that people are shown.
const MOST_DETAILS: usize = 40;

/// The arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Read everything, however long it takes, and compare each index with its table
    #[arg(long)]
    full: bool,
    /// Without --full, end each check that reads whole tables after this time
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=86_400), conflicts_with = "full")]
    seconds: u64,
    /// The folder of the backups [default: the one that fieldfen.toml names, then
    /// backups]
    #[arg(long, value_name = "FOLDER")]
    backups: Option<PathBuf>,
    /// Show what was looked at and its details also where all is in order, for example the settings
    #[arg(long)]
    details: bool,
}

/// The JSON document of the findings.
#[derive(Debug, Serialize)]
struct Report {
    /// The address of the database; `null` if none could be found out.
    database: Option<String>,
    /// The weight of the heaviest finding.
    severity: Severity,
    /// The findings, the problems first.
    findings: Vec<Finding>,
}

impl DoctorArgs {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let (of_rules, backups) = check_rules();
        let mut findings = vec![of_rules];
        let url = match address(context) {
            Ok(url) => {
                findings.extend(self.check_database(&url, context));
                Some(url)
            }
            Err(finding) => {
                findings.push(finding);
                None
            }
        };
        let folder = self.backups.as_deref().unwrap_or(&backups.folder);
        findings.push(check_backups(folder, context.environment.now(), backups.max_age()));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let severity = findings.first().map_or(Severity::Ok, |finding| finding.severity);
        let report = Report { database: url.map(|url| url.to_string()), severity, findings };
        context.terminal.print_result(&report, |out| report.write(out, self.details))?;
        match report.findings.iter().filter(|finding| finding.severity == Severity::Problem).count() {
            0 => Ok(()),
            1 => Err(Exit::ProblemsFound.with("1 problem was found").into()),
            problems => Err(Exit::ProblemsFound.with(format!("{problems} problems were found")).into()),
        }
    }

    fn check_database(&self, url: &SqliteUrl, context: &Context<'_>) -> Vec<Finding> {
        let now = context.environment.now();
        let bar = context.terminal.progress_bar(0, "doctor");
        let health = HealthCheck::new(url, now)
            .full(self.full)
            .time_budget(Duration::from_secs(self.seconds))
            .rows(|session, go_on| check_rows(session, now, go_on))
            .on_progress(|step| {
                bar.set_length(step.steps);
                bar.set_position(step.number);
                bar.set_message(step.what);
            });
        let findings = health.run();
        bar.finish_and_clear();
        findings
    }
}

/// The address of the database, or the finding that says why there is none.
fn address(context: &Context<'_>) -> Result<SqliteUrl, Finding> {
    let problem = |error: &(dyn std::error::Error + 'static), advice: &str| {
        Finding::problem(Check::Configuration, "the address of the database", with_causes(error), advice)
    };
    let address = context.terminal.database_url().map_err(|error| {
        problem(&error, "correct --database, DATABASE_URL, .env or the section [database] of fieldfen.toml")
    })?;
    address.parse().map_err(|error| problem(&error, "correct the address"))
}

/// Checks the rules of the shop in the current folder, and returns those about backups.
fn check_rules() -> (Finding, Backups) {
    let place = match std::env::current_dir() {
        Ok(folder) => folder.join(shop_file::PATH).display().to_string(),
        Err(_) => shop_file::PATH.to_owned(),
    };
    match shop_file::read(Path::new(shop_file::PATH)).and_then(|file| file.map(|file| file.shop()).transpose()) {
        Ok(Some(shop)) => {
            (Finding::ok(Check::Configuration, place, "the rules can be followed"), shop.backup_rules().clone())
        }
        Ok(None) => (
            Finding::ok(Check::Configuration, place, "there is no fieldfen.toml here: the default rules hold"),
            Backups::default(),
        ),
        Err(error) => {
            let advice = "correct the named setting, or use the program of the version that wrote the file";
            (Finding::problem(Check::Configuration, place, with_causes(&error), advice), Backups::default())
        }
    }
}

impl Report {
    fn write(&self, out: &mut TextOutput<'_>, details: bool) -> io::Result<()> {
        for finding in &self.findings {
            let Finding { check, severity, found, .. } = finding;
            if finding.severity == Severity::Ok && !details {
                writeln!(out, "{severity:8} {check}: {found}")?;
            } else {
                writeln!(out, "{severity:8} {check}, {}: {found}", finding.looked_at)?;
            }
            if finding.severity > Severity::Ok || details {
                for detail in finding.details.iter().take(MOST_DETAILS) {
                    writeln!(out, "         - {detail}")?;
                }
                if let Some(more) = finding.details.len().checked_sub(MOST_DETAILS + 1) {
                    writeln!(out, "         - and {} more: see --json", more + 1)?;
                }
            }
            if let Some(advice) = &finding.advice {
                writeln!(out, "         do: {advice}")?;
            }
        }
        match &self.database {
            Some(database) => writeln!(out, "{}: {}", database, self.summary()),
            None => writeln!(out, "{}", self.summary()),
        }
    }

    fn summary(&self) -> String {
        let of = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        let (problems, warnings) = (of(Severity::Problem), of(Severity::Warning));
        match (problems, warnings) {
            (0, 0) => "everything is in order".to_owned(),
            _ => format!("problems: {problems}, warnings: {warnings}"),
        }
    }
}
