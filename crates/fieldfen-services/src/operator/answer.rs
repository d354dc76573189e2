//! The answers of workers to operators' requests.

use std::fmt;

use fieldfen_domain::file::{FileDetails, FileStatus};
use fieldfen_domain::operator::Actor;
use fieldfen_domain::{JobId, RawJson, Timestamp};
use serde::{Deserialize, Serialize};

/// The answer to an operator's request. It is stored as the result of the request's job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperatorAnswer {
    /// The action took effect.
    Done {
        /// The present status of the file; `None` if the file was deleted.
        status: Option<FileStatus>,
        /// The jobs that the action enqueued or retried.
        jobs: Vec<JobId>,
    },
    /// The file already was as requested. Nothing was written.
    Unchanged {
        /// The present status of the file; `None` if there is no file any more.
        status: Option<FileStatus>,
    },
    /// The file does not exist.
    NotFound,
    /// A rule forbids the action. Nothing was changed.
    Refused {
        /// The rule and the fact that breaks it, for people to read.
        reason: String,
    },
    /// The file has changed since the editor read it. Nothing was written.
    Changed {
        /// The changed columns, for example `species` or `metadata_json`.
        columns: Vec<String>,
        /// The present details of the file; `None` if they are too large for an answer.
        now: Option<Box<FileDetails>>,
        /// The last edit by an operator, if there is one. A job may have changed the file since.
        last_edit: Option<LastEdit>,
    },
    /// An answer of a newer version's worker. This version cannot read it.
    #[serde(other)]
    Unknown,
}

/// An operator's edit of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastEdit {
    /// The operator who requested the edit.
    pub by: Actor,
    /// The operator's reason, for people to read.
    pub reason: String,
    /// The time of the request, by the clock of the requesting program.
    pub at: Timestamp,
}

impl OperatorAnswer {
    pub(super) fn of_result(result: Option<&RawJson>) -> Self {
        result.and_then(|json| json.read().ok()).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for OperatorAnswer {
    /// Writes the answer as one sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { status: Some(status), jobs } => {
                write!(f, "done: the file is {status}, {} jobs follow", jobs.len())
            }
            Self::Done { status: None, .. } => f.write_str("done"),
            Self::Unchanged { status: Some(status) } => write!(f, "nothing to do: the file is {status}"),
            Self::Unchanged { status: None } => f.write_str("nothing to do"),
            Self::NotFound => f.write_str("there is no such file"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
            Self::Changed { columns, now, last_edit } => {
                write!(f, "the file has changed since you saw it:")?;
                for (index, column) in columns.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    match now.as_ref().map(|now| shown(now, column)) {
                        Some(Some(value)) => write!(f, "{comma} {column} is {value} now")?,
                        Some(None) => write!(f, "{comma} {column} is empty now")?,
                        None => write!(f, "{comma} {column} is another one now")?,
                    }
                }
                match last_edit {
                    Some(LastEdit { by, reason, at }) => write!(f, "; {by} has edited it at {at}: {reason:?}"),
                    None => Ok(()),
                }
            }
            Self::Unknown => f.write_str("the worker is of a newer version, whose answer this program cannot read"),
        }
    }
}

/// The longest value in a sentence, in characters.
const SHOWN: usize = 200;

fn shown(now: &FileDetails, column: &str) -> Option<String> {
    let quoted = |text: &str| format!("{:?}", cut(text));
    match column {
        "processed_filename" => now.processed_filename.as_deref().map(quoted),
        "species" => now.species.as_deref().map(quoted),
        "metadata_json" => now.metadata.as_ref().map(|json| cut(json.as_str())),
        _ => now.size.map(|size| size.to_string()),
    }
}

/// The start of a text, on one line.
fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> OperatorAnswer {
        OperatorAnswer::of_result(Some(&RawJson::unchecked(json.to_owned())))
    }

    #[test]
    fn an_answer_of_a_newer_version_is_unknown() {
        assert_eq!(read(r#"{"answer":"not_found"}"#), OperatorAnswer::NotFound);
        for newer in [r#"{"answer":"postponed","until":"spring"}"#, r#"{"answer":"done"}"#, "7"] {
            assert_eq!(read(newer), OperatorAnswer::Unknown, "{newer}");
        }
        assert_eq!(OperatorAnswer::of_result(None), OperatorAnswer::Unknown);
    }

    #[test]
    fn an_answer_survives_its_json() {
        let metadata = Some(RawJson::unchecked(r#"{"title": "Fox"}"#.to_owned()));
        let mut now = FileDetails::default();
        now.metadata = metadata;
        let columns = vec!["metadata_json".to_owned(), "species".to_owned()];
        let answer = OperatorAnswer::Changed { columns, now: Some(Box::new(now)), last_edit: None };
        assert_eq!(read(&serde_json::to_string(&answer).unwrap()), answer);
        let said =
            "the file has changed since you saw it: metadata_json is {\"title\": \"Fox\"} now, species is empty now";
        assert_eq!(answer.to_string(), said);
    }

    #[test]
    fn a_sentence_repeats_the_beginning_of_a_long_value_on_one_line() {
        let mut now = FileDetails::default();
        now.metadata = Some(RawJson::unchecked(format!("[\n\u{9b}31m{}]", "1,".repeat(1_000))));
        let columns = vec!["metadata_json".to_owned()];
        let changed = |now| OperatorAnswer::Changed { columns: columns.clone(), now, last_edit: None }.to_string();
        let said = changed(Some(Box::new(now)));
        assert!(said.chars().count() < 300 && said.contains("[  31m1,1") && said.ends_with("… now"), "{said}");
        assert!(changed(None).ends_with("metadata_json is another one now"));
    }
}
