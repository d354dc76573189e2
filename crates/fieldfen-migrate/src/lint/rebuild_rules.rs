//! The rules for tables that a migration has made anew: what the new table lacks or refuses.

use super::Rule;
use super::action::Action;
use super::linted_file::LintedFile;
use crate::scratch_schema::{ColumnShape, SchemaShape, ScratchSchema, TableShape};

/// Adds what the new tables of a file break. `old` and `new` are the schemas before and after it.
pub(super) fn check(file: &mut LintedFile<'_>, old: &SchemaShape, new: &SchemaShape, schema: &mut ScratchSchema) {
    for index in 0..file.actions.len() {
        let Action::RenamesTable { to, .. } = &file.actions[index] else { continue };
        let (Some(before), Some(after)) = (old.tables.get(to), new.tables.get(to)) else { continue };
        let table = to.clone();
        let is_declared = file.declared.contains(&table);
        for (rule, message) in broken(&table, before, after, is_declared) {
            file.found_in(index, rule, message);
        }
        for (rule, message) in lost_objects(file, &table, old, new) {
            file.found_in(index, rule, message);
        }
    }
    for (kind, name) in new.objects.keys().filter(|(kind, _)| kind == "view") {
        let is_old = old.objects.contains_key(&(kind.clone(), name.clone()));
        let select = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
        if let (true, Err(error)) = (is_old, schema.compile(&select)) {
            let last = file.actions.len().saturating_sub(1);
            file.found_in(last, Rule::LosesObjects, format!("view {name} no longer compiles: {error}"));
        }
    }
}

/// The indexes and triggers of the older table that are gone or are others, and that no statement of their own drops.
fn lost_objects(file: &LintedFile<'_>, table: &str, old: &SchemaShape, new: &SchemaShape) -> Vec<(Rule, String)> {
    let is_dropped = |kind: &str, name: &str| {
        file.actions.iter().any(
            |action| matches!(action, Action::Drops { kind: of, name: dropped, .. } if *of == kind && dropped == name),
        )
    };
    let kept = old
        .objects
        .iter()
        .filter(|((kind, name), object)| object.table == table && kind != "view" && !is_dropped(kind, name));
    let found = kept.filter_map(|(key @ (kind, name), object)| match new.objects.get(key) {
        Some(now) if now == object => None,
        Some(_) => Some(format!(
            "{kind} {name} of table {table} is another one: create it as it was, or drop it by its name before the table"
        )),
        None => Some(format!("{kind} {name} of table {table} is gone: create it again")),
    });
    found.map(|message| (Rule::LosesObjects, message)).collect()
}

fn broken(name: &str, old: &TableShape, new: &TableShape, is_declared: bool) -> Vec<(Rule, String)> {
    let mut broken = Vec::new();
    let mut found = |rule, message: String| broken.push((rule, message));
    for (column, before) in &old.columns {
        match new.columns.get(column) {
            None if is_declared => {}
            None => found(Rule::DropsColumn, format!("the new table {name} has no column {column}")),
            Some(after) => {
                if before.declared != after.declared {
                    let types = format!("{} before, {} now", before.declared, after.declared);
                    found(Rule::ChangesTableKind, format!("column {name}.{column} has another type: {types}"));
                }
                if after.not_null && !before.not_null && before.key == 0 {
                    found(Rule::Stricter, format!("column {name}.{column} is NOT NULL now"));
                }
                if before.default.is_some() && before.default != after.default {
                    found(Rule::Stricter, format!("column {name}.{column} has lost its default"));
                }
            }
        }
    }
    let is_required = |column: &ColumnShape| column.not_null && column.default.is_none() && !column.is_generated;
    for (column, _) in
        new.columns.iter().filter(|(column, shape)| !old.columns.contains_key(*column) && is_required(shape))
    {
        found(Rule::NotNullWithoutDefault, format!("column {name}.{column} is NOT NULL and has no default"));
    }
    if old.kind != new.kind {
        let listed = |table: &TableShape| table.kind.iter().cloned().collect::<Vec<_>>().join(", ");
        let message = format!("table {name} was of the kind {:?} and is of the kind {:?}", listed(old), listed(new));
        found(Rule::ChangesTableKind, message);
    }
    for check in new.checks.difference(&old.checks) {
        found(Rule::Stricter, format!("table {name} has a new CHECK {check}"));
    }
    for key in new.foreign_keys.difference(&old.foreign_keys) {
        found(Rule::Stricter, format!("table {name} has a new foreign key {key}"));
    }
    let can_be_null = |column: &String| {
        !old.columns.contains_key(column)
            && new.columns.get(column).is_some_and(|shape| !shape.not_null && shape.default.is_none())
    };
    for columns in new.unique.difference(&old.unique).filter(|columns| !columns.iter().any(can_be_null)) {
        found(Rule::UniqueOnOldColumns, format!("table {name} has a new UNIQUE ({})", columns.join(", ")));
    }
    broken
}
