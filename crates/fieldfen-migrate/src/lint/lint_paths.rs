//! Finds the migrations that paths on a command line name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::finding::LintReport;
use super::migration_source::{FileText, MigrationSource};
use super::{LintError, lint_sources};

/// The files of a migration.
const FILES: [&str; 4] = ["up.sql", "down.sql", "checks.sql", "metadata.toml"];

/// The part of a folder of migrations that is linted.
#[derive(Debug)]
enum Selection {
    Everything,
    /// The names of migrations and of their files.
    Files(BTreeSet<(String, String)>),
}

pub(super) fn lint(paths: &[PathBuf]) -> Result<LintReport, LintError> {
    let mut folders: BTreeMap<PathBuf, Selection> = BTreeMap::new();
    let mut report = LintReport::default();
    let mut others = BTreeSet::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|source| LintError::Unreadable { path: path.clone(), source })?;
        let (folder, selected) = if metadata.is_dir() {
            if FILES.iter().any(|file| path.join(file).is_file()) {
                let Some((folder, name)) = split(path) else { return Err(LintError::NoMigrations(path.clone())) };
                (folder, Some(FILES.iter().map(|file| (name.clone(), (*file).to_owned())).collect()))
            } else {
                (path.clone(), None)
            }
        } else {
            match of_migration(path) {
                Some((folder, file)) => (folder, Some(BTreeSet::from([file]))),
                None => {
                    others.insert(path);
                    continue;
                }
            }
        };
        match (folders.entry(folder).or_insert(Selection::Files(BTreeSet::new())), selected) {
            (Selection::Files(files), Some(selected)) => files.extend(selected),
            (selection @ Selection::Files(_), None) => *selection = Selection::Everything,
            (Selection::Everything, _) => {}
        }
    }
    for (folder, selection) in folders {
        let unreadable = |source| LintError::Unreadable { path: folder.clone(), source };
        let sources = MigrationSource::of_folder(&folder).map_err(unreadable)?;
        if sources.is_empty() {
            return Err(LintError::NoMigrations(folder));
        }
        let is_wanted = |migration: &str, file: &str| match &selection {
            Selection::Everything => true,
            Selection::Files(files) => files.contains(&(migration.to_owned(), file.to_owned())),
        };
        add(&mut report, lint_sources(&sources, &is_wanted)?);
    }
    for path in others {
        // An SQL file alone is an `up.sql` on the newest schema.
        let alone = MigrationSource {
            name: String::new(),
            path: path.display().to_string(),
            up: FileText::read(path),
            ..MigrationSource::default()
        };
        add(&mut report, super::lint_alone(&alone)?);
    }
    Ok(report)
}

/// The folder of migrations of a file, and the file within it; `None` if the file does not belong to a migration.
fn of_migration(path: &Path) -> Option<(PathBuf, (String, String))> {
    let file = path.file_name()?.to_str().filter(|name| FILES.contains(name))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let (folder, migration) = match parent {
        Some(parent) => split(parent)?,
        None => split(Path::new("."))?,
    };
    Some((folder, (migration, file.to_owned())))
}

/// The parent and the name of a folder.
fn split(folder: &Path) -> Option<(PathBuf, String)> {
    let absolute;
    let folder = if folder.file_name().is_some() {
        folder
    } else {
        absolute = fs::canonicalize(folder).ok()?;
        &absolute
    };
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some((parent.to_owned(), folder.file_name()?.to_str()?.to_owned()))
}

fn add(report: &mut LintReport, other: LintReport) {
    report.files += other.files;
    report.statements += other.statements;
    report.findings.extend(other.findings);
    report.allowed.extend(other.allowed);
}
