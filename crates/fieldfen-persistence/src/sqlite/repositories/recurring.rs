//! Recurring work and its ticks.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::ApiAccount;
use fieldfen_domain::recurring::{NewRecurringJob, PauseOutcome, RecurringJob, RecurringName, RecurringRun, Tick};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{Recurring, RecurringReads, StoreError};
use fieldfen_domain::{RawJson, Timestamp, UnreadableRow};

use crate::rules::recurring_tick::{is_next, pause_outcome};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{DueFrom, RowRef, SqlTime, StoredText, StoredTime, regular_time};
use crate::sqlite::error::Classify;
use crate::sqlite::schema::recurring_jobs;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Inserts or changes recurring work. If schedule and time zone are unchanged, the next tick is kept. A time of change in the
    /// future is kept too: it shows that a clock was ahead.
    Define<'a> {
        name: &'a str as Text,
        schedule: &'a str as Text,
        time_zone: Option<&'a str> as Nullable<Text>,
        kind: &'a str as Text,
        payload: Option<&'a str> as Nullable<Text>,
        account: Option<&'a str> as Nullable<Text>,
        defined_in: Option<&'a str> as Nullable<Text>,
        next_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
    } = "INSERT INTO recurring_jobs (name, schedule, time_zone, command_type, payload_json, account, defined_in, next_at, \
         updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET \
         next_at = CASE WHEN schedule = excluded.schedule AND time_zone IS excluded.time_zone THEN next_at \
         ELSE excluded.next_at END, schedule = excluded.schedule, time_zone = excluded.time_zone, \
         command_type = excluded.command_type, payload_json = excluded.payload_json, account = excluded.account, \
         defined_in = excluded.defined_in, \
         updated_at = max(updated_at, excluded.updated_at)"
}
statement! {
    /// Takes the next tick. `due` is its text in the row: the statement changes nothing if the next tick has changed.
    Take<'a> {
        next_at: SqlTime as SqlTimestamp,
        last_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        name: &'a str as Text,
        due: &'a str as Text,
    } = "UPDATE recurring_jobs SET next_at = ?, last_at = ?, updated_at = ? \
         WHERE name = ? AND next_at = ? AND paused_at IS NULL"
}
statement! {
    /// Sets the next tick. `due` is the text of the present one: the statement changes nothing if the next tick has
    /// changed.
    SetNext<'a> {
        next_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        name: &'a str as Text,
        due: &'a str as Text,
    } = "UPDATE recurring_jobs SET next_at = ?, updated_at = ? WHERE name = ? AND next_at = ?"
}
statement! {
    /// Pauses recurring work, unless it is paused already.
    Pause<'a> { at: SqlTime as SqlTimestamp, name: &'a str as Text } =
        "UPDATE recurring_jobs SET paused_at = ? WHERE name = ? AND paused_at IS NULL"
}
statement! {
    Resume<'a> { name: &'a str as Text } =
        "UPDATE recurring_jobs SET paused_at = NULL WHERE name = ? AND paused_at IS NOT NULL"
}
macro_rules! columns {
    () => {
        "SELECT name, schedule, time_zone, command_type, payload_json, account, defined_in, next_at, last_at, paused_at \
         FROM recurring_jobs "
    };
}
/// The SQL types of the columns.
type Columns = (
    Text,
    Text,
    Nullable<Text>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    SqlTimestamp,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
);

