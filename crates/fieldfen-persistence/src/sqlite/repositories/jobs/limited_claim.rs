//! Claims jobs while there are pauses or concurrency limits.
//!
//! For each kind, the claim reads the first due jobs in its order. It passes over a job whose account is paused or
//! whose partition is full, and sets it aside: `waits_for` takes the job out of the claim's index, so that the next
//! claim does not read it again.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ApiAccount, ClaimRequest, JobKind};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, Timestamp, later};

use super::admission::Place;
use super::claim::{DueOfKind, consequence_of, due, take};
use super::row::{JobColumns, JobRow, pending_job_columns};
use crate::rules::claim_rules::{ClaimRules, KindLimits, holds, pause_mark};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The most jobs that one claim sets aside of each kind, and the most jobs of paused accounts that it takes back.
const MOST_SET_ASIDE: usize = 1024;

statement! {
    /// The due jobs of one kind in the order of the claim, with the columns by which pauses and limits apply.
    Candidates<'a> {
        kind: &'a str as Text,
        now: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } -> (BigInt, Text, BigInt, Nullable<Text>, Nullable<Text>) =
        concat!("SELECT priority, run_at, rowid, file_id, account ", due!())
}
statement! {
    /// A due job, with the columns that the claim leaves as they are.
    DueRow { rowid: i64 as BigInt } -> JobColumns =
        concat!("SELECT ", pending_job_columns!(), " FROM jobs WHERE rowid = ? AND status = 'pending'")
}
statement! {
    /// Claims one job, and counts it in its partition.
    TakeCounted<'a> {
        token: &'a str as Text,
        expires_at: SqlTime as SqlTimestamp,
        worker: &'a str as Text,
        started_at: SqlTime as SqlTimestamp,
        on_worker_death: Option<&'a str> as Nullable<Text>,
        partition_key: Option<&'a str> as Nullable<Text>,
        rowid: i64 as BigInt,
    } = concat!(take!(), ", partition_key = ? WHERE rowid = ? AND status = 'pending'")
}
statement! {
    /// Sets jobs aside, given as a JSON array of row, partition key, and the partition or pause that the job waits for.
    SetAside<'a> { given: &'a str as Text } =
        "UPDATE jobs SET partition_key = given.partition_key, waits_for = given.waits_for \
         FROM (SELECT value ->> 0 AS id, value ->> 1 AS partition_key, value ->> 2 AS waits_for FROM json_each(?)) AS given \
         WHERE jobs.rowid = given.id AND +jobs.status = 'pending'"
}
statement! {
    /// The jobs of one kind that other programs run, and that no limit counts yet.
    Uncounted<'a> { kind: &'a str as Text } -> (BigInt, Nullable<Text>, Nullable<Text>) =
        "SELECT rowid, file_id, account FROM jobs INDEXED BY idx_jobs_uncounted WHERE status = 'running' \
         AND lease_expires_at IS NULL AND (partition_key IS NULL OR waits_for <> '') AND command_type = ?"
}
statement! {
    /// Lets the limits count a running job.
    Count<'a> { partition_key: Option<&'a str> as Nullable<Text>, rowid: i64 as BigInt } =
        "UPDATE jobs SET partition_key = ?, waits_for = '' WHERE rowid = ? AND status = 'running'"
}

/// A due job, with the columns by which pauses and limits apply.
pub(super) struct Candidate {
    /// The place in the order of the claim. Empty with a whole row, since the jobs of one kind are in order.
    pub(super) place: Place,
    pub(super) rowid: i64,
    pub(super) file_id: Option<FileId>,
    pub(super) account: Option<ApiAccount>,
    /// The whole row, if it was read.
    row: Option<JobRow>,
}

impl From<CandidateRow> for Candidate {
    fn from((priority, run_at, rowid, file_id, account): CandidateRow) -> Self {
        let place = (priority, run_at.as_bytes().to_vec());
        Self { place, rowid, file_id: read_id(file_id), account: read_account(account), row: None }
    }
}

