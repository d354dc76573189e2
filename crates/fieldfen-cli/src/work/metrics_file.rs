//! The figures of a worker in a file for Prometheus.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fieldfen_services::prometheus::PrometheusMetrics;
use fieldfen_terminal::Terminal;

/// The time between two writes.
const EVERY: Duration = Duration::from_secs(15);

/// The age from which an unfinished file counts as left behind by a process that was killed. A write takes milliseconds.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// The ending of a file that is not yet complete. The collector reads only names that end in `.prom`.
const UNFINISHED: &str = ".unfinished";

/// A file that node_exporter's textfile collector reads.
#[derive(Clone)]
pub(super) struct MetricsFile {
    path: Arc<Path>,
    metrics: PrometheusMetrics,
    written: Arc<Mutex<Option<Inode>>>,
}

/// The device and the number of a file, which another file in its place does not have.
type Inode = (u64, u64);

impl MetricsFile {
    /// The file of a worker. All series have the label `worker` with the name of the file, since node_exporter refuses
    /// two files with the same series.
    pub(super) fn new(path: &Path) -> Self {
        let worker = path.file_stem().unwrap_or_default().to_string_lossy();
        Self {
            path: path.into(),
            metrics: PrometheusMetrics::with_labels([("worker", worker)]),
            written: Arc::default(),
        }
    }

    /// The figures that are written.
    pub(super) fn metrics(&self) -> PrometheusMetrics {
        self.metrics.clone()
    }

    /// Writes the file. A reader sees the old text or the new one, never a part.
    ///
    /// # Errors
    /// If something else than a file is there, which is then left as it is; if the file cannot be written; or after the
    /// write, if another process has written the file since the last one.
    pub(super) fn write(&self) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let target = self.target()?;
        let text = self.metrics.text().map_err(io::Error::other)?;
        let found = fs::metadata(&target).ok().map(|found| (found.dev(), found.ino()));
        let new = replace(&target, &text)?;
        remove_left_behind(&target);
        match written.replace(new) {
            Some(last) if found.is_some_and(|found| found != last) => Err(io::Error::other(
                "another process writes this file too, and only the last text stays: give each worker its own file",
            )),
            _ => Ok(()),
        }
    }

    /// Writes the file now and then, on a thread of its own that ends with the process. A problem is printed once,
    /// until there is another one or none.
    pub(super) fn write_every_15_s(&self, terminal: Terminal) -> io::Result<()> {
        let file = self.clone();
        let write = move || {
            let mut printed = None;
            loop {
                thread::sleep(EVERY);
                let problem = file.write().err().map(|error| error.to_string());
                if problem != printed {
                    terminal.print_message(&match &problem {
                        Some(problem) => format!("warning: metrics file {:?}: {problem}", file.path),
                        None => format!("metrics file {:?}: written again", file.path),
                    });
                }
                printed = problem;
            }
        };
        thread::Builder::new().name("metrics".to_owned()).spawn(write).map(drop)
    }

    /// The file that is replaced: the file itself, or the one to which a symbolic link leads.
    fn target(&self) -> io::Result<PathBuf> {
        let found = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.path.to_path_buf()),
            found => found?,
        };
        if !found.is_symlink() {
            return if found.is_file() { Ok(self.path.to_path_buf()) } else { Err(no_file()) };
        }
        let target = fs::canonicalize(&self.path)
            .map_err(|error| io::Error::new(error.kind(), format!("the symbolic link leads nowhere: {error}")))?;
        if target.is_file() { Ok(target) } else { Err(no_file()) }
    }
}

fn no_file() -> io::Error {
    io::Error::other("a folder, a device or a pipe is there; it must be a file")
}

/// Replaces a file in one step. If that fails, the old file is there as before, and nothing else.
fn replace(target: &Path, text: &str) -> io::Result<Inode> {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}{UNFINISHED}", std::process::id()));
    let unfinished = target.with_file_name(name);
    // A process with the same id may have left it behind.
    fs::remove_file(&unfinished).ok();
    let write = || {
        let mut file = File::options().write(true).create_new(true).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        let inode = file.metadata()?;
        fs::rename(&unfinished, target)?;
        Ok((inode.dev(), inode.ino()))
    };
    write().inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// Removes what killed processes have left of this file. An error is no reason to stop: the next write tries again.
fn remove_left_behind(target: &Path) {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own_name = target.file_name().unwrap_or_default().as_encoded_bytes();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.as_encoded_bytes().strip_prefix(own_name).and_then(|rest| rest.strip_prefix(b"."));
        let process = process.and_then(|rest| rest.strip_suffix(UNFINISHED.as_bytes()));
        if !process.is_some_and(|process| !process.is_empty() && process.iter().all(u8::is_ascii_digit)) {
            continue;
        }
        let age = entry.metadata().and_then(|found| found.modified()).map(|modified| modified.elapsed());
        if let Ok(Ok(age)) = age
            && age >= LEFT_BEHIND
        {
            fs::remove_file(entry.path()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_has_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let stays =
            ["b.prom.7.unfinished", "a.prom.x.unfinished", "a.prom..unfinished", "a.prom.8", "a.prom.9.unfinished"];
        let left = ["a.prom.7.unfinished", "a.prom.4194304.unfinished"];
        for name in stays.iter().chain(&left) {
            let file = File::create(path(name)).unwrap();
            let is_new = *name == "a.prom.9.unfinished";
            let written = file.metadata().unwrap().modified().unwrap();
            file.set_modified(if is_new { written } else { written - 2 * LEFT_BEHIND }).unwrap();
        }
        MetricsFile::new(&path("a.prom")).write().unwrap();
        let there = |name: &&&str| path(name).exists();
        assert_eq!(stays.iter().filter(there).collect::<Vec<_>>(), stays.iter().collect::<Vec<_>>());
        assert_eq!(left.iter().filter(there).collect::<Vec<_>>(), Vec::<&&str>::new());
    }

    #[test]
    fn a_second_process_that_writes_the_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.prom");
        let (first, second) = (MetricsFile::new(&path), MetricsFile::new(&path));
        for _ in 0..3 {
            first.write().unwrap();
        }
        second.write().unwrap();
        let error = first.write().unwrap_err().to_string();
        assert!(error.contains("another process writes this file too"), "{error}");
        first.write().unwrap();
        fs::remove_file(&path).unwrap();
        first.write().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken.prom");
        fs::create_dir_all(taken.join("full")).unwrap();
        replace(&taken, "text").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
