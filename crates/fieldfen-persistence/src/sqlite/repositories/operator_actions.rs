//! Operators' actions.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp as SqlTimestamp};
#[cfg(test)]
use fieldfen_domain::Timestamp;
use fieldfen_domain::operator::{Action, ActionKind, Actor, OperatorAction, OperatorActionFilter, Subject};
use fieldfen_domain::store::{OperatorActionReads, OperatorActions, StoreError};
use fieldfen_domain::{Page, PageRequest};

use crate::sqlite::columns::{RowRef, SqlTime, StoredText, StoredTime, limit};
use crate::sqlite::error::Classify;
use crate::sqlite::keyset_page::TablePage;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::schema::operator_actions;
use crate::sqlite::session::SqliteSession;

/// The columns that [`ActionRow`] reads, in its order.
macro_rules! action_columns {
    () => {
        "id, at, by, via, action, subject_kind, subject_id, reason, outcome"
    };
}

/// The SQL types of [`action_columns`].
type ActionColumns = (BigInt, SqlTimestamp, Text, Text, Text, Text, Text, Text, Text);

/// The texts of what a filter names.
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
        Self { subject, since: filter.since.map(limit), until: filter.until.map(limit) }
    }
}

/// A page of the actions that a filter names.
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
        let name = self.id.to_string();
        let row = RowRef::known("operator_actions", &name);
        let by = row.text("by", self.by)?;
        let reason = self.reason.into_prose();
        let actor = Actor::new(by.as_str(), row.parse("via", &self.via)?);
        let actor = actor.map_err(|error| row.bad("by", format_args!("{by:?}"), error))?;
        let subject_id = row.text("subject_id", self.subject_id)?;
        let subject = Subject::parse(row.parse("subject_kind", &self.subject_kind)?, &subject_id);
        Ok(OperatorAction::new(
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
        let row = (
            operator_actions::at.eq(SqlTime(action.at)),
            operator_actions::by.eq(action.action.by().name()),
            operator_actions::via.eq(action.action.by().via().as_str()),
            operator_actions::action.eq(action.kind.as_str()),
            operator_actions::subject_kind.eq(action.subject.kind().as_str()),
            operator_actions::subject_id.eq(action.subject.id()),
            operator_actions::reason.eq(action.action.reason()),
            operator_actions::outcome.eq(action.outcome.as_str()),
        );
        let insert = diesel::insert_into(operator_actions::table).values(row);
        insert.execute(self.conn).writing(|| format!("an action on {}", action.subject))?;
        Ok(())
    }
}

/// The statements of this file that search, for the test of their plans.
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
                session(&mut conn).record(&operator_action("ann", Subject::Job(job_id(number)), at(1))).unwrap();
            }
            conn.batch_execute(&format!("UPDATE operator_actions SET {column} = {value} WHERE id = 1")).unwrap();
            let page = OperatorActionReads::page(
                &mut session(&mut conn),
                &OperatorActionFilter::all(),
                &PageRequest::first(9),
            );
            let page = page.unwrap();
            assert_eq!(page.items, [operator_action("ann", Subject::Job(job_id(2)), at(1))]);
            let unreadable: Vec<_> = page.unreadable.iter().map(ToString::to_string).collect();
            assert_eq!(unreadable, [format!("operator_actions 1: column {column} holds {shown}")]);
        }
    }
}
