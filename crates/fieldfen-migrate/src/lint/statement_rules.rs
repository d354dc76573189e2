//! The rules for single statements, in the light of the other statements of the file and of the older schema.

use super::Rule;
use super::action::{Action, AddedColumn, AddedDefault, Created};
use super::linted_file::LintedFile;
use crate::scratch_schema::SchemaShape;

/// Adds what the statements of a file break. `old` is the schema before the migration, also for `down.sql`: a reversal
/// may drop what its migration has created.
pub(super) fn check(file: &mut LintedFile<'_>, old: &SchemaShape) {
    for index in 0..file.actions.len() {
        for (rule, message) in broken(file, index, old) {
            file.found_in(index, rule, message);
        }
    }
}

fn broken(file: &LintedFile<'_>, index: usize, old: &SchemaShape) -> Vec<(Rule, String)> {
    let is_old = |table: &str| old.tables.contains_key(table);
    let is_old_column =
        |table: &str, column: &str| old.tables.get(table).is_some_and(|it| it.columns.contains_key(column));
    let is_declared = |table: &str| file.declared.contains(table);
    let mut broken = Vec::new();
    let mut found = |rule, message: String| broken.push((rule, message));
    match &file.actions[index] {
        Action::ControlsTransaction(word) => found(Rule::TransactionControl, format!("{word} in a migration")),
        Action::Pragma(name) => found(Rule::Pragma, format!("PRAGMA {name} in a migration")),
        Action::Vacuum => found(Rule::Vacuum, "VACUUM in a migration".to_owned()),
        Action::Attaches => found(Rule::Attach, "ATTACH or DETACH in a migration".to_owned()),
        Action::Creates(Created { kind, name, if_not_exists, is_temporary, is_from_select }) => {
            if *if_not_exists {
                found(Rule::IfExists, format!("IF NOT EXISTS hides another {kind} {name}"));
            }
            if *is_temporary {
                found(Rule::Temporary, format!("the temporary {kind} {name} outlives the migration"));
            }
            if *is_from_select {
                found(Rule::TableFromSelect, format!("table {name} is made from a SELECT"));
            }
        }
        Action::CreatesIndex { name, table, is_unique, if_not_exists, columns } => {
            if *if_not_exists {
                found(Rule::IfExists, format!("IF NOT EXISTS hides another index {name}"));
            }
            let can_be_null = columns.iter().flatten().any(|column| is_new_and_null(file, index, table, column));
            if *is_unique && is_old(table) && !can_be_null && !is_there(file, index, old, name) {
                found(Rule::UniqueOnOldColumns, format!("unique index {name} on older columns of table {table}"));
            }
        }
        Action::AddsColumn { table, column: AddedColumn { name, is_not_null, is_generated, refers, default } } => {
            if *is_not_null && *default == AddedDefault::Null && !is_generated {
                found(Rule::NotNullWithoutDefault, format!("column {table}.{name} is NOT NULL and has no default"));
            }
            if *default == AddedDefault::NotConstant {
                found(Rule::DefaultNotConstant, format!("the default of column {table}.{name} is no constant"));
            }
            if *refers && *default != AddedDefault::Null {
                found(Rule::ReferenceWithDefault, format!("column {table}.{name} has REFERENCES and a default"));
            }
        }
        Action::DropsColumn { table, column } if is_old_column(table, column) && !is_declared(table) => {
            found(Rule::DropsColumn, format!("column {table}.{column} is older than the migration"));
        }
        Action::RenamesColumn { table, column } if is_old_column(table, column) => {
            found(Rule::Renames, format!("column {table}.{column} is renamed"));
        }
        Action::RenamesTable { table, .. } if is_old(table) => {
            let later = &file.actions[index + 1..];
            let is_made_anew = later
                .iter()
                .any(|one| matches!(one, Action::Creates(Created { kind: "table", name, .. }) if name == table));
            if is_made_anew {
                found(Rule::RenamesOldTableAway, format!("table {table} is renamed before the new one is created"));
            } else {
                found(Rule::Renames, format!("table {table} is renamed"));
            }
        }
        Action::AddsConstraint { table } if is_old(table) => {
            found(Rule::Stricter, format!("table {table} gets a constraint"));
        }
        Action::Drops { kind, name, if_exists } => {
            if *if_exists {
                found(Rule::IfExists, format!("IF EXISTS hides that {kind} {name} is missing"));
            }
            if *kind == "table" && is_old(name) && !is_declared(name) && !is_rebuild(file, index, name) {
                found(Rule::DropsTable, format!("table {name} is older than the migration, and is not rebuilt"));
            }
            let key = ((*kind).to_owned(), name.clone());
            let is_made_anew = file.actions[index + 1..]
                .iter()
                .any(|one| matches!(one, Action::Creates(new) if new.kind == *kind && new.name == *name));
            if ["view", "trigger"].contains(kind) && old.objects.contains_key(&key) && !is_made_anew {
                found(Rule::DropsTable, format!("{kind} {name} is older than the migration"));
            }
        }
        action @ (Action::Inserts { table, .. } | Action::Updates { table, .. } | Action::Deletes { table })
            if is_old(table) =>
        {
            let (verb, only_new, replaces) = match action {
                Action::Updates { columns, replaces, .. } => {
                    ("UPDATE of", !columns.iter().any(|column| is_old_column(table, column)), *replaces)
                }
                Action::Inserts { replaces, .. } => ("INSERT into", false, *replaces),
                _ => ("DELETE from", false, false),
            };
            if !only_new && !is_declared(table) {
                found(Rule::ChangesRows, format!("{verb} table {table}, which the file does not declare as changed"));
            }
            if replaces && old.tables.values().any(|child| child.parents.contains(table)) {
                found(Rule::ReplacesParents, format!("REPLACE on table {table}, to which a foreign key refers"));
            }
        }
        _ => {}
    }
    broken
}

