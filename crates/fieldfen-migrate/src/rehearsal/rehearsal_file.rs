//! The result of the last rehearsal, in a file beside the database, for the prediction of `plan`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::report::RehearsalReport;
use crate::error::{MigrateError, WithOperation as _};

/// The path of the file: that of the database with `-rehearsal.json`.
pub(crate) fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-rehearsal.json");
    path.into()
}

/// Replaces the file. After a crash it has its old content or the new one.
pub(crate) fn write(database: &Path, report: &RehearsalReport) -> Result<PathBuf, MigrateError> {
    let path = path(database);
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut unfinished = path.file_name().unwrap_or_default().to_owned();
    unfinished.push(".new");
    let written = || -> io::Result<()> {
        // A killed rehearsal has left it. The lock on the folder keeps others away.
        fs::remove_file(folder.join(&unfinished)).ok();
        let mut file = tempfile::Builder::new().prefix(&unfinished).rand_bytes(0).tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, report)?;
        file.persist(&path)?;
        Ok(())
    };
    written().with_operation("write", &path)?;
    Ok(path)
}

/// Removes the file.
pub(crate) fn remove(database: &Path) {
    fs::remove_file(path(database)).ok();
}

/// The result with this key. `None` if the file is missing or is of another state of the database.
pub(crate) fn read(database: &Path, key: &str) -> Option<RehearsalReport> {
    let text = fs::read(path(database)).ok()?;
    let report: RehearsalReport = serde_json::from_slice(&text).ok()?;
    (report.key == key).then_some(report)
}
