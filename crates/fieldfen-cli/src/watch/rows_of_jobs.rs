//! The rows of jobs, of workers with the jobs that they run, and of limits.

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_cost::{BudgetState, BudgetStatus, Money};
use fieldfen_domain::job::{ConcurrencyLimit, JobState, JobSummary, Partition, Pause};
use fieldfen_domain::rate_limit::RateLimit;
use fieldfen_services::overview::Overview;

use super::look::{LimitsLook, WorkersLook};
use super::row::{Row, Target, Tone};
use crate::status::age;
use crate::time_argument::shown;

/// The number of characters of a job's id that tell it from the others on the screen.
const SHORT_ID: usize = 8;

/// A job in a list.
pub(super) fn job_row(job: &JobSummary, now: Timestamp) -> Row {
    let (status, time, tone) = match &job.state {
        JobState::Pending => {
            let due = if job.run_at > now { format!("in {}", age(now, job.run_at)) } else { age(job.run_at, now) };
            // A program that knows only the specification leaves the due time out, and the job is due since 1970.
            ("pending".to_owned(), if job.run_at.timestamp() > 0 { due } else { String::new() }, Tone::Plain)
        }
        JobState::Running { started_at, .. } if job.cancel_requested_at.is_some() => {
            ("stopping".to_owned(), shown_time(*started_at, now), Tone::Warning)
        }
        JobState::Running { started_at, .. } => ("running".to_owned(), shown_time(*started_at, now), Tone::Plain),
        JobState::Completed { at } => ("completed".to_owned(), shown_time(*at, now), Tone::Faint),
        JobState::Failed { at } => ("failed".to_owned(), shown_time(*at, now), Tone::Bad),
        JobState::Parked { at, parked_for } => (format!("parked: {parked_for}"), shown_time(*at, now), Tone::Warning),
    };
    let id = job.id.to_string();
    let kind = job.kind.as_str();
    let error = job.last_error.as_deref().unwrap_or_default();
    Row::new(id.as_str(), [short(&id), kind, &status, &time, error])
        .tone(tone)
        .target(Target::Job(job.id, kind.to_owned()))
}

/// The beginning of an id.
fn short(id: &str) -> &str {
    id.get(..SHORT_ID).unwrap_or(id)
}

/// The age of a time that may be unknown.
pub(super) fn shown_time(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map(|at| age(at, now)).unwrap_or_default()
}

/// Each worker with the jobs that it runs, and then the jobs that no living worker runs.
pub(super) fn workers(look: &WorkersLook, now: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut others: Vec<&JobSummary> = look.running.iter().collect();
    for worker in &look.workers {
        let (own, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|job| worker_of(job) == worker.name.as_str());
        others = rest;
        let kinds: Vec<_> = worker.kinds.iter().map(ToString::to_string).collect();
        let threads = format!("{} of {}", own.len(), worker.threads);
        let place = format!("{} {}", worker.host, worker.process);
        let started = age(worker.started_at, now);
        let row = [worker.name.as_str(), &threads, &started, &place, &kinds.join(", ")];
        rows.push(Row::new(format!("worker {}", worker.id), row));
        rows.extend(own.into_iter().map(|job| running_row(job, "", now)));
    }
    rows.extend(others.into_iter().map(|job| {
        let by = worker_of(job);
        let by = if by.is_empty() { "another program".to_owned() } else { format!("{by}, which is not alive") };
        running_row(job, &format!("by {by}"), now).tone(Tone::Warning)
    }));
    if look.has_more {
        let text = "more jobs run: list them with / --status running";
        rows.push(Row::new("more", ["", "", "", "", text]).tone(Tone::Faint));
    }
    rows
}

fn worker_of(job: &JobSummary) -> &str {
    match &job.state {
        JobState::Running { lease: Some(lease), .. } => &lease.worker,
        _ => "",
    }
}

