//! The dead letters by error. The queries go from group to group in `idx_jobs_errors`, so that their number depends on
//! the number of groups and not on the number of jobs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{DeadLetterGroup, JobKind};
use fieldfen_domain::store::StoreError;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The most jobs that are counted in all groups together. The count of 200,000 jobs in 80 groups took 60 ms.
const MOST_IN_ALL: u32 = 50_000;

/// The most jobs that are counted in each of the groups behind those.
const FEWEST_OF_GROUP: u32 = 100;

macro_rules! dead {
    () => {
        " FROM jobs INDEXED BY idx_jobs_errors WHERE status = 'failed' AND parked_for IS NULL AND command_type"
    };
}

statement! {
    /// The first kind with dead letters after a kind. It is passed as bytes, since other programs write kinds that are
    /// not UTF-8.
    NextKind<'a> { kind: &'a [u8] as Binary } -> (Text,) =
        concat!("SELECT command_type", dead!(), " > CAST(? AS TEXT) ORDER BY command_type LIMIT 1")
}
statement! {
    /// The first fingerprint of a kind after a fingerprint.
    NextFingerprint<'a> { kind: &'a str as Text, after: &'a [u8] as Binary } -> (Text,) = concat!(
        "SELECT error_fingerprint", dead!(),
        " = ? AND error_fingerprint > CAST(? AS TEXT) ORDER BY error_fingerprint LIMIT 1"
    )
}
statement! {
    /// The number of jobs in a group, up to a limit.
    CountGroup<'a> {
        kind: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        limit: i64 as BigInt,
    } -> (BigInt,) =
        concat!("SELECT count(*) FROM (SELECT 1", dead!(), " = ? AND error_fingerprint IS ? LIMIT ?)")
}
statement! {
    /// The end of the job in a group that failed first. Jobs without a time are left out.
    OldestOfGroup<'a> { kind: &'a str as Text, fingerprint: Option<&'a str> as Nullable<Text> } -> (SqlTimestamp,) =
        concat!(
            "SELECT completed_at", dead!(),
            " = ? AND error_fingerprint IS ? AND completed_at >= '' ORDER BY completed_at LIMIT 1"
        )
}
statement! {
    /// The job in a group that failed last.
    NewestOfGroup<'a> {
        kind: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
    } -> (Nullable<Text>, Nullable<SqlTimestamp>) = concat!(
        "SELECT id, completed_at", dead!(),
        " = ? AND error_fingerprint IS ? ORDER BY completed_at DESC, rowid DESC LIMIT 1"
    )
}

/// The rows that one answer may still count.
struct CountBudget {
    of_group: u32,
    left: u32,
}

impl CountBudget {
    fn of_next_group(&self) -> u32 {
        self.of_group.min(self.left.max(FEWEST_OF_GROUP))
    }
}

