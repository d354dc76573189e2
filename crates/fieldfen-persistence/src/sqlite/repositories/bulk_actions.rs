//! Actions on all jobs that match a filter.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{BulkAction, BulkProgress, JobAction, JobFilter, NewBulkAction};
use fieldfen_domain::operator::{Action, Actor};
use fieldfen_domain::store::{BulkActionReads, BulkActions, StoreError};
use fieldfen_domain::{BulkActionId, Cursor, Page, PageRequest, RawJson, Timestamp};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredNumber, StoredText, StoredTime, least_text};
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::keyset_page::{TablePage, row_cursor};
use crate::sqlite::session::SqliteSession;

/// The columns of [`BulkRow`], in its order.
macro_rules! bulk_columns {
    () => {
        "number, id, action, argument, filter_json, by, via, reason, started_at, jobs_until, cursor, done, refused, \
         finished_at"
    };
}

/// The SQL types of [`bulk_columns`].
type BulkColumns = (
    BigInt,
    Text,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Text,
    Text,
    SqlTimestamp,
    Text,
    Nullable<Text>,
    BigInt,
    BigInt,
    Nullable<SqlTimestamp>,
);

statement! {
    Find<'a> { id: &'a str as Text } -> BulkColumns =
        concat!("SELECT ", bulk_columns!(), " FROM bulk_actions INDEXED BY idx_bulk_actions_id WHERE id = ?")
}
statement! {
    /// The rowid of the last job.
    LastJob {} -> (Nullable<BigInt>,) = "SELECT max(rowid) FROM jobs"
}
statement! {
    Start<'a> {
        id: &'a str as Text,
        action: &'a str as Text,
        argument: Option<&'a str> as Nullable<Text>,
        filter: &'a str as Text,
        by: &'a str as Text,
        via: &'a str as Text,
        reason: &'a str as Text,
        started_at: SqlTime as SqlTimestamp,
        jobs_until: &'a str as Text,
    } = "INSERT INTO bulk_actions (id, action, argument, filter_json, by, via, reason, started_at, jobs_until) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// Moves the progress of an unfinished action from a cursor on.
    Advance<'a> {
        cursor: Option<&'a str> as Nullable<Text>,
        done: i64 as BigInt,
        refused: i64 as BigInt,
        finished_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        id: &'a str as Text,
        from: Option<&'a str> as Nullable<Text>,
    } = "UPDATE bulk_actions SET cursor = ?, done = ?, refused = ?, finished_at = ? \
         WHERE id = ? AND cursor IS ? AND finished_at IS NULL"
}
statement! {
    /// Deletes finished actions that were started before a time, the oldest first, up to a limit.
    Prune<'a> { before: &'a str as Text, limit: i64 as BigInt } =
        "DELETE FROM bulk_actions WHERE number IN (SELECT number FROM bulk_actions \
         INDEXED BY idx_bulk_actions_finished WHERE finished_at IS NOT NULL AND started_at < ? \
         ORDER BY started_at, number LIMIT ?)"
}

fn bulk_page<'a>(request: &PageRequest) -> Result<TablePage<'a, BulkColumns>, StoreError> {
    TablePage::new("bulk-actions", concat!("SELECT ", bulk_columns!(), " FROM bulk_actions"), request)
}

#[derive(Debug, Queryable)]
struct BulkRow {
    number: i64,
    id: StoredText,
    action: StoredText,
    argument: Option<StoredText>,
    filter_json: StoredText,
    by: StoredText,
    via: StoredText,
    reason: StoredText,
    started_at: StoredTime,
    jobs_until: StoredText,
    cursor: Option<StoredText>,
    done: StoredNumber,
    refused: StoredNumber,
    finished_at: Option<StoredTime>,
}

impl BulkRow {
    fn read(self) -> Result<BulkAction, StoreError> {
        let row = RowRef::stored("bulk_actions", Some(&self.id), self.number);
        let argument = row.nullable_text("argument", self.argument)?;
        let action = JobAction::parse(row.parse("action", &self.action)?, argument.as_deref());
        let action = action.map_err(|error| row.bad("argument", format_args!("{argument:?}"), error))?;
        let filter_json = row.text("filter_json", self.filter_json)?;
        let filter = JobFilter::from_json(&RawJson::unchecked(filter_json.clone()))
            .map_err(|error| row.bad("filter_json", format_args!("{filter_json:?}"), error))?;
        let by = row.text("by", self.by)?;
        let actor = Actor::new(by.as_str(), row.parse("via", &self.via)?);
        let actor = actor.map_err(|error| row.bad("by", format_args!("{by:?}"), error))?;
        let reason = self.reason.into_prose();
        let ordered = Action::new(actor, reason.as_str())
            .map_err(|error| row.bad("reason", format_args!("{reason:?}"), error))?;
        let started_at = row.time("started_at", self.started_at)?;
        let order = NewBulkAction::new(row.parse("id", &self.id)?, filter, action, ordered, started_at);
        let until = Cursor::new(row.text("jobs_until", self.jobs_until)?);
        let count = |column, number| {
            let number = row.number(column, number)?;
            u64::try_from(number).map_err(|_| row.bad(column, number, "it must not be negative"))
        };
        let progress = BulkProgress::new(
            row.nullable_text("cursor", self.cursor)?.map(Cursor::new),
            count("done", self.done)?,
            count("refused", self.refused)?,
            row.nullable_time("finished_at", self.finished_at)?,
        );
        Ok(BulkAction::new(order, until, progress))
    }
}