fn running_row(job: &JobSummary, remark: &str, now: Timestamp) -> Row {
    let row = job_row(job, now);
    let [id, kind, status, time] = [0, 1, 2, 3].map(|cell| row.cells.get(cell).cloned().unwrap_or_default());
    let status = if status == "running" { String::new() } else { status };
    let name = format!("  {kind}");
    Row::new(row.key.as_str(), [&name, &status, &time, &id, remark]).tone(row.tone).target(row.target)
}

/// Pauses, concurrency limits, rate limits and budgets.
pub(super) fn limits(look: &LimitsLook, overview: &Overview, now: Timestamp) -> Vec<Row> {
    let pauses = look.pauses.iter().map(pause_row);
    let concurrency = look.concurrency.iter().map(|limit| concurrency_row(limit, overview));
    let rates = look.rates.iter().enumerate().map(|(index, rate)| match rate {
        Ok(limit) => rate_row(limit, now),
        Err(row) => {
            Row::new(format!("unreadable {index}"), ["calls", "", &format!("not readable: {row}")]).tone(Tone::Bad)
        }
    });
    let unreadable = look
        .unreadable
        .iter()
        .map(|row| Row::new(row.table, [row.table, "", &format!("not readable: {row}")]).tone(Tone::Bad));
    let budgets = look.budgets.iter().map(|(name, status)| budget_row(name, status));
    unreadable.chain(pauses).chain(concurrency).chain(rates).chain(budgets).collect()
}

fn pause_row(pause: &Pause) -> Row {
    let until = pause.until.map_or_else(|| "until somebody resumes it".to_owned(), |at| format!("until {}", shown(at)));
    let (scope, state) = (pause.scope.to_string(), format!("{until}, by {}: {}", pause.by, pause.reason));
    Row::new(format!("pause {scope}"), ["paused", &scope, &state]).tone(Tone::Warning)
}

fn concurrency_row(limit: &ConcurrencyLimit, overview: &Overview) -> Row {
    let running = overview.kinds.iter().find(|kind| kind.kind == limit.kind.as_str()).map(|kind| kind.running);
    let running = running.unwrap_or_default();
    let (kind, most) = (limit.kind.as_str(), limit.max_running);
    let state = match limit.partition {
        Partition::All => format!("{running} of {most} run"),
        partition => format!("{most} may run per {partition}; {running} run in all"),
    };
    let is_reached = limit.partition == Partition::All && running.number >= u64::from(most);
    let tone = if is_reached { Tone::Warning } else { Tone::Plain };
    Row::new(format!("jobs {limit}"), ["jobs", kind, &state]).tone(tone)
}

fn rate_row(limit: &RateLimit, now: Timestamp) -> Row {
    let name = limit.key.to_string();
    let of = limit.limit().map(|units| format!(" of {units}")).unwrap_or_default();
    let left = limit.available(now);
    let left_text = left.map_or_else(|| "the rest is unknown".to_owned(), |left| format!("{left} left"));
    let blocked = limit.blocked_at(now);
    let blocked_text = blocked
        .map(|block| format!("; takes no call until {}: {}", shown(block.until), block.reason))
        .unwrap_or_default();
    let state = format!("{}{of} in use, {left_text}{blocked_text}", limit.in_use(now));
    let tone = if blocked.is_some() || left == Some(0) { Tone::Warning } else { Tone::Plain };
    Row::new(format!("calls {name}"), ["calls", &name, &state]).tone(tone)
}

fn budget_row(name: &str, status: &BudgetStatus) -> Row {
    let number = |number: u64| match status.currency {
        Some(currency) => Money::from_micros(number, currency)
            .map_or_else(|_| format!("{number} millionths of {currency}"), |money| money.to_string()),
        None => format!("{number} calls"),
    };
    let (per_cent, rest) = (status.share_basis_points / 100, status.share_basis_points % 100);
    let (used, of, until) = (number(status.used), number(status.limit), shown(status.ends_at));
    let state = format!("{used} of {of} used ({per_cent}.{rest:02} %) until {until}");
    let tone = match status.state {
        BudgetState::Ok => Tone::Plain,
        BudgetState::Spent => Tone::Bad,
        _ => Tone::Warning,
    };
    Row::new(format!("budget {name}"), ["budget", name, &state]).tone(tone)
}
