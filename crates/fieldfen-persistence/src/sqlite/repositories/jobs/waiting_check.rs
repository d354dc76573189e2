//! Finds jobs that need not wait any more: their pause is over, or their partition has room because another program has
//! ended, deleted or changed a job of it, or because a limit is higher now. Each reclaim does this.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::JobKind;
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Timestamp, corrected_end};

use crate::rules::claim_rules::{ClaimRules, KindLimits, PAUSE_MARK};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The number of partitions of each kind that a reclaim reads. The next reclaim goes on behind them.
const PARTITIONS_AT_ONCE: usize = 512;

/// The most jobs that one transaction admits of a kind, beside those that follow a job that has ended.
const ADMITTED_AT_ONCE: i64 = 1024;

statement! {
    /// The first kind behind another that has waiting jobs. It is passed as bytes, since other programs write kinds
    /// that are not UTF-8.
    NextWaitingKind<'a> { after: &'a [u8] as Binary } -> (Text,) =
        "SELECT command_type FROM jobs INDEXED BY idx_jobs_waits_for \
         WHERE status = 'pending' AND waits_for <> '' AND command_type > CAST(? AS TEXT) ORDER BY command_type LIMIT 1"
}
statement! {
    /// The first partition or pause behind another that jobs of a kind wait for.
    NextWaitedFor<'a> { kind: &'a str as Text, after: &'a str as Text } -> (Text,) =
        "SELECT waits_for FROM jobs INDEXED BY idx_jobs_waits_for \
         WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for > ? \
         ORDER BY waits_for LIMIT 1"
}
statement! {
    /// Whether jobs of a kind wait for a partition or pause.
    DoesWait<'a> { kind: &'a str as Text, waits_for: &'a str as Text } -> (BigInt,) =
        "SELECT 1 FROM jobs INDEXED BY idx_jobs_waits_for \
         WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? LIMIT 1"
}
statement! {
    /// Up to which key the partitions of a kind have been looked at.
    CheckedTo<'a> { kind: &'a str as Text } -> (Nullable<Text>,) =
        "SELECT checked_to FROM concurrency_limits WHERE kind = ? AND partition IN ('file', 'account')"
}
statement! {
    NoteCheckedTo<'a> { checked_to: Option<&'a str> as Nullable<Text>, kind: &'a str as Text } =
        "UPDATE concurrency_limits SET checked_to = ? WHERE kind = ? AND partition IN ('file', 'account')"
}
statement! {
    /// The number of running jobs of a limited kind.
    RunningOfKind<'a> { kind: &'a str as Text } -> (BigInt,) =
        "SELECT count(*) FROM jobs INDEXED BY idx_jobs_running \
         WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ?"
}
statement! {
    NoteRunning<'a> { running: i64 as BigInt, kind: &'a str as Text } =
        "UPDATE concurrency_limits SET running = ? WHERE kind = ? AND partition = 'all'"
}
statement! {
    /// The pauses with an end.
    PausesWithEnd {} -> (BigInt, SqlTimestamp, SqlTimestamp) =
        "SELECT rowid, since, until FROM pauses WHERE scope >= '' AND until IS NOT NULL"
}
statement! {
    DeletePause { rowid: i64 as BigInt } = "DELETE FROM pauses WHERE rowid = ?"
}
statement! {
    /// Lets a pause begin now that a clock ahead of time has written.
    MovePause { since: SqlTime as SqlTimestamp, until: SqlTime as SqlTimestamp, rowid: i64 as BigInt } =
        "UPDATE pauses SET since = ?, until = ? WHERE rowid = ?"
}

