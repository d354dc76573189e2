//! Reads migrations from a folder in the layout of diesel.

use std::borrow::Cow;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::migration_file::MigrationFile;
use super::migration_set::InvalidMigrations;

/// diesel's settings of one migration. As in diesel, a missing key switches the transaction off
/// (`migrations_internals` 2.3, `TomlMetadata`).
#[derive(serde::Deserialize)]
struct Metadata {
    #[serde(default)]
    run_in_transaction: bool,
}

/// The migrations of a folder. Files beside the folders of the migrations, hidden and empty folders do not count.
pub(super) fn read(folder: &Path) -> Result<Vec<MigrationFile>, InvalidMigrations> {
    let unreadable = |source| InvalidMigrations::Unreadable { path: folder.to_owned(), source };
    let mut migrations = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !path.is_dir() || name.starts_with('.') {
            continue;
        }
        let is_empty = fs::read_dir(&path).map_err(unreadable)?.next().is_none();
        if !is_empty {
            migrations.push(migration(&path, &name)?);
        }
    }
    Ok(migrations)
}

fn migration(folder: &Path, folder_name: &str) -> Result<MigrationFile, InvalidMigrations> {
    let Some((version, name)) = folder_name.split_once('_') else {
        let rule = "the name of a migration's folder must be VERSION_NAME";
        return Err(InvalidMigrations::Name { name: folder_name.to_owned(), rule });
    };
    let refuse =
        |file, problem: String| Err(InvalidMigrations::Content { migration: folder_name.to_owned(), file, problem });
    let text = |file: &'static str| match fs::read_to_string(folder.join(file)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InvalidMigrations::Unreadable { path: folder.join(file), source: named(source) }),
    };
    let Some(up) = text("up.sql")? else { return refuse("up.sql", "is missing".to_owned()) };
    let Some(down) = text("down.sql")? else { return refuse("down.sql", "is missing".to_owned()) };
    if let Some(metadata) = text("metadata.toml")? {
        match toml::from_str::<Metadata>(&metadata) {
            Ok(Metadata { run_in_transaction: true }) => {}
            Ok(Metadata { run_in_transaction: false }) => {
                let problem = "switches the transaction off, as diesel also does if the key is missing: remove the file, \
                               or write `run_in_transaction = true`";
                return refuse("metadata.toml", problem.to_owned());
            }
            Err(error) => return refuse("metadata.toml", format!("cannot be read: {}", error.message())),
        }
    }
    Ok(MigrationFile {
        // diesel leaves the hyphens of a version out.
        version: Cow::Owned(version.replace('-', "")),
        name: Cow::Owned(name.to_owned()),
        up: Cow::Owned(up),
        down: Cow::Owned(down),
        checks: text("checks.sql")?.map(Cow::Owned),
    })
}

/// A text that is not UTF-8 has an error that does not say so for people.
fn named(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::InvalidData => io::Error::new(ErrorKind::InvalidData, "the file is not UTF-8"),
        _ => error,
    }
}