impl SqliteSession<'_> {
    /// The first groups, of each of which at most `most` jobs are counted, and fewer after [`MOST_IN_ALL`].
    pub(super) fn groups_of_dead_letters(&mut self, limit: u32, most: u32) -> Result<Vec<DeadLetterGroup>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut budget = CountBudget { of_group: most, left: MOST_IN_ALL };
        let (mut groups, mut before) = (Vec::new(), Vec::new());
        while groups.len() < limit {
            let next = NextKind { kind: &before }.get_result::<(StoredText,)>(self.conn).optional().store()?;
            let Some((kind,)) = next.filter(|(kind,)| !kind.is_blob()) else { break };
            if let Some(known) = kind.as_str().and_then(|kind| kind.parse::<JobKind>().ok()) {
                self.groups_of_kind(&known, limit, &mut budget, &mut groups)?;
            }
            before = kind.as_bytes().to_vec();
        }
        Ok(groups)
    }

    fn groups_of_kind(
        &mut self,
        kind: &JobKind,
        limit: usize,
        budget: &mut CountBudget,
        groups: &mut Vec<DeadLetterGroup>,
    ) -> Result<(), StoreError> {
        groups.extend(self.group(kind, None, budget)?);
        let mut before = Vec::new();
        while groups.len() < limit {
            let next = NextFingerprint { kind: kind.as_str(), after: &before };
            let next = next.get_result::<(StoredText,)>(self.conn).optional().store()?;
            let Some((fingerprint,)) = next.filter(|(fingerprint,)| !fingerprint.is_blob()) else { break };
            if let Some(fingerprint) = fingerprint.as_str() {
                groups.extend(self.group(kind, Some(fingerprint), budget)?);
            }
            before = fingerprint.as_bytes().to_vec();
        }
        Ok(())
    }

    /// The group of a fingerprint; `None` if it has no jobs.
    fn group(
        &mut self,
        kind: &JobKind,
        fingerprint: Option<&str>,
        budget: &mut CountBudget,
    ) -> Result<Option<DeadLetterGroup>, StoreError> {
        let (name, most) = (kind.as_str(), i64::from(budget.of_next_group()));
        let count = CountGroup { kind: name, fingerprint, limit: most + 1 };
        let (jobs,) = count.get_result::<(i64,)>(self.conn).store()?;
        let newest = NewestOfGroup { kind: name, fingerprint };
        let newest = newest.get_result::<(Option<StoredText>, Option<StoredTime>)>(self.conn).optional().store()?;
        let Some((id, failed_at)) = newest else { return Ok(None) };
        let oldest = OldestOfGroup { kind: name, fingerprint };
        let oldest = oldest.get_result::<(StoredTime,)>(self.conn).optional().store()?;
        let counted = u32::try_from(jobs.min(most)).unwrap_or_default();
        budget.left = budget.left.saturating_sub(counted);
        let mut group = DeadLetterGroup::new(kind.clone(), fingerprint.map(str::to_owned), counted);
        group.has_more = jobs > most;
        group.oldest = oldest.and_then(|(time,)| time.time());
        group.newest = failed_at.and_then(|time| time.time());
        group.example = id.and_then(|id| id.as_str()?.parse().ok());
        Ok(Some(group))
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("NextKind", NextKind::SQL),
        ("NextFingerprint", NextFingerprint::SQL),
        ("CountGroup", CountGroup::SQL),
        ("OldestOfGroup", OldestOfGroup::SQL),
        ("NewestOfGroup", NewestOfGroup::SQL),
    ]
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::{FEWEST_OF_GROUP, MOST_IN_ALL};
    use crate::sqlite::columns::test_database::{database, session};

    #[test]
    fn a_kind_or_a_fingerprint_that_is_no_utf_8_hides_no_group_behind_it() {
        let mut conn = database();
        for (id, kind, fingerprint) in [
            ("a", "CAST(x'746573742e61ff' AS TEXT)", "'e1'"),
            ("b", "'test.b'", "CAST(x'6531ff' AS TEXT)"),
            ("c", "'test.b'", "'e2'"),
            ("d", "'test.c'", "'e1'"),
        ] {
            conn.batch_execute(&format!(
                "INSERT INTO jobs (id, command_type, status, error_fingerprint) VALUES ('{id}', {kind}, 'failed', {fingerprint})"
            ))
            .unwrap();
        }
        let groups = session(&mut conn).groups_of_dead_letters(9, 9).unwrap();
        let groups: Vec<_> = groups.iter().map(|group| (group.kind.as_str(), group.fingerprint.as_deref())).collect();
        assert_eq!(groups, [("test.b", Some("e2")), ("test.c", Some("e1"))]);
    }
    #[test]
    fn all_groups_together_are_counted_up_to_a_bound() {
        let mut conn = database();
        conn.batch_execute(
            "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 25000) \
             INSERT INTO jobs (id, command_type, status, error_fingerprint) \
             SELECT 'job-' || value || '-' || i, 'test.a', 'failed', 'error ' || value FROM n, json_each('[1, 2, 3]')",
        )
        .unwrap();
        let groups = session(&mut conn).groups_of_dead_letters(9, MOST_IN_ALL).unwrap();
        let counted: Vec<_> = groups.iter().map(|group| (group.jobs, group.has_more)).collect();
        assert_eq!(counted, [(25_001, false), (24_999, true), (FEWEST_OF_GROUP, true)]);
    }
}
