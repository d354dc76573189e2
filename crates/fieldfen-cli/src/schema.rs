//! A database whose schema is not the one of this program.

use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{self, MigrationStatus, SchemaState};
use fieldfen_persistence::{SqliteUrl, read_database};
use fieldfen_terminal::Exit;
use serde_json::json;

use crate::context::Context;

/// Says on stdout which migrations are pending or unknown, if `error` is about the schema. Returns the error to end
/// with.
///
/// # Errors
/// The error of printing.
pub(crate) fn explain(error: anyhow::Error, context: &Context<'_>) -> anyhow::Result<anyhow::Error> {
    let is_schema = error
        .downcast_ref::<StoreError>()
        .is_some_and(|error| matches!(error, StoreError::Schema { .. } | StoreError::SchemaChanged { .. }));
    if !is_schema {
        return Ok(error);
    }
    let Ok(Ok(url)) = context.terminal.database_url().map(|address| address.parse::<SqliteUrl>()) else {
        return Ok(error);
    };
    let Ok(state) = read_database(&url, migrations::inspect) else { return Ok(error) };
    let needs = needs(&state);
    let document = json!({"at": context.environment.now(), "needs": needs, "kinds": [], "live_workers": null});
    context.terminal.print_result(&document, |out| {
        for need in &needs {
            writeln!(out, "{}", need["reason"].as_str().unwrap_or_default())?;
        }
        Ok(())
    })?;
    Ok(Exit::Schema.with(format!("{url} cannot be used by this program")).into())
}

/// The needs of a schema, in the form of those of an overview.
fn needs(state: &SchemaState) -> Vec<serde_json::Value> {
    let of = |wanted: fn(&MigrationStatus) -> bool| {
        let found = state.migrations.iter().filter(|status| wanted(status));
        found.map(|status| status.migration.to_string()).collect::<Vec<_>>()
    };
    let (pending, unknown) = (of(|status| !status.applied), of(|status| !status.known));
    let changed: Vec<_> = state.differences.iter().map(ToString::to_string).collect();
    let needs = [
        ("unknown_migrations", "unknown to this program: use the newer program", unknown),
        ("changed_schema", "changed by another program: see `fieldfen migrate status`", changed),
        ("pending_migrations", "pending: run `fieldfen migrate up`, which also backs the database up", pending),
    ];
    needs
        .into_iter()
        .filter(|(_, _, names)| !names.is_empty())
        .map(|(what, state, names)| {
            let thing = match (what, names.len()) {
                ("changed_schema", 1) => "1 object is",
                ("changed_schema", _) => "objects are",
                (_, 1) => "1 migration is",
                _ => "migrations are",
            };
            let number = if names.len() == 1 { String::new() } else { format!("{} ", names.len()) };
            json!({
                "what": what, "count": {"number": names.len(), "is_capped": false}, "since": null, "until": null,
                "name": names.first(), "example": null, "fingerprint": null,
                "reason": format!("{number}{thing} {state} ({})", names.join(", ")),
            })
        })
        .collect()
}
