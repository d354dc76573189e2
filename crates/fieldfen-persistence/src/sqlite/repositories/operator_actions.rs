//! The record of operators' actions.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::operator::{Action, ActionKind, Actor, OperatorAction, OperatorActionFilter, Subject};
use fieldfen_domain::store::{OperatorActionReads, OperatorActions, StoreError};
use fieldfen_domain::{OperatorActionId, Page, PageRequest, Timestamp};

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredText, StoredTime, least_text};
use crate::sqlite::error::Classify;
use crate::sqlite::keyset_page::TablePage;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::session::SqliteSession;

/// The columns of [`ActionRow`], in its order.
macro_rules! action_columns {
    () => {
        "id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome"
    };
}

/// The SQL types of [`action_columns`].
type ActionColumns = (BigInt, Text, SqlTimestamp, Text, Text, Text, Text, Text, Text, Text);

statement! {
    Find<'a> { action_id: &'a str as Text } -> ActionColumns = concat!(
        "SELECT ", action_columns!(), " FROM operator_actions INDEXED BY idx_operator_actions_action_id \
         WHERE action_id = ?"
    )
}
statement! {
    Record<'a> {
        action_id: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        by: &'a str as Text,
        via: &'a str as Text,
        action: &'a str as Text,
        subject_kind: &'a str as Text,
        subject_id: &'a str as Text,
        reason: &'a str as Text,
        outcome: &'a str as Text,
    } = "INSERT INTO operator_actions (action_id, at, by, via, action, subject_kind, subject_id, reason, outcome) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// Deletes actions from before a time, the oldest first, up to a limit.
    Prune<'a> { before: &'a str as Text, limit: i64 as BigInt } =
        "DELETE FROM operator_actions WHERE id IN (SELECT id FROM operator_actions \
         INDEXED BY idx_operator_actions_at WHERE at < ? ORDER BY at, id LIMIT ?)"
}

/// The values of a filter as texts.
#[derive(Default)]
struct Texts {
    /// The id of the subject.
    subject: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

impl Texts {
    fn of(filter: &OperatorActionFilter) -> Self {
        let subject = filter.subject.as_ref().map(Subject::id);
        Self { subject, since: filter.since.map(least_text), until: filter.until.map(least_text) }
    }
}

/// A page of the actions that match a filter.
fn action_page<'a>(
    filter: &'a OperatorActionFilter,
    texts: &'a Texts,
    request: &PageRequest,
) -> Result<TablePage<'a, ActionColumns>, StoreError> {
    let subject = texts.subject.as_deref();
    let by = filter.by.as_deref();
    let select = match (subject, by) {
        (Some(_), _) => {
            concat!("SELECT ", action_columns!(), " FROM operator_actions INDEXED BY idx_operator_actions_subject_id")
        }
        (None, Some(_)) => {
            concat!("SELECT ", action_columns!(), " FROM operator_actions INDEXED BY idx_operator_actions_by")
        }
        (None, None) => concat!("SELECT ", action_columns!(), " FROM operator_actions"),
    };
    Ok(TablePage::new("actions", select, request)?
        .with(" AND subject_id = ", subject)
        .with(" AND subject_kind = ", filter.subject.as_ref().map(|subject| subject.kind().as_str()))
        .with(" AND by = ", by)
        .and_beyond_the_index(" AND action = ", filter.kind.map(ActionKind::as_str))
        .and_beyond_the_index(" AND at >= ", texts.since.as_deref())
        .and_beyond_the_index(" AND at < ", texts.until.as_deref()))
}

#[derive(Debug, Queryable)]
struct ActionRow {
    id: i64,
    action_id: StoredText,
    at: StoredTime,
    by: StoredText,
    via: StoredText,
    action: StoredText,
    subject_kind: StoredText,
    subject_id: StoredText,
    reason: StoredText,
    outcome: StoredText,
}

impl ActionRow {
    fn read(self) -> Result<OperatorAction, StoreError> {
        let row = RowRef::stored("operator_actions", Some(&self.action_id), self.id);
        let by = row.text("by", self.by)?;
        let reason = self.reason.into_prose();
        let actor = Actor::new(by.as_str(), row.parse("via", &self.via)?);
        let actor = actor.map_err(|error| row.bad("by", format_args!("{by:?}"), error))?;
        let subject_id = row.text("subject_id", self.subject_id)?;
        let subject = Subject::parse(row.parse("subject_kind", &self.subject_kind)?, &subject_id);
        Ok(OperatorAction::new(
            row.parse("action_id", &self.action_id)?,
            row.time("at", self.at)?,
            Action::new(actor, reason.as_str())
                .map_err(|error| row.bad("reason", format_args!("{reason:?}"), error))?,
            row.parse("action", &self.action)?,
            subject.map_err(|error| row.bad("subject_id", format_args!("{subject_id:?}"), error))?,
            row.parse("outcome", &self.outcome)?,
        ))
    }
}

