//! The answer to a change of a file's state that has changed no row.

use fieldfen_domain::file::{File, FileChange, FileChangeOutcome};

/// Why a change has changed nothing, by the file as it is now.
pub(crate) fn why_unchanged(file: Option<&File>, change: &FileChange) -> FileChangeOutcome {
    match file {
        None => FileChangeOutcome::NotFound,
        Some(file) if file.state == *change.to() => FileChangeOutcome::Unchanged,
        Some(file) => FileChangeOutcome::Conflict { now: file.state.status() },
    }
}
