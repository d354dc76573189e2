//! Keeps the jobs of a full partition out of the claim's index, and admits the next one when a job leaves.
//!
//! The pending jobs of a kind with a limit per file or account are either admitted, and the claim looks at them, or they
//! wait: `waits_for` holds their partition key. As long as any job of a partition waits, the admitted jobs contain the ones
//! that the claim is to take next, as many as there is room for. Three rules keep this true:
//!
//! - A job waits only if the running jobs and the admitted ones before it fill the partition.
//! - When a job leaves the running or admitted ones, the first waiting job is admitted. One job too many does no harm: a
//!   claim sets it aside again.
//! - Every statement that changes the status or the due time of a job clears `waits_for`.
//!
//! Other programs do not follow these rules; `waiting_check` finds the jobs that they leave waiting.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_domain::store::StoreError;

use crate::rules::claim_rules::{ClaimRules, pause_mark};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The columns of [`JobPartition`].
macro_rules! partition_columns {
    () => {
        "jobs.command_type, jobs.partition_key, jobs.status = 'running', EXISTS (SELECT 1 FROM jobs AS waiting \
         INDEXED BY idx_jobs_waits_for WHERE waiting.status = 'pending' AND waiting.waits_for <> '' \
         AND waiting.command_type = jobs.command_type AND waiting.waits_for = jobs.partition_key)"
    };
}

macro_rules! counted {
    () => {
        concat!(
            "SELECT ",
            partition_columns!(),
            " FROM jobs WHERE partition_key IS NOT NULL AND waits_for = '' \
             AND status IN ('pending', 'running')"
        )
    };
}

statement! {
    /// The partition of a job that a claim holds.
    PartitionOfClaim<'a> { id: &'a str as Text, token: &'a str as Text } -> (Text, Text, Bool, Bool) =
        concat!(counted!(), " AND id = ? AND lease_token = ? AND status = 'running'")
}
statement! {
    /// The partition of a running or admitted job.
    PartitionOfJob<'a> { id: &'a str as Text } -> (Text, Text, Bool, Bool) = concat!(counted!(), " AND id = ?")
}
statement! {
    /// The partition of a running or admitted job.
    PartitionOfRow { rowid: i64 as BigInt } -> (Text, Text, Bool, Bool) = concat!(counted!(), " AND rowid = ?")
}
statement! {
    /// The partitions of the running and admitted jobs of a file.
    PartitionsOfFile<'a> { id: &'a str as Text, other: &'a str as Text } -> (Text, Text, Bool, Bool) =
        concat!(
            "SELECT ", partition_columns!(), " FROM jobs INDEXED BY idx_jobs_file_id \
             WHERE file_id IN (?, ?) AND partition_key IS NOT NULL AND waits_for = '' \
             AND status IN ('pending', 'running')"
        )
}
statement! {
    /// The partitions of the jobs that these claims hold.
    PartitionsOfClaims<'a> { given: &'a str as Text } -> (Text, Text, Bool, Bool) = concat!(
        "SELECT ", partition_columns!(), " FROM (SELECT key AS id, substr(value, 1, 36) AS token FROM json_each(?)) AS given \
         CROSS JOIN jobs ON jobs.id = given.id WHERE +jobs.lease_token = given.token AND +jobs.status = 'running' AND +jobs.partition_key IS NOT NULL \
         AND +jobs.waits_for = ''"
    )
}
statement! {
    /// Admits the first waiting jobs of a partition.
    Admit<'a> { kind: &'a str as Text, waits_for: &'a str as Text, limit: i64 as BigInt } =
        "UPDATE jobs SET waits_for = '' WHERE rowid IN (SELECT rowid FROM jobs INDEXED BY idx_jobs_waits_for \
         WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? \
         AND priority IN (0, 1, 2, 3) AND run_at >= '' ORDER BY priority, run_at, rowid LIMIT ?)"
}
statement! {
    /// The number of running jobs of a partition.
    RunningInPartition<'a> { kind: &'a str as Text, partition_key: &'a str as Text } -> (BigInt,) =
        "SELECT count(*) FROM jobs INDEXED BY idx_jobs_running \
         WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ? AND partition_key = ?"
}
statement! {
    /// The due admitted jobs of a partition, in the order of the claim.
    AdmittedInPartition<'a> {
        kind: &'a str as Text,
        partition_key: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } -> (BigInt, Text) =
        "SELECT priority, run_at FROM jobs INDEXED BY idx_jobs_admitted \
         WHERE status = 'pending' AND partition_key IS NOT NULL AND waits_for = '' AND command_type = ? \
         AND partition_key = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? \
         ORDER BY priority, run_at LIMIT ?"
}
statement! {
    /// The first waiting job of a partition.
    FirstWaiting<'a> { kind: &'a str as Text, waits_for: &'a str as Text } -> (BigInt, Text) =
        "SELECT priority, run_at FROM jobs INDEXED BY idx_jobs_waits_for \
         WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? \
         AND priority IN (0, 1, 2, 3) AND run_at >= '' ORDER BY priority, run_at LIMIT 1"
}