impl OperatorActionReads for SqliteSession<'_> {
    fn find(&mut self, id: &OperatorActionId) -> Result<Option<OperatorAction>, StoreError> {
        let row = Find { action_id: &id.to_string() }.get_result::<ActionRow>(self.conn);
        row.optional().store()?.map(ActionRow::read).transpose()
    }

    fn page(
        &mut self,
        filter: &OperatorActionFilter,
        request: &PageRequest,
    ) -> Result<Page<OperatorAction>, StoreError> {
        action_page(filter, &Texts::of(filter), request)?
            .read(self.conn, request, |row: ActionRow| (row.id, row.read()))
    }
}

impl OperatorActions for SqliteSession<'_> {
    fn record(&mut self, action: &OperatorAction) -> Result<(), StoreError> {
        let (id, subject_id) = (action.id.to_string(), action.subject.id());
        let record = Record {
            action_id: &id,
            at: SqlTime(action.at),
            by: action.action.by().name(),
            via: action.action.by().via().as_str(),
            action: action.kind.as_str(),
            subject_kind: action.subject.kind().as_str(),
            subject_id: &subject_id,
            reason: action.action.reason(),
            outcome: action.outcome.as_str(),
        };
        record.execute(self.conn).writing(|| format!("operator action {id}"))?;
        Ok(())
    }

    fn prune(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        let pruned = Prune { before: &least_text(before), limit: most.into() }.execute(self.conn).store()?;
        Ok(pruned as u64)
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    let all = OperatorActionFilter::all();
    let of_one = all.clone().by("");
    let job = Subject::Job(fieldfen_testkit::fixtures::job_id(1));
    let of_subject = OperatorActionFilter::of(job).by("");
    let first = PageRequest::first(1);
    let in_time = |filter: &OperatorActionFilter| {
        let (since, until) = (Timestamp::MIN_UTC, Timestamp::MAX_UTC);
        filter.clone().kind(ActionKind::Retry).since(since).until(until)
    };
    let page = |filter: &OperatorActionFilter, request: &PageRequest| {
        sql(&action_page(filter, &Texts::of(filter), request).unwrap())
    };
    let examined = in_time(&of_one);
    vec![
        ("Find", Find::SQL.to_owned()),
        ("Record", Record::SQL.to_owned()),
        ("Prune", Prune::SQL.to_owned()),
        ("AllActions", page(&all, &first)),
        ("ActionsIn", page(&in_time(&all), &first)),
        ("ActionsBy", page(&of_one, &first)),
        ("ActionsByIn", page(&examined, &first)),
        ("ActionsByIn, last examined", {
            sql(&action_page(&examined, &Texts::default(), &first).unwrap().last_examined().unwrap())
        }),
        ("ActionsOn", page(&of_subject, &first)),
        ("ActionsOn, newest first", page(&of_subject, &first.clone().newest_first())),
        ("ActionsOnIn", page(&in_time(&of_subject), &first)),
    ]
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_testkit::fixtures::{at, job_id, operator_action};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session};

    #[test]
    fn actions_that_cannot_be_read_are_named_and_hide_no_others() {
        for (column, value, shown) in [
            (
                "by",
                "' '",
                "\" \"; name of an operator \" \" must have 1 to 200 bytes, not all of them blank, without \
                           control characters",
            ),
            (
                "via",
                "'mail'",
                "\"mail\"; way of an action \"mail\" is unknown; it must be one of library, tool, console",
            ),
            (
                "subject_id",
                "'7'",
                "\"7\"; job id \"7\" is not a UUID of 36 characters with hyphens or of 32 hex digits, \
                                   in lower case",
            ),
            ("reason", "''", "\"\"; reason of an action \"\" must not be blank"),
        ] {
            let mut conn = database();
            for number in 1..=2 {
                session(&mut conn)
                    .record(&operator_action(number, "ann", Subject::Job(job_id(number)), at(1)))
                    .unwrap();
            }
            let bad = operator_action(1, "ann", Subject::Job(job_id(1)), at(1)).id;
            conn.batch_execute(&format!("UPDATE operator_actions SET {column} = {value} WHERE id = 1")).unwrap();
            let page = OperatorActionReads::page(
                &mut session(&mut conn),
                &OperatorActionFilter::all(),
                &PageRequest::first(9),
            );
            let page = page.unwrap();
            assert_eq!(page.items, [operator_action(2, "ann", Subject::Job(job_id(2)), at(1))]);
            let unreadable: Vec<_> = page.unreadable.iter().map(ToString::to_string).collect();
            assert_eq!(unreadable, [format!("operator_actions {bad}: column {column} holds {shown}")]);
        }
    }
}
