//! Finds the place of a job in the order in which claims take the jobs of its kind.
//!
//! The search reads the candidates of a claim and passes over the same jobs, but it changes nothing: it adds to the
//! candidates the waiting jobs that a claim would admit before it looks.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ApiAccount, ClaimPlace, ConcurrencyLimit, JobKind, MOST_BEFORE, MOST_NAMED, Partition};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, JobId, Timestamp};

use super::limited_claim::{Candidate, CandidateRow, read_account, read_id};
use crate::rules::claim_rules::{ClaimRules, KindLimits, holds, pause_mark};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, SqlTime, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// The values that decide on the place of a pending job.
    PendingJob<'a> { id: &'a str as Text, now: SqlTime as SqlTimestamp }
        -> (BigInt, Text, Text, Nullable<Text>, Nullable<Text>) =
        "SELECT rowid, command_type, waits_for, file_id, account FROM jobs \
         WHERE id = ? AND status = 'pending' AND run_at <= ?"
}
statement! {
    /// The first waiting jobs of a partition or pause, as a claim admits them.
    FirstToAdmit<'a> { kind: &'a str as Text, waits_for: &'a str as Text, limit: i64 as BigInt }
        -> (BigInt, Text, BigInt, Nullable<Text>, Nullable<Text>) =
        "SELECT priority, run_at, rowid, file_id, account FROM jobs INDEXED BY idx_jobs_waits_for \
         WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? \
         AND priority IN (0, 1, 2, 3) AND run_at >= '' ORDER BY priority, run_at, rowid LIMIT ?"
}
statement! {
    /// Running jobs of a partition.
    RunningJobs<'a> { kind: &'a str as Text, partition_key: &'a str as Text, limit: i64 as BigInt } -> (Text,) =
        "SELECT id FROM jobs INDEXED BY idx_jobs_running \
         WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ? AND partition_key = ? LIMIT ?"
}
statement! {
    /// Running jobs of a limited kind.
    RunningJobsOfKind<'a> { kind: &'a str as Text, limit: i64 as BigInt } -> (Text,) =
        "SELECT id FROM jobs INDEXED BY idx_jobs_running \
         WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ? LIMIT ?"
}

/// A row of [`PendingJob`].
type PendingJobRow = (i64, StoredText, StoredText, Option<StoredText>, Option<StoredText>);

/// The job whose place is searched, and the rules of its kind.
struct Search<'k> {
    kind: &'k JobKind,
    rowid: i64,
    file_id: Option<FileId>,
    account: Option<ApiAccount>,
    waits_for: StoredText,
    rules: ClaimRules,
    limits: KindLimits,
    /// The number of running jobs by partition key, of those partitions that were looked at.
    running: HashMap<String, u32>,
    /// The number of jobs that other programs run and that no limit counts yet, by partition key.
    uncounted: HashMap<String, u32>,
    now: Timestamp,
}

/// The end of a walk through the candidates.
enum Walk {
    /// The job is admissible, after this many others.
    Found(u32),
    /// The limit of the kind, or of the partition, has no room for the job.
    Full(Partition),
    /// The job is not among the candidates. The map has the number of candidates of paused accounts by partition.
    Missing(BTreeMap<String, usize>),
}