statement! {
    /// Changes the number of running jobs of a kind whose jobs are all limited.
    AddRunning<'a> { jobs: i64 as BigInt, kind: &'a str as Text } =
        "UPDATE concurrency_limits SET running = max(running + ?, 0) WHERE kind = ? AND partition = 'all'"
}

/// The partition in which a job is counted.
#[derive(Debug, Queryable)]
pub(in crate::sqlite) struct JobPartition {
    kind: StoredText,
    pub(super) key: StoredText,
    /// Whether the job runs; otherwise it is admitted.
    is_running: bool,
    /// Whether other jobs wait for a place in the partition.
    is_waited_for: bool,
}

impl SqliteSession<'_> {
    pub(super) fn partition_of_claim(&mut self, id: &str, token: &str) -> Result<Option<JobPartition>, StoreError> {
        PartitionOfClaim { id, token }.get_result(self.conn).optional().store()
    }

    /// The partition that this job leaves if it ends, is deleted or is not due any more. `None` if no limit counts it.
    pub(super) fn partition_of_job(&mut self, id: &str) -> Result<Option<JobPartition>, StoreError> {
        PartitionOfJob { id }.get_result(self.conn).optional().store()
    }

    /// As [`partition_of_job`](Self::partition_of_job), for a row.
    pub(super) fn partition_of_row(&mut self, rowid: i64) -> Result<Option<JobPartition>, StoreError> {
        PartitionOfRow { rowid }.get_result(self.conn).optional().store()
    }

    /// The partitions that the jobs of a file leave if they are deleted with it.
    pub(in crate::sqlite) fn partitions_of_file(&mut self, ids: &[String; 2]) -> Result<Vec<JobPartition>, StoreError> {
        let [id, other] = ids;
        PartitionsOfFile { id, other }.load(self.conn).store()
    }

    /// The partitions of the jobs that these claims hold, of those jobs that a limit counts.
    pub(super) fn partitions_of_claims(&mut self, given: &str) -> Result<Vec<JobPartition>, StoreError> {
        PartitionsOfClaims { given }.load(self.conn).store()
    }

    /// Admits the next waiting jobs, one for each job that has left a partition.
    pub(in crate::sqlite) fn admit_after(
        &mut self,
        left: impl IntoIterator<Item = JobPartition>,
    ) -> Result<(), StoreError> {
        let (mut ended, mut places) = (BTreeMap::<String, i64>::new(), BTreeMap::<(String, String), i64>::new());
        for left in left {
            // Also a kind without partitions has room now.
            self.note(CommitNotice::JobDue);
            let Some(kind) = left.kind.as_str() else { continue };
            if left.is_running {
                *ended.entry(kind.to_owned()).or_default() += 1;
            }
            if let Some(key) = left.key.as_str().filter(|_| left.is_waited_for) {
                *places.entry((kind.to_owned(), key.to_owned())).or_default() += 1;
            }
        }
        for (kind, jobs) in ended {
            self.add_running(&kind, -jobs)?;
        }
        for ((kind, key), jobs) in places {
            self.admit(&kind, &key, jobs)?;
        }
        Ok(())
    }

    /// Notes that a job does not run any more.
    pub(super) fn count_less(&mut self, left: &JobPartition) -> Result<(), StoreError> {
        match left.kind.as_str() {
            Some(kind) if left.is_running => self.add_running(kind, -1),
            _ => Ok(()),
        }
    }

    /// Changes the number of running jobs of a kind, if all its jobs are limited.
    pub(super) fn add_running(&mut self, kind: &str, jobs: i64) -> Result<(), StoreError> {
        if jobs != 0 {
            AddRunning { jobs, kind }.execute(self.conn).store()?;
        }
        Ok(())
    }

    /// Admits the first waiting jobs of a partition. Returns their number.
    pub(in crate::sqlite) fn admit(&mut self, kind: &str, key: &str, limit: i64) -> Result<usize, StoreError> {
        if key.is_empty() {
            return Ok(0);
        }
        let admitted = Admit { kind, waits_for: key, limit }.execute(self.conn).store()?;
        if admitted > 0 {
            self.note(CommitNotice::JobDue);
        }
        Ok(admitted)
    }

    pub(in crate::sqlite) fn running_in_partition(&mut self, kind: &str, key: &str) -> Result<u32, StoreError> {
        let count = RunningInPartition { kind, partition_key: key };
        let (running,) = count.get_result::<(i64,)>(self.conn).store()?;
        Ok(u32::try_from(running).unwrap_or(u32::MAX))
    }

    /// The number of due jobs of a partition that are admitted, at most `limit`.
    pub(super) fn admitted_in_partition(
        &mut self,
        kind: &str,
        key: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Place>, StoreError> {
        let admitted = AdmittedInPartition { kind, partition_key: key, now: SqlTime(now), limit: limit.into() };
        let admitted = admitted.load::<(i64, StoredText)>(self.conn).store()?;
        Ok(admitted.into_iter().map(|(priority, run_at)| (priority, run_at.as_bytes().to_vec())).collect())
    }
}

