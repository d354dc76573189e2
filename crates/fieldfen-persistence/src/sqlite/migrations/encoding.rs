//! Checks the text encoding of a database. SQLite fixes the encoding when the first table is created.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use super::MigrationError;
use crate::sqlite::error::Classify as _;

/// Some statements read the bytes of texts and expect UTF-8.
const EXPECTED: &str = "UTF-8";

/// Returns an error if the database has another encoding.
pub(super) fn refuse_other(conn: &mut SqliteConnection) -> Result<(), MigrationError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        encoding: String,
    }
    let query = diesel::sql_query("SELECT encoding FROM pragma_encoding");
    let found = query.get_result::<Row>(conn).store()?.encoding;
    if found == EXPECTED { Ok(()) } else { Err(MigrationError::Encoding { found }) }
}