impl SqliteSession<'_> {
    pub(super) fn place_of_job(&mut self, id: &JobId, now: Timestamp) -> Result<Option<ClaimPlace>, StoreError> {
        for id in id.formats() {
            let row = PendingJob { id: &id, now: SqlTime(now) };
            let row = row.get_result::<PendingJobRow>(self.conn).optional().store()?;
            let Some((rowid, kind, waits_for, file_id, account)) = row else { continue };
            let Some(kind) = kind.as_str().and_then(|kind| kind.parse::<JobKind>().ok()) else {
                return Ok(Some(ClaimPlace::AfterReclaim));
            };
            let rules = self.claim_rules()?;
            let limits = rules.limits(&kind);
            let search = Search {
                kind: &kind,
                rowid,
                file_id: read_id(file_id),
                account: read_account(account),
                waits_for,
                rules,
                limits,
                running: HashMap::new(),
                uncounted: self.uncounted_by_key(&kind, limits)?,
                now,
            };
            return self.search(search).map(Some);
        }
        Ok(None)
    }

    fn search(&mut self, mut search: Search<'_>) -> Result<ClaimPlace, StoreError> {
        if let Some((_, running)) = &mut search.limits.all {
            *running = running.saturating_add(search.uncounted.values().sum());
        }
        let first = self.first_candidates(&search)?;
        let is_full = first.len() >= MOST_BEFORE as usize;
        let mut admitted = BTreeMap::<String, usize>::new();
        loop {
            let mut candidates: Vec<&Candidate> = first.iter().collect();
            let mut admitted_jobs = Vec::new();
            for (key, jobs) in &admitted {
                admitted_jobs.extend(self.first_to_admit(&search, key, *jobs)?);
            }
            candidates.extend(&admitted_jobs);
            candidates.sort_by(|one, other| (&one.place, one.rowid).cmp(&(&other.place, other.rowid)));
            match self.walk(&mut search, &candidates)? {
                Walk::Found(before) => return Ok(ClaimPlace::Claimable { before }),
                Walk::Full(partition) => return self.limited(&mut search, partition),
                // A claim sets the jobs of paused accounts aside, and admits as many waiting jobs of their partitions.
                Walk::Missing(set_aside) if set_aside != admitted => admitted = set_aside,
                Walk::Missing(_) => break,
            }
        }
        let key = search.key_of(search.file_id, search.account.as_ref());
        match (search.limits.each, search.waits_for.as_str()) {
            (Some((partition, _)), Some(waits_for)) if key.as_deref() == Some(waits_for) => {
                self.limited(&mut search, partition)
            }
            (_, Some("")) if is_full => Ok(ClaimPlace::FarBehind { before: MOST_BEFORE }),
            _ => Ok(ClaimPlace::AfterReclaim),
        }
    }

    /// The first candidates of a claim of this kind, with the jobs of the pauses that are over.
    fn first_candidates(&mut self, search: &Search<'_>) -> Result<Vec<Candidate>, StoreError> {
        let mut candidates = self.candidates(search.kind, search.now, MOST_BEFORE)?;
        for (account, _) in search.rules.account_pauses().filter(|(_, until)| !holds(*until, search.now)) {
            candidates.extend(self.first_to_admit(search, &pause_mark(account), MOST_BEFORE as usize)?);
        }
        Ok(candidates)
    }

    fn first_to_admit(
        &mut self,
        search: &Search<'_>,
        waits_for: &str,
        jobs: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let limit = i64::try_from(jobs).unwrap_or(i64::MAX);
        let rows = FirstToAdmit { kind: search.kind.as_str(), waits_for, limit };
        let rows = rows.load::<CandidateRow>(self.conn).store()?;
        let now = SqlTime(search.now).text().unwrap_or_default();
        Ok(rows.into_iter().map(Candidate::from).filter(|job| *job.place.1 <= *now.as_bytes()).collect())
    }

    /// Goes through the candidates as claims do, up to the job that is sought.
    fn walk(&mut self, search: &mut Search<'_>, candidates: &[&Candidate]) -> Result<Walk, StoreError> {
        let (mut before, mut taken) = (0_u32, HashMap::<String, u32>::new());
        let mut set_aside = BTreeMap::<String, usize>::new();
        for (position, candidate) in candidates.iter().enumerate() {
            if before >= search.limits.room() {
                let is_behind = candidates.iter().skip(position).any(|candidate| candidate.rowid == search.rowid);
                return Ok(if is_behind { Walk::Full(Partition::All) } else { Walk::Missing(set_aside) });
            }
            let is_sought = candidate.rowid == search.rowid;
            let key = search.key_of(candidate.file_id, candidate.account.as_ref());
            if !is_sought && search.rules.pause_of(candidate.account.as_ref(), search.now).is_some() {
                if let Some(key) = key {
                    *set_aside.entry(key).or_default() += 1;
                }
                continue;
            }
            if let (Some((partition, most)), Some(key)) = (search.limits.each, key) {
                let running = self.running_with_uncounted(search, &key)?;
                let taken = taken.entry(key).or_default();
                if running.saturating_add(*taken) >= most {
                    if is_sought {
                        return Ok(Walk::Full(partition));
                    }
                    continue;
                }
                *taken += 1;
            }
            if is_sought {
                return Ok(Walk::Found(before));
            }
            before += 1;
        }
        Ok(Walk::Missing(set_aside))
    }

    fn running_with_uncounted(&mut self, search: &mut Search<'_>, key: &str) -> Result<u32, StoreError> {
        if let Some(running) = search.running.get(key) {
            return Ok(*running);
        }
        let running = self.running_in_partition(search.kind.as_str(), key)?;
        let running = running.saturating_add(search.uncounted.get(key).copied().unwrap_or_default());
        search.running.insert(key.to_owned(), running);
        Ok(running)
    }

    /// The number of jobs that other programs run and that no limit counts yet, by partition key.
    fn uncounted_by_key(&mut self, kind: &JobKind, limits: KindLimits) -> Result<HashMap<String, u32>, StoreError> {
        let mut by_key = HashMap::new();
        if limits.has_uncounted {
            for (_, file_id, account) in self.uncounted_jobs(kind)? {
                let key = limits.key(read_id(file_id), read_account(account).as_ref()).unwrap_or_default();
                *by_key.entry(key).or_default() += 1;
            }
        }
        Ok(by_key)
    }

    /// The answer that the limit of this partition is reached.
    fn limited(&mut self, search: &mut Search<'_>, partition: Partition) -> Result<ClaimPlace, StoreError> {
        let (kind, limit) = (search.kind.as_str(), MOST_NAMED as i64);
        let key = search.key_of(search.file_id, search.account.as_ref()).filter(|_| partition != Partition::All);
        let (most, running, jobs) = match key {
            Some(key) => {
                let jobs: Vec<(StoredText,)> =
                    RunningJobs { kind, partition_key: &key, limit }.load(self.conn).store()?;
                (search.limits.each.map(|(_, most)| most), self.running_with_uncounted(search, &key)?, jobs)
            }
            None => {
                let (most, running) = search.limits.all.unzip();
                (most, running.unwrap_or_default(), RunningJobsOfKind { kind, limit }.load(self.conn).store()?)
            }
        };
        let jobs = jobs.into_iter().filter_map(|(id,)| id.as_str()?.parse().ok()).collect();
        let limit = ConcurrencyLimit::new(search.kind.clone(), partition, most.unwrap_or_default());
        let limit = limit.map_err(|error| StoreError::Database(error.into()))?;
        Ok(ClaimPlace::Limited { limit, running, jobs })
    }
}

impl Search<'_> {
    /// The partition in which a limit per file or account counts a job of the kind.
    fn key_of(&self, file_id: Option<FileId>, account: Option<&ApiAccount>) -> Option<String> {
        self.limits.key(file_id, account).filter(|key| !key.is_empty())
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("PendingJob", PendingJob::SQL),
        ("FirstToAdmit", FirstToAdmit::SQL),
        ("RunningJobs", RunningJobs::SQL),
        ("RunningJobsOfKind", RunningJobsOfKind::SQL),
    ]
}