/// The place of a job in the order of the claim: priority and due time. Of two jobs at the same place, the older one is
/// first.
pub(super) type Place = (i64, Vec<u8>);

/// The rules that decide whether new jobs wait, and for which partition or pause.
pub(super) struct NewJobRules {
    rules: ClaimRules,
    partitions: HashMap<(JobKind, String), Occupancy>,
}

/// The partition key of a new job, and the partition or pause that it waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Admission {
    pub(super) partition_key: Option<String>,
    pub(super) waits_for: Option<String>,
}

/// A partition to which jobs are added.
struct Occupancy {
    /// The number of jobs that it has room for beside the running ones.
    room: usize,
    /// The places of the first admitted jobs, in order.
    admitted: Vec<Place>,
    first_waiting: Option<Place>,
}

impl SqliteSession<'_> {
    pub(super) fn new_job_rules(&mut self) -> Result<NewJobRules, StoreError> {
        Ok(NewJobRules { rules: self.claim_rules()?, partitions: HashMap::new() })
    }

    /// Decides whether a job that is about to be inserted waits. A job that is not due is admitted: once it is due, a
    /// claim sets it aside if its partition is full.
    pub(super) fn admission(&mut self, new: &mut NewJobRules, job: &NewJob) -> Result<Admission, StoreError> {
        let limits = new.rules.limits(&job.kind);
        let partition_key = limits.key(job.file_id, job.account.as_ref());
        let mut waits_for = None;
        if job.run_at <= job.created_at {
            waits_for = new.rules.pause_of(job.account.as_ref(), job.created_at).map(pause_mark);
            if let (None, Some((_, most)), Some(key)) = (&waits_for, limits.each, &partition_key)
                && !key.is_empty()
            {
                let partition = (job.kind.clone(), key.clone());
                if !new.partitions.contains_key(&partition) {
                    let occupancy = self.occupancy(&job.kind, key, most, job.created_at)?;
                    new.partitions.insert(partition.clone(), occupancy);
                }
                let place = (job.priority.number().into(), SqlTime(job.run_at).text().unwrap_or_default().into_bytes());
                let occupancy = new.partitions.get_mut(&partition);
                waits_for = occupancy.and_then(|occupancy| occupancy.waits(place)).map(|()| key.clone());
            }
        }
        Ok(Admission { partition_key, waits_for })
    }

    fn occupancy(&mut self, kind: &JobKind, key: &str, most: u32, now: Timestamp) -> Result<Occupancy, StoreError> {
        let kind = kind.as_str();
        let room = most.saturating_sub(self.running_in_partition(kind, key)?);
        if room == 0 {
            return Ok(Occupancy { room: 0, admitted: Vec::new(), first_waiting: None });
        }
        let admitted = self.admitted_in_partition(kind, key, now, room)?;
        let first =
            FirstWaiting { kind, waits_for: key }.get_result::<(i64, StoredText)>(self.conn).optional().store()?;
        let first_waiting = first.map(|(priority, run_at)| (priority, run_at.as_bytes().to_vec()));
        Ok(Occupancy { room: usize::try_from(room).unwrap_or(usize::MAX), admitted, first_waiting })
    }
}

impl Occupancy {
    /// Adds a job at this place. `Some` if it waits.
    fn waits(&mut self, place: Place) -> Option<()> {
        let before = self.admitted.partition_point(|admitted| *admitted <= place);
        if before >= self.room || self.first_waiting.as_ref().is_some_and(|first| *first <= place) {
            self.first_waiting = Some(self.first_waiting.take().map_or(place.clone(), |first| first.min(place)));
            return Some(());
        }
        self.admitted.insert(before, place);
        self.admitted.truncate(self.room);
        None
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("PartitionOfClaim", PartitionOfClaim::SQL),
        ("PartitionOfJob", PartitionOfJob::SQL),
        ("PartitionOfRow", PartitionOfRow::SQL),
        ("PartitionsOfFile", PartitionsOfFile::SQL),
        ("PartitionsOfClaims", PartitionsOfClaims::SQL),
        ("Admit", Admit::SQL),
        ("AddRunning", AddRunning::SQL),
        ("RunningInPartition", RunningInPartition::SQL),
        ("AdmittedInPartition", AdmittedInPartition::SQL),
        ("FirstWaiting", FirstWaiting::SQL),
    ]
}
