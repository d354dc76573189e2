//! The steps of a run, and the changes that each of them may make.

use std::collections::BTreeSet;

use super::Migration;
use super::declarations::declared_changes;
use super::guarded_schema::key;
use super::migration_file::MigrationFile;
use super::sql_statements::{SchemaChange, schema_changes};

/// Whether a migration is applied or reverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `up.sql` runs.
    Up,
    /// `down.sql` runs.
    Down,
}

impl Direction {
    /// The name of the file that runs.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Up => "up.sql",
            Self::Down => "down.sql",
        }
    }
}

/// One migration of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The name of the set to which the migration belongs.
    pub program: String,
    /// The files of the migration.
    pub file: MigrationFile,
    /// Whether the migration is applied or reverted.
    pub direction: Direction,
}

impl Step {
    /// The version and the name of the migration.
    #[must_use]
    pub fn migration(&self) -> Migration {
        self.file.migration()
    }

    /// The text that runs.
    #[must_use]
    pub fn sql(&self) -> &str {
        match self.direction {
            Direction::Up => &self.file.up,
            Direction::Down => &self.file.down,
        }
    }
}

/// The changes that a step may make to what was there before.
#[derive(Debug, Default)]
pub(super) struct Permission {
    /// Tables that the step declares. It may do anything to them.
    declared: BTreeSet<String>,
    /// Tables and columns that the step removes because its own `up.sql` created them.
    tables: BTreeSet<String>,
    columns: BTreeSet<(String, String)>,
    /// Indexes, triggers and views that the step drops by its text.
    dropped: BTreeSet<(&'static str, String)>,
    /// Indexes, triggers and views that the step removes because its own `up.sql` created them.
    objects: BTreeSet<(&'static str, String)>,
    /// The old and the new names of tables and columns that the step renames.
    renamed: Vec<(String, String)>,
}

impl Permission {
    pub(super) fn of(step: &Step) -> Self {
        // `MigrationSet` has refused texts with a malformed declaration.
        let declared = declared_changes(step.sql()).unwrap_or_default();
        let mut permission =
            Self { declared: declared.into_iter().map(|change| change.table).collect(), ..Self::default() };
        for change in schema_changes(step.sql()) {
            match change {
                SchemaChange::Drops { kind: kind @ ("index" | "trigger" | "view"), name } => {
                    permission.dropped.insert((kind, name));
                }
                SchemaChange::Renames { from, to } => permission.renamed.push((from, to)),
                _ => {}
            }
        }
        if step.direction == Direction::Down {
            permission.add_created(&step.file.up);
        }
        permission
    }

    /// Adds what a text creates and what does not exist before it.
    fn add_created(&mut self, up: &str) {
        let (mut dropped_tables, mut dropped_columns) = (BTreeSet::new(), BTreeSet::new());
        for change in schema_changes(up) {
            match change {
                SchemaChange::Creates { kind: "table", name } => {
                    // A rebuilt table existed before.
                    if !dropped_tables.remove(&name) {
                        self.tables.insert(name);
                    }
                }
                SchemaChange::Drops { kind: "table", name } => {
                    if !self.tables.remove(&name) {
                        dropped_tables.insert(name);
                    }
                }
                SchemaChange::AddsColumn { table, column } => {
                    let column = (table, column);
                    if !dropped_columns.remove(&column) {
                        self.columns.insert(column);
                    }
                }
                SchemaChange::DropsColumn { table, column } => {
                    let column = (table, column);
                    if !self.columns.remove(&column) {
                        dropped_columns.insert(column);
                    }
                }
                SchemaChange::Creates { kind, name } => {
                    self.objects.insert((kind, name));
                }
                SchemaChange::Drops { .. } | SchemaChange::Renames { .. } => {}
            }
        }
    }

    /// Whether the step declares this table, or the virtual table whose rows this table stores.
    pub(super) fn declares(&self, table: &str) -> bool {
        let table = key(table);
        self.declared.iter().any(|declared| {
            table.strip_prefix(declared.as_str()).is_some_and(|rest| rest.is_empty() || is_shadow_ending(rest))
        })
    }

    /// The tables, and the columns of other tables, that the step removes.
    pub(super) fn removed(&self) -> Vec<(String, Option<String>)> {
        let tables = self.tables.iter().map(|table| (table.clone(), None));
        let columns = self.columns.iter().filter(|(table, _)| !self.tables.contains(table));
        tables.chain(columns.map(|(table, column)| (table.clone(), Some(column.clone())))).collect()
    }

    pub(super) fn removes_table(&self, table: &str) -> bool {
        self.tables.contains(&key(table))
    }

    pub(super) fn removes_column(&self, table: &str, column: &str) -> bool {
        self.columns.contains(&(key(table), key(column)))
    }

    pub(super) fn removes_object(&self, kind: &str, name: &str) -> bool {
        let name = key(name);
        self.replaces_object(kind, &name) || self.objects.iter().any(|(of, one)| *of == kind && *one == name)
    }

    /// Whether the step may put another object of this kind and name in the place of an older one: its text drops the
    /// older one by name. `CREATE` alone is not enough, since a rebuild that drops the table creates it again.
    pub(super) fn replaces_object(&self, kind: &str, name: &str) -> bool {
        let name = key(name);
        // A virtual table is dropped as a table.
        self.dropped.iter().any(|(of, one)| *of == kind && *one == name)
            || kind == "table" && (self.tables.contains(&name) || self.declared.contains(&name))
    }

    /// The old and the new names of tables and columns that the step renames.
    pub(super) fn renamed(&self) -> &[(String, String)] {
        &self.renamed
    }
}

/// The endings of the tables of FTS5 and R-tree (<https://sqlite.org/vtab.html#xshadowname>).
fn is_shadow_ending(ending: &str) -> bool {
    ["_data", "_idx", "_content", "_docsize", "_config", "_node", "_parent", "_rowid"].contains(&ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(up: &'static str, down: &'static str, direction: Direction) -> Permission {
        let file = MigrationFile::new("20260101000000_x", up, down);
        Permission::of(&Step { program: "p".to_owned(), file, direction })
    }

    #[test]
    fn down_may_remove_what_up_has_created_and_nothing_else() {
        let up = "CREATE TABLE new (n); ALTER TABLE old ADD COLUMN n; CREATE INDEX i ON old (n);
                  CREATE TABLE t_new (n); DROP TABLE t; ALTER TABLE t_new RENAME TO t;";
        let down = permission(up, "DROP TRIGGER x", Direction::Down);
        assert!(down.removes_table("NEW") && down.removes_column("Old", "N") && down.removes_object("index", "i"));
        assert!(down.removes_object("trigger", "X") && down.replaces_object("trigger", "x"));
        assert!(!down.replaces_object("index", "i"), "only what the text drops by name may become another one");
        for kept in ["old", "t", "t_new"] {
            assert!(!down.removes_table(kept), "{kept}");
        }
        let up = permission(up, "DROP TRIGGER x", Direction::Up);
        assert!(!up.removes_table("new") && !up.removes_column("old", "n") && !up.removes_object("index", "i"));
    }

    #[test]
    fn a_declaration_is_for_one_table_and_the_tables_of_a_virtual_one() {
        let up = permission("-- fieldfen:changes Words because of the index\nSELECT 1", "SELECT 1", Direction::Up);
        assert!(up.declares("words") && up.declares("Words_idx"));
        assert!(!up.declares("words_x") && !up.declares("word") && !up.removes_table("words"));
    }
}
