//! Reads a folder of pictures and ingests each file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fieldfen_domain::FileId;
use fieldfen_domain::file::{ContentHash, IngestOutcome};

use super::resources::{Resources, is_end};
use crate::atomic_file;
use crate::describe::species;
use crate::picture::inspect;

/// The largest file that is ingested, in bytes.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// One file of the folder, with the outcome of its ingest.
#[derive(Debug, Clone)]
pub(super) struct ScannedFile {
    /// Its name in the folder.
    pub(super) name: String,
    outcome: Outcome,
}

#[derive(Debug, Clone)]
enum Outcome {
    /// The file has a new row.
    New(FileId),
    /// The file cannot be used, and has a new row with the status failed.
    Broken(FileId, String),
    /// A file with the same bytes was ingested before, under this name.
    Known(FileId, String),
    /// The file could not be read, so it has no row.
    NotRead(String),
}

impl ScannedFile {
    pub(super) const fn file_id(&self) -> Option<FileId> {
        match self.outcome {
            Outcome::New(id) | Outcome::Broken(id, _) | Outcome::Known(id, _) => Some(id),
            Outcome::NotRead(_) => None,
        }
    }

    pub(super) const fn is_new(&self) -> bool {
        matches!(self.outcome, Outcome::New(_) | Outcome::Broken(..))
    }

    /// The name under which the same bytes are known, if it is another one.
    pub(super) fn same_as(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Known(_, original) if *original != self.name => Some(original),
            _ => None,
        }
    }

    /// The reason why the file cannot be used.
    pub(super) fn trouble(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Broken(_, reason) | Outcome::NotRead(reason) => Some(reason),
            Outcome::New(_) | Outcome::Known(..) => None,
        }
    }
}

/// The files of a folder by name, without folders and hidden files.
pub(super) fn list(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reading = || format!("cannot read the folder {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        let hidden = path.file_name().map(OsStr::as_encoded_bytes).is_some_and(|name| name.starts_with(b"."));
        if !hidden && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Ingests one file. A file that cannot be used is an outcome. An error means that the database or a folder has failed.
pub(super) fn take_in(resources: &Resources, path: &Path) -> anyhow::Result<ScannedFile> {
    let name = path.file_name().unwrap_or_default();
    let Some(name) = name.to_str().map(str::to_owned) else {
        let outcome = Outcome::NotRead("its name is not valid Unicode: rename it".to_owned());
        return Ok(ScannedFile { name: name.to_string_lossy().into_owned(), outcome });
    };
    let outcome = match read(path) {
        Err(reason) => Outcome::NotRead(reason),
        Ok(bytes) => record(resources, &name, &bytes).with_context(|| format!("cannot take {name} in"))?,
    };
    Ok(ScannedFile { name, outcome })
}

/// All bytes of a file, or the reason why they cannot be read.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // The kind of the file is checked first, since opening a FIFO would wait for a writer.
    let found = fs::metadata(path).map_err(cannot)?;
    if !found.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is larger than {MAX_FILE_BYTES} bytes ({} bytes)", found.len().max(MAX_FILE_BYTES + 1)));
    }
    Ok(bytes)
}

fn record(resources: &Resources, name: &str, bytes: &[u8]) -> anyhow::Result<Outcome> {
    let hash = ContentHash::of(bytes);
    let original = resources.output.original(&hash);
    let known = resources.files.find_by_content(&hash)?;
    if let Some(file) = known {
        if !is_end(file.state.status()) && !original.exists() {
            atomic_file::write(&original, bytes)?;
        }
        return Ok(Outcome::Known(file.id, file.original_filename));
    }
    let inspected = inspect(bytes);
    // The copy is made before the row: a row without its picture would be useless.
    if inspected.is_ok() {
        atomic_file::write(&original, bytes)?;
    }
    let file = resources
        .files
        .new_file(name)
        .species(species(name).map(str::to_owned))
        .content_hash(hash)
        .size(inspected.as_ref().ok().map(|inspected| inspected.size));
    let ingested = match &inspected {
        Ok(_) => resources.files.ingest(&file)?,
        Err(unusable) => resources.files.ingest_broken(&file, &unusable.to_string())?,
    };
    Ok(match (ingested, inspected) {
        (IngestOutcome::Duplicate(file) | IngestOutcome::ContentDiffers { file, .. }, _) => {
            Outcome::Known(file.id, file.original_filename)
        }
        (IngestOutcome::Created, Ok(_)) => Outcome::New(file.id),
        (IngestOutcome::Created, Err(unusable)) => Outcome::Broken(file.id, unusable.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_hidden_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("later")).unwrap();
        for name in ["b.jpg", "a.txt", ".hidden.jpg", "later/c.jpg"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let names: Vec<_> = list(folder.path()).unwrap();
        assert_eq!(names, [folder.path().join("a.txt"), folder.path().join("b.jpg")]);
        let error = format!("{:#}", list(&folder.path().join("nowhere")).unwrap_err());
        assert!(error.contains("nowhere") && error.contains("No such file"), "{error}");
    }

    #[test]
    fn what_is_no_readable_file_has_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap_err(), "is not a regular file");
        assert!(read(&folder.path().join("gone")).unwrap_err().starts_with("cannot be read: No such file"));
        let huge = folder.path().join("huge");
        File::create(&huge).unwrap().set_len(MAX_FILE_BYTES + 5).unwrap();
        assert_eq!(read(&huge).unwrap_err(), "is larger than 268435456 bytes (268435461 bytes)");
    }
}
