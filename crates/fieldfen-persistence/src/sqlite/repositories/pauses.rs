//! Pauses of kinds, services and accounts.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{Pause, PauseScope};
use fieldfen_domain::store::{PauseReads, Pauses, StoreError};

use super::jobs::claim_rules::scope;
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    ListPauses {} -> (Text, Text, Text, SqlTimestamp, Nullable<SqlTimestamp>, Text) =
        "SELECT scope, name, reason, since, until, by FROM pauses WHERE scope >= '' ORDER BY scope, name"
}
statement! {
    FindPause<'a> { scope: &'a str as Text, name: &'a str as Text }
        -> (Text, Text, Text, SqlTimestamp, Nullable<SqlTimestamp>, Text) =
        "SELECT scope, name, reason, since, until, by FROM pauses WHERE scope = ? AND name = ?"
}
statement! {
    WritePause<'a> {
        scope: &'a str as Text,
        name: &'a str as Text,
        reason: &'a str as Text,
        since: SqlTime as SqlTimestamp,
        until: Option<SqlTime> as Nullable<SqlTimestamp>,
        by: &'a str as Text,
    } =
        "INSERT INTO pauses (scope, name, reason, since, until, by) VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (scope, name) DO UPDATE SET (reason, since, until, by) = \
         (excluded.reason, excluded.since, excluded.until, excluded.by)"
}
statement! {
    /// Ends a pause. A claim or a reclaim takes its jobs back, and a reclaim deletes the row.
    EndPause<'a> { at: SqlTime as SqlTimestamp, scope: &'a str as Text, name: &'a str as Text } =
        "UPDATE pauses SET until = ? WHERE scope = ? AND name = ?"
}
statement! {
    /// Ends a pause that was written by this part of the program.
    EndOwnPause<'a> {
        at: SqlTime as SqlTimestamp,
        scope: &'a str as Text,
        name: &'a str as Text,
        by: &'a str as Text,
        same: SqlTime as SqlTimestamp,
    } =
        "UPDATE pauses SET until = ? WHERE scope = ? AND name = ? AND by = ? AND coalesce(until, '9') > ?"
}
statement! {
    /// Ends the blocks of the limits of a service or an account.
    EndBlocks<'a> {
        at: SqlTime as SqlTimestamp,
        service: &'a str as Text,
        account: &'a str as Text,
        same: SqlTime as SqlTimestamp,
    } =
        "UPDATE rate_limits INDEXED BY idx_rate_limits_key SET blocked_until = ? \
         WHERE service = ? AND account = ? AND endpoint = '' AND blocked_until > ?"
}

#[derive(Debug, Queryable)]
struct PauseRow {
    scope: StoredText,
    name: StoredText,
    reason: StoredText,
    since: StoredTime,
    until: Option<StoredTime>,
    by: StoredText,
}

impl PauseRow {
    fn read(self) -> Result<Pause, StoreError> {
        let key = format!("{} {}", self.scope.name(), self.name.name());
        let row = RowRef::known("pauses", &key);
        let named = self.scope.as_str().zip(self.name.as_str()).and_then(|(word, name)| scope(word, name));
        let scope = named.ok_or_else(|| row.bad("name", &self.name, "it must name a kind, a service or an account"))?;
        let since = row.time("since", self.since)?;
        let until = row.nullable_time("until", self.until)?;
        Ok(Pause::new(scope, self.reason.into_prose(), since, self.by.into_prose()).until(until))
    }
}

impl PauseReads for SqliteSession<'_> {
    fn list(&mut self, now: Timestamp) -> Result<Vec<Pause>, StoreError> {
        let pauses = ListPauses {}.load::<PauseRow>(self.conn).store()?;
        let pauses = pauses.into_iter().map(PauseRow::read);
        pauses.filter(|pause| pause.as_ref().map_or(true, |pause| pause.holds(now))).collect()
    }

    fn find(&mut self, scope: &PauseScope, now: Timestamp) -> Result<Option<Pause>, StoreError> {
        let find = FindPause { scope: scope.kind().as_str(), name: scope.name() };
        let pause = find.get_result::<PauseRow>(self.conn).optional().store()?;
        Ok(pause.map(PauseRow::read).transpose()?.filter(|pause| pause.holds(now)))
    }
}

impl Pauses for SqliteSession<'_> {
    fn pause(&mut self, pause: &Pause) -> Result<bool, StoreError> {
        let before = PauseReads::find(self, &pause.scope, pause.since)?;
        if before.is_some_and(|before| before.outlasts(pause)) {
            return Ok(false);
        }
        let write = WritePause {
            scope: pause.scope.kind().as_str(),
            name: pause.scope.name(),
            reason: &pause.reason,
            since: SqlTime(pause.since),
            until: pause.until.map(SqlTime),
            by: &pause.by,
        };
        write.execute(self.conn).writing(|| format!("pause of {}", pause.scope))?;
        Ok(true)
    }

    fn lift(&mut self, scope: &PauseScope, at: Timestamp) -> Result<bool, StoreError> {
        if PauseReads::find(self, scope, at)?.is_none() {
            return Ok(false);
        }
        EndPause { at: SqlTime(at), scope: scope.kind().as_str(), name: scope.name() }.execute(self.conn).store()?;
        if let PauseScope::Account(paused) = scope {
            let account = paused.account().unwrap_or_default();
            let end = EndBlocks { at: SqlTime(at), service: paused.service(), account, same: SqlTime(at) };
            end.execute(self.conn).store()?;
        }
        self.note(CommitNotice::JobDue);
        Ok(true)
    }

    fn lift_own(&mut self, scope: &PauseScope, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let (kind, name) = (scope.kind(), scope.name());
        let end = EndOwnPause { at: SqlTime(at), scope: kind.as_str(), name, by, same: SqlTime(at) };
        let is_lifted = end.execute(self.conn).store()? > 0;
        if is_lifted {
            self.note(CommitNotice::JobDue);
        }
        Ok(is_lifted)
    }
}

/// The statements of this file with their names, for the test of query plans.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let statements = [
        ("ListPauses", ListPauses::SQL),
        ("FindPause", FindPause::SQL),
        ("EndPause", EndPause::SQL),
        ("EndOwnPause", EndOwnPause::SQL),
        ("EndBlocks", EndBlocks::SQL),
    ];
    statements.map(|(name, sql)| (name, sql.to_owned())).to_vec()
}
