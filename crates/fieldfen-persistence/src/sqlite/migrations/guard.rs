//! The guard of a run: what was in the database before must be there afterwards.
//!
//! The guard runs in the same transaction as the migrations and cannot be switched off. It compares the number of rows
//! and the digest of the columns that existed before, of every table. A migration may declare the change of a table;
//! the table is then compared just before that migration, and again from just after it.

use std::collections::BTreeSet;

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::MigrationError;
use super::foreign_key_state::ForeignKeyState;
use super::guard_finding::{GuardFinding, GuardReport};
use super::guarded_schema::{Columns, NamedObject, columns, compile_error, compiled, key, named_objects, tables};
use super::migration_event::{EventSink, MigrationEvent};
use super::step::{Direction, Permission, Step};
use super::table_digest::{TableDigest, table_digest};

/// The guard of one run.
pub(super) struct Guard<'s> {
    steps: &'s [Step],
    permissions: Vec<Permission>,
    tables: Vec<GuardedTable>,
    objects: BTreeSet<NamedObject>,
    /// The views and triggers that could be compiled before.
    working: BTreeSet<String>,
    foreign_keys: ForeignKeyState,
}

/// A table that existed before the run.
struct GuardedTable {
    name: String,
    /// `None` before the first step and just after a step that declares the table.
    baseline: Option<Baseline>,
    /// Whether a step that has run declares the table.
    was_declared: bool,
}

/// A finding, and the step before which the state was still right.
struct Found {
    since: usize,
    finding: GuardFinding,
}

struct Baseline {
    /// The number of the step before which the baseline was read.
    since: usize,
    columns: Columns,
    digest: TableDigest,
}

impl<'s> Guard<'s> {
    /// Reads the state before the run.
    pub(super) fn begin(
        conn: &mut SqliteConnection,
        steps: &'s [Step],
        events: &mut EventSink<'_>,
    ) -> Result<Self, StoreError> {
        let permissions: Vec<_> = steps.iter().map(Permission::of).collect();
        let is_kept = |table: &String| !permissions.iter().any(|permission| permission.removes_table(table));
        let tables = tables(conn)?.into_values().filter(is_kept);
        let tables = tables.map(|name| GuardedTable { name, baseline: None, was_declared: false }).collect();
        let objects = named_objects(conn)?;
        let working = compiled(conn, &objects)?.into_iter();
        let working = working.filter(|(_, statements)| compile_error(conn, statements).is_none());
        let working = working.map(|(what, _)| what).collect();
        events.send(&MigrationEvent::CheckingForeignKeys);
        let foreign_keys = ForeignKeyState::read(conn)?;
        Ok(Self { steps, permissions, tables, objects, working, foreign_keys })
    }

    /// Compares the tables that the step declares, and reads the others that have no baseline.
    pub(super) fn before_step(
        &mut self,
        conn: &mut SqliteConnection,
        step: usize,
        events: &mut EventSink<'_>,
    ) -> Result<(), MigrationError> {
        let mut found = Vec::new();
        for at in 0..self.tables.len() {
            if self.permissions[step].declares(&self.tables[at].name) {
                found.extend(self.compare(conn, at, events)?);
                self.tables[at].baseline = None;
                self.tables[at].was_declared = true;
            } else if self.tables[at].baseline.is_none() {
                self.read_baseline(conn, at, step, events)?;
            }
        }
        self.report(found, step)
    }

