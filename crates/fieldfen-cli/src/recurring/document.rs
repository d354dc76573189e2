//! The documents of recurring work.

use std::io;

use fieldfen_domain::job::{JobState, ParkedFor};
use fieldfen_domain::recurring::RecurringJob;
use fieldfen_domain::{JobId, Timestamp, UnreadableRow, with_causes};
use fieldfen_services::recurring::{Run, Schedule, TimeZone, schedule_of};
use fieldfen_terminal::{Terminal, TextOutput};
use serde::Serialize;

use crate::json_text::JsonText;
use crate::time_argument::shown;

/// The number of coming runs that are shown.
const NEXT_RUNS: usize = 5;

/// The JSON document of recurring work in a list.
#[derive(Debug, Serialize)]
pub(super) struct RecurringLine {
    name: String,
    /// As crontab has it.
    schedule: String,
    /// The name in the IANA database.
    time_zone: String,
    kind: String,
    payload: Option<JsonText>,
    /// The service or account that its jobs use.
    account: Option<String>,
    /// The file that defines it; `null` if a program does.
    defined_in: Option<String>,
    next: Timestamp,
    last: Option<Timestamp>,
    /// Since when it is paused; `null` if it is not.
    paused: Option<Timestamp>,
    /// Why this program takes no ticks of it; `null` if it does.
    problem: Option<String>,
}

impl RecurringLine {
    pub(super) fn new(work: RecurringJob, schedule: &Result<Schedule, String>) -> Self {
        Self {
            name: work.name.to_string(),
            schedule: work.schedule,
            time_zone: work.time_zone.unwrap_or_else(|| TimeZone::UTC.to_string()),
            kind: work.kind.to_string(),
            payload: work.payload.map(JsonText),
            account: work.account.map(|account| account.to_string()),
            defined_in: work.defined_in,
            next: work.next_at,
            last: work.last_at,
            paused: work.paused_at,
            problem: schedule.as_ref().err().cloned(),
        }
    }

    /// The state in place of the next run, if there is none.
    fn shown_next(&self) -> String {
        match (self.paused, &self.problem) {
            (Some(at), _) => format!("paused since {}", shown(at)),
            (None, Some(problem)) => problem.clone(),
            (None, None) => shown(self.next),
        }
    }
}

/// The schedule of some work, or the reason why this program cannot read it.
pub(super) fn readable_schedule(work: &RecurringJob) -> Result<Schedule, String> {
    schedule_of(work).map_err(|error| with_causes(&error).to_string())
}

/// Writes a table of recurring work.
pub(super) fn write_table(work: &[RecurringLine], out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
    let mut table = terminal.table(["name", "schedule", "zone", "kind", "last", "next"]);
    for work in work {
        let last = work.last.map_or_else(|| "never".to_owned(), shown);
        table.add_row([&work.name, &work.schedule, &work.time_zone, &work.kind, &last, &work.shown_next()]);
    }
    out.table(&table)
}

/// The JSON document of one recurring work.
#[derive(Debug, Serialize)]
pub(super) struct RecurringDocument {
    #[serde(flatten)]
    line: RecurringLine,
    /// The next runs, as they come if the work is not paused.
    next_runs: Vec<NextRun>,
    /// The last runs, the latest first.
    last_runs: Vec<LastRun>,
    /// The runs that cannot be read.
    unreadable: Vec<UnreadableRow>,
}

/// A coming run.
#[derive(Debug, Serialize)]
struct NextRun {
    utc: Timestamp,
    /// The time that the clocks of the zone show.
    local: String,
}

/// A run with its job.
#[derive(Debug, Serialize)]
struct LastRun {
    at: Timestamp,
    /// The tick; `null` if a person has asked for the run.
    tick: Option<Timestamp>,
    job: JobId,
    /// `pending`, `running`, `completed` or `failed`; `null` if the job has been deleted.
    status: Option<&'static str>,
    /// The event that the job is parked for; `null` if it is not parked.
    parked_for: Option<String>,
    ended: Option<Timestamp>,
    /// The last error of the job.
    error: Option<String>,
}

