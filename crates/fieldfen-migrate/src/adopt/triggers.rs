//! Takes triggers away while values are rewritten, and puts them back in the same transaction.
//!
//! A trigger of another program may fire at each UPDATE, for example to set `updated_at`. A change of spelling is no
//! such update.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations::MigrationError;
use fieldfen_persistence::store_error;

#[derive(QueryableByName)]
struct Trigger {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// Runs `f` without the triggers of all tables.
pub(super) fn without_triggers<T>(
    conn: &mut SqliteConnection,
    f: impl FnOnce(&mut SqliteConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    let query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND sql IS NOT NULL ORDER BY rowid";
    let triggers: Vec<Trigger> = diesel::sql_query(query).load(conn).map_err(store_error)?;
    for trigger in &triggers {
        conn.batch_execute(&format!("DROP TRIGGER {}", quoted(&trigger.name))).map_err(store_error)?;
    }
    let done = f(conn)?;
    for trigger in &triggers {
        conn.batch_execute(&trigger.sql).map_err(store_error)?;
    }
    Ok(done)
}

/// A name as SQL text, in double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