impl SqliteSession<'_> {
    pub(super) fn check_waiting_jobs(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let rules = self.claim_rules()?;
        for (kind, running) in rules.kinds_limited_in_all() {
            let limits = rules.limits(kind);
            let uncounted = if limits.has_uncounted { self.count_jobs_of_other_programs(kind, limits)? } else { 0 };
            let counted = self.running_of_kind(kind)?;
            if counted != running.saturating_add(uncounted) {
                self.note_running(kind, counted)?;
                self.note(CommitNotice::JobDue);
            }
        }
        let (mut after, mut done) = (Vec::new(), true);
        while let Some((next,)) =
            (NextWaitingKind { after: &after }).get_result::<(StoredText,)>(self.conn).optional().store()?
        {
            if next.is_blob() {
                break;
            }
            next.as_bytes().clone_into(&mut after);
            // No claim finds the jobs of a kind that is not UTF-8.
            let Some(kind) = next.as_str() else { continue };
            done &= self.check_pauses_of_kind(kind, &rules, now)?;
            let limits = kind.parse::<JobKind>().map(|kind| rules.limits(&kind)).unwrap_or_default();
            self.check_partitions_of_kind(kind, limits, now)?;
        }
        self.end_pauses(done, now)
    }

    /// Counts the running jobs of a limited kind.
    pub(in crate::sqlite) fn running_of_kind(&mut self, kind: &JobKind) -> Result<u32, StoreError> {
        let (running,) = RunningOfKind { kind: kind.as_str() }.get_result::<(i64,)>(self.conn).store()?;
        Ok(u32::try_from(running).unwrap_or(u32::MAX))
    }

    pub(in crate::sqlite) fn note_running(&mut self, kind: &JobKind, running: u32) -> Result<(), StoreError> {
        NoteRunning { running: running.into(), kind: kind.as_str() }.execute(self.conn).store()?;
        Ok(())
    }

    /// Whether jobs of this kind wait for this.
    pub(super) fn does_wait(&mut self, kind: &str, waits_for: &str) -> Result<bool, StoreError> {
        let found = DoesWait { kind, waits_for }.get_result::<(i64,)>(self.conn).optional().store()?;
        Ok(found.is_some())
    }

    /// Admits jobs of accounts whose pause is over. Returns whether these are all.
    fn check_pauses_of_kind(&mut self, kind: &str, rules: &ClaimRules, now: Timestamp) -> Result<bool, StoreError> {
        let (mut mark, mut done) = (PAUSE_MARK.to_owned(), true);
        while let Some(next) = self.next_waited_for(kind, &mark)? {
            mark = next;
            let account = mark.strip_prefix(PAUSE_MARK).and_then(|account| account.parse().ok());
            if !account.is_some_and(|account| rules.is_paused(&account, now)) {
                self.admit(kind, &mark, ADMITTED_AT_ONCE)?;
                done &= !self.does_wait(kind, &mark)?;
            }
        }
        Ok(done)
    }

    /// Admits jobs whose partition has room.
    fn check_partitions_of_kind(&mut self, kind: &str, limits: KindLimits, now: Timestamp) -> Result<(), StoreError> {
        let checked_to = CheckedTo { kind }.get_result::<(Option<StoredText>,)>(self.conn).optional().store()?;
        let start = checked_to.and_then(|(checked_to,)| checked_to?.as_str().map(str::to_owned));
        let next = self.admit_behind(kind, start.as_deref().unwrap_or_default(), limits, Some(now))?;
        let checked_to = next.as_deref().filter(|key| !key.is_empty());
        if checked_to != start.as_deref() {
            NoteCheckedTo { checked_to, kind }.execute(self.conn).store()?;
        }
        Ok(())
    }

    /// Admits waiting jobs of the partitions behind a key, as many as there is room for, in a bounded number of steps.
    /// Returns the key behind which the next call goes on; `None` if no partition is left. Without `now`, jobs that are
    /// admitted already do not count.
    pub(in crate::sqlite) fn admit_behind(
        &mut self,
        kind: &str,
        after: &str,
        limits: KindLimits,
        now: Option<Timestamp>,
    ) -> Result<Option<String>, StoreError> {
        let (mut key, mut left) = (after.to_owned(), ADMITTED_AT_ONCE);
        for _ in 0..PARTITIONS_AT_ONCE {
            let next = self.next_waited_for(kind, &key)?.filter(|next| !next.starts_with(PAUSE_MARK));
            let Some(next) = next else { return Ok(None) };
            let room = self.room_in_partition(kind, &next, limits, now)?;
            if room > 0 {
                let admitted = self.admit(kind, &next, room.min(left))?;
                left = left.saturating_sub(i64::try_from(admitted).unwrap_or(i64::MAX));
            }
            if left <= 0 {
                // The partition may have room for more.
                return Ok(Some(key));
            }
            key = next;
        }
        Ok(Some(key))
    }

    /// The number of jobs for which a partition has room beside the running ones and, at a time, the admitted ones that
    /// are due.
    fn room_in_partition(
        &mut self,
        kind: &str,
        key: &str,
        limits: KindLimits,
        now: Option<Timestamp>,
    ) -> Result<i64, StoreError> {
        let most = limits.each.filter(|(partition, _)| key.split(':').next() == Some(partition.as_str()));
        let Some((_, most)) = most else { return Ok(i64::MAX) };
        let room = most.saturating_sub(self.running_in_partition(kind, key)?);
        let admitted = match now {
            Some(now) => self.admitted_in_partition(kind, key, now, room)?.len(),
            None => 0,
        };
        Ok(i64::from(room).saturating_sub(i64::try_from(admitted).unwrap_or(i64::MAX)))
    }

    fn next_waited_for(&mut self, kind: &str, after: &str) -> Result<Option<String>, StoreError> {
        let next = NextWaitedFor { kind, after }.get_result::<(StoredText,)>(self.conn).optional().store()?;
        Ok(next.and_then(|(next,)| next.as_str().map(str::to_owned)))
    }

    /// Deletes the pauses that are over, unless jobs still wait for them. A pause that begins in the future begins now.
    fn end_pauses(&mut self, delete: bool, now: Timestamp) -> Result<(), StoreError> {
        let pauses = PausesWithEnd {}.load::<(i64, StoredTime, StoredTime)>(self.conn).store()?;
        for (rowid, since, until) in pauses {
            let (Some(since), Some(until)) = (since.time(), until.time()) else { continue };
            if let Some(until) = corrected_end(since, until, now) {
                MovePause { since: SqlTime(now), until: SqlTime(until), rowid }.execute(self.conn).store()?;
                self.note(CommitNotice::JobDue);
            } else if until <= now && delete {
                DeletePause { rowid }.execute(self.conn).store()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("NextWaitingKind", NextWaitingKind::SQL),
        ("NextWaitedFor", NextWaitedFor::SQL),
        ("DoesWait", DoesWait::SQL),
        ("CheckedTo", CheckedTo::SQL),
        ("NoteCheckedTo", NoteCheckedTo::SQL),
        ("RunningOfKind", RunningOfKind::SQL),
        ("NoteRunning", NoteRunning::SQL),
        ("PausesWithEnd", PausesWithEnd::SQL),
        ("DeletePause", DeletePause::SQL),
        ("MovePause", MovePause::SQL),
    ]
}
