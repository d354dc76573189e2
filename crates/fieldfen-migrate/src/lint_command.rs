//! The command `lint`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use fieldfen_persistence::migrations::Migrations;
use fieldfen_terminal::{Exit, Terminal};

use crate::lint::{LintError, LintReport, lint_paths, lint_set};

/// Lints these paths, or the migrations of the program if there is none, and prints the findings.
pub(crate) fn run(paths: &[PathBuf], migrations: &Migrations, terminal: &Terminal) -> anyhow::Result<()> {
    let linted = if paths.is_empty() { lint_sets(migrations) } else { lint_paths(paths) };
    let report = match linted {
        Ok(report) => report,
        Err(error @ (LintError::Unreadable { .. } | LintError::NoMigrations(_))) => {
            return Err(Exit::Usage.with(error)).context("cannot lint the migrations");
        }
        Err(error) => return Err(error).context("cannot lint the migrations"),
    };
    let LintReport { files, statements, findings, allowed } = &report;
    let summary = format!(
        "{files} files with {statements} statements: {} findings, {} allowed with a reason",
        findings.len(),
        allowed.len()
    );
    terminal.print_result(&report, |out| {
        for finding in findings {
            writeln!(out, "{}: {} {}", finding.place, finding.rule.code(), finding.message)?;
            writeln!(out, "    {}", finding.rule.why())?;
        }
        if findings.is_empty() { writeln!(out, "{summary}") } else { Ok(()) }
    })?;
    if findings.is_empty() { Ok(()) } else { bail!(Exit::ProblemsFound.with(summary)) }
}

fn lint_sets(migrations: &Migrations) -> Result<LintReport, LintError> {
    let mut all = LintReport::default();
    for set in migrations.sets() {
        let LintReport { files, statements, findings, allowed } = lint_set(set)?;
        all.files += files;
        all.statements += statements;
        all.findings.extend(findings);
        all.allowed.extend(allowed);
    }
    Ok(all)
}
