//! Comparing what workers told with what the database holds.

use std::collections::{BTreeMap, BTreeSet};

use fieldfen_domain::JobId;
use fieldfen_tests::duty::{FENCED, FOLLOW_UP_KIND, POISON_KIND, WORK_KIND};
use fieldfen_tests::fact::Fact;

use crate::database::Database;

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) enqueued: usize,
    pub(crate) completed: usize,
    pub(crate) acknowledged: usize,
    pub(crate) lost: usize,
    /// Jobs that ended in failed because their retries were spent.
    pub(crate) failed: usize,
    /// Retries spent in all.
    pub(crate) retries: i64,
}

/// The ids that a fact of one sort names, with repetitions.
pub(crate) fn ids(told: &[Fact], of: impl Fn(&Fact) -> Option<JobId>) -> Vec<JobId> {
    told.iter().filter_map(of).collect()
}

pub(crate) fn completed(fact: &Fact) -> Option<JobId> {
    if let Fact::Completed(id) = fact { Some(*id) } else { None }
}

pub(crate) fn enqueued(fact: &Fact) -> Option<JobId> {
    if let Fact::Enqueued(id) = fact { Some(*id) } else { None }
}

/// Asserts that no job of a finished run was lost, none was completed twice, and every completion's own writes are there
/// exactly once.
pub(crate) fn assert_each_once(database: &Database, told: &[Fact]) -> Figures {
    database.assert_sound();
    let wrong: Vec<&Fact> = told.iter().filter(|fact| matches!(fact, Fact::Refused(_) | Fact::Broken(_))).collect();
    assert!(wrong.is_empty(), "{wrong:?}");

    let status = statuses(database);
    let acknowledged = ids(told, completed);
    let unique: BTreeSet<JobId> = acknowledged.iter().copied().collect();
    assert_eq!(acknowledged.len(), unique.len(), "a job was completed twice");
    for id in &unique {
        assert_eq!(status.get(id).map(String::as_str), Some("completed"), "{id} was told to be completed");
    }
    let put_in = ids(told, enqueued);
    for id in &put_in {
        assert!(status.contains_key(id), "{id} was told to be enqueued, and is gone");
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
        lost: told.iter().filter(|fact| matches!(fact, Fact::Lost(_))).count(),
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
