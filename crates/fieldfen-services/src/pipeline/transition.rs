//! The one door of all moves of a file: a file changes its status by an event, here and nowhere else.

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::{File, FileChangeOutcome, FileEvent, IllegalFileTransition};
use fieldfen_domain::store::{Session, StoreError};

/// Moves a file that was read in the same transaction, and returns it as it is then.
///
/// Where the database let somebody else move it in between, the whole transaction is given up: what it was about to do
/// followed from a status that the file no longer has.
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
