//! Checks that one row never hides another: with any value in any column of one row, every operation handles the other
//! rows.
//!
//! Tables and columns are read from the database, so that new ones are included.

#![expect(clippy::unwrap_used, reason = "a failure here must fail the test")]

mod operations;
mod reads;
mod rows;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::{SqliteSession, migrations};

use operations::{About, Operation, Run, operations};
use rows::{VICTIMS, is_about_a_victim, populate};

const LARGEST: &str = "9223372036854775807";

/// The values that another program may have written into a column, whatever its type.
const VALUES: [&str; 19] = [
    "NULL",
    "''",
    "'x'",
    "CAST(x'7be97d' AS TEXT)",
    "CAST(x'ff00' AS TEXT)",
    "x'00ff'",
    "x''",
    "'a' || char(0) || 'b'",
    "printf('%.*c', 5000, 'x')",
    "-1",
    "1.5",
    "9e999",
    LARGEST,
    "'2026-02-30 00:00:00'",
    "'2026-01-01 24:00:00'",
    "'2025-12-31 14:05:09.1234567891'",
    "'2026-11-23T14:05:09Z'",
    "2461041.5",
    "char(27) || '[2J'",
];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
}

fn columns(conn: &mut SqliteConnection) -> Vec<Column> {
    let query =
        "SELECT m.name AS \"table\", c.name AS \"column\" FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'
                 ORDER BY 1, c.cid";
    diesel::sql_query(query).load(conn).unwrap()
}

/// Runs one operation and undoes its writes.
fn run(conn: &mut SqliteConnection, operation: &Operation) -> Result<Vec<String>, StoreError> {
    let write = match operation.run {
        Run::Read(read) => return read(&mut SqliteSession::join(conn).unwrap()),
        Run::Write(write) => write,
    };
    conn.batch_execute("SAVEPOINT operation").unwrap();
    let answer = write(&mut SqliteSession::join(conn).unwrap());
    let undone = conn.batch_execute("ROLLBACK TO operation; RELEASE operation");
    assert!(undone.is_ok(), "{}: {undone:?}, after {answer:?}", operation.name);
    answer
}

/// The fault of this answer; `None` if there is none. `sound` is the answer without the bad value.
fn fault(operation: &Operation, sound: &[String], answer: Result<Vec<String>, StoreError>) -> Option<String> {
    match (answer, operation.about) {
        (Ok(lines), About::AllRows) => {
            let missing = sound.iter().find(|line| !is_about_a_victim(line) && !lines.contains(line));
            missing.map(|line| format!("{line} is missing in {lines:#?}"))
        }
        (Ok(_), About::Victim) => None,
        // The requested row cannot be read, or has another id by now.
        (
            Err(
                StoreError::BadRow { .. }
                | StoreError::AlreadyExists { .. }
                | StoreError::MissingReference { .. }
                | StoreError::FileTransition(_)
                | StoreError::PublicationTransition(_),
            ),
            About::Victim,
        ) => None,
        (Err(error), _) => Some(format!("{error} ({error:?})")),
    }
}

#[test]
fn whatever_stands_in_any_column_of_one_row_hides_no_other_row() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    migrations::run_pending(&mut conn).unwrap();
    conn.batch_execute("PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON").unwrap();
    populate(&mut SqliteSession::join(&mut conn).unwrap()).unwrap();
    let operations = operations();
    let sound: Vec<_> = operations.iter().map(|operation| run(&mut conn, operation).unwrap()).collect();

    let (mut tried, mut faults) = (0, Vec::new());
    for Column { table, column } in columns(&mut conn) {
        // The first victims get every value, those in other statuses the first half of the values.
        let values = VALUES.into_iter().enumerate();
        let victims = values.flat_map(|(index, value)| {
            let victims = if index < VALUES.len() / 2 { &VICTIMS[..] } else { &VICTIMS[..1] };
            victims.iter().map(move |victim| (victim, value))
        });
        for (victim, value) in victims {
            conn.batch_execute("SAVEPOINT victim; PRAGMA defer_foreign_keys = ON").unwrap();
            let update = format!("UPDATE {table} SET {column} = {value} WHERE rowid = {victim}");
            // After the largest number, AUTOINCREMENT refuses every insert.
            let is_last_number = column == "id" && value == LARGEST;
            // The schema refuses some values, and some tables have fewer rows.
            if !is_last_number && conn.batch_execute(&update).is_ok() && changed(&mut conn) {
                tried += 1;
                for (operation, sound) in operations.iter().zip(&sound) {
                    let answer = run(&mut conn, operation);
                    if let Some(fault) = fault(operation, sound, answer) {
                        faults.push(format!("{} after {update}: {fault}", operation.name));
                    }
                }
            }
            conn.batch_execute("ROLLBACK TO victim; RELEASE victim").unwrap();
        }
    }
    faults.truncate(30);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(tried > 1000, "only {tried} values were accepted");
}

/// Returns whether the last statement has changed a row.
fn changed(conn: &mut SqliteConnection) -> bool {
    let changes = diesel::dsl::sql::<diesel::sql_types::BigInt>("changes()");
    diesel::select(changes).get_result::<i64>(conn).unwrap() > 0
}
