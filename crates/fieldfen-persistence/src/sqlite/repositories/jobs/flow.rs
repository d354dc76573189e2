//! Counts the jobs that wait, run and end, by kind, without reading the whole table.
//!
//! The kinds that wait are found by jumping from kind to kind in the index of the claim. Of running, parked, dead and
//! completed jobs, a bounded number of rows is read and counted by kind.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{KindFlow, ParkedFor, Priority, StoppedJobs};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{CappedCount, Timestamp};

use super::read::FirstDue;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{DueFrom, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The most kinds that are looked at. Other programs may write any text as a kind. If there are more, all counts of
/// waiting jobs are capped.
const MOST_KINDS: usize = 1000;

statement! {
    /// The first kind behind this one that has jobs in the claim's index. Kinds are passed as bytes, since those of
    /// other programs need not be UTF-8.
    NextKind<'a> { after: &'a [u8] as Binary } -> (Text,) =
        "SELECT command_type FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' \
         AND command_type > CAST(? AS TEXT) ORDER BY command_type LIMIT 1"
}
statement! {
    /// The first kind behind this one that has jobs that wait for a partition or a pause.
    NextWaitingKind<'a> { after: &'a [u8] as Binary } -> (Text,) =
        "SELECT command_type FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' \
         AND command_type > CAST(? AS TEXT) ORDER BY command_type LIMIT 1"
}
statement! {
    /// The number of due jobs of a kind.
    CountDue<'a> { kind: &'a [u8] as Binary, now: SqlTime as SqlTimestamp, most: i64 as BigInt } -> (BigInt,) =
        "SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' \
         AND command_type = CAST(? AS TEXT) AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? LIMIT ?)"
}
statement! {
    /// The number of jobs of a kind that wait for a partition or a pause, and the first due time among them.
    CountWaiting<'a> { kind: &'a [u8] as Binary, most: i64 as BigInt } -> (BigInt, Nullable<SqlTimestamp>) =
        "SELECT count(*), min(run_at) FROM (SELECT run_at FROM jobs INDEXED BY idx_jobs_waits_for \
         WHERE status = 'pending' AND waits_for <> '' AND command_type = CAST(? AS TEXT) LIMIT ?)"
}
statement! {
    /// The numbers of running jobs of each kind.
    RunningKinds { most: i64 as BigInt } -> (Text, BigInt) =
        "SELECT command_type, count(*) FROM (SELECT command_type FROM jobs INDEXED BY idx_jobs_status \
         WHERE status = 'running' LIMIT ?) GROUP BY command_type"
}
statement! {
    /// The numbers of parked jobs of each kind.
    ParkedKinds { most: i64 as BigInt } -> (Text, BigInt) =
        "SELECT command_type, count(*) FROM (SELECT command_type FROM jobs INDEXED BY idx_jobs_ended \
         WHERE status = 'failed' AND parked_for > '' AND completed_at IS NOT NULL LIMIT ?) GROUP BY command_type"
}
/// The numbers of jobs of each kind among the rows of a query, with the id and the end of the job of each kind that
/// ended first. SQLite takes `first` from the row with the minimum (<https://sqlite.org/lang_select.html#bareagg>).
macro_rules! by_kind {
    ($($rows:literal),+) => {
        concat!(
            "SELECT command_type, jobs_of_kind, (SELECT id FROM jobs WHERE rowid = first), ended FROM \
             (SELECT command_type, count(*) AS jobs_of_kind, first, min(iif(typeof(completed_at) = 'text', completed_at, NULL)) AS ended FROM \
             (SELECT command_type, completed_at, rowid AS first FROM jobs INDEXED BY ", $($rows,)+ " LIMIT ?) \
             GROUP BY command_type)"
        )
    };
}
statement! {
    /// Jobs that are parked for an event, the oldest ones.
    ParkedJobs<'a> { parked_for: &'a str as Text, most: i64 as BigInt } -> (Text, BigInt, Nullable<Text>, Nullable<SqlTimestamp>) =
        by_kind!(
            "idx_jobs_ended WHERE status = 'failed' AND parked_for = ? AND completed_at IS NOT NULL \
             ORDER BY completed_at"
        )
}
statement! {
    /// Dead letters, the oldest ones.
    DeadLetters { most: i64 as BigInt } -> (Text, BigInt, Nullable<Text>, Nullable<SqlTimestamp>) =
        by_kind!(
            "idx_jobs_ended WHERE status = 'failed' AND parked_for IS NULL AND completed_at IS NOT NULL \
             ORDER BY completed_at"
        )
}
statement! {
    /// Dead letters without a time of their end, which other programs leave.
    DeadLettersWithoutEnd { most: i64 as BigInt } -> (Text, BigInt, Nullable<Text>, Nullable<SqlTimestamp>) =
        by_kind!(
            "idx_jobs_unknown_ends WHERE status = 'failed' AND status IN ('completed', 'failed') \
             AND completed_at IS NULL AND parked_for IS NULL"
        )
}
statement! {
    /// The numbers of jobs of each kind that were completed since a time.
    CompletedKinds { since: SqlTime as SqlTimestamp, most: i64 as BigInt } -> (Text, BigInt) =
        "SELECT command_type, count(*) FROM (SELECT command_type FROM jobs INDEXED BY idx_jobs_ended \
         WHERE status = 'completed' AND parked_for IS NULL AND completed_at >= ? LIMIT ?) GROUP BY command_type"
}
statement! {
    /// The number of jobs that were completed in a span.
    CountCompleted { since: SqlTime as SqlTimestamp, until: SqlTime as SqlTimestamp, most: i64 as BigInt } -> (BigInt,) =
        "SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY idx_jobs_ended \
         WHERE status = 'completed' AND parked_for IS NULL AND completed_at >= ? AND completed_at < ? LIMIT ?)"
}

