//! The documents of jobs.

use std::io;

use fieldfen_domain::job::{Job, JobAttempt, JobState, JobStatus, JobSummary, OnWorkerDeath, Why};
use fieldfen_domain::{FileId, JobId, RawJson, Timestamp};
use fieldfen_terminal::{Terminal, TextOutput};
use serde::Serialize;

use super::attempts::{self, AttemptLine};
use super::why;
use crate::json_text::JsonText;
use crate::time_argument::shown;

/// The status of a completed job.
const COMPLETED: &str = JobStatus::Completed.as_str();

/// The JSON document of a job in a list.
#[derive(Debug, Serialize)]
pub(crate) struct JobLine {
    id: JobId,
    kind: String,
    /// `pending`, `running`, `completed` or `failed`, as in the database.
    status: &'static str,
    /// The event that a failed job is parked for; `null` if it is not parked.
    parked_for: Option<String>,
    file: Option<FileId>,
    /// The service or account that the job uses.
    account: Option<String>,
    /// 0 is urgent, 3 low.
    priority: u8,
    /// No claim takes the job before this time.
    due: Timestamp,
    /// The number of retries that it has used, and may use.
    retries: u32,
    max_retries: u32,
    /// The number of leases that its workers have lost.
    lost_leases: u32,
    /// The number of times that a rate limit has delayed it.
    throttled: u32,
    created: Option<Timestamp>,
    /// When its handler started; `null` if it does not run.
    started: Option<Timestamp>,
    /// When it ended; `null` if it has not ended.
    ended: Option<Timestamp>,
    /// The worker that runs it.
    worker: Option<String>,
    /// Until when its worker holds it.
    lease_until: Option<Timestamp>,
    cancel_requested: Option<Timestamp>,
    dedup_key: Option<String>,
    /// The beginning of its last error; of a completed job, that of an earlier attempt.
    error: Option<String>,
}

impl From<JobSummary> for JobLine {
    fn from(job: JobSummary) -> Self {
        let status = job.state.status().as_str();
        let (mut parked, mut started, mut ended, mut lease) = (None, None, None, None);
        match job.state {
            JobState::Pending => {}
            JobState::Running { started_at, lease: held } => (started, lease) = (started_at, held),
            JobState::Completed { at } | JobState::Failed { at } => ended = at,
            JobState::Parked { at, parked_for } => (ended, parked) = (at, Some(parked_for.to_string())),
        }
        Self {
            id: job.id,
            kind: job.kind.to_string(),
            status,
            parked_for: parked,
            file: job.file_id,
            account: job.account.map(|account| account.to_string()),
            priority: job.priority.number(),
            due: job.run_at,
            retries: job.attempts,
            max_retries: job.max_retries,
            lost_leases: job.lost_leases,
            throttled: job.throttled,
            created: job.created_at,
            started,
            ended,
            lease_until: lease.as_ref().map(|lease| lease.expires_at),
            worker: lease.map(|lease| lease.worker),
            cancel_requested: job.cancel_requested_at,
            dedup_key: job.dedup_key.map(|key| key.to_string()),
            error: job.last_error,
        }
    }
}

impl JobLine {
    /// The status in a table: `parked: approval` for a parked job.
    fn shown_status(&self) -> String {
        self.parked_for.as_ref().map_or_else(|| self.status.to_owned(), |event| format!("parked: {event}"))
    }

    /// The cells in the table of jobs.
    fn cells(&self) -> [String; 6] {
        // The error of a completed job is that of an earlier attempt, and needs nobody.
        let error = self.error.as_deref().filter(|_| self.status != COMPLETED).unwrap_or_default();
        let error: String = error.chars().take(60).collect();
        let due = shown(self.due);
        let retries = format!("{} of {}", self.retries, self.max_retries);
        [self.id.to_string(), self.kind.clone(), self.shown_status(), due, retries, error]
    }
}

