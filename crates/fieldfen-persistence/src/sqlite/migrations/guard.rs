//! The guard of a run: what was in the database before must be there afterwards.
//!
//! The guard runs in the same transaction as the migrations and cannot be switched off. It compares the number of rows
//! and the digest of the columns that existed before, of every table, and the texts of indexes, triggers and views. A
//! migration may declare the change of a table; the table is then compared just before that migration, and again from
//! just after it.
//!
//! A guard compares once, after the last step. If it finds something after several steps, the run is rolled back and
//! repeated with one guard for each step, which compares only what was found: so the error names one migration, and a
//! run without findings reads each table twice and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::MigrationError;
use super::foreign_key_state::ForeignKeyState;
use super::guard_finding::{GuardFinding, GuardReport};
use super::guarded_schema::{Columns, NamedObject, columns, compile_error, compiled, key, named_objects, tables};
use super::migration_event::{EventSink, MigrationEvent};
use super::step::{Direction, Permission, Step};
use super::table_digest::{TableDigest, table_digest};

/// The guard of a run, or of one step of it.
pub(super) struct Guard<'s> {
    /// All steps of the run: a step may change what a later step removes.
    steps: &'s [Step],
    permissions: Vec<Permission>,
    /// The numbers of the steps that are guarded.
    guarded: Range<usize>,
    /// What the guard compares, as [`GuardFinding::subject`] names it; `None` for everything.
    suspects: Option<BTreeSet<String>>,
    tables: Vec<GuardedTable>,
    objects: BTreeSet<NamedObject>,
    /// The views and triggers that could be compiled before.
    working: BTreeSet<String>,
    /// `None` if no foreign key is to be compared.
    foreign_keys: Option<ForeignKeyState>,
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
    /// Reads the state before these steps. With `suspects`, the guard compares only what these findings name.
    pub(super) fn begin(
        conn: &mut SqliteConnection,
        steps: &'s [Step],
        guarded: Range<usize>,
        suspects: Option<&[GuardFinding]>,
        events: &mut EventSink<'_>,
    ) -> Result<Self, StoreError> {
        let permissions: Vec<_> = steps.iter().map(Permission::of).collect();
        let is_foreign_key = |one: &GuardFinding| matches!(one, GuardFinding::ForeignKey { .. });
        let compares_foreign_keys = suspects.is_none_or(|suspects| suspects.iter().any(is_foreign_key));
        let suspects: Option<BTreeSet<_>> =
            suspects.map(|suspects| suspects.iter().map(GuardFinding::subject).collect());
        let is_suspect =
            |table: &str| suspects.as_ref().is_none_or(|suspects| suspects.contains(&format!("table {table}")));
        let is_kept =
            |table: &String| is_suspect(table) && !permissions.iter().any(|permission| permission.removes_table(table));
        let tables = tables(conn)?.into_values().filter(is_kept);
        let tables = tables.map(|name| GuardedTable { name, baseline: None, was_declared: false }).collect();
        let objects = named_objects(conn)?;
        let working = compiled(conn, &objects)?.into_iter();
        let working = working.filter(|(_, statements)| compile_error(conn, statements).is_none());
        let working = working.map(|(what, _)| what).collect();
        let foreign_keys = match compares_foreign_keys {
            true => {
                events.send(&MigrationEvent::CheckingForeignKeys);
                Some(ForeignKeyState::read(conn)?)
            }
            false => None,
        };
        Ok(Self { steps, permissions, guarded, suspects, tables, objects, working, foreign_keys })
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
        let since = self.guarded.start;
        let now = named_objects(conn)?;
        let existing = tables(conn)?;
        let changes = self.objects.iter().filter_map(|object| self.change_of(object, &now, &existing));
        found.extend(changes.map(|finding| Found { since, finding }));
        for (what, statements) in compiled(conn, &now)?.into_iter().filter(|(what, _)| self.working.contains(what)) {
            if let Some(error) = compile_error(conn, &statements) {
                found.push(Found { since, finding: GuardFinding::Broken { what, error } });
            }
        }
        if let Some(foreign_keys) = &self.foreign_keys {
            events.send(&MigrationEvent::CheckingForeignKeys);
            let worse = foreign_keys.worse(&ForeignKeyState::read(conn)?);
            found.extend(worse.into_iter().map(|finding| Found { since, finding }));
        }
        self.report(found, self.guarded.end)
    }

    /// What has become of an object, if no step permits it.
    fn change_of(
        &self,
        object: &NamedObject,
        now: &BTreeSet<NamedObject>,
        existing: &BTreeMap<String, String>,
    ) -> Option<GuardFinding> {
        let NamedObject { kind, name, table, sql } = object.clone();
        let permits = |permits: fn(&Permission, &str, &str) -> bool| {
            self.permissions.iter().any(|permission| permits(permission, &kind, &name))
        };
        match now.iter().find(|one| one.has_name_of(object)) {
            None => {
                // A table takes its indexes and triggers along. Its own loss is permitted, or was found above.
                let is_of_view = self.objects.iter().any(|one| one.kind == "view" && key(&one.name) == table);
                let goes_along = kind == "index" || kind == "trigger" && !is_of_view;
                let goes_along = goes_along && !existing.contains_key(&table);
                let is_permitted = goes_along || permits(Permission::removes_object);
                (!is_permitted).then_some(GuardFinding::ObjectGone { kind, name, table })
            }
            Some(after) => {
                // Under the old name of a renamed table, a rebuild may have made another one.
                let is_gone = |(from, _): &&(String, String)| !existing.contains_key(from);
                let mut renamed = Vec::<(String, String)>::new();
                for (from, to) in self.permissions.iter().flat_map(Permission::renamed).filter(is_gone) {
                    let twice = renamed.iter().filter(|(_, middle)| middle == from).map(|(first, _)| first.clone());
                    let old: Vec<_> = twice.chain([from.clone()]).collect();
                    renamed.extend(old.into_iter().map(|old| (old, to.clone())));
                }
                let is_permitted = object.has_text_of(after, &renamed) || permits(Permission::replaces_object);
                let after = after.sql.clone();
                (!is_permitted).then_some(GuardFinding::ObjectChanged { kind, name, table, before: sql, after })
            }
        }
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
    fn report(&self, mut found: Vec<Found>, until: usize) -> Result<(), MigrationError> {
        if let Some(suspects) = &self.suspects {
            found.retain(|found| suspects.contains(&found.finding.subject()));
        }
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
