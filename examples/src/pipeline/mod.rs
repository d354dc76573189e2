//! The pipeline of a folder of pictures, from ingest to a published listing.
//!
//! [`run`] ingests every picture of a folder, and lets a worker run the jobs that follow until none is left. The result
//! of each step is in the database or on the disk before the next step begins. The pipeline can therefore be killed at
//! any moment and continues when it is started again.

mod handlers;
mod ingest_folder;
mod output_folders;
mod report;
mod resources;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use fieldfen_domain::FileId;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::Environment;
use fieldfen_terminal::{ProgressBar, Terminal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use ingest_folder::ScannedFile;
use report::Report;
use resources::{Resources, STEPS};

use crate::read_access::ReadAccess;

/// The interval of the checks for the end of all jobs, in case a commit is not noticed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The folders and rules of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with the pictures. Folders in it and hidden files are ignored.
    pub folder: PathBuf,
    /// The folder for copies of the originals, print files and previews.
    pub output: PathBuf,
    /// The folder of the catalogue.
    pub catalogue: PathBuf,
    /// The users that may read the catalogue.
    pub catalogue_access: ReadAccess,
    /// The file with the rules; without it, the rules are those of the example.
    pub rules: Option<PathBuf>,
}

/// The files and the state of one run.
struct Run {
    /// Whether unfinished jobs existed at the start.
    had_work: bool,
    /// The files that were unfinished at the start, and those that arrived.
    files: Vec<FileId>,
    /// The files of the folder.
    scanned: Vec<ScannedFile>,
    /// Whether a signal stopped the run before its end.
    interrupted: bool,
}

/// Ingests every picture of the folder, runs all unfinished jobs, and reports the outcome of each file.
///
/// A signal (SIGINT or SIGTERM) stops the run after the running jobs have ended. A second signal ends the process at
/// once.
///
/// # Errors
/// An error if the folder, the database, the output or the catalogue cannot be used. A file that cannot be used is no
/// error, but is part of the report.
pub fn run(options: &Options, terminal: &Terminal) -> anyhow::Result<()> {
    let started = Instant::now();
    let stop = stop_on_signals().context("cannot listen for signals")?;
    let paths = ingest_folder::list(&options.folder)?;
    let resources = Resources::open(&terminal.database_url()?, options, Environment::system())?;
    let mut run =
        Run { had_work: resources.is_busy()?, files: resources.unfinished()?, scanned: Vec::new(), interrupted: false };

    let worker = handlers::worker(&resources).start().context("cannot start the worker")?;
    let bar = terminal.progress_bar(paths.len() as u64, "taking in");
    for path in paths {
        if stop.load(Ordering::Relaxed) {
            run.interrupted = true;
            break;
        }
        let scanned_file = ingest_folder::take_in(&resources, &path)?;
        if let Some(trouble) = scanned_file.trouble() {
            tracing::info!(name = scanned_file.name, trouble, "file cannot be used");
        }
        run.files.extend(scanned_file.file_id());
        run.scanned.push(scanned_file);
        bar.inc(1);
    }
    bar.finish_and_clear();
    wait(&resources, &run.files, &stop, &terminal.progress_bar(run.files.len() as u64 * STEPS, "publishing"))?;
    worker.stop_handle().stop();
    let stopped = worker.join()?;
    tracing::info!(released = stopped.released, still_running = ?stopped.still_running, "worker stopped");
    run.interrupted |= resources.is_busy()?;
    resources.sweep()?;
    Report::make(&resources, &run, started.elapsed())?.say(terminal)?;
    Ok(())
}

/// Waits until no job is due or running, or until the process must stop.
fn wait(resources: &Resources, files: &[FileId], stop: &AtomicBool, bar: &ProgressBar) -> Result<(), StoreError> {
    let mut watch = resources.store.watch()?;
    loop {
        let busy = resources.is_busy()?;
        if !bar.is_hidden() {
            let progress = resources.progress(files)?;
            bar.set_position(progress.steps);
            bar.set_message(format!("steps, {} of {} files", progress.ended, files.len()));
        }
        if !busy || stop.load(Ordering::Relaxed) {
            bar.finish_and_clear();
            return Ok(());
        }
        watch.wait(LOOK_EVERY)?;
    }
}

/// A flag that the first signal raises. The second signal ends the process.
fn stop_on_signals() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the flag must be down when the first signal comes.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
