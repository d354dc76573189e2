//! The exit codes of the migrator's errors.

use fieldfen_backup::BackupError;
use fieldfen_persistence::migrations::MigrationError;
use fieldfen_terminal::Exit;

use crate::{AdoptError, MigrateError};

/// The same error with the exit code of its kind. Other errors get the code of their causes.
pub(crate) fn with_exit(error: MigrateError) -> anyhow::Error {
    let exit = match &error {
        MigrateError::InMemory { .. } | MigrateError::NotApplied { .. } => Some(Exit::Usage),
        MigrateError::NoRoom { .. } => Some(Exit::Full),
        MigrateError::FolderInUse { .. } => Some(Exit::Busy),
        MigrateError::OtherSchema { .. } | MigrateError::BrokenStatements { .. } => Some(Exit::Refused),
        MigrateError::Damaged { .. } => Some(Exit::Corrupt),
        MigrateError::Rehearsal { source, .. } => of_migration(source),
        MigrateError::Backup(
            BackupError::OntoItself { .. } | BackupError::NotText { .. } | BackupError::NoFolder { .. },
        ) => Some(Exit::Usage),
        MigrateError::Backup(BackupError::AlreadyRunning { .. } | BackupError::InUse { .. }) => Some(Exit::Busy),
        MigrateError::Backup(BackupError::CheckFailed { .. }) => Some(Exit::Corrupt),
        MigrateError::Adopt(AdoptError::NothingToAdopt) => Some(Exit::Schema),
        MigrateError::Adopt(AdoptError::AlreadyAdopted { .. }) => Some(Exit::Refused),
        MigrateError::Adopt(AdoptError::Refused(_) | AdoptError::Damaged(_)) => Some(Exit::Corrupt),
        MigrateError::Adopt(AdoptError::OnlyToNewest) => Some(Exit::Usage),
        MigrateError::Migration(error) => of_migration(error),
        _ => None,
    };
    match exit {
        Some(exit) => exit.with(error).into(),
        None => error.into(),
    }
}

fn of_migration(error: &MigrationError) -> Option<Exit> {
    match error {
        MigrationError::NoSuchMigration { .. } | MigrationError::DataLoss(_) => Some(Exit::Usage),
        MigrationError::Newer { .. }
        | MigrationError::Missing(_)
        | MigrationError::Edited(_)
        | MigrationError::OutOfOrder { .. }
        | MigrationError::NotTheSpecification(_)
        | MigrationError::Encoding { .. }
        | MigrationError::NamesTaken(_)
        | MigrationError::Changed(_)
        | MigrationError::NotNewest { .. } => Some(Exit::Schema),
        MigrationError::Guard(_) | MigrationError::ChecksFailed { .. } => Some(Exit::Refused),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_that_breaks_older_programs_is_a_refusal() {
        let error = MigrateError::BrokenStatements { broken: Vec::new() };
        assert_eq!(Exit::of(&with_exit(error)), Exit::Refused);
    }
}
