//! The recorded statements of older programs, from the files in `compat/` of this crate.
//!
//! A line that begins with `-- fieldfen program: ` names a program, and a line `-- fieldfen statement: ` names one of
//! its commands or cases; the statement follows up to the next such line.

use fieldfen_persistence::migrations::{FIELDFEN, MigrationStatus};

const SCHEMA: &str = "-- fieldfen schema: ";
const PROGRAM: &str = "-- fieldfen program: ";
const STATEMENT: &str = "-- fieldfen statement: ";

/// The statements of programs after the specification, then those of each release whose programs may still be at work.
static RECORDS: [Record; 2] = [
    Record { text: include_str!("../../compat/specification.sql"), has_values: true },
    Record { text: include_str!("../../compat/release-0.1.sql"), has_values: false },
];

/// One file of recorded statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    text: &'static str,
    /// Whether the statements have their values, so that they can also be run.
    pub(crate) has_values: bool,
}

/// A recorded statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordedStatement {
    /// The program that has issued it.
    pub(crate) program: &'static str,
    /// The command or the case in which the program has issued it.
    pub(crate) command: &'static str,
    /// The text, with a semicolon.
    pub(crate) sql: &'static str,
}

impl Record {
    /// All records.
    pub(crate) fn all() -> &'static [Self] {
        &RECORDS
    }

    /// The oldest migration of fieldfen with which all statements of the record work.
    pub(crate) fn schema(self) -> &'static str {
        self.text.lines().find_map(|line| line.strip_prefix(SCHEMA)).unwrap_or_default()
    }

    /// The statements in their order.
    pub(crate) fn statements(self) -> impl Iterator<Item = RecordedStatement> {
        self.text.split(PROGRAM).skip(1).flat_map(|part| {
            let (program, statements) = part.split_once('\n').unwrap_or((part, ""));
            statements.split(STATEMENT).skip(1).map(move |part| {
                let (command, sql) = part.split_once('\n').unwrap_or((part, ""));
                RecordedStatement { program, command, sql: sql.trim_end() }
            })
        })
    }

    /// Whether the statements must work in a database with these migrations.
    pub(crate) fn applies(self, migrations: &[MigrationStatus]) -> bool {
        let is_needed = |one: &MigrationStatus| one.program == FIELDFEN && one.migration.version == self.schema();
        migrations.iter().any(|one| one.applied && is_needed(one))
    }
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use diesel::sqlite::SqliteConnection;
    use fieldfen_persistence::migrations::{MigrationRun, MigrationSet, Migrations, Target, newest};

    use super::*;

    #[test]
    fn every_record_names_a_migration_and_has_statements_of_known_programs() {
        for record in Record::all() {
            let schema = record.schema();
            let set = MigrationSet::fieldfen();
            assert!(set.migrations().iter().any(|file| file.version == schema), "{schema:?}");
            assert!(record.statements().count() > 50, "{schema}");
            for statement in record.statements() {
                assert!(!statement.program.is_empty() && !statement.command.is_empty(), "{statement:?}");
                assert!(statement.sql.ends_with(';') && statement.sql.len() > 10, "{statement:?}");
            }
        }
    }

    #[test]
    fn the_specification_applies_from_the_first_migration_on_and_this_release_at_the_newest() {
        let [specification, .., release] = Record::all() else { panic!("two records at least") };
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let migrations = Migrations::fieldfen();
        let mut applied = |target: &str| {
            MigrationRun::new(&migrations).target(Target::Version(target.to_owned())).run(&mut conn).unwrap();
            let status = migrations.status(&mut conn).unwrap();
            (specification.applies(&status), release.applies(&status))
        };
        assert_eq!(applied("0001"), (true, false));
        assert_eq!(applied(&newest().version), (true, true));
    }
}