/// A due job that a claim may take.
struct Admissible {
    place: Place,
    rowid: i64,
    row: Option<JobRow>,
    partition_key: Option<String>,
}

/// A job that is set aside: its row, its partition key, and the partition or pause that it waits for.
type SetAsideJob = (i64, Option<String>, String);

impl SqliteSession<'_> {
    /// Claims the first due jobs of all kinds that no pause and no limit keeps back. Returns them with the number of
    /// jobs set aside.
    pub(super) fn take_within_limits(
        &mut self,
        request: &ClaimRequest,
        rules: &ClaimRules,
    ) -> Result<(Vec<JobRow>, u32), StoreError> {
        let (mut found, mut set_aside) = (Vec::new(), 0);
        for kind in &request.kinds {
            let (of_kind, passed_over) = self.admissible_of_kind(request, kind, rules)?;
            found.extend(of_kind.into_iter().map(|job| (kind, job)));
            set_aside += passed_over;
        }
        if request.kinds.len() > 1 {
            found.sort_unstable_by(|(_, one), (_, other)| (&one.place, one.rowid).cmp(&(&other.place, other.rowid)));
        }
        found.truncate(usize::try_from(request.limit).unwrap_or(usize::MAX));
        let token = request.token.to_string();
        let (expires_at, started_at) = (SqlTime(later(request.now, request.lease)), SqlTime(request.now));
        let (mut rows, mut taken) = (Vec::with_capacity(found.len()), BTreeMap::<&JobKind, i64>::new());
        for (kind, Admissible { rowid, row, partition_key, .. }) in found {
            let (worker, partition_key) = (request.worker.as_str(), partition_key.as_deref());
            rows.push(match row {
                Some(row) => row,
                None => DueRow { rowid }.get_result::<JobRow>(self.conn).store()?,
            });
            let on_worker_death = consequence_of(request, kind);
            let take =
                TakeCounted { token: &token, expires_at, worker, started_at, on_worker_death, partition_key, rowid };
            take.execute(self.conn).store()?;
            *taken.entry(kind).or_default() += 1;
        }
        for (kind, jobs) in taken.into_iter().filter(|(kind, _)| rules.limits(kind).all.is_some()) {
            self.add_running(kind.as_str(), jobs)?;
        }
        Ok((rows, set_aside))
    }

    fn admissible_of_kind(
        &mut self,
        request: &ClaimRequest,
        kind: &JobKind,
        rules: &ClaimRules,
    ) -> Result<(Vec<Admissible>, u32), StoreError> {
        let (now, limits) = (request.now, rules.limits(kind));
        if rules.pause_of_kind(kind).is_some_and(|until| holds(until, now)) {
            return Ok((Vec::new(), 0));
        }
        let mut most = request.limit_of(kind).min(limits.room());
        if limits.has_uncounted {
            most = most.min(limits.room().saturating_sub(self.count_jobs_of_other_programs(kind, limits)?));
        }
        if most == 0 {
            return Ok((Vec::new(), 0));
        }
        for (account, _) in rules.account_pauses().filter(|(_, until)| !holds(*until, now)) {
            self.admit(kind.as_str(), &pause_mark(account), MOST_SET_ASIDE as i64)?;
        }
        let first = match request.kinds.len() {
            1 => self.whole_candidates(kind, now, most)?,
            _ => self.candidates(kind, now, most)?,
        };
        self.pass_over(kind, rules, now, most, first)
    }

    /// Sets due jobs of a kind aside as a claim does, and claims none. Returns whether more of them may be left.
    pub(in crate::sqlite) fn set_aside_due_jobs(&mut self, kind: &JobKind, now: Timestamp) -> Result<bool, StoreError> {
        let (rules, most) = (self.claim_rules()?, MOST_SET_ASIDE as u32);
        let first = self.candidates(kind, now, most)?;
        let (_, set_aside) = self.pass_over(kind, &rules, now, most, first)?;
        Ok(set_aside >= most)
    }

    /// Chooses at most this many admissible jobs from the first candidates and those behind them, and sets the others
    /// aside.
    fn pass_over(
        &mut self,
        kind: &JobKind,
        rules: &ClaimRules,
        now: Timestamp,
        most: u32,
        first: Vec<Candidate>,
    ) -> Result<(Vec<Admissible>, u32), StoreError> {
        let (limits, mut partitions) = (rules.limits(kind), Partitions::default());
        let (mut look_at, mut set_aside, mut candidates) = (most, 0, first);
        loop {
            let (mut admissible, mut passed_over) = (Vec::new(), Vec::new());
            partitions.taken.clear();
            for Candidate { place, rowid, file_id, account, row } in candidates {
                if admissible.len() >= most as usize {
                    break;
                }
                let partition_key = limits.key(file_id, account.as_ref());
                let waits_for = match rules.pause_of(account.as_ref(), now) {
                    Some(paused) => Some(pause_mark(paused)),
                    None if self.has_room(&mut partitions, kind, limits, partition_key.as_deref())? => None,
                    None => partition_key.clone(),
                };
                match waits_for {
                    Some(waits_for) => passed_over.push((rowid, partition_key, waits_for)),
                    None => admissible.push(Admissible { place, rowid, row, partition_key }),
                }
            }
            self.set_aside(kind, &passed_over)?;
            set_aside += passed_over.len();
            if passed_over.is_empty() || set_aside >= MOST_SET_ASIDE {
                return Ok((admissible, u32::try_from(set_aside).unwrap_or(u32::MAX)));
            }
            look_at = most.saturating_add((look_at.saturating_mul(4)).clamp(16, MOST_SET_ASIDE as u32));
            candidates = self.candidates(kind, now, look_at)?;
        }
    }

    /// The first due jobs of a kind, without the rows: most of them may be passed over, or come after jobs of other
    /// kinds.
    pub(super) fn candidates(
        &mut self,
        kind: &JobKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let candidates = Candidates { kind: kind.as_str(), now: SqlTime(now), limit: limit.into() };
        Ok(candidates.load::<CandidateRow>(self.conn).store()?.into_iter().map(Candidate::from).collect())
    }

    /// The first due jobs of a kind with their rows, for a claim of this kind alone, which mostly takes all of them.
    fn whole_candidates(&mut self, kind: &JobKind, now: Timestamp, limit: u32) -> Result<Vec<Candidate>, StoreError> {
        let due = DueOfKind { kind: kind.as_str(), now: SqlTime(now), limit: limit.into() };
        let rows = due.load::<JobRow>(self.conn).store()?.into_iter();
        let candidate = |row: JobRow| Candidate {
            place: Place::default(),
            rowid: row.rowid,
            file_id: row.file_id(),
            account: row.account(),
            row: Some(row),
        };
        Ok(rows.map(candidate).collect())
    }

    /// Lets the limits count the jobs of a kind that other programs run. Returns their number.
    pub(super) fn count_jobs_of_other_programs(
        &mut self,
        kind: &JobKind,
        limits: KindLimits,
    ) -> Result<u32, StoreError> {
        let uncounted = self.uncounted_jobs(kind)?;
        let number = u32::try_from(uncounted.len()).unwrap_or(u32::MAX);
        for (rowid, file_id, account) in uncounted {
            self.count_running(rowid, file_id, account, limits)?;
        }
        self.add_running(kind.as_str(), number.into())?;
        Ok(number)
    }

    /// The number of further jobs of a kind that may run, for a session that cannot write.
    pub(super) fn seen_room_of_kind(&mut self, kind: &JobKind, limits: KindLimits) -> Result<u32, StoreError> {
        if !limits.has_uncounted {
            return Ok(limits.room());
        }
        let uncounted = self.uncounted_jobs(kind)?.len();
        Ok(limits.room().saturating_sub(u32::try_from(uncounted).unwrap_or(u32::MAX)))
    }

    pub(super) fn uncounted_jobs(&mut self, kind: &JobKind) -> Result<Vec<UncountedJob>, StoreError> {
        Uncounted { kind: kind.as_str() }.load(self.conn).store()
    }

    /// Gives a running job the partition key by which these limits count it.
    pub(in crate::sqlite) fn count_running(
        &mut self,
        rowid: i64,
        file_id: Option<StoredText>,
        account: Option<StoredText>,
        limits: KindLimits,
    ) -> Result<(), StoreError> {
        let partition_key = limits.key(read_id(file_id), read_account(account).as_ref());
        Count { partition_key: partition_key.as_deref(), rowid }.execute(self.conn).store()?;
        Ok(())
    }

    /// Whether one more job of a partition may run. If so, the next call counts that job.
    fn has_room(
        &mut self,
        partitions: &mut Partitions,
        kind: &JobKind,
        limits: KindLimits,
        key: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (Some((_, most)), Some(key)) = (limits.each, key) else { return Ok(true) };
        if key.is_empty() {
            return Ok(true);
        }
        let taken = partitions.taken.entry(key.to_owned()).or_default();
        // In no partition do more jobs run than of the whole kind, whose number is known.
        let of_kind = limits.all.filter(|_| !limits.has_uncounted).map(|(_, running)| running);
        let running = match (of_kind, partitions.running.get(key)) {
            (Some(of_kind), _) if of_kind.saturating_add(*taken) < most => of_kind,
            (_, Some(running)) => *running,
            (_, None) => {
                let running = self.running_in_partition(kind.as_str(), key)?;
                *partitions.running.entry(key.to_owned()).or_insert(running)
            }
        };
        let has_room = running.saturating_add(*taken) < most;
        *taken += u32::from(has_room);
        Ok(has_room)
    }

    /// Sets jobs aside. A job of a paused account leaves its partition, and the next one is admitted.
    fn set_aside(&mut self, kind: &JobKind, jobs: &[SetAsideJob]) -> Result<(), StoreError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let given = serde_json::to_string(jobs).map_err(|error| StoreError::Database(error.into()))?;
        SetAside { given: &given }.execute(self.conn).store()?;
        for (_, partition_key, waits_for) in jobs {
            if let Some(key) = partition_key.as_ref().filter(|key| *key != waits_for) {
                self.admit(kind.as_str(), key, 1)?;
            }
        }
        Ok(())
    }
}