statement! {
    WorkNamed<'a> { name: &'a str as Text } -> Columns = concat!(columns!(), "WHERE name = ?")
}
statement! {
    /// The recurring work whose next tick is due.
    DueWork { now: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> Columns = concat!(
        columns!(), "INDEXED BY idx_recurring_jobs_next_at WHERE paused_at IS NULL AND next_at <= ? \
         ORDER BY next_at, rowid LIMIT ?"
    )
}
statement! {
    /// The recurring work with a time of change in the future, the furthest first.
    WrittenInFuture { now: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> Columns = concat!(
        columns!(), "INDEXED BY idx_recurring_jobs_updated_at WHERE paused_at IS NULL AND updated_at > ? \
         ORDER BY updated_at DESC LIMIT ?"
    )
}
statement! {
    /// The recurring work whose next tick has a form that does not sort like times.
    Irregular { limit: i64 as BigInt } -> Columns = concat!(
        columns!(), "INDEXED BY idx_recurring_jobs_irregular \
         WHERE name >= '' AND paused_at IS NULL AND (typeof(next_at) <> 'text' OR next_at NOT GLOB ", regular_time!(), ") LIMIT ?"
    )
}
statement! {
    /// The first next tick after a time.
    TickAfter { after: SqlTime as SqlTimestamp } -> (SqlTimestamp,) =
        "SELECT next_at FROM recurring_jobs INDEXED BY idx_recurring_jobs_next_at \
         WHERE paused_at IS NULL AND next_at > ? ORDER BY next_at LIMIT 1"
}
statement! {
    /// The next tick of recurring work as text and as time.
    NextTick<'a> { name: &'a str as Text } -> (Text, SqlTimestamp) =
        "SELECT next_at, next_at FROM recurring_jobs WHERE name = ?"
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = recurring_jobs)]
struct RecurringRow {
    name: StoredText,
    schedule: StoredText,
    time_zone: Option<StoredText>,
    command_type: StoredText,
    payload_json: Option<StoredText>,
    account: Option<StoredText>,
    defined_in: Option<StoredText>,
    next_at: StoredTime,
    last_at: Option<StoredTime>,
    paused_at: Option<StoredTime>,
}

impl RecurringRow {
    fn read(self) -> Result<RecurringJob, StoreError> {
        let name = self.name.name();
        let row = RowRef::known("recurring_jobs", &name);
        let mut work = RecurringJob::new(
            row.parse("name", &self.name)?,
            row.text("schedule", self.schedule)?,
            row.parse("command_type", &self.command_type)?,
            row.time("next_at", self.next_at)?,
        );
        work.time_zone = row.nullable_text("time_zone", self.time_zone)?;
        work.account = row.parse_nullable("account", self.account.as_ref())?;
        work.defined_in = row.nullable_text("defined_in", self.defined_in)?;
        work.payload = row.json("payload_json", self.payload_json)?;
        work.last_at = row.nullable_time("last_at", self.last_at)?;
        work.paused_at = row.nullable_time("paused_at", self.paused_at)?;
        Ok(work)
    }
}

impl RecurringReads for SqliteSession<'_> {
    fn list(&mut self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        let query = recurring_jobs::table.select(RecurringRow::as_select()).order(recurring_jobs::name);
        read(query.load(self.conn).store()?)
    }

    fn find(&mut self, name: &RecurringName) -> Result<Option<RecurringJob>, StoreError> {
        let row = WorkNamed { name: name.as_str() }.get_result::<RecurringRow>(self.conn);
        row.optional().store()?.map(RecurringRow::read).transpose()
    }

    fn due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        read(DueWork { now: SqlTime(now), limit: limit.into() }.load(self.conn).store()?)
    }

    fn doubtful(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        let limit = i64::from(limit);
        let mut rows: Vec<RecurringRow> = WrittenInFuture { now: SqlTime(now), limit }.load(self.conn).store()?;
        rows.extend(Irregular { limit }.load::<RecurringRow>(self.conn).store()?);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        read(rows)
    }

    fn next_tick(&mut self, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let next = TickAfter { after: SqlTime(after) }.get_result::<(DueFrom,)>(self.conn);
        Ok(next.optional().store()?.and_then(|(DueFrom(next),)| next))
    }

    fn runs(&mut self, name: &RecurringName) -> Result<Vec<Result<RecurringRun, UnreadableRow>>, StoreError> {
        self.recorded_runs(name)
    }
}

fn read(rows: Vec<RecurringRow>) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
    rows.into_iter().map(|row| split_bad_row(row.read())).collect()
}