/// The jobs of a kind that were counted.
type CountedKind = (StoredText, i64);

/// A row of [`DeadLetters`] or [`ParkedJobs`].
type StoppedKind = (StoredText, i64, Option<StoredText>, Option<StoredTime>);

/// One of the counts of a kind.
type Count = fn(&mut KindFlow) -> &mut CappedCount;

/// The figures of each kind that has any.
#[derive(Default)]
struct Flows {
    by_kind: BTreeMap<String, KindFlow>,
    /// The counts for which not all rows were read.
    capped: Vec<Count>,
}

impl Flows {
    fn of(&mut self, kind: &StoredText) -> &mut KindFlow {
        let kind = kind.name();
        self.by_kind.entry(kind.clone()).or_insert_with(|| KindFlow::new(kind))
    }

    /// Adds the numbers of jobs. If as many rows were read as allowed, the count of any kind may be too low.
    fn count(&mut self, kinds: Vec<CountedKind>, most: u32, count: Count) {
        let mut read = 0;
        for (kind, jobs) in kinds {
            let jobs = u64::try_from(jobs).unwrap_or_default();
            *count(self.of(&kind)) += CappedCount::new(jobs, u64::MAX);
            read += jobs;
        }
        if read >= most.into() {
            self.capped.push(count);
        }
    }

    /// As [`count`](Self::count), for jobs that do not go on by themselves.
    fn count_stopped(
        &mut self,
        rows: Vec<StoppedKind>,
        most: u32,
        count: Count,
        stopped: fn(&mut KindFlow) -> &mut StoppedJobs,
    ) {
        let kinds = rows.iter().map(|(kind, jobs, ..)| (kind.clone(), *jobs)).collect();
        self.count(kinds, most, count);
        for (kind, _, id, ended) in rows {
            let id = id.and_then(|id| id.as_str()?.parse().ok());
            stopped(self.of(&kind)).see(id, ended.and_then(|ended| ended.time()));
        }
    }

    /// The figures, in the order of the kinds. A kind of which no row was read may have rows that were not read.
    fn into_figures(self) -> Vec<KindFlow> {
        let Self { mut by_kind, capped } = self;
        for count in capped {
            by_kind.values_mut().for_each(|flow| count(flow).is_capped = true);
        }
        by_kind.into_values().collect()
    }
}