/// A row of [`Uncounted`].
pub(super) type UncountedJob = (i64, Option<StoredText>, Option<StoredText>);

/// A row of [`Candidates`].
pub(super) type CandidateRow = (i64, StoredText, i64, Option<StoredText>, Option<StoredText>);

/// The jobs of each partition of one kind, as a claim counts them.
#[derive(Default)]
struct Partitions {
    /// The number of running jobs.
    running: HashMap<String, u32>,
    /// The number of jobs that this claim takes.
    taken: HashMap<String, u32>,
}

/// The file of a job. A job whose file id cannot be read fails when it is claimed.
pub(super) fn read_id(file_id: Option<StoredText>) -> Option<FileId> {
    file_id?.as_str()?.parse().ok()
}

/// The account of a job. A job whose account cannot be read fails when it is claimed.
pub(super) fn read_account(account: Option<StoredText>) -> Option<ApiAccount> {
    account?.as_str()?.parse().ok()
}

/// The time at which the first job of a kind can be claimed that is due at this time.
pub(super) fn after_pause(due: Timestamp, pause: Option<Option<Timestamp>>) -> Option<Timestamp> {
    match pause {
        None => Some(due),
        Some(None) => None,
        Some(Some(until)) => Some(due.max(until)),
    }
}

/// The statements of this file with their names.
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Candidates", Candidates::SQL),
        ("DueRow", DueRow::SQL),
        ("TakeCounted", TakeCounted::SQL),
        ("SetAside", SetAside::SQL),
        ("Uncounted", Uncounted::SQL),
        ("Count", Count::SQL),
    ]
}