impl SqliteSession<'_> {
    /// The text of this tick in its row, if it is still the next tick. Other programs may have written fewer digits,
    /// and SQLite compares texts.
    fn spelled_tick(&mut self, tick: &Tick) -> Result<Option<String>, StoreError> {
        let next = NextTick { name: tick.name.as_str() }.get_result::<(StoredText, StoredTime)>(self.conn);
        let Some((spelled, next_at)) = next.optional().store()? else { return Ok(None) };
        let row = RowRef::known("recurring_jobs", tick.name.as_str());
        match is_next(tick, row.time("next_at", next_at)?) {
            true => row.text("next_at", spelled).map(Some),
            false => Ok(None),
        }
    }
}

impl SqliteSession<'_> {
    /// The outcome of a pause or of its end, by the number of changed rows.
    fn paused(&mut self, name: &RecurringName, changed: usize) -> Result<PauseOutcome, StoreError> {
        let known = NextTick { name: name.as_str() }.get_result::<(StoredText, StoredTime)>(self.conn);
        Ok(pause_outcome(changed > 0, known.optional().store()?.is_some()))
    }
}

impl Recurring for SqliteSession<'_> {
    fn define(&mut self, work: &NewRecurringJob) -> Result<(), StoreError> {
        StoreError::check_json("payload of recurring work", work.payload.as_ref())?;
        let define = Define {
            name: work.name.as_str(),
            schedule: &work.schedule,
            time_zone: work.time_zone.as_deref(),
            kind: work.kind.as_str(),
            payload: work.payload.as_ref().map(RawJson::as_str),
            account: work.account.as_ref().map(ApiAccount::as_str),
            defined_in: work.defined_in.as_deref(),
            next_at: SqlTime(work.next_at),
            at: SqlTime(work.at),
        };
        define.execute(self.conn).store()?;
        Ok(())
    }

    fn take(&mut self, tick: &Tick) -> Result<bool, StoreError> {
        let Some(spelled) = self.spelled_tick(tick)? else { return Ok(false) };
        let take = Take {
            next_at: SqlTime(tick.next_at),
            last_at: SqlTime(tick.due),
            at: SqlTime(tick.at),
            name: tick.name.as_str(),
            due: &spelled,
        };
        Ok(take.execute(self.conn).store()? > 0)
    }

    fn set_next(&mut self, tick: &Tick) -> Result<bool, StoreError> {
        let Some(spelled) = self.spelled_tick(tick)? else { return Ok(false) };
        let (next_at, at) = (SqlTime(tick.next_at), SqlTime(tick.at));
        Ok(SetNext { next_at, at, name: tick.name.as_str(), due: &spelled }.execute(self.conn).store()? > 0)
    }

    fn pause(&mut self, name: &RecurringName, at: Timestamp) -> Result<PauseOutcome, StoreError> {
        let changed = Pause { at: SqlTime(at), name: name.as_str() }.execute(self.conn).store()?;
        self.paused(name, changed)
    }

    fn resume(&mut self, name: &RecurringName) -> Result<PauseOutcome, StoreError> {
        let changed = Resume { name: name.as_str() }.execute(self.conn).store()?;
        self.paused(name, changed)
    }

    fn record_run(&mut self, run: &RecurringRun) -> Result<(), StoreError> {
        self.add_run(run)
    }

    fn remove(&mut self, name: &RecurringName) -> Result<bool, StoreError> {
        let removed = diesel::delete(recurring_jobs::table.find(name.as_str())).execute(self.conn).store()?;
        Ok(removed > 0)
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    [
        ("Define", Define::SQL),
        ("Take", Take::SQL),
        ("SetNext", SetNext::SQL),
        ("Pause", Pause::SQL),
        ("Resume", Resume::SQL),
        ("WorkNamed", WorkNamed::SQL),
        ("DueWork", DueWork::SQL),
        ("WrittenInFuture", WrittenInFuture::SQL),
        ("Irregular", Irregular::SQL),
        ("TickAfter", TickAfter::SQL),
        ("NextTick", NextTick::SQL),
    ]
    .map(|(name, sql)| (name, sql.to_owned()))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::{at, recurring, recurring_name};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session};

    fn tick(due: i64, next: i64) -> Tick {
        Tick::new(recurring_name("upkeep"), at(due), at(next), at(due))
    }

    fn times(s: &mut SqliteSession<'_>) -> (Timestamp, Option<Timestamp>) {
        let work = s.list().unwrap().remove(0).unwrap();
        (work.next_at, work.last_at)
    }

    #[test]
    fn a_tick_is_taken_once_however_it_is_spelled() {
        for spelled in ["2026-01-01 00:00:10", "2026-01-01 00:00:10.000", "2026-01-01T00:00:10.000000"] {
            let mut conn = database();
            session(&mut conn).define(&recurring("upkeep", "hourly", at(9))).unwrap();
            conn.batch_execute(&format!("UPDATE recurring_jobs SET next_at = '{spelled}'")).unwrap();
            let mut s = session(&mut conn);
            assert!(!s.take(&tick(9, 20)).unwrap());
            assert!(s.take(&tick(10, 20)).unwrap(), "{spelled}");
            assert!(!s.take(&tick(10, 20)).unwrap());
            assert_eq!(times(&mut s), (at(20), Some(at(10))));
        }
    }

    #[test]
    fn a_tick_is_taken_once_and_a_new_schedule_begins_anew() {
        let mut conn = database();
        let mut s = session(&mut conn);
        s.define(&recurring("upkeep", "hourly", at(10))).unwrap();
        assert!(s.take(&tick(10, 20)).unwrap());
        assert!(!s.take(&tick(10, 20)).unwrap());
        s.define(&recurring("upkeep", "hourly", at(99))).unwrap();
        assert_eq!(times(&mut s), (at(20), Some(at(10))));
        s.define(&recurring("upkeep", "daily", at(99))).unwrap();
        assert_eq!(times(&mut s), (at(99), Some(at(10))));
        assert!(s.remove(&recurring_name("upkeep")).unwrap());
        assert!(!s.remove(&recurring_name("upkeep")).unwrap());
    }

    #[test]
    fn a_tick_that_is_a_blob_is_found_and_named() {
        for next_at in ["x'00'", "CAST('2026-01-01 00:00:10.000000' AS BLOB)"] {
            let mut conn = database();
            session(&mut conn).define(&recurring("upkeep", "hourly", at(10))).unwrap();
            conn.batch_execute(&format!("UPDATE recurring_jobs SET next_at = {next_at}")).unwrap();
            let doubtful = session(&mut conn).doubtful(at(100), 9).unwrap();
            assert_eq!(doubtful.iter().filter(|work| work.is_err()).count(), 1, "{next_at}");
        }
    }

    #[test]
    fn what_no_recurring_work_can_hold_is_named_with_table_row_and_column() {
        for (set, column) in [
            ("name = 'every day'", "name"),
            ("command_type = ''", "command_type"),
            ("next_at = 'soon'", "next_at"),
            ("last_at = 0.5", "last_at"),
            ("paused_at = 'since noon'", "paused_at"),
        ] {
            let mut conn = database();
            session(&mut conn).define(&recurring("upkeep", "hourly", at(10))).unwrap();
            conn.batch_execute(&format!("UPDATE recurring_jobs SET {set}")).unwrap();
            session(&mut conn).define(&recurring("sweeping", "hourly", at(10))).unwrap();
            let (good, bad): (Vec<_>, Vec<_>) = session(&mut conn).list().unwrap().into_iter().partition(Result::is_ok);
            assert_eq!(good.len(), 1, "{set}: what can be read goes on");
            let error = bad[0].as_ref().unwrap_err().to_string();
            assert!(error.contains(&format!(": column {column} holds")), "{set}: {error}");
        }
    }
}
