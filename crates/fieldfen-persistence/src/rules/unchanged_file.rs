//! The answer to a change of a file's state that changed no row.

use fieldfen_domain::file::{File, FileChange, FileChangeOutcome};

/// The reason why a change of state changed no row. `file` is the file as it is now.
pub(crate) fn why_unchanged(file: Option<&File>, change: &FileChange) -> FileChangeOutcome {
    match file {
        None => FileChangeOutcome::NotFound,
        Some(file) if file.state == *change.to() => FileChangeOutcome::Unchanged,
        Some(file) => FileChangeOutcome::Conflict { now: file.state.status() },
    }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::file::{Failure, FileEvent, FileState, FileStatus};
    use fieldfen_testkit::fixtures::{at, file_id};

    use super::*;

    fn file(state: FileState) -> File {
        File::new(file_id(1), "fox.jpg", state)
    }

    #[test]
    fn a_file_that_was_not_moved_has_the_new_state_already_or_another_one() {
        use FileState::{Approved, Ingested, Processed, Processing, Published};
        let failed = |from, reason: &str| FileState::Failed(Failure { from, reason: reason.to_owned() });
        let change = |from, event| file(from).after(event, "no buyer", at(1)).unwrap();
        let changes = [
            change(Ingested, FileEvent::ProcessingStarted),
            change(Approved, FileEvent::ListingConfirmed),
            change(Approved, FileEvent::Failed),
        ];
        // The answer to each change: "?" not found, "=" unchanged, "x" conflict.
        for (now, answers) in [
            (None, "???"),
            (Some(Ingested), "xxx"),
            (Some(Processing), "=xx"),
            (Some(Processed), "xxx"),
            (Some(Approved), "xxx"),
            (Some(Published), "x=x"),
            (Some(failed(FileStatus::Approved, "no buyer")), "xx="),
            (Some(failed(FileStatus::Approved, "no picture")), "xxx"),
            (Some(failed(FileStatus::Processed, "no buyer")), "xxx"),
        ] {
            for (change, answer) in changes.iter().zip(answers.chars()) {
                let now = now.clone().map(file);
                let expected = match (answer, &now) {
                    ('=', _) => FileChangeOutcome::Unchanged,
                    ('x', Some(file)) => FileChangeOutcome::Conflict { now: file.state.status() },
                    _ => FileChangeOutcome::NotFound,
                };
                assert_eq!(
                    why_unchanged(now.as_ref(), change),
                    expected,
                    "{:?}, {change:?}",
                    now.map(|file| file.state)
                );
            }
        }
    }
}
