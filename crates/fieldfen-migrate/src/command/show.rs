//! The commands `status`, `plan` and `repair`.

use anyhow::{Context as _, bail};
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::Target;
use fieldfen_terminal::{Exit, Table, Terminal};
use serde_json::json;

use super::exit::with_exit;
use super::rehearse;
use crate::{DifferenceLine, MigrationLine, Migrator, SchemaReport};

pub(super) fn status(migrator: &Migrator, terminal: &Terminal) -> anyhow::Result<()> {
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
    let mut table = terminal.table(["version", "name", "state", "applied", "took", "by"]);
    for line in &report.migrations {
        let MigrationLine { version, name, state, .. } = line;
        let state = match (line.applied, line.known, *state) {
            (true, false, "newer") => "applied, unknown to this program",
            (_, _, state) => state,
        };
        let applied = line.applied_at.as_deref().and_then(|at| at.get(..19)).unwrap_or("");
        let took = line.took_ms.map_or_else(String::new, |took| format!("{took:>6} ms"));
        table.add_row([version.as_str(), name.as_str(), state, applied, &took, line.tool.as_deref().unwrap_or("")]);
    }
    table
}

pub(super) fn plan(migrator: &Migrator, url: &SqliteUrl, target: &Target, terminal: &Terminal) -> anyhow::Result<()> {
    let plan =
        migrator.plan(target).map_err(with_exit).with_context(|| format!("cannot plan the migrations of {url}"))?;
    let migrations = plan.migrations();
    let lost: Vec<_> = plan
        .losses
        .iter()
        .map(|loss| json!({"what": loss.what, "rows": loss.rows, "consequence": loss.consequence}))
        .collect();
    let document = json!({
        "database": url.to_string(), "migrations": migrations, "lost": lost, "prediction": plan.prediction,
    });
    terminal.print_result(&document, |out| {
        if migrations.is_empty() {
            return writeln!(out, "nothing to do: {url} has these migrations");
        }
        for migration in &migrations {
            writeln!(out, "-- {} {}", migration.migration, migration.direction)?;
            for line in migration.sql.trim().lines() {
                writeln!(out, "{line}")?;
            }
            writeln!(out)?;
        }
        for loss in &plan.losses {
            writeln!(out, "-- lost: {loss}")?;
        }
        match &plan.prediction {
            Some(prediction) => {
                writeln!(out, "-- by the rehearsal of {}:", prediction.at)?;
                rehearse::write(prediction, out, terminal)
            }
            None => writeln!(out, "-- not rehearsed yet: `rehearse` predicts the time and the space"),
        }
    })?;
    Ok(())
}

pub(super) fn repair(
    migrator: &Migrator,
    url: &SqliteUrl,
    version: &str,
    by: &str,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    // The name after the version is for people.
    let version = version.split_once('_').map_or(version, |(version, _)| version);
    let is_repaired = migrator
        .repair(version, by)
        .map_err(with_exit)
        .with_context(|| format!("cannot accept the files of migration {version} of {url}"))?;
    let document = json!({"database": url.to_string(), "version": version, "repaired": is_repaired, "by": by});
    terminal.print_result(&document, |out| match is_repaired {
        true => writeln!(out, "the files of migration {version} are accepted as they are now"),
        false => writeln!(out, "nothing to do: migration {version} is not edited"),
    })?;
    Ok(())
}
