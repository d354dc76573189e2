//! Moves files from one status to another. No other code changes the status of a file.

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::{File, FileChangeOutcome, FileEvent, IllegalFileTransition};
use fieldfen_domain::store::{Session, StoreError};

/// Moves a file that was read in the same transaction, and returns the moved file.
///
/// If somebody else has moved the file in between, the whole transaction fails, because its other writes depend on a
/// status that the file no longer has.
pub(super) fn move_file(
    s: &mut dyn Session,
    mut file: File,
    event: FileEvent,
    reason: impl Into<String>,
    at: Timestamp,
) -> Result<File, StoreError> {
    let change = file.after(event, reason, at)?;
    match s.files().change(&change)? {
        FileChangeOutcome::Done | FileChangeOutcome::Unchanged | FileChangeOutcome::NotFound => {
            file.state = change.to().clone();
            Ok(file)
        }
        FileChangeOutcome::Conflict { now } => Err(IllegalFileTransition { status: now, event }.into()),
    }
}
