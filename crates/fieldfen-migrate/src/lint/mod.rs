//! Finds what loses data, breaks older programs or fails on full tables in the SQL files of migrations.

mod action;
mod directive;
mod finding;
mod lint_paths;
mod linted_file;
mod migration_source;
mod rebuild_rules;
mod rule;
mod sql_text;
mod statement_rules;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::MigrationSet;

pub use finding::{Finding, LintReport, Place};
pub use rule::Rule;
pub(crate) use sql_text::words;

use action::Action;
use linted_file::LintedFile;
use migration_source::{FileText, MigrationSource};

use crate::scratch_schema::{SchemaShape, ScratchSchema};

/// The reason why migrations were not linted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LintError {
    /// A file or folder cannot be read.
    #[error("{path} cannot be read", path = .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A folder has no migration.
    #[error("{path} has no migration: each is a folder VERSION_NAME with up.sql and down.sql", path = .0.display())]
    NoMigrations(PathBuf),
    /// The database in memory failed.
    #[error("the schema of the migrations cannot be read")]
    Schema(#[from] StoreError),
}

/// Lints the migrations of a set.
///
/// The migrations of fieldfen run on an empty schema, those of an importing program on fieldfen's newest one.
///
/// # Errors
/// [`LintError::Schema`] if the database in memory fails.
pub fn lint_set(set: &MigrationSet) -> Result<LintReport, LintError> {
    lint_sources(&MigrationSource::of_set(set), &|_, _| true)
}

/// Lints SQL files, folders of single migrations, and folders of migrations.
///
/// For a file or folder of a migration, the earlier migrations beside it run first. An SQL file of another name is
/// linted as an `up.sql` on fieldfen's newest schema.
///
/// # Errors
/// [`LintError`] if a path does not exist or a folder has no migration. A file of a migration that cannot be read or
/// parsed is a finding.
pub fn lint_paths(paths: &[PathBuf]) -> Result<LintReport, LintError> {
    lint_paths::lint(paths)
}

/// Lints the files of these migrations that `is_wanted` by the name of their folder and their own name.
fn lint_sources(sources: &[MigrationSource], is_wanted: &dyn Fn(&str, &str) -> bool) -> Result<LintReport, LintError> {
    let mut schema = ScratchSchema::new()?;
    let is_own = sources.iter().all(|source| source.version().len() == 4);
    if !is_own {
        apply_own(&mut schema);
    }
    let mut report = LintReport::default();
    let mut previous: Option<&MigrationSource> = None;
    for source in sources {
        let is_any_wanted =
            ["up.sql", "down.sql", "checks.sql", "metadata.toml"].iter().any(|it| is_wanted(&source.name, it));
        if is_any_wanted {
            check_name(source, previous, &mut report);
        }
        lint_migration(source, &mut schema, is_wanted, &mut report)?;
        previous = Some(source);
    }
    Ok(report)
}

/// Lints an SQL file that is no migration, on fieldfen's newest schema.
fn lint_alone(source: &MigrationSource) -> Result<LintReport, LintError> {
    let mut schema = ScratchSchema::new()?;
    apply_own(&mut schema);
    let old = schema.shape()?;
    let mut file = LintedFile::new(source.path.clone(), text(&source.up));
    if let FileText::Unreadable(problem) = &source.up {
        file.found_at(0, Rule::Unreadable, problem.clone());
    }
    file.run(&mut schema);
    let new = schema.shape()?;
    check_up(&mut file, &old, &new, &mut schema);
    let mut report = LintReport::default();
    file.report(&mut report);
    Ok(report)
}

/// Adds what an `up.sql` breaks that was run between these two schemas.
fn check_up(up: &mut LintedFile<'_>, old: &SchemaShape, new: &SchemaShape, schema: &mut ScratchSchema) {
    statement_rules::check(up, old);
    rebuild_rules::check(up, old, new, schema);
    up.check_declarations(old.triggers());
}

/// Brings fieldfen's newest schema about.
fn apply_own(schema: &mut ScratchSchema) {
    for file in MigrationSet::fieldfen().migrations() {
        LintedFile::new(String::new(), &file.up).run(schema);
    }
}

