//! Shows the progress of a migrator on the terminal.

use std::sync::Mutex;
use std::sync::PoisonError;

use fieldfen_persistence::migrations::{Direction, MigrationEvent};
use fieldfen_terminal::{ProgressBar, Terminal};

use crate::{AdoptionStep, MigrateEvent, Migrator};

/// The migrator with an observer that shows its progress.
pub(super) fn shown(migrator: Migrator, terminal: &Terminal) -> Migrator {
    let terminal = terminal.clone();
    // The bar appears with the first event.
    let shown: Mutex<Option<ProgressBar>> = Mutex::new(None);
    migrator.observer(move |event| {
        if let MigrateEvent::WaitingForFolder(folder) = event {
            let folder = folder.display();
            terminal.print_message(&format!("another process is at work in {folder}: waiting for its end"));
        }
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = shown.get_or_insert_with(|| terminal.progress_bar(0, "migrate"));
        if let MigrateEvent::Copying { pages, of } = event {
            bar.set_length(u64::from(*of));
            bar.set_position(u64::from(*pages));
        }
        bar.set_message(text(event));
        if let MigrateEvent::Running(MigrationEvent::Committing) = event {
            bar.finish_and_clear();
        }
    })
}

fn text(event: &MigrateEvent<'_>) -> String {
    match event {
        MigrateEvent::WaitingForFolder(_) => "waits for another process".to_owned(),
        MigrateEvent::Copying { .. } => "pages copied".to_owned(),
        MigrateEvent::Adopting { step, table, rows } => match step {
            AdoptionStep::Reading => format!("reads {table}, {rows} rows"),
            AdoptionStep::Rewriting => format!("rewrites {table}, {rows} rows"),
            AdoptionStep::Confirming => format!("confirms publications of {table}, {rows} rows"),
        },
        MigrateEvent::CheckingStatements => "tries the statements of older programs".to_owned(),
        MigrateEvent::CheckingCopy => "checks the copy".to_owned(),
        MigrateEvent::BackingUp(_) => "makes a backup".to_owned(),
        MigrateEvent::Rehearsing(event) => format!("on the copy: {}", of_run(event)),
        MigrateEvent::Running(event) => of_run(event),
    }
}

fn of_run(event: &MigrationEvent<'_>) -> String {
    match event {
        MigrationEvent::WaitingForLock { .. } => "waits for other programs".to_owned(),
        MigrationEvent::Digesting { table, rows, .. } => format!("compares {table}, {rows} rows"),
        MigrationEvent::CheckingForeignKeys => "checks foreign keys".to_owned(),
        MigrationEvent::Checking { migration } => format!("checks the data for {migration}"),
        MigrationEvent::Started { migration, direction: Direction::Up }
        | MigrationEvent::Finished { migration, direction: Direction::Up, .. } => format!("applies {migration}"),
        MigrationEvent::Started { migration, .. } | MigrationEvent::Finished { migration, .. } => {
            format!("reverts {migration}")
        }
        MigrationEvent::Committing => "commits".to_owned(),
        _ => String::new(),
    }
}
