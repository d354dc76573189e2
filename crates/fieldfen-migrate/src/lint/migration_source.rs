//! The files of migrations as the linter finds them, also those that no set of migrations would accept.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use fieldfen_persistence::migrations::MigrationSet;

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum FileText {
    #[default]
    Missing,
    Unreadable(String),
    Text(String),
}

/// The files of one migration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MigrationSource {
    /// The name of the folder, for example `0002_job_queue`.
    pub(super) name: String,
    /// The path of the folder in messages.
    pub(super) path: String,
    pub(super) up: FileText,
    pub(super) down: FileText,
    pub(super) checks: FileText,
    pub(super) metadata: FileText,
}

impl FileText {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Self {
        match fs::read_to_string(path) {
            Ok(text) => Self::Text(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::Missing,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Self::Unreadable("the file is not UTF-8".to_owned())
            }
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }
}

impl MigrationSource {
    /// The version: the digits before the first `_`, without hyphens, as diesel reads it.
    pub(super) fn version(&self) -> String {
        self.name.split('_').next().unwrap_or_default().replace('-', "")
    }

    /// The migrations of a set.
    pub(super) fn of_set(set: &MigrationSet) -> Vec<Self> {
        let source = |file: &fieldfen_persistence::migrations::MigrationFile| {
            let name = file.migration().to_string();
            Self {
                path: name.clone(),
                name,
                up: FileText::Text(file.up.clone().into_owned()),
                down: FileText::Text(file.down.clone().into_owned()),
                checks: file.checks.clone().map_or(FileText::Missing, |text| FileText::Text(text.into_owned())),
                metadata: FileText::Missing,
            }
        };
        set.migrations().iter().map(source).collect()
    }

    /// The migrations of a folder, sorted by their versions. As for diesel, hidden and empty folders do not count.
    pub(super) fn of_folder(folder: &Path) -> io::Result<Vec<Self>> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if is_hidden || !entry.path().is_dir() || fs::read_dir(entry.path())?.next().is_none() {
                continue;
            }
            let path = if folder == Path::new(".") { Path::new(&name).to_owned() } else { entry.path() };
            sources.push(Self::of_migration(&path, &name));
        }
        sources.sort_by(|a, b| (a.version(), &a.name).cmp(&(b.version(), &b.name)));
        Ok(sources)
    }

    fn of_migration(path: &Path, name: &OsStr) -> Self {
        Self {
            name: name.to_string_lossy().into_owned(),
            path: path.display().to_string(),
            up: FileText::read(&path.join("up.sql")),
            down: FileText::read(&path.join("down.sql")),
            checks: FileText::read(&path.join("checks.sql")),
            metadata: FileText::read(&path.join("metadata.toml")),
        }
    }
}
