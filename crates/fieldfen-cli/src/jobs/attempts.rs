//! The attempts of a job in its document.

use std::io;

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::JobAttempt;
use fieldfen_terminal::{Terminal, TextOutput};
use serde::Serialize;

use crate::time_argument::shown;

/// The JSON document of an attempt.
#[derive(Debug, Serialize)]
pub(crate) struct AttemptLine {
    /// 1 for the first attempt of the job. A retry goes on counting.
    number: u32,
    /// `null` if it is not known, and for the attempt that has completed the job.
    claimed: Option<Timestamp>,
    ended: Timestamp,
    /// `null` if it is not known, and for the attempt that has completed the job.
    worker: Option<String>,
    /// `completed`, `failed`, `timed out`, `lease lost`, `killed`, `cancelled`, `declined`, `parked` or `throttled`.
    outcome: &'static str,
    error: Option<String>,
}

impl From<JobAttempt> for AttemptLine {
    fn from(attempt: JobAttempt) -> Self {
        Self {
            number: attempt.number,
            claimed: attempt.claimed_at,
            ended: attempt.ended_at,
            worker: attempt.worker,
            outcome: attempt.outcome.as_str(),
            error: attempt.error,
        }
    }
}

impl AttemptLine {
    /// The attempt that has completed a job, after these other attempts. No row describes it but that of the job.
    pub(super) fn completed(last: Option<&Self>, at: Timestamp) -> Self {
        let number = last.map_or(1, |last| last.number.saturating_add(1));
        Self { number, claimed: None, ended: at, worker: None, outcome: "completed", error: None }
    }
}

/// Writes a table of attempts; nothing if there is none.
pub(super) fn write_table(attempts: &[AttemptLine], out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
    if attempts.is_empty() {
        return Ok(());
    }
    let mut table = terminal.table(["attempt", "claimed", "ended", "outcome", "worker", "error"]);
    for attempt in attempts {
        table.add_row([
            attempt.number.to_string(),
            attempt.claimed.map(shown).unwrap_or_default(),
            shown(attempt.ended),
            attempt.outcome.to_owned(),
            attempt.worker.clone().unwrap_or_default(),
            attempt.error.as_deref().unwrap_or_default().chars().take(60).collect(),
        ]);
    }
    out.table(&table)
}