impl BulkActionReads for SqliteSession<'_> {
    fn find(&mut self, id: &BulkActionId) -> Result<Option<BulkAction>, StoreError> {
        let row = Find { id: &id.to_string() }.get_result::<BulkRow>(self.conn);
        row.optional().store()?.map(BulkRow::read).transpose()
    }

    fn page(&mut self, request: &PageRequest) -> Result<Page<BulkAction>, StoreError> {
        bulk_page(request)?.read(self.conn, request, |row: BulkRow| (row.number, row.read()))
    }
}

impl BulkActions for SqliteSession<'_> {
    fn start(&mut self, order: &NewBulkAction) -> Result<BulkAction, StoreError> {
        let filter = order.filter.to_json().map_err(|error| StoreError::Invalid {
            what: "filter of a bulk action",
            value: error.to_string(),
            rule: "it must be short enough for a JSON column",
        })?;
        let (last,) = LastJob {}.get_result::<(Option<i64>,)>(self.conn).store()?;
        let until = row_cursor("jobs", last.unwrap_or_default());
        let (id, argument) = (order.id.to_string(), order.action.argument());
        let start = Start {
            id: &id,
            action: order.action.kind().as_str(),
            argument: argument.as_deref(),
            filter: filter.as_str(),
            by: order.ordered.by().name(),
            via: order.ordered.by().via().as_str(),
            reason: order.ordered.reason(),
            started_at: SqlTime(order.started_at),
            jobs_until: until.as_str(),
        };
        start.execute(self.conn).writing(|| format!("bulk action {id}"))?;
        Ok(BulkAction::new(order.clone(), until, BulkProgress::default()))
    }

    fn advance(&mut self, id: &BulkActionId, from: &BulkProgress, to: &BulkProgress) -> Result<bool, StoreError> {
        let advance = Advance {
            cursor: to.cursor.as_ref().map(Cursor::as_str),
            done: i64::try_from(to.done).unwrap_or(i64::MAX),
            refused: i64::try_from(to.refused).unwrap_or(i64::MAX),
            finished_at: to.finished_at.map(SqlTime),
            id: &id.to_string(),
            from: from.cursor.as_ref().map(Cursor::as_str),
        };
        Ok(advance.execute(self.conn).store()? == 1)
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let pruned = Prune { before: &least_text(before), limit: limit.into() }.execute(self.conn).store()?;
        Ok(pruned as u64)
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    vec![
        ("FindBulkAction", Find::SQL.to_owned()),
        ("LastJob", LastJob::SQL.to_owned()),
        ("StartBulkAction", Start::SQL.to_owned()),
        ("AdvanceBulkAction", Advance::SQL.to_owned()),
        ("PruneBulkActions", Prune::SQL.to_owned()),
        ("BulkActions", sql(&bulk_page(&first).unwrap())),
        ("BulkActions, newest first", sql(&bulk_page(&first.newest_first()).unwrap())),
    ]
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::{at, bulk_order};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session};

    #[test]
    fn bulk_actions_that_cannot_be_read_are_named_and_hide_no_others() {
        for (column, value, shown) in [
            ("action", "'approve'", "action approve with argument None"),
            ("argument", "'soon'", "Some(\"soon\")"),
            ("filter_json", "'{\"species\":\"fox\"}'", "species"),
            ("by", "' '", "name of an operator"),
            ("done", "-1", "must not be negative"),
        ] {
            let mut conn = database();
            for number in 1..=2 {
                session(&mut conn).start(&bulk_order(number, JobAction::Retry, JobFilter::new(), at(1))).unwrap();
            }
            conn.batch_execute(&format!("UPDATE bulk_actions SET {column} = {value} WHERE number = 1")).unwrap();
            let page = BulkActionReads::page(&mut session(&mut conn), &PageRequest::first(9)).unwrap();
            assert_eq!(page.items.len(), 1, "{column}");
            let unreadable = page.unreadable[0].to_string();
            let bad = bulk_order(1, JobAction::Retry, JobFilter::new(), at(1)).id;
            assert!(unreadable.starts_with(&format!("bulk_actions {bad}: column ")), "{unreadable}");
            assert!(unreadable.contains(shown), "{unreadable}");
        }
    }
}
