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

impl SqliteSession<'_> {
    /// The first groups, of each of which at most `most` jobs are counted.
    pub(super) fn groups_of_dead_letters(&mut self, limit: u32, most: u32) -> Result<Vec<DeadLetterGroup>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut groups, mut before) = (Vec::new(), Vec::new());
        while groups.len() < limit {
            let next = NextKind { kind: &before }.get_result::<(StoredText,)>(self.conn).optional().store()?;
            let Some((kind,)) = next.filter(|(kind,)| !kind.is_blob()) else { break };
            if let Some(known) = kind.as_str().and_then(|kind| kind.parse::<JobKind>().ok()) {
                self.groups_of_kind(&known, limit, most, &mut groups)?;
            }
            before = kind.as_bytes().to_vec();
        }
        Ok(groups)
    }

    fn groups_of_kind(
        &mut self,
        kind: &JobKind,
        limit: usize,
        most: u32,
        groups: &mut Vec<DeadLetterGroup>,
    ) -> Result<(), StoreError> {
        groups.extend(self.group(kind, None, most)?);
        let mut before = Vec::new();
        while groups.len() < limit {
            let next = NextFingerprint { kind: kind.as_str(), after: &before };
            let next = next.get_result::<(StoredText,)>(self.conn).optional().store()?;
            let Some((fingerprint,)) = next.filter(|(fingerprint,)| !fingerprint.is_blob()) else { break };
            if let Some(fingerprint) = fingerprint.as_str() {
                groups.extend(self.group(kind, Some(fingerprint), most)?);
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
        most: u32,
    ) -> Result<Option<DeadLetterGroup>, StoreError> {
        let (name, most) = (kind.as_str(), i64::from(most));
        let count = CountGroup { kind: name, fingerprint, limit: most + 1 };
        let (jobs,) = count.get_result::<(i64,)>(self.conn).store()?;
        let newest = NewestOfGroup { kind: name, fingerprint };
        let newest = newest.get_result::<(Option<StoredText>, Option<StoredTime>)>(self.conn).optional().store()?;
        let Some((id, failed_at)) = newest else { return Ok(None) };
        let oldest = OldestOfGroup { kind: name, fingerprint };
        let oldest = oldest.get_result::<(StoredTime,)>(self.conn).optional().store()?;
        let counted = u32::try_from(jobs.min(most)).unwrap_or_default();
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
}
