//! The events that the test process reports: one line on stdout for each, written after the store has answered.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use anyhow::{Context, Error, bail};
use fieldfen_domain::JobId;
use fieldfen_domain::store::StoreError;

/// Something that has happened in the process and that the test compares with the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The store is open. The process begins its work or reads commands from stdin.
    Ready,
    /// A command has been carried out.
    CommandDone,
    /// A job was enqueued.
    Enqueued(JobId),
    /// A job with the same dedup key was pending or running. The value is its id.
    AlreadyEnqueued(JobId),
    /// This process has claimed a job.
    Claimed(JobId),
    /// The handler of a job has returned.
    HandlerEnded(JobId),
    /// A job is completed, together with the writes of its completion.
    Completed(JobId),
    /// A completion, failure or release had an old fence token and has changed nothing.
    LeaseLost(JobId),
    /// The number of jobs in the database.
    Counted(u64),
    /// The webhook with this number was new and took effect.
    WebhookNew(u64),
    /// The webhook with this number was received before.
    WebhookDuplicate(u64),
    /// The store has returned an error.
    StoreFailed(StoreFailure),
    /// The answer to an operator.
    Answer(String),
    /// A rule that the process checks by itself was broken.
    RuleBroken(String),
}

/// An error that the store has returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFailure {
    /// The kind of error: `busy`, `full`, `read-only`, `io`, …
    pub kind: String,
    /// For `busy`, the wait that the store reports, in milliseconds; otherwise 0.
    pub waited_ms: u64,
    /// The message of the error and of its causes.
    pub message: String,
}

impl StoreFailure {
    /// Describes an error of the store for the test.
    #[must_use]
    pub fn of(error: &StoreError) -> Self {
        let (kind, waited_ms) = match error {
            StoreError::Busy { waited_ms, .. } => ("busy", *waited_ms),
            StoreError::Full(_) => ("full", 0),
            StoreError::ReadOnly(_) => ("read-only", 0),
            StoreError::Io(_) => ("io", 0),
            StoreError::Corrupt(_) => ("corrupt", 0),
            StoreError::Open { .. } => ("open", 0),
            StoreError::Setting { .. } => ("setting", 0),
            StoreError::Schema { .. } | StoreError::SchemaChanged { .. } => ("schema", 0),
            _ => ("other", 0),
        };
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self { kind: kind.to_owned(), waited_ms, message: message.replace('\n', " ") }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::CommandDone => f.write_str("done"),
            Self::Enqueued(id) => write!(f, "enqueued {id}"),
            Self::AlreadyEnqueued(id) => write!(f, "already-enqueued {id}"),
            Self::Claimed(id) => write!(f, "claimed {id}"),
            Self::HandlerEnded(id) => write!(f, "handler-ended {id}"),
            Self::Completed(id) => write!(f, "completed {id}"),
            Self::LeaseLost(id) => write!(f, "lease-lost {id}"),
            Self::Counted(jobs) => write!(f, "counted {jobs}"),
            Self::WebhookNew(number) => write!(f, "webhook-new {number}"),
            Self::WebhookDuplicate(number) => write!(f, "webhook-duplicate {number}"),
            Self::StoreFailed(StoreFailure { kind, waited_ms, message }) => {
                write!(f, "store-failed {kind} {waited_ms} {message}")
            }
            Self::Answer(answer) => write!(f, "answer {answer}"),
            Self::RuleBroken(rule) => write!(f, "rule-broken {rule}"),
        }
    }
}

impl FromStr for Event {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self, Error> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let id = || rest.parse::<JobId>().with_context(|| line.to_owned());
        let number = || rest.parse::<u64>().with_context(|| line.to_owned());
        Ok(match word {
            "ready" => Self::Ready,
            "done" => Self::CommandDone,
            "enqueued" => Self::Enqueued(id()?),
            "already-enqueued" => Self::AlreadyEnqueued(id()?),
            "claimed" => Self::Claimed(id()?),
            "handler-ended" => Self::HandlerEnded(id()?),
            "completed" => Self::Completed(id()?),
            "lease-lost" => Self::LeaseLost(id()?),
            "counted" => Self::Counted(number()?),
            "webhook-new" => Self::WebhookNew(number()?),
            "webhook-duplicate" => Self::WebhookDuplicate(number()?),
            "store-failed" => {
                let mut words = rest.splitn(3, ' ');
                let mut next = || words.next().unwrap_or_default().to_owned();
                let (kind, waited, message) = (next(), next(), next());
                Self::StoreFailed(StoreFailure {
                    kind,
                    waited_ms: waited.parse().with_context(|| line.to_owned())?,
                    message,
                })
            }
            "answer" => Self::Answer(rest.to_owned()),
            "rule-broken" => Self::RuleBroken(rest.to_owned()),
            _ => bail!("not an event: {line:?}"),
        })
    }
}

/// Writes an event to stdout in one write, so that a killed process leaves a whole line or none.
///
/// # Errors
/// An error if the test has closed the pipe.
pub fn emit(event: &Event) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{event}\n").as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_read_as_it_was_written() {
        let failure = StoreFailure { kind: "busy".into(), waited_ms: 301, message: "the database was busy".into() };
        let id = JobId::from_random(7);
        for event in [
            Event::Ready,
            Event::CommandDone,
            Event::Enqueued(id),
            Event::AlreadyEnqueued(id),
            Event::Claimed(id),
            Event::HandlerEnded(id),
            Event::Completed(id),
            Event::LeaseLost(id),
            Event::Counted(3),
            Event::WebhookNew(4),
            Event::WebhookDuplicate(5),
            Event::StoreFailed(failure),
            Event::Answer("done".into()),
            Event::RuleBroken("two at once".into()),
        ] {
            assert_eq!(event.to_string().parse::<Event>().unwrap(), event);
        }
        assert!("completed seven".parse::<Event>().is_err());
        assert!("panicked".parse::<Event>().is_err());
    }
}