fn lint_migration(
    source: &MigrationSource,
    schema: &mut ScratchSchema,
    is_wanted: &dyn Fn(&str, &str) -> bool,
    report: &mut LintReport,
) -> Result<(), LintError> {
    let mut add = |file: &str, linted: Option<LintedFile<'_>>| {
        if let Some(linted) = linted.filter(|_| is_wanted(&source.name, file)) {
            linted.report(report);
        }
    };
    let old = schema.shape()?;
    add("metadata.toml", metadata(source));
    add("checks.sql", checks(source, schema));

    let mut up = read(source, "up.sql", &source.up);
    if up.is_empty() {
        up.found_at(0, Rule::NoStatements, "the migration has no statement that applies it".to_owned());
    }
    up.run(schema);
    let new = schema.shape()?;
    check_up(&mut up, &old, &new, schema);

    let mut down = read(source, "down.sql", &source.down);
    if !down.is_empty() {
        down.run(schema);
        let reverted = schema.shape()?;
        statement_rules::check(&mut down, &old);
        down.check_declarations(old.triggers());
        let differences = old.differences(&reverted);
        if !differences.is_empty() {
            let first = differences.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            let more = differences.len().saturating_sub(5);
            let more = if more == 0 { String::new() } else { format!("; and {more} more") };
            down.found_in(0, Rule::DownDiffers, format!("after up.sql and down.sql, {first}{more}"));
        }
        // The following migrations need the schema again. What fails here has failed above.
        LintedFile::new(String::new(), text(&source.up)).run(schema);
    } else {
        down.found_at(0, Rule::NoStatements, "the migration has no statement that reverts it".to_owned());
    }
    add("up.sql", Some(up));
    add("down.sql", Some(down));
    Ok(())
}

fn text(file: &FileText) -> &str {
    match file {
        FileText::Text(text) => text,
        FileText::Missing | FileText::Unreadable(_) => "",
    }
}

fn read<'a>(source: &MigrationSource, name: &str, file: &'a FileText) -> LintedFile<'a> {
    let mut linted = LintedFile::new(path(source, name), text(file));
    if let FileText::Unreadable(problem) = file {
        linted.found_at(0, Rule::Unreadable, problem.clone());
    }
    linted
}

fn path(source: &MigrationSource, file: &str) -> String {
    let path = std::path::Path::new(&source.path).join(file);
    path.display().to_string()
}

/// Lints `checks.sql` on the schema before the migration.
fn checks<'a>(source: &'a MigrationSource, schema: &mut ScratchSchema) -> Option<LintedFile<'a>> {
    if source.checks == FileText::Missing {
        return None;
    }
    let mut checks = read(source, "checks.sql", &source.checks);
    for index in 0..checks.actions.len() {
        if !matches!(checks.actions[index], Action::Selects | Action::Unknown) {
            checks.found_in(index, Rule::CheckIsNoSelect, "the statement is no SELECT".to_owned());
            // It must not change the schema.
            checks.actions[index] = Action::Maintains;
        }
    }
    checks.run(schema);
    Some(checks)
}

/// Lints `metadata.toml`, diesel's settings of a migration.
fn metadata(source: &MigrationSource) -> Option<LintedFile<'_>> {
    let problem = match &source.metadata {
        FileText::Missing => return None,
        FileText::Unreadable(problem) => Some((Rule::Unreadable, problem.clone())),
        FileText::Text(text) => match toml::from_str::<toml::Table>(text) {
            Err(error) => Some((Rule::Unreadable, error.message().to_owned())),
            Ok(settings) => {
                let is_on = settings.get("run_in_transaction").and_then(toml::Value::as_bool);
                let problem = "the migration would run without a transaction: remove the file".to_owned();
                (is_on != Some(true)).then_some((Rule::NoTransaction, problem))
            }
        },
    };
    let mut metadata = LintedFile::new(path(source, "metadata.toml"), "");
    if let Some((rule, problem)) = problem {
        metadata.found_at(0, rule, problem);
    }
    Some(metadata)
}

fn check_name(source: &MigrationSource, previous: Option<&MigrationSource>, report: &mut LintReport) {
    let mut found = |message: String| {
        let place = Place { file: source.path.clone(), line: 1, column: 1 };
        report.findings.push(Finding { place, rule: Rule::InvalidName, message, allowed_because: None });
    };
    let version = source.version();
    let name = source.name.split_once('_').map_or("", |(_, name)| name);
    let is_version = [4, 14].contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !is_version || !is_name {
        found(format!("{:?} is no VERSION_NAME with a version of 4 or 14 digits", source.name));
    }
    if let Some(previous) = previous.filter(|previous| previous.version() == version) {
        found(format!("{} and {} have the same version", previous.name, source.name));
    }
    if let Some(previous) = previous.filter(|previous| previous.version().len() != version.len()) {
        found(format!("the versions of {} and {} have different lengths", previous.name, source.name));
    }
}
