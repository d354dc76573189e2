//! Checks the schema when a store is opened.

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::command::remedy;
use super::difference::listed;
use super::{MigrationError, applied, encoding, expected_schema, has, newest, versions};

/// Returns an error unless the schema is exactly the one of this program. A difference is an unknown or missing
/// migration, or a table, column, index or trigger that another program has changed or removed.
pub(crate) fn check(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    encoding::refuse_other(conn)?;
    let applied = applied(conn)?;
    check_versions(&applied)?;
    match expected_schema::differences(conn, &applied)? {
        differences if differences.is_empty() => Ok(()),
        differences => Err(StoreError::SchemaChanged { differences: listed(&differences) }),
    }
}

fn check_versions(applied: &[String]) -> Result<(), StoreError> {
    let needed = newest().version;
    if let Some(newer) = applied.iter().rfind(|version| !versions().any(|known| known == version.as_str())) {
        return Err(StoreError::Schema { found: newer.clone(), needed, remedy: "use the newer program" });
    }
    let Some(missing) = versions().find(|version| !has(applied, version)) else { return Ok(()) };
    let found = match applied.last() {
        Some(last) if last.as_str() > missing => format!("{last} without {missing}"),
        Some(last) => last.clone(),
        None => "none".to_owned(),
    };
    Err(StoreError::Schema { found, needed, remedy: remedy() })
}

impl From<MigrationError> for StoreError {
    fn from(error: MigrationError) -> Self {
        match error {
            MigrationError::Store(error) => error,
            MigrationError::Encoding { found } => {
                Self::SchemaChanged { differences: format!("encoding: found {found}, expected UTF-8") }
            }
            other => Self::Database(other.into()),
        }
    }
}