impl RecurringDocument {
    pub(super) fn new(work: RecurringJob, runs: Vec<Result<Run, UnreadableRow>>, now: Timestamp) -> Self {
        let schedule = readable_schedule(&work);
        let next_runs = schedule.as_ref().map_or_else(|_| Vec::new(), |schedule| next_runs(&work, schedule, now));
        let (runs, unreadable): (Vec<_>, Vec<_>) = runs.into_iter().partition(Result::is_ok);
        Self {
            line: RecurringLine::new(work, &schedule),
            next_runs,
            last_runs: runs.into_iter().flatten().map(LastRun::from).collect(),
            unreadable: unreadable.into_iter().filter_map(Result::err).collect(),
        }
    }

    pub(super) fn write(&self, out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
        let line = &self.line;
        let values = [
            ("name", Some(line.name.clone())),
            ("schedule", Some(line.schedule.clone())),
            ("time zone", Some(line.time_zone.clone())),
            ("kind", Some(line.kind.clone())),
            ("payload", line.payload.as_ref().map(|payload| payload.0.as_str().to_owned())),
            ("account", line.account.clone()),
            ("defined in", line.defined_in.clone()),
            ("paused since", line.paused.map(shown)),
            ("problem", line.problem.clone()),
        ];
        for (name, value) in values.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            writeln!(out, "{name:<14}{value}")?;
        }
        if !self.next_runs.is_empty() {
            let mut table = terminal.table(["next run (UTC)", "local time"]);
            self.next_runs.iter().for_each(|run| table.add_row([&shown(run.utc), &run.local]));
            out.table(&table)?;
        }
        if self.last_runs.is_empty() {
            writeln!(out, "it has not run yet")?;
        } else {
            let mut table = terminal.table(["last run (UTC)", "tick", "job", "status", "ended", "error"]);
            self.last_runs.iter().for_each(|run| table.add_row(run.cells()));
            out.table(&table)?;
        }
        self.unreadable.iter().try_for_each(|row| writeln!(out, "not readable: {row}"))
    }
}

/// The next runs of some work. Ticks that have been missed make one run together.
fn next_runs(work: &RecurringJob, schedule: &Schedule, now: Timestamp) -> Vec<NextRun> {
    let following = |at: &Timestamp| schedule.next_after((*at).max(now));
    std::iter::successors(Some(work.next_at), following)
        .take(NEXT_RUNS)
        .map(|utc| NextRun { utc, local: schedule.time_zone().local_text(utc) })
        .collect()
}

impl From<Run> for LastRun {
    fn from(Run { run, job, .. }: Run) -> Self {
        let (ended, parked_for) = match job.as_ref().map(|job| &job.state) {
            Some(JobState::Completed { at } | JobState::Failed { at }) => (*at, None),
            Some(JobState::Parked { at, parked_for }) => (*at, Some(parked_for)),
            Some(JobState::Pending | JobState::Running { .. }) | None => (None, None),
        };
        Self {
            at: run.at,
            tick: run.due,
            job: run.job,
            status: job.as_ref().map(|job| job.state.status().as_str()),
            parked_for: parked_for.map(ParkedFor::to_string),
            ended,
            error: job.as_ref().and_then(|job| job.last_error.clone()),
        }
    }
}

impl LastRun {
    /// The cells in the table of runs.
    fn cells(&self) -> [String; 6] {
        let status = match (self.status, &self.parked_for) {
            (_, Some(event)) => format!("parked: {event}"),
            (Some(status), None) => status.to_owned(),
            (None, None) => "deleted".to_owned(),
        };
        [
            shown(self.at),
            self.tick.map_or_else(|| "asked for".to_owned(), shown),
            self.job.to_string(),
            status,
            self.ended.map(shown).unwrap_or_default(),
            self.error.as_deref().unwrap_or_default().chars().take(60).collect(),
        ]
    }
}