    /// Compares everything.
    pub(super) fn finish(self, conn: &mut SqliteConnection, events: &mut EventSink<'_>) -> Result<(), MigrationError> {
        let mut found = Vec::new();
        for at in 0..self.tables.len() {
            found.extend(self.compare(conn, at, events)?);
        }
        let now = named_objects(conn)?;
        let existing = tables(conn)?;
        for object in &self.objects {
            let is_same = |one: &NamedObject| one.kind == object.kind && key(&one.name) == key(&object.name);
            let is_permitted = self.permissions.iter().any(|one| one.removes_object(&object.kind, &object.name));
            // A table takes its indexes and triggers along. Its own loss is permitted, or was found above.
            let is_of_view = self.objects.iter().any(|one| one.kind == "view" && key(&one.name) == object.table);
            let goes_along = object.kind == "index" || object.kind == "trigger" && !is_of_view;
            let goes_along = goes_along && !existing.contains_key(&object.table);
            if !is_permitted && !goes_along && !now.iter().any(is_same) {
                let NamedObject { kind, name, table } = object.clone();
                found.push(Found { since: 0, finding: GuardFinding::ObjectGone { kind, name, table } });
            }
        }
        for (what, statements) in compiled(conn, &now)?.into_iter().filter(|(what, _)| self.working.contains(what)) {
            if let Some(error) = compile_error(conn, &statements) {
                found.push(Found { since: 0, finding: GuardFinding::Broken { what, error } });
            }
        }
        events.send(&MigrationEvent::CheckingForeignKeys);
        let worse = self.foreign_keys.worse(&ForeignKeyState::read(conn)?);
        found.extend(worse.into_iter().map(|finding| Found { since: 0, finding }));
        self.report(found, self.steps.len())
    }

    fn read_baseline(
        &mut self,
        conn: &mut SqliteConnection,
        at: usize,
        step: usize,
        events: &mut EventSink<'_>,
    ) -> Result<(), MigrationError> {
        let name = self.tables[at].name.clone();
        if self.tables[at].was_declared && !tables(conn)?.contains_key(&key(&name)) {
            return Ok(());
        }
        let mut columns = columns(conn, &name)?;
        // What a later step removes with its own `up.sql` need not be compared.
        let is_kept = |column: &String| !self.permissions.iter().any(|one| one.removes_column(&name, column));
        columns.all.retain(is_kept);
        columns.stored.retain(is_kept);
        let digest = digest(conn, &name, &columns, events)?;
        self.tables[at].baseline = Some(Baseline { since: step, columns, digest });
        Ok(())
    }

    /// The differences of a table from its baseline.
    fn compare(
        &self,
        conn: &mut SqliteConnection,
        at: usize,
        events: &mut EventSink<'_>,
    ) -> Result<Vec<Found>, MigrationError> {
        let GuardedTable { name, baseline, .. } = &self.tables[at];
        let Some(Baseline { since, columns: kept, digest: before }) = baseline else { return Ok(Vec::new()) };
        let (table, before) = (name.clone(), *before);
        let found = |finding| Found { since: *since, finding };
        if !tables(conn)?.contains_key(&key(name)) {
            return Ok(vec![found(GuardFinding::TableGone { table, rows: before.rows })]);
        }
        let now: BTreeSet<_> = columns(conn, name)?.all.iter().map(|column| key(column)).collect();
        let gone: Vec<_> = kept.all.iter().filter(|column| !now.contains(&key(column))).collect();
        if !gone.is_empty() {
            let gone = gone.into_iter().cloned();
            return Ok(gone.map(|column| found(GuardFinding::ColumnGone { table: table.clone(), column })).collect());
        }
        let after = digest(conn, name, kept, events)?;
        Ok(if after == before { Vec::new() } else { vec![found(GuardFinding::Rows { table, before, after })] })
    }

    /// An error if something was found. It names the steps of which one may have made the changes.
    fn report(&self, found: Vec<Found>, until: usize) -> Result<(), MigrationError> {
        let Some(since) = found.iter().map(|found| found.since).min() else { return Ok(()) };
        let steps = self.steps.get(since..until).unwrap_or_default();
        // A run that only recognises the specification has no step.
        let direction = steps.last().map_or(Direction::Up, |last| last.direction);
        let migrations = steps.iter().map(Step::migration).collect();
        let findings = found.into_iter().map(|found| found.finding).collect();
        Err(MigrationError::Guard(Box::new(GuardReport { migrations, direction, findings })))
    }
}

fn digest(
    conn: &mut SqliteConnection,
    table: &str,
    columns: &Columns,
    events: &mut EventSink<'_>,
) -> Result<TableDigest, StoreError> {
    let digest = table_digest(conn, table, &columns.stored, &mut |rows| {
        events.send(&MigrationEvent::Digesting { table, rows, is_done: false });
    })?;
    events.send(&MigrationEvent::Digesting { table, rows: digest.rows, is_done: true });
    Ok(digest)
}
