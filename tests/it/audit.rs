//! Compares the events of test processes with the database.

use std::collections::{BTreeMap, BTreeSet};

use fieldfen_domain::JobId;
use fieldfen_tests::commands::{FENCED, FOLLOW_UP_KIND, POISON_KIND, WORK_KIND};
use fieldfen_tests::event::Event;

use crate::database::Database;

/// The figures of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// The jobs that a process has reported as enqueued.
    pub(crate) enqueued: usize,
    /// The jobs that are completed in the database.
    pub(crate) completed: usize,
    /// The completed jobs whose process lived to report that.
    pub(crate) acknowledged: usize,
    /// The completions, failures and releases with an old fence token.
    pub(crate) lost: usize,
    /// The jobs that failed because their retries were spent.
    pub(crate) failed: usize,
    /// The number of all spent retries.
    pub(crate) retries: i64,
}

/// The job ids of some events, with repetitions.
pub(crate) fn ids(events: &[Event], of: impl Fn(&Event) -> Option<JobId>) -> Vec<JobId> {
    events.iter().filter_map(of).collect()
}

pub(crate) fn completed(event: &Event) -> Option<JobId> {
    if let Event::Completed(id) = event { Some(*id) } else { None }
}

pub(crate) fn enqueued(event: &Event) -> Option<JobId> {
    if let Event::Enqueued(id) = event { Some(*id) } else { None }
}

/// Asserts that a finished run has lost no job, has completed none twice, and has the writes of each completion exactly
/// once.
pub(crate) fn assert_each_once(database: &Database, events: &[Event]) -> Figures {
    database.assert_sound();
    let wrong: Vec<&Event> =
        events.iter().filter(|event| matches!(event, Event::StoreFailed(_) | Event::RuleBroken(_))).collect();
    assert!(wrong.is_empty(), "{wrong:?}");

    let status = statuses(database);
    let acknowledged = ids(events, completed);
    let unique: BTreeSet<JobId> = acknowledged.iter().copied().collect();
    assert_eq!(acknowledged.len(), unique.len(), "a job was completed twice");
    for id in &unique {
        assert_eq!(status.get(id).map(String::as_str), Some("completed"), "{id} was reported as completed");
    }
    let put_in = ids(events, enqueued);
    for id in &put_in {
        assert!(status.contains_key(id), "{id} was reported as enqueued, and is gone");
    }
    let unfinished: Vec<_> = status.iter().filter(|(_, status)| *status == "pending" || *status == "running").collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");

    let done: BTreeSet<JobId> = status.iter().filter(|(_, word)| *word == "completed").map(|(id, _)| *id).collect();
    let fenced = database.texts(&format!("SELECT endpoint FROM api_usage WHERE service = '{FENCED}'"));
    let fenced: Vec<JobId> = fenced.iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(fenced.len(), done.len(), "each completion records one call");
    assert_eq!(fenced.into_iter().collect::<BTreeSet<_>>(), done, "each completion records its own call");

    let foreign = "SELECT count(*) FROM jobs WHERE status = 'completed' \
                   AND json_extract(result_json, '$') IS NOT lease_token";
    assert_eq!(database.number(foreign), 0, "a job was completed by somebody who did not hold it any more");

    let parents = format!("SELECT json_extract(payload_json, '$') FROM jobs WHERE command_type = '{FOLLOW_UP_KIND}'");
    let mut parents: Vec<JobId> = database.texts(&parents).iter().map(|id| id.parse().unwrap()).collect();
    parents.sort_unstable();
    let work = format!("SELECT id FROM jobs WHERE command_type = '{WORK_KIND}' AND status = 'completed'");
    let mut work: Vec<JobId> = database.texts(&work).iter().map(|id| id.parse().unwrap()).collect();
    work.sort_unstable();
    assert_eq!(parents, work, "each completed job of work is followed by one job");

    let unrecorded = "SELECT count(*) FROM jobs WHERE lost_leases < 45 AND lost_leases <> \
                      (SELECT count(*) FROM job_attempts WHERE job_id = jobs.id AND outcome = 'lease lost')";
    assert_eq!(database.number(unrecorded), 0, "each lost lease is an attempt");
    let unbounded = "SELECT count(*) FROM jobs WHERE attempts > max_retries + lost_leases";
    assert_eq!(database.number(unbounded), 0, "a job was tried more often than it may be");
    let given_up = "SELECT count(*) FROM jobs WHERE status = 'failed' AND attempts < max_retries";
    assert_eq!(database.number(given_up), 0, "a job failed with retries left");
    let poison = format!("SELECT count(*) FROM jobs WHERE command_type = '{POISON_KIND}' AND status <> 'failed'");
    assert_eq!(database.number(&poison), 0, "a job that kills its worker can only fail");
    Figures {
        enqueued: put_in.len(),
        completed: done.len(),
        acknowledged: unique.len(),
        lost: events.iter().filter(|event| matches!(event, Event::LeaseLost(_))).count(),
        failed: status.values().filter(|status| *status == "failed").count(),
        retries: database.number("SELECT coalesce(sum(attempts), 0) FROM jobs"),
    }
}

fn statuses(database: &Database) -> BTreeMap<JobId, String> {
    let rows = database.texts("SELECT id || ' ' || status FROM jobs");
    let split = |row: &String| {
        let (id, status) = row.split_once(' ').unwrap();
        (id.parse().unwrap(), status.to_owned())
    };
    rows.iter().map(split).collect()
}