/// Whether the file has added the column before this statement, with NULL in the older rows.
fn is_new_and_null(file: &LintedFile<'_>, index: usize, table: &str, column: &str) -> bool {
    file.actions[..index].iter().any(|action| match action {
        Action::AddsColumn { table: of, column: added } => {
            of == table && added.name == column && added.default == AddedDefault::Null && !added.is_generated
        }
        _ => false,
    })
}

/// Whether the older schema has this index already, by its words.
fn is_there(file: &LintedFile<'_>, index: usize, old: &SchemaShape, name: &str) -> bool {
    let words = &file.statements[index].words;
    let words = words.strip_suffix(&[";".to_owned()]).unwrap_or(words);
    old.objects.get(&("index".to_owned(), name.to_owned())).is_some_and(|object| object.words == words)
}

/// Whether this DROP TABLE is that of a rebuild, as SQLite describes it
/// (<https://sqlite.org/lang_altertable.html#otheralter>): create the new table, copy, drop the old one, rename.
fn is_rebuild(file: &LintedFile<'_>, drop: usize, table: &str) -> bool {
    let news = file.actions[drop + 1..].iter().filter_map(|action| match action {
        Action::RenamesTable { table: new, to } if to == table => Some(new),
        _ => None,
    });
    let mut news = news.map(|new| {
        let before = &file.actions[..drop];
        let created = before
            .iter()
            .position(|one| matches!(one, Action::Creates(Created { kind: "table", name, .. }) if name == new));
        let is_copied = |(at, action): (usize, &Action)| {
            let is_into_new = matches!(action, Action::Inserts { table: into, .. } if into == new);
            is_into_new && file.statements[at].words.iter().any(|word| word == table)
        };
        created.is_some_and(|from| before.iter().enumerate().skip(from).any(is_copied))
    });
    news.any(|is_copied| is_copied)
}