/// Writes a table of jobs; nothing if there is none.
pub(crate) fn write_table(jobs: &[JobLine], out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut table = terminal.table(["id", "kind", "status", "due", "retries", "error"]);
    for job in jobs {
        table.add_row(job.cells());
    }
    out.table(&table)
}

/// The JSON document of one job.
#[derive(Debug, Serialize)]
pub(crate) struct JobDocument {
    #[serde(flatten)]
    line: JobLine,
    /// The arguments of the handler, as they are stored.
    payload: Option<JsonText>,
    /// The handler's result.
    result: Option<JsonText>,
    /// The last progress that the handler has reported.
    progress: Option<JsonText>,
    /// The consequence for the job if its worker dies: `retry`, `hold` or `fail`; `null` if the worker decides.
    on_worker_death: Option<OnWorkerDeath>,
    /// The command that helps; `null` if there is none.
    command: Option<String>,
    /// The attempts, the first one first. The last one of a completed job has the outcome `completed`.
    attempts: Vec<AttemptLine>,
    /// Why it runs, or does not run, now.
    reason: Why,
}

impl JobDocument {
    pub(super) fn new(
        mut job: Job,
        on_worker_death: Option<OnWorkerDeath>,
        attempts: Vec<JobAttempt>,
        reason: Why,
    ) -> Self {
        let json = |json: Option<RawJson>| json.map(JsonText);
        let (payload, result, progress) =
            (json(job.payload.take()), json(job.result.take()), json(job.progress.take()));
        let error = job.last_error.clone();
        let completed = match job.state {
            JobState::Completed { at } => at,
            _ => None,
        };
        let line = JobLine { error, ..JobLine::from(JobSummary::from(job)) };
        let mut attempts: Vec<_> = attempts.into_iter().map(AttemptLine::from).collect();
        attempts.extend(completed.map(|at| AttemptLine::completed(attempts.last(), at)));
        let command = why::command(&reason, &line.id, line.file.as_ref());
        Self { line, payload, result, progress, on_worker_death, command, attempts, reason }
    }

    /// Writes the values of the job, one on a line, without those that it does not have, the table of its attempts,
    /// and the reason for which it runs, or does not run.
    pub(super) fn write(&self, out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
        let line = &self.line;
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let json = |json: &Option<JsonText>| json.as_ref().map(|json| json.0.as_str().to_owned());
        let values = [
            ("job", Some(line.id.to_string())),
            ("kind", Some(line.kind.clone())),
            ("status", Some(line.shown_status())),
            ("file", line.file.map(|file| file.to_string())),
            ("account", line.account.clone()),
            ("priority", Some(line.priority.to_string())),
            ("due", time(Some(line.due))),
            ("retries", Some(format!("{} of {}", line.retries, line.max_retries))),
            ("lost leases", (line.lost_leases > 0).then(|| line.lost_leases.to_string())),
            (
                "on worker death",
                self.on_worker_death.filter(|rule| *rule != OnWorkerDeath::Retry).map(|rule| rule.to_string()),
            ),
            ("throttled", (line.throttled > 0).then(|| line.throttled.to_string())),
            ("created", time(line.created)),
            ("started", time(line.started)),
            ("ended", time(line.ended)),
            ("worker", line.worker.clone()),
            ("lease until", time(line.lease_until)),
            ("cancel requested", time(line.cancel_requested)),
            ("dedup key", line.dedup_key.clone()),
            ("payload", json(&self.payload)),
            ("progress", json(&self.progress)),
            ("result", json(&self.result)),
            (if line.status == COMPLETED { "earlier error" } else { "error" }, line.error.clone()),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                writeln!(out, "{name:<16} {value}")?;
            }
        }
        attempts::write_table(&self.attempts, out, terminal)?;
        writeln!(out, "{:<16} {}", "why", self.reason)?;
        match &self.command {
            Some(command) => writeln!(out, "{:<16} {command}", "what helps"),
            None => Ok(()),
        }
    }
}
