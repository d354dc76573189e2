//! The commands `up`, `down` and `to`.

use anyhow::{Context as _, bail};
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::{DataLoss, DoneStep, Loss, MigrationError, Target};
use fieldfen_terminal::{Exit, Terminal};
use serde_json::json;

use super::exit::with_exit;
use crate::{MigrateError, MigrateOutcome, MigrationPlan, Migrator, adopt};

/// Applies migrations, and creates a missing database.
pub(super) fn up(migrator: &Migrator, url: &SqliteUrl, target: &Target, terminal: &Terminal) -> anyhow::Result<()> {
    if let Target::Version(_) | Target::Nothing = target
        && url.path().is_some_and(|path| path.exists())
    {
        let plan = migrator.plan(target).map_err(with_exit).with_context(|| format!("cannot migrate {url}"))?;
        if !plan.reverted().is_empty() {
            bail!(
                Exit::Usage
                    .with("the database has newer migrations than that: to revert them, use `down --to` or `to`")
            );
        }
    }
    let outcome = adopt::report_or_error(migrator.up_to(target), terminal)?;
    let outcome = outcome.map_err(with_exit).with_context(|| format!("cannot migrate {url}"))?;
    match &outcome.adoption {
        Some(report) => adopt::print(report, terminal),
        None => print(migrator, url, &outcome, &[], terminal),
    }
}

/// Reverts or applies migrations.
pub(super) fn planned(
    migrator: &Migrator,
    url: &SqliteUrl,
    target: &Target,
    plan: impl FnOnce() -> Result<MigrationPlan, MigrateError>,
    data_loss: DataLoss,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let plan = plan().map_err(with_exit).with_context(|| format!("cannot revert migrations of {url}"))?;
    let failed = || match plan.reverted().is_empty() {
        true => format!("cannot migrate {url}"),
        false => format!("cannot revert migrations of {url}"),
    };
    // Refused before the rehearsal and the backup; the run looks again.
    if data_loss == DataLoss::Refuse && !plan.losses.is_empty() {
        return Err(refused(migrator, &MigrationError::DataLoss(plan.losses.clone()))).with_context(failed);
    }
    let outcome = migrator.run(target, data_loss).map_err(|error| match error {
        MigrateError::Migration(error @ MigrationError::DataLoss(_)) => refused(migrator, &error),
        error => with_exit(error),
    });
    print(migrator, url, &outcome.with_context(failed)?, &plan.losses, terminal)
}

/// The refusal of a loss of data, with the way to accept it.
fn refused(migrator: &Migrator, error: &MigrationError) -> anyhow::Error {
    let backup = match migrator.backup_folder() {
        Some(folder) => format!("a backup in {} will keep it", folder.display()),
        None => "leave --no-backup out, so that a backup keeps it".to_owned(),
    };
    Exit::Usage.with(format!("{error}; to lose it, give --allow-data-loss: {backup}")).into()
}

fn print(
    migrator: &Migrator,
    url: &SqliteUrl,
    outcome: &MigrateOutcome,
    losses: &[Loss],
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let at = migrator.status().map_err(with_exit)?.at;
    let recognised = outcome.recognised.as_ref().map(ToString::to_string);
    let (applied, reverted) = (done(&outcome.applied), done(&outcome.reverted));
    let backup = outcome.backup.as_ref().map(|backup| backup.display().to_string());
    let lost: Vec<_> = losses
        .iter()
        .map(|loss| json!({"what": loss.what, "rows": loss.rows, "consequence": loss.consequence}))
        .collect();
    let document = json!({
        "database": url.to_string(), "recognised": recognised, "applied": applied, "reverted": reverted, "lost": lost,
        "rehearsed": outcome.rehearsal.is_some(), "backup": backup, "at": at,
    });
    terminal.print_result(&document, |out| {
        if let Some(recognised) = &recognised {
            writeln!(out, "the database has the specification's tables: taken as {recognised}")?;
        }
        for migration in &applied {
            writeln!(out, "applied {migration}")?;
        }
        for migration in &reverted {
            writeln!(out, "reverted {migration}")?;
        }
        for loss in losses {
            writeln!(out, "lost: {loss}")?;
        }
        match (&outcome.rehearsal, &backup) {
            (Some(_), Some(backup)) => writeln!(out, "rehearsed on a copy before, and backed up: {backup}")?,
            (Some(_), None) => writeln!(out, "rehearsed on a copy before")?,
            (None, Some(backup)) => writeln!(out, "backed up before: {backup}")?,
            (None, None) => {}
        }
        let at = at.as_deref().unwrap_or("no migration");
        match applied.len() + reverted.len() {
            0 => writeln!(out, "nothing to do: {url} is at {at}"),
            _ => writeln!(out, "{url} is at {at} now"),
        }
    })?;
    Ok(())
}

fn done(steps: &[DoneStep]) -> Vec<String> {
    steps.iter().map(|done| done.migration.to_string()).collect()
}
