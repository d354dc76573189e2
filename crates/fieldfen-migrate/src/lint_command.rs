//! The command `lint`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use fieldfen_persistence::migrations::MigrationSet;
use fieldfen_terminal::{Exit, Terminal};

use crate::lint::{LintError, LintReport, lint_paths, lint_set};

/// Lints these paths, or fieldfen's own migrations if there is none, and prints the findings.
pub(crate) fn run(paths: &[PathBuf], terminal: &Terminal) -> anyhow::Result<()> {
    let linted = if paths.is_empty() { lint_set(&MigrationSet::fieldfen()) } else { lint_paths(paths) };
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
