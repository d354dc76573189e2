//! Limits on the number of jobs that run at the same time.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{ConcurrencyLimit, JobKind, Partition};
use fieldfen_domain::store::{ConcurrencyLimitReads, ConcurrencyLimits, StoreError};

use crate::rules::claim_rules::{ClaimRules, KindLimits};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, StoredNumber, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    ListLimits {} -> (Text, Text, BigInt) =
        "SELECT kind, partition, max_running FROM concurrency_limits WHERE kind >= '' ORDER BY kind, partition"
}
statement! {
    WriteLimit<'a> { kind: &'a str as Text, partition: &'a str as Text, max_running: i64 as BigInt } =
        "INSERT INTO concurrency_limits (kind, partition, max_running) VALUES (?, ?, ?) \
         ON CONFLICT (kind, partition) DO UPDATE SET max_running = excluded.max_running"
}
statement! {
    DeleteLimit<'a> { kind: &'a str as Text, partition: &'a str as Text } =
        "DELETE FROM concurrency_limits WHERE kind = ? AND partition = ?"
}
statement! {
    /// The running jobs of a kind.
    RunningJobs<'a> { kind: &'a str as Text } -> (BigInt, Nullable<Text>, Nullable<Text>) =
        "SELECT rowid, file_id, account FROM jobs INDEXED BY idx_jobs_status WHERE status = 'running' AND command_type = ?"
}

impl ConcurrencyLimitReads for SqliteSession<'_> {
    fn list(&mut self) -> Result<Vec<ConcurrencyLimit>, StoreError> {
        let rows = ListLimits {}.load::<(StoredText, StoredText, StoredNumber)>(self.conn).store()?;
        rows.into_iter().map(|(kind, partition, max_running)| read(&kind, &partition, max_running)).collect()
    }
}

impl ConcurrencyLimits for SqliteSession<'_> {
    fn set(&mut self, limit: &ConcurrencyLimit) -> Result<(), StoreError> {
        let ConcurrencyLimit { kind, partition, max_running, .. } = limit;
        let of_kind: Vec<_> = ConcurrencyLimitReads::list(self)?.into_iter().filter(|set| set.kind == *kind).collect();
        limit.check(&of_kind)?;
        let (name, words, number) = (kind.as_str(), partition.as_str(), i64::from(*max_running));
        let write = WriteLimit { kind: name, partition: words, max_running: number };
        write.execute(self.conn).writing(|| format!("concurrency limit {limit}"))?;
        match of_kind.iter().find(|set| set.partition == *partition) {
            None => {
                let mut rules = ClaimRules::default();
                for limit in of_kind.into_iter().chain([limit.clone()]) {
                    rules.limit(limit.kind, limit.partition, limit.max_running, 0);
                }
                let running = RunningJobs { kind: name };
                let running = running.load::<(i64, Option<StoredText>, Option<StoredText>)>(self.conn).store()?;
                for (rowid, file_id, account) in running {
                    self.count_running(rowid, file_id, account, rules.limits(kind))?;
                }
                let running = self.running_of_kind(kind)?;
                self.note_running(kind, running)?;
            }
            Some(before) if before.max_running < *max_running => {
                self.note(CommitNotice::JobDue);
                let limits = self.claim_rules()?.limits(kind);
                self.admit_behind(name, "", limits, None)?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn remove(&mut self, kind: &JobKind, partition: Partition) -> Result<bool, StoreError> {
        let delete = DeleteLimit { kind: kind.as_str(), partition: partition.as_str() };
        if delete.execute(self.conn).store()? == 0 {
            return Ok(false);
        }
        self.note(CommitNotice::JobDue);
        if partition != Partition::All {
            self.admit_behind(kind.as_str(), "", KindLimits::default(), None)?;
        }
        Ok(true)
    }

    fn admit_waiting(&mut self, kind: &JobKind, after: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let limits = self.claim_rules()?.limits(kind);
        self.admit_behind(kind.as_str(), after, limits, Some(now))
    }

    fn set_aside_due(&mut self, kind: &JobKind, now: Timestamp) -> Result<bool, StoreError> {
        self.set_aside_due_jobs(kind, now)
    }
}

fn read(kind: &StoredText, partition: &StoredText, number: StoredNumber) -> Result<ConcurrencyLimit, StoreError> {
    let name = format!("{} {}", kind.name(), partition.name());
    let row = RowRef::known("concurrency_limits", &name);
    let max_running = row.count("max_running", row.number("max_running", number)?)?;
    ConcurrencyLimit::new(row.parse("kind", kind)?, row.parse("partition", partition)?, max_running)
        .map_err(|error| row.bad("max_running", max_running, error))
}

/// The statements of this file with their names, for the test of query plans.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    [("ListLimits", ListLimits::SQL), ("DeleteLimit", DeleteLimit::SQL), ("RunningJobs", RunningJobs::SQL)]
        .map(|(name, sql)| (name, sql.to_owned()))
        .to_vec()
}
