//! The command `drift`.

use anyhow::{Context as _, bail};
use fieldfen_persistence::SqliteUrl;
use fieldfen_terminal::{Exit, Terminal};

use crate::command::with_exit;
use crate::drift::SchemaDrift;

/// Prints the differences of the database's schema.
pub(crate) fn run(url: &SqliteUrl, terminal: &Terminal) -> anyhow::Result<()> {
    let drift = SchemaDrift::read(url).map_err(with_exit).context("cannot read the schema")?;
    let SchemaDrift { database, at, pending, unknown, migrations, schema_file, additions, .. } = &drift;
    let count = migrations.len() + schema_file.len();
    let summary = match (at, unknown) {
        (None, _) => format!("{database} has no migration of fieldfen, so that there is nothing to compare"),
        (Some(at), 1..) => format!("{database} is at {at}, which is newer than this program"),
        (Some(at), 0) if count == 0 && *pending == 0 => format!("{database} is as its migrations made it: {at}"),
        (Some(at), 0) if count == 0 => format!("{database} is as its migrations made it: {at}; it lacks {pending}"),
        (Some(at), 0) => format!("{database} is at {at} and has {count} differences"),
    };
    terminal.print_result(&drift, |out| {
        let mut table = terminal.table(["compared with", "object", "found", "expected"]);
        for (with, lines) in [("migrations", migrations), ("schema.rs", schema_file), ("additions", additions)] {
            for line in lines {
                table.add_row([with, &line.what, &line.found, &line.expected]);
            }
        }
        if count + additions.len() > 0 {
            out.table(&table)?;
        }
        if drift.is_none() { writeln!(out, "{summary}") } else { Ok(()) }
    })?;
    if drift.is_none() { Ok(()) } else { bail!(Exit::Schema.with(summary)) }
}
