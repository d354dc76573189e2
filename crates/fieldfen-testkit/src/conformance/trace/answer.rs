//! Answers as texts, by which two stores can be compared.

use std::fmt::Debug;

use fieldfen_domain::file::{File, FileDeleteOutcome, FileHistoryEntry};
use fieldfen_domain::job::{Job, JobAttempt};
use fieldfen_domain::publication::Publication;
use fieldfen_domain::store::StoreError;

/// The prefix of a trace's own texts. All other texts are the store's, and differ between stores.
pub(super) const OWN: &str = "trace: ";

/// The answer to a step: a value, or an error.
pub(super) type Answer = Result<String, String>;

/// The full value, or only the kind of an error.
pub(super) fn answer<T: Debug>(result: Result<T, StoreError>) -> Answer {
    result.map(|value| format!("{value:?}")).map_err(|error| match error {
        StoreError::MissingReference { .. } => "error: missing reference".to_owned(),
        StoreError::AlreadyExists { .. } => "error: already exists".to_owned(),
        StoreError::Invalid { .. } => "error: invalid".to_owned(),
        StoreError::FileTransition(error) => format!("error: {error}"),
        StoreError::PublicationTransition(error) => format!("error: {error}"),
        other => panic!("no step of a trace makes this error: {other} ({other:?})"),
    })
}

fn masked(text: Option<String>) -> Option<String> {
    text.map(|text| if text.starts_with(OWN) { text } else { "the store's own words".to_owned() })
}

/// The job, without the store's own texts.
pub(super) fn masked_job(job: Job) -> Job {
    with!(job.clone(), last_error: masked(job.last_error))
}

/// The attempt, without the store's own texts.
pub(super) fn masked_attempt(attempt: JobAttempt) -> JobAttempt {
    with!(attempt.clone(), error: masked(attempt.error))
}

/// The publication, without the store's own texts.
pub(super) fn masked_publication(publication: Publication) -> Publication {
    with!(publication.clone(), last_error: masked(publication.last_error))
}

/// The line of a history, without the store's own texts.
pub(super) fn masked_entry(entry: FileHistoryEntry) -> FileHistoryEntry {
    with!(entry.clone(), reason: masked(Some(entry.reason)).unwrap_or_default())
}

/// The rows that prevent a deletion, in alphabetical order.
pub(super) fn masked_deletion(deleted: FileDeleteOutcome) -> FileDeleteOutcome {
    match deleted {
        FileDeleteOutcome::Refused(mut live) => {
            live.sort();
            FileDeleteOutcome::Refused(live)
        }
        other => other,
    }
}

/// The file's state and the time of its last change.
pub(super) fn masked_file(file: File) -> String {
    format!("{:?} since {:?}", file.state, file.updated_at)
}
