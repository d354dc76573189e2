//! One job as lines: the reason first, then its error, its attempts, its payload and the rest.

use fieldfen_domain::job::{Job, JobAttempt, JobState, Why};
use fieldfen_domain::{JobId, RawJson, Timestamp};

use super::look::JobLook;
use crate::text_width::{one_line, wrap};
use crate::time_argument::shown;

/// The columns of the names, with the blank behind them.
const NAMES: usize = 12;

/// The lines of a job that is open, for a view of this width. `waiting` is the line for a job that was not read yet.
pub(super) fn lines(id: JobId, kind: &str, look: Option<&JobLook>, waiting: &str, columns: usize) -> Vec<String> {
    let found = look.filter(|look| look.id == id).map(|look| look.found.as_ref());
    let values = match found {
        Some(Some((job, attempts, why))) => values(job, attempts, why),
        Some(None) => vec![("job", id.to_string()), ("", "it is not there any more".to_owned())],
        None => vec![("job", id.to_string()), ("kind", kind.to_owned()), ("", waiting.to_owned())],
    };
    values.iter().flat_map(|(name, value)| lines_of(name, value, columns)).collect()
}

fn lines_of(name: &str, value: &str, columns: usize) -> Vec<String> {
    let wrapped = wrap(&one_line(value), columns.saturating_sub(NAMES));
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    wrapped.iter().zip(names).map(|(line, name)| format!("{name:<NAMES$}{line}")).collect()
}

fn values(job: &Job, attempts: &[JobAttempt], why: &Why) -> Vec<(&'static str, String)> {
    let (mut started, mut ended, mut lease) = (None, None, None);
    let status = match &job.state {
        JobState::Running { started_at, lease: held } => {
            (started, lease) = (*started_at, held.as_ref());
            "running".to_owned()
        }
        JobState::Pending => "pending".to_owned(),
        JobState::Completed { at } => {
            ended = *at;
            "completed".to_owned()
        }
        JobState::Failed { at } => {
            ended = *at;
            "failed".to_owned()
        }
        JobState::Parked { at, parked_for } => {
            ended = *at;
            format!("parked: {parked_for}")
        }
    };
    let time = |time: Option<Timestamp>| time.map(shown);
    let number = |number: u32| (number > 0).then(|| number.to_string());
    let json = |json: &Option<RawJson>| json.as_ref().map(|json| json.as_str().to_owned());
    let before = [
        ("job", Some(job.id.to_string())),
        ("kind", Some(job.kind.to_string())),
        ("status", Some(status)),
        ("why", Some(why.to_string())),
        ("last error", job.last_error.clone()),
    ];
    let after = [
        ("payload", json(&job.payload)),
        ("progress", json(&job.progress)),
        ("result", json(&job.result)),
        ("retries", Some(format!("{} of {}", job.attempts, job.max_retries))),
        ("lost leases", number(job.lost_leases)),
        ("throttled", number(job.throttled)),
        ("priority", Some(job.priority.number().to_string())),
        ("due", Some(shown(job.run_at))),
        ("created", time(job.created_at)),
        ("started", time(started)),
        ("ended", time(ended)),
        ("worker", lease.map(|lease| lease.worker.clone())),
        ("lease until", lease.map(|lease| shown(lease.expires_at))),
        ("stop asked", time(job.cancel_requested_at)),
        ("file", job.file_id.map(|file| file.to_string())),
        ("account", job.account.as_ref().map(ToString::to_string)),
        ("dedup key", job.dedup_key.as_ref().map(ToString::to_string)),
    ];
    let set = |(name, value): (&'static str, Option<String>)| value.map(|value| (name, value));
    let mut values: Vec<_> = before.into_iter().filter_map(set).collect();
    values.extend(attempts.iter().map(|attempt| ("attempt", attempt_text(attempt))));
    values.extend(after.into_iter().filter_map(set));
    values
}

fn attempt_text(attempt: &JobAttempt) -> String {
    let worker = attempt.worker.as_ref().map(|worker| format!(" by {worker}")).unwrap_or_default();
    let error = attempt.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{}, {} at {}{worker}{error}", attempt.number, attempt.outcome.as_str(), shown(attempt.ended_at))
}
