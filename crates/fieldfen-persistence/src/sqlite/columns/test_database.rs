//! An empty database for tests of single repositories.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::sqlite::SqliteSession;

/// An empty database in memory with the newest schema.
pub(crate) fn database() -> SqliteConnection {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    crate::sqlite::migrations::run_pending(&mut conn).unwrap();
    conn.batch_execute("PRAGMA foreign_keys = ON").unwrap();
    conn
}

/// A session on the connection. SQLite commits each statement by itself.
pub(crate) fn session(conn: &mut SqliteConnection) -> SqliteSession<'_> {
    SqliteSession::new(conn)
}

/// Runs a query that returns one text.
pub(crate) fn text(conn: &mut SqliteConnection, query: &str) -> String {
    diesel::select(diesel::dsl::sql::<Text>(&format!("({query})"))).get_result(conn).unwrap()
}
