//! The command `rehearse`, and its report.

use std::io;

use anyhow::Context as _;
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::Target;
use fieldfen_terminal::{Terminal, TextOutput};
use serde_json::json;

use super::exit::with_exit;
use crate::{Migrator, RehearsalReport};

pub(super) fn rehearse(
    migrator: &Migrator,
    url: &SqliteUrl,
    target: &Target,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let failed = || format!("cannot rehearse the migrations of {url}");
    let report = migrator.rehearse(target).map_err(with_exit).with_context(failed)?;
    let document = json!({"database": url.to_string(), "rehearsal": report});
    terminal.print_result(&document, |out| match &report {
        None => writeln!(out, "nothing to rehearse: {url} has these migrations"),
        Some(report) => {
            write(report, out, terminal)?;
            writeln!(out, "{url} is as it was")
        }
    })?;
    Ok(())
}

/// Writes the report of a rehearsal.
pub(super) fn write(report: &RehearsalReport, out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
    let mut table = terminal.table(["migration", "direction", "time", "growth", "time back", "growth back"]);
    for one in &report.migrations {
        let (time, back) = (format!("{} ms", one.took_ms), format!("{} ms", one.back_took_ms));
        let (growth, growth_back) = (kibibytes(one.grown_bytes), kibibytes(one.back_grown_bytes));
        let cells = [one.migration.as_str(), one.direction.as_str(), &time, &growth, &back, &growth_back];
        table.add_row(cells);
    }
    out.table(&table)?;
    let RehearsalReport { run_ms, back_ms, took_ms, .. } = report;
    writeln!(out, "the run: {run_ms} ms, in which other programs cannot write; the run back: {back_ms} ms")?;
    writeln!(
        out,
        "the database grows by {}, and the log to {}; on the way back, the log grows to {}",
        kibibytes(report.grown_bytes),
        kibibytes(i64::try_from(report.log_bytes).unwrap_or(i64::MAX)),
        kibibytes(i64::try_from(report.back_log_bytes).unwrap_or(i64::MAX)),
    )?;
    if report.dangling_references > 0 {
        let n = report.dangling_references;
        writeln!(out, "{n} rows refer to rows that do not exist, as before; they are no reason to stop")?;
    }
    let RehearsalReport { checked_statements, broken_before, .. } = report;
    write!(
        out,
        "{} of {checked_statements} recorded statements of older programs",
        checked_statements - broken_before
    )?;
    match broken_before {
        0 => writeln!(out, " work after the migrations")?,
        _ => writeln!(out, " work after the migrations; the others fail before them too, and are no reason to stop")?,
    }
    writeln!(out, "the rehearsal took {took_ms} ms, of which the copy took {} ms", report.copy_ms)
}

fn kibibytes(bytes: i64) -> String {
    format!("{} KiB", bytes / 1024)
}
