//! The figures of a worker in a file for Prometheus.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fieldfen_services::prometheus::PrometheusMetrics;
use fieldfen_terminal::Terminal;

/// The time between two writes.
const EVERY: Duration = Duration::from_secs(15);

/// A file that node_exporter's textfile collector reads.
#[derive(Clone)]
pub(super) struct MetricsFile {
    path: Arc<Path>,
    metrics: PrometheusMetrics,
    writing: Arc<Mutex<()>>,
}

impl MetricsFile {
    /// The file of a worker. All series have the label `worker` with the name of the file, since node_exporter refuses two
    /// files with the same series.
    pub(super) fn new(path: &Path) -> Self {
        let worker = path.file_stem().unwrap_or_default().to_string_lossy();
        Self {
            path: path.into(),
            metrics: PrometheusMetrics::with_labels([("worker", worker)]),
            writing: Arc::default(),
        }
    }

    /// The figures that are written.
    pub(super) fn metrics(&self) -> PrometheusMetrics {
        self.metrics.clone()
    }

    /// Writes the file. A reader sees the old text or the new one, never a part.
    pub(super) fn write(&self) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.metrics.text().map_err(io::Error::other)?;
        let unfinished = self.unfinished();
        fs::write(&unfinished, text)?;
        fs::rename(&unfinished, &self.path).inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }

    /// Writes the file now and then, on a thread of its own that ends with the process.
    pub(super) fn write_every_15_s(&self, terminal: Terminal) -> io::Result<()> {
        let file = self.clone();
        let write = move || {
            loop {
                thread::sleep(EVERY);
                if let Err(error) = file.write() {
                    terminal.print_message(&format!("warning: cannot write the metrics to {:?}: {error}", file.path));
                }
            }
        };
        thread::Builder::new().name("metrics".to_owned()).spawn(write).map(drop)
    }

    /// The file beside it that is renamed. The collector reads only names that end in `.prom`.
    fn unfinished(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.unfinished", std::process::id()));
        self.path.with_file_name(name)
    }
}
