//! What a worker tells: one line for each fact, written only after the store has answered.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use anyhow::{Context, Error, bail};
use fieldfen_domain::JobId;
use fieldfen_domain::store::StoreError;

/// One acknowledged fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The store is open, and the worker begins or waits for commands.
    Ready,
    /// A command has been carried out.
    Done,
    /// A job is in the queue.
    Enqueued(JobId),
    /// A live job with the same dedup key was there already.
    Met(JobId),
    /// A job is this worker's.
    Claimed(JobId),
    /// A job's handler has run to its end.
    Ran(JobId),
    /// A job and its fenced writes are done.
    Completed(JobId),
    /// A completion, failure or release came too late and has changed nothing.
    Lost(JobId),
    /// So many jobs are in the database.
    Counted(u64),
    /// A webhook was new and took effect.
    New(u64),
    /// A webhook had been dealt with before.
    Duplicate(u64),
    /// The store refused.
    Refused(Refusal),
    /// What an operator is answered.
    Said(String),
    /// A rule that the worker watches itself was broken.
    Broken(String),
}

/// An error of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its kind: `busy`, `full`, `read-only`, `io`, …
    pub kind: String,
    /// How long the store says it waited, in milliseconds, for a busy one.
    pub waited_ms: u64,
    /// Its message.
    pub message: String,
}

impl Refusal {
    /// What the parent is to know of this error.
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

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Done => f.write_str("done"),
            Self::Enqueued(id) => write!(f, "enqueued {id}"),
            Self::Met(id) => write!(f, "met {id}"),
            Self::Claimed(id) => write!(f, "claimed {id}"),
            Self::Ran(id) => write!(f, "ran {id}"),
            Self::Completed(id) => write!(f, "completed {id}"),
            Self::Lost(id) => write!(f, "lost {id}"),
            Self::Counted(jobs) => write!(f, "counted {jobs}"),
            Self::New(number) => write!(f, "new {number}"),
            Self::Duplicate(number) => write!(f, "duplicate {number}"),
            Self::Refused(Refusal { kind, waited_ms, message }) => write!(f, "refused {kind} {waited_ms} {message}"),
            Self::Said(answer) => write!(f, "said {answer}"),
            Self::Broken(rule) => write!(f, "broken {rule}"),
        }
    }
}

impl FromStr for Fact {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self, Error> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let id = || rest.parse::<JobId>().with_context(|| line.to_owned());
        let number = || rest.parse::<u64>().with_context(|| line.to_owned());
        Ok(match word {
            "ready" => Self::Ready,
            "done" => Self::Done,
            "enqueued" => Self::Enqueued(id()?),
            "met" => Self::Met(id()?),
            "claimed" => Self::Claimed(id()?),
            "ran" => Self::Ran(id()?),
            "completed" => Self::Completed(id()?),
            "lost" => Self::Lost(id()?),
            "counted" => Self::Counted(number()?),
            "new" => Self::New(number()?),
            "duplicate" => Self::Duplicate(number()?),
            "refused" => {
                let mut words = rest.splitn(3, ' ');
                let mut next = || words.next().unwrap_or_default().to_owned();
                let (kind, waited, message) = (next(), next(), next());
                Self::Refused(Refusal { kind, waited_ms: waited.parse().with_context(|| line.to_owned())?, message })
            }
            "said" => Self::Said(rest.to_owned()),
            "broken" => Self::Broken(rest.to_owned()),
            _ => bail!("a worker does not talk like this: {line:?}"),
        })
    }
}

/// Tells the parent a fact, in one write: a line stands there whole or not at all.
///
/// # Errors
/// When the parent listens no more.
pub fn tell(fact: &Fact) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{fact}\n").as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_read_as_it_was_told() {
        let refusal = Refusal { kind: "busy".into(), waited_ms: 301, message: "the database was busy".into() };
        let id = JobId::from_random(7);
        for fact in [
            Fact::Ready,
            Fact::Done,
            Fact::Enqueued(id),
            Fact::Met(id),
            Fact::Claimed(id),
            Fact::Ran(id),
            Fact::Completed(id),
            Fact::Lost(id),
            Fact::Counted(3),
            Fact::New(4),
            Fact::Duplicate(5),
            Fact::Refused(refusal),
            Fact::Said("done".into()),
            Fact::Broken("two at once".into()),
        ] {
            assert_eq!(fact.to_string().parse::<Fact>().unwrap(), fact);
        }
        assert!("completed seven".parse::<Fact>().is_err());
        assert!("panicked".parse::<Fact>().is_err());
    }
}