impl SqliteSession<'_> {
    pub(super) fn job_flow(
        &mut self,
        since: Timestamp,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<KindFlow>, StoreError> {
        let mut flows = Flows::default();
        self.count_waiting(&mut flows, now, most)?;
        let limit = i64::from(most);
        let running = RunningKinds { most: limit }.load(self.conn).store()?;
        flows.count(running, most, |flow| &mut flow.running);
        let parked = ParkedKinds { most: limit }.load(self.conn).store()?;
        flows.count(parked, most, |flow| &mut flow.parked);
        let completed = CompletedKinds { since: SqlTime(since), most: limit }.load(self.conn).store()?;
        flows.count(completed, most, |flow| &mut flow.completed);
        let parked_for = ParkedFor::Person.as_str();
        let for_person = ParkedJobs { parked_for, most: limit }.load::<StoppedKind>(self.conn).store()?;
        flows.count_stopped(for_person, most, |flow| &mut flow.for_person.count, |flow| &mut flow.for_person);
        self.count_dead(&mut flows, most)?;
        Ok(flows.into_figures())
    }

    pub(super) fn count_completed_jobs(
        &mut self,
        since: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<CappedCount, StoreError> {
        let count = CountCompleted { since: SqlTime(since), until: SqlTime(until), most: most.into() };
        let (jobs,) = count.get_result::<(i64,)>(self.conn).store()?;
        Ok(CappedCount::new(u64::try_from(jobs).unwrap_or_default(), most.into()))
    }

    fn count_waiting(&mut self, flows: &mut Flows, now: Timestamp, most: u32) -> Result<(), StoreError> {
        let (now, limit) = (SqlTime(now), i64::from(most));
        let mut after = Vec::new();
        for number in 0.. {
            let next = NextKind { after: &after }.get_result::<(StoredText,)>(self.conn).optional().store()?;
            let Some((kind,)) = next.filter(|(kind,)| !kind.is_blob()) else { break };
            if number == MOST_KINDS {
                flows.capped.push(|flow| &mut flow.waiting);
                break;
            }
            let name = kind.as_bytes();
            let (jobs,) = CountDue { kind: name, now, most: limit }.get_result::<(i64,)>(self.conn).store()?;
            if jobs > 0 {
                let first = kind.as_str().map(|kind| self.first_due(kind)).transpose()?.flatten();
                let flow = flows.of(&kind);
                flow.waiting += CappedCount::new(u64::try_from(jobs).unwrap_or_default(), most.into());
                flow.waiting_since = first.filter(is_chosen);
            }
            name.clone_into(&mut after);
        }
        after.clear();
        for number in 0.. {
            let next = NextWaitingKind { after: &after }.get_result::<(StoredText,)>(self.conn).optional().store()?;
            let Some((kind,)) = next.filter(|(kind,)| !kind.is_blob()) else { break };
            if number == MOST_KINDS {
                flows.capped.push(|flow| &mut flow.waiting);
                break;
            }
            let name = kind.as_bytes();
            let waiting = CountWaiting { kind: name, most: limit };
            let (jobs, first) = waiting.get_result::<(i64, Option<StoredTime>)>(self.conn).store()?;
            let flow = flows.of(&kind);
            flow.waiting += CappedCount::new(u64::try_from(jobs).unwrap_or_default(), most.into());
            let first = first.and_then(|first| first.time()).filter(is_chosen);
            flow.waiting_since = [flow.waiting_since, first].into_iter().flatten().min();
            name.clone_into(&mut after);
        }
        Ok(())
    }

    /// The due time of the first job of a kind in the claim's index.
    fn first_due(&mut self, kind: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut first = None;
        for priority in Priority::ALL {
            let due = FirstDue { kind, priority: priority.number().into() };
            if let Some((DueFrom(Some(due)),)) = due.get_result(self.conn).optional().store()? {
                first = [first, Some(due)].into_iter().flatten().min();
            }
        }
        Ok(first)
    }

    fn count_dead(&mut self, flows: &mut Flows, most: u32) -> Result<(), StoreError> {
        let mut rows: Vec<StoppedKind> = DeadLettersWithoutEnd { most: most.into() }.load(self.conn).store()?;
        let left = i64::from(most) - rows.iter().map(|(_, jobs, ..)| jobs).sum::<i64>();
        rows.extend(DeadLetters { most: left }.load::<StoppedKind>(self.conn).store()?);
        flows.count_stopped(rows, most, |flow| &mut flow.dead.count, |flow| &mut flow.dead);
        Ok(())
    }
}

/// Whether somebody has chosen a due time. A program that knows only the specification leaves it out, and the job is
/// then due since 1970.
fn is_chosen(due: &Timestamp) -> bool {
    due.timestamp() > 0
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("NextKind", NextKind::SQL),
        ("NextWaitingKind", NextWaitingKind::SQL),
        ("CountDue", CountDue::SQL),
        ("CountWaiting", CountWaiting::SQL),
        ("RunningKinds", RunningKinds::SQL),
        ("ParkedKinds", ParkedKinds::SQL),
        ("ParkedJobs", ParkedJobs::SQL),
        ("DeadLetters", DeadLetters::SQL),
        ("DeadLettersWithoutEnd", DeadLettersWithoutEnd::SQL),
        ("CompletedKinds", CompletedKinds::SQL),
        ("CountCompleted", CountCompleted::SQL),
    ]
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::at;

    use super::*;
    use crate::sqlite::columns::test_database::{database, session};

    #[test]
    fn a_kind_whose_rows_were_not_read_is_not_counted_as_none() {
        let mut conn = database();
        conn.batch_execute(
            "INSERT INTO jobs (id, command_type, status, completed_at) SELECT printf('dead-%d', value), 'test.older', 'failed', \
             '2026-01-01 00:00:0' || value || '.000000' FROM json_each('[1, 2, 3, 4, 5]'); \
             INSERT INTO jobs (id, command_type, status, completed_at) \
             VALUES ('late', 'test.newer', 'failed', '2026-01-01 00:00:09.000000'); \
             INSERT INTO jobs (id, command_type, status) VALUES ('waits', 'test.newer', 'pending')",
        )
        .unwrap();
        let mut dead = |most| {
            let flow = session(&mut conn).job_flow(at(0), at(60), most).unwrap();
            flow.into_iter().map(|flow| (flow.kind, flow.dead.count.to_string())).collect::<Vec<_>>()
        };
        let expected = |older: &str, newer: &str| {
            vec![("test.newer".to_owned(), newer.to_owned()), ("test.older".to_owned(), older.to_owned())]
        };
        assert_eq!(dead(100), expected("5", "1"));
        assert_eq!(dead(5), expected("5+", "0+"));
    }

    #[test]
    fn a_kind_that_is_no_utf_8_hides_no_kind_behind_it() {
        let mut conn = database();
        let kinds = ["'test.a'", "CAST(x'746573742e62ff' AS TEXT)", "CAST(x'ff' AS TEXT)", "x'ff'", "'test.c'"];
        for waits_for in ["", "account"] {
            for (number, kind) in kinds.iter().enumerate() {
                conn.batch_execute(&format!(
                    "INSERT INTO jobs (id, command_type, status, waits_for) \
                     VALUES ('{waits_for}{number}', {kind}, 'pending', '{waits_for}')"
                ))
                .unwrap();
            }
        }
        let waiting = session(&mut conn).job_flow(at(0), at(60), 9).unwrap();
        let waiting: Vec<_> = waiting.iter().map(|flow| (flow.kind.as_str(), flow.waiting.number)).collect();
        assert_eq!(waiting, [("\"\\xff\"", 2), ("\"test.b\\xff\"", 2), ("test.a", 2), ("test.c", 2)]);
        conn.batch_execute("UPDATE jobs SET status = 'failed'").unwrap();
        let dead = session(&mut conn).job_flow(at(0), at(60), 90).unwrap();
        assert_eq!(dead.iter().map(|flow| flow.dead.count.number).collect::<Vec<_>>(), [2; 5], "{dead:?}");
    }

    #[test]
    fn more_kinds_than_are_looked_at_cap_the_counts() {
        let mut conn = database();
        let add = |from: usize, to: usize| {
            format!(
                "WITH RECURSIVE numbers (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to}) \
                 INSERT INTO jobs (id, command_type, status) \
                 SELECT 'job-' || n, printf('test.%06d', n), 'pending' FROM numbers"
            )
        };
        conn.batch_execute(&add(1, MOST_KINDS)).unwrap();
        let flow = session(&mut conn).job_flow(at(0), at(60), 9).unwrap();
        assert!(flow.len() == MOST_KINDS && flow.iter().all(|flow| flow.waiting.to_string() == "1"));
        conn.batch_execute(&add(MOST_KINDS + 1, 10 * MOST_KINDS)).unwrap();
        let flow = session(&mut conn).job_flow(at(0), at(60), 9).unwrap();
        assert!(flow.len() == MOST_KINDS && flow.iter().all(|flow| flow.waiting.to_string() == "1+"));
    }
}
