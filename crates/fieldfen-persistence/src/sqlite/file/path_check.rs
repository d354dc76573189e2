//! Checks the path of a database before SQLite opens it.

use std::fs;
use std::path::Path;

use fieldfen_domain::store::StoreError;

use crate::sqlite::migrations::command;
use crate::sqlite::url::SqliteUrl;

/// Fails unless the path holds a file that SQLite may open. A database in memory needs no file.
///
/// SQLite reports most of these faults with the same text. The operating system distinguishes them.
pub(in crate::sqlite) fn require_file(url: &SqliteUrl) -> Result<(), StoreError> {
    if url.path().is_none() || file_exists(url)? {
        return Ok(());
    }
    Err(refusal(url, format!("there is no such file: create it with `{}`, or correct the address", command()), None))
}

/// Returns whether the path holds a file that SQLite may open. Fails if it holds anything but a regular file with one
/// name.
pub(in crate::sqlite) fn file_exists(url: &SqliteUrl) -> Result<bool, StoreError> {
    let Some(path) = url.path() else { return Ok(false) };
    let refuse = |reason: &str, source| Err(refusal(url, reason.to_owned(), source));
    if path.to_str().is_none() {
        return refuse("its path is not UTF-8, and SQLite takes no other", None);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => refuse("it is a folder: name the file in it", None),
        Ok(found) if !found.is_file() => refuse("it is not a regular file", None),
        Ok(found) if has_other_names(&found) => refuse(
            "it has several names (hard links), and SQLite keeps a log for each name, so that programs which open it by \
             different names damage it: remove the other names, or copy the file",
            None,
        ),
        Ok(_) => refuse_irregular_logs(url, path).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => refuse("its status cannot be read", Some(error)),
    }
}

/// Fails if a log or journal beside the database is not a regular file with one name: SQLite would wait for a FIFO,
/// write through a link, and remove a device.
fn refuse_irregular_logs(url: &SqliteUrl, path: &Path) -> Result<(), StoreError> {
    let cannot = |error| refusal(url, "its status cannot be read".to_owned(), Some(error));
    // SQLite names these files by the path without symbolic links.
    let path = path.canonicalize().map_err(cannot)?;
    for ending in ["-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let rule = match fs::symlink_metadata(&name) {
            Ok(found) if !found.is_file() => "is not a regular file: remove it",
            Ok(found) if has_other_names(&found) => "has several names (hard links): remove the other names",
            Ok(_) => continue,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(cannot(error)),
        };
        return Err(refusal(url, format!("{} beside it {rule}", Path::new(&name).display()), None));
    }
    Ok(())
}

/// The error of a database that is not opened for this reason.
pub(in crate::sqlite) fn refusal(url: &SqliteUrl, reason: String, source: Option<std::io::Error>) -> StoreError {
    StoreError::Open { url: url.to_string(), reason, source: source.map(Into::into) }
}

/// Returns whether a file has further hard links.
fn has_other_names(found: &fs::Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::nlink(found) > 1;
    #[cfg(not(unix))]
    return {
        let _ = found;
        false
    };
}
