//! The changes at which the guard stops a run.

use std::fmt;

use super::Migration;
use super::expected_schema::one_line;
use super::step::Direction;
use super::table_digest::TableDigest;

/// A change that a migration made to what was there before, without a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardFinding {
    /// A table is gone.
    TableGone {
        /// The name of the table.
        table: String,
        /// The number of its rows before.
        rows: u64,
    },
    /// A column is gone.
    ColumnGone {
        /// The name of the table.
        table: String,
        /// The name of the column.
        column: String,
    },
    /// The number of rows or the values of the columns that existed before are not the same.
    Rows {
        /// The name of the table.
        table: String,
        /// The rows before.
        before: TableDigest,
        /// The rows afterwards.
        after: TableDigest,
    },
    /// An index, a trigger, a view or a virtual table is gone. `DROP TABLE` drops indexes and triggers in silence.
    ObjectGone {
        /// For example `trigger`.
        kind: String,
        /// The name of the object.
        name: String,
        /// The table to which it belongs.
        table: String,
    },
    /// An index, a trigger, a view or a virtual table has another text. A rebuild that drops the table creates its indexes
    /// and triggers again, and must create them as they were.
    ObjectChanged {
        /// For example `index`.
        kind: String,
        /// The name of the object.
        name: String,
        /// The table to which it belongs.
        table: String,
        /// The text before.
        before: String,
        /// The text afterwards.
        after: String,
    },
    /// A view, or a trigger of a table, worked before and cannot be compiled any more.
    Broken {
        /// For example `view birds` or `triggers of files`.
        what: String,
        /// The error of SQLite.
        error: String,
    },
    /// More rows refer to rows that do not exist.
    ForeignKey {
        /// The table with the foreign key.
        child: String,
        /// The columns of the foreign key.
        columns: String,
        /// The table to which it refers.
        parent: String,
        /// The number of additional rows.
        rows: u64,
        /// The first of the values that lead to no row, as SQL literals.
        values: Vec<String>,
    },
}

impl fmt::Display for GuardFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableGone { table, rows } => write!(f, "table {table} with {rows} rows is gone"),
            Self::ColumnGone { table, column } => write!(f, "column {table}.{column} is gone"),
            Self::Rows { table, before, after } if before.rows == after.rows => {
                write!(f, "table {table} has {} rows as before, but other values", after.rows)
            }
            Self::Rows { table, before, after } => {
                write!(f, "table {table} had {} rows and has {} now", before.rows, after.rows)
            }
            Self::ObjectGone { kind, name, table } if kind == "view" || kind == "table" || name == table => {
                write!(f, "{kind} {name} is gone")
            }
            Self::ObjectGone { kind, name, table } => write!(f, "{kind} {name} of table {table} is gone"),
            Self::ObjectChanged { kind, name, before, after, .. } => {
                let (before, after) = (one_line(before), one_line(after));
                write!(f, "{kind} {name} is another one: {before} became {after}")
            }
            Self::Broken { what, error } => write!(f, "{what} cannot be compiled any more: {error}"),
            Self::ForeignKey { child, columns, parent, rows, values } => {
                write!(f, "{rows} more rows of {child} ({columns}) refer to no row of {parent}: {}", values.join("; "))
            }
        }
    }
}

impl GuardFinding {
    /// The table, the other object or the foreign key that has changed.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::TableGone { table, .. } | Self::ColumnGone { table, .. } | Self::Rows { table, .. } => {
                format!("table {table}")
            }
            Self::ObjectGone { kind, name, .. } | Self::ObjectChanged { kind, name, .. } => format!("{kind} {name}"),
            Self::Broken { what, .. } => what.clone(),
            Self::ForeignKey { child, columns, .. } => format!("{child} ({columns})"),
        }
    }
}

/// The reason why the guard stopped a run. The database is as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardReport {
    /// The migration that made the changes. There are several if the second run, which looks for the migration, did not
    /// find it.
    pub migrations: Vec<Migration>,
    /// Whether the migrations were applied or reverted.
    pub direction: Direction,
    /// The changes.
    pub findings: Vec<GuardFinding>,
}

impl fmt::Display for GuardReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |texts: Vec<String>, between| texts.join(between);
        let migrations = join(self.migrations.iter().map(ToString::to_string).collect(), ", ");
        let findings = join(self.findings.iter().map(ToString::to_string).collect(), "; ");
        let (verb, file) = match self.direction {
            Direction::Up => ("applying", "up.sql"),
            Direction::Down => ("reverting", "down.sql"),
        };
        write!(
            f,
            "{verb} {migrations} changed what was there before, so everything was rolled back: {findings}; if the change is \
             meant, {file} must declare that of a table: `-- fieldfen:changes TABLE because REASON`, and drop an index, a \
             trigger or a view by its name"
        )
    }
}
