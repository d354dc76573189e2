//! Fills every table of a schema, whatever its version: with rows for each word of each column that has fixed words,
//! with NULL where a column may be NULL, and with references to rows that exist.

use std::collections::BTreeMap;
use std::fmt::Display;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::api_cost::CostStatus;
use fieldfen_domain::api_usage::CallOutcome;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{AttemptOutcome, JobKind, JobStatus, OnWorkerDeath, ParkedFor, Partition, PauseScopeKind};
use fieldfen_domain::operator::{ActionKind, ActionOutcome, SubjectKind, Via};
use fieldfen_domain::publication::{ListingStatus, Platform, PostType, PublicationState, SocialPlatform};

/// The rows of a table, if its columns have no more words.
const ROWS: usize = 5;

/// A table of the schema.
struct Table {
    name: String,
    columns: Vec<Column>,
    /// The table and the column to which a column refers.
    references: BTreeMap<String, (String, String)>,
}

#[derive(Clone, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared: String,
    #[diesel(sql_type = BigInt)]
    not_null: i64,
    #[diesel(sql_type = BigInt)]
    key: i64,
}

fn texts<T: Display>(words: &[T]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// The words of a column, from the types that read it; `None` for a column that takes any value.
pub(crate) fn words(table: &str, column: &str) -> Option<Vec<String>> {
    Some(match (table, column) {
        ("files", "status" | "failed_from") | ("file_history", "from_status" | "to_status") => texts(FileStatus::ALL),
        ("jobs", "status") => texts(JobStatus::ALL),
        ("jobs" | "recurring_jobs", "command_type") => texts(&JobKind::SPECIFIED),
        ("jobs", "priority") => texts(&[0, 1, 2, 3]),
        ("jobs", "on_worker_death") => texts(OnWorkerDeath::ALL),
        ("jobs" | "publications", "parked_for") => texts(ParkedFor::SPECIFIED),
        ("job_attempts", "outcome") => texts(AttemptOutcome::ALL),
        ("listings", "status") => texts(ListingStatus::ALL),
        ("listings", "platform") => texts(Platform::SPECIFIED),
        ("social_posts", "platform") => texts(SocialPlatform::SPECIFIED),
        ("social_posts" | "publications", "post_type") => texts(PostType::ALL),
        ("publications", "state") => texts(PublicationState::ALL),
        ("publications", "channel") => texts(&["listing", "post"]),
        ("api_usage", "outcome") => texts(CallOutcome::ALL),
        ("api_costs", "status") => texts(CostStatus::ALL),
        ("rate_limits", "kind") => texts(&["window", "refill", "said"]),
        ("concurrency_limits", "partition") => texts(Partition::ALL),
        ("pauses", "scope") => texts(PauseScopeKind::ALL),
        ("operator_actions", "action") => texts(ActionKind::ALL),
        ("operator_actions", "outcome") => texts(ActionOutcome::ALL),
        ("operator_actions", "subject_kind") => texts(SubjectKind::ALL),
        ("operator_actions" | "bulk_actions", "via") => texts(Via::ALL),
        _ => return None,
    })
}

/// Inserts rows into every table. A table whose key can have one value alone keeps the row that its migration inserts.
pub(crate) fn fill(conn: &mut SqliteConnection) {
    conn.batch_execute("PRAGMA foreign_keys = OFF; BEGIN").unwrap();
    for table in tables(conn) {
        if table.has_one_row(conn) {
            continue;
        }
        let names = table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        for row in 0..table.rows() {
            let values: Vec<_> = table.columns.iter().map(|column| table.value(column, row)).collect();
            let insert = format!("INSERT INTO {} ({names}) VALUES ({})", table.name, values.join(", "));
            conn.batch_execute(&insert).unwrap_or_else(|error| panic!("{insert}: {error}"));
        }
    }
    conn.batch_execute("COMMIT; PRAGMA foreign_keys = ON").unwrap();
}

/// The names of the tables without those of SQLite, diesel and the ledger.
pub(crate) fn table_names(conn: &mut SqliteConnection) -> Vec<String> {
    column_of(
        conn,
        r"SELECT name AS value FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
          AND name NOT LIKE '\_\_%' ESCAPE '\' AND name NOT LIKE 'fieldfen\_%' ESCAPE '\' ORDER BY rowid",
    )
}

/// The columns of a table that have words.
pub(crate) fn columns_with_words(conn: &mut SqliteConnection, table: &str) -> Vec<(String, Vec<String>)> {
    let columns = columns(conn, table).into_iter();
    columns.filter_map(|column| words(table, &column.name).map(|words| (column.name, words))).collect()
}

/// The first column of a query, named `value`; NULL counts as an empty text.
pub(crate) fn column_of(conn: &mut SqliteConnection, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Nullable<Text>)]
        value: Option<String>,
    }
    let lines: Vec<Line> = diesel::sql_query(query).load(conn).unwrap();
    lines.into_iter().map(|line| line.value.unwrap_or_default()).collect()
}

