//! Writes files so that they get their names only when they are complete.
//!
//! A file is written beside its destination under a hidden name that ends in `.partial`, flushed to the disk and
//! renamed. A program that is killed before that leaves the hidden file behind; [`sweep`] removes it. The writing
//! program holds a lock on the file, which the operating system releases at the end of the process. A sweep therefore
//! never removes a file that another program is still writing.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use fieldfen_terminal::open_regular_file;

use crate::read_access::{ReadAccess, private};

/// The extension of the hidden names.
const SUFFIX: &str = ".partial";

/// An unfinished file. If it is dropped without [`AtomicFile::commit`], it is removed.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<File>,
    partial: PathBuf,
    destination: PathBuf,
    committed: bool,
}

impl AtomicFile {
    /// Creates an unfinished file for `destination`, whose folder must exist. Only this user can read it.
    ///
    /// # Errors
    /// The error of the operating system, with the destination.
    pub fn create(destination: &Path) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = destination.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let partial = destination.with_file_name(format!(".{name}.{}-{number}{SUFFIX}", process::id()));
            match private(File::options().write(true).create_new(true)).open(&partial) {
                Ok(file) => {
                    // On a file system without locks, another program's sweep may remove the file. The rename then
                    // fails, and the file is written again.
                    let _ = file.try_lock();
                    let file = BufWriter::with_capacity(1 << 16, file);
                    return Ok(Self { file, partial, destination: destination.to_owned(), committed: false });
                }
                // A program with the same process id was killed here, in another container or before a restart.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(naming(destination, &error)),
            }
        }
    }

    /// Flushes the file to the disk and renames it. It replaces an earlier file of that name.
    ///
    /// # Errors
    /// The error of the operating system, with the destination. The file is removed then.
    pub fn commit(mut self) -> io::Result<()> {
        self.finish().map_err(|error| naming(&self.destination, &error))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.partial, &self.destination)?;
        self.committed = true;
        sync_folder(&self.destination)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            // A failure is ignored here; the next sweep tries again.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Writes a complete file that only this user can read.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn write(destination: &Path, bytes: &[u8]) -> io::Result<()> {
    write_for(ReadAccess::Owner, destination, bytes)
}

/// Writes a complete file for these readers.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn write_for(readers: ReadAccess, destination: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(destination)?;
    let written = readers.admit_to(file.file.get_ref()).and_then(|()| file.write_all(bytes));
    written.map_err(|error| naming(destination, &error))?;
    file.commit()
}

/// Removes the files that killed programs have left in a folder, and returns their number.
///
/// # Errors
/// The error of the operating system, with the folder. If the folder does not exist, there is nothing to remove.
pub fn sweep(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(naming(folder, &error)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(|error| naming(folder, &error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with('.') && name.ends_with(SUFFIX)) {
            continue;
        }
        // Opening a FIFO with such a name would block the sweep.
        let opened = open_regular_file(File::options().read(true), &entry.path());
        let abandoned = opened.is_ok_and(|file| file.try_lock().is_ok());
        if abandoned && fs::remove_file(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// A new name only survives a power failure after its folder was flushed too.
#[cfg(unix)]
fn sync_folder(destination: &Path) -> io::Result<()> {
    let folder = destination.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Adds the path to an error of the operating system, which does not name it.
fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("page.html");
        write(&destination, b"old").unwrap();
        let mut file = AtomicFile::create(&destination).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"old");
        file.commit().unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["page.html"]);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(AtomicFile::create(&folder.path().join("page.html")).unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_sweep_takes_what_nobody_writes_any_more_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let writing = AtomicFile::create(&folder.path().join("alive.html")).unwrap();
        fs::write(folder.path().join(".dead.html.1-0.partial"), b"half").unwrap();
        fs::write(folder.path().join("mine.partial"), b"not hidden").unwrap();
        assert_eq!(sweep(folder.path()).unwrap(), 1);
        writing.commit().unwrap();
        assert_eq!(names(folder.path()), ["alive.html", "mine.partial"]);
        assert_eq!(sweep(&folder.path().join("no such folder")).unwrap(), 0);
    }

    #[test]
    fn an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("no such folder/page.html"), b"").unwrap_err();
        assert!(error.to_string().contains("no such folder/page.html"), "{error}");
    }
}