fn columns(conn: &mut SqliteConnection, table: &str) -> Vec<Column> {
    let columns = format!(
        "SELECT name, type AS declared, \"notnull\" AS not_null, pk AS key
         FROM pragma_table_xinfo('{table}') WHERE hidden = 0"
    );
    diesel::sql_query(columns).load(conn).unwrap()
}

fn tables(conn: &mut SqliteConnection) -> Vec<Table> {
    #[derive(QueryableByName)]
    struct Reference {
        #[diesel(sql_type = Text)]
        column: String,
        #[diesel(sql_type = Text)]
        table: String,
        #[diesel(sql_type = Text)]
        to: String,
    }
    let names = table_names(conn).into_iter();
    names
        .map(|name| {
            let references = format!(
                "SELECT \"from\" AS \"column\", \"table\" AS \"table\", \"to\" AS \"to\"
                 FROM pragma_foreign_key_list('{name}')"
            );
            let references: Vec<Reference> = diesel::sql_query(references).load(conn).unwrap();
            let references = references.into_iter().map(|one| (one.column, (one.table, one.to))).collect();
            Table { columns: columns(conn, &name), references, name }
        })
        .collect()
}

impl Table {
    fn has_one_row(&self, conn: &mut SqliteConnection) -> bool {
        let sql = format!("SELECT sql AS value FROM sqlite_schema WHERE name = '{}'", self.name);
        column_of(conn, &sql).concat().contains("CHECK (id = 1)")
    }

    /// Enough rows for each word, and for NULL beside the words.
    fn rows(&self) -> usize {
        let words = |column: &Column| words(&self.name, &column.name).map_or(0, |words| words.len() + 1);
        self.columns.iter().map(words).max().unwrap_or(0).max(ROWS)
    }

    /// A value as SQL. Rows differ in each column that has no words.
    fn value(&self, column: &Column, row: usize) -> String {
        let quoted = |text: &str| format!("'{text}'");
        if let Some((table, to)) = self.references.get(&column.name) {
            // Every table has this number of rows at least.
            return key_value(table, to, row % ROWS);
        }
        let may_be_null = column.not_null == 0 && column.key == 0;
        if let Some(words) = words(&self.name, &column.name) {
            return match words.get(row % (words.len() + usize::from(may_be_null))) {
                Some(word) => quoted(word),
                None => "NULL".to_owned(),
            };
        }
        if may_be_null && row % 4 == 3 {
            return "NULL".to_owned();
        }
        match (column.name.as_str(), column.declared.as_str()) {
            (_, "INTEGER") => (row + 1).to_string(),
            (_, "TIMESTAMP") => quoted(&format!("2026-11-23 14:{row:02}:09.000000")),
            ("day", _) => quoted(&format!("2026-11-{:02}", row + 1)),
            ("month", _) => quoted(&format!("20{:02}-11", row + 26)),
            (name, _) if name.ends_with("_json") => quoted(&format!("{{\"row\": {row}}}")),
            (name, _) if column.key > 0 || name == "drive_file_id" => key_value(&self.name, name, row),
            (name, _) => quoted(&format!("{name} {row}")),
        }
    }
}

/// The value of a key, so that other tables can refer to it.
fn key_value(table: &str, column: &str, row: usize) -> String {
    match column {
        "id" | "job_id" => {
            let of_table = table.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            format!("'{of_table:08x}-0000-4000-8000-{row:012x}'")
        }
        _ => format!("'{table}.{column} {row}'"),
    }
}
