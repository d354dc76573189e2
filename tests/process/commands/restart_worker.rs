//! A `Worker` that is stopped without grace and started again, many times.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Error;
use clap::Args;
use fieldfen_domain::job::Payload;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::{Task, Worker};
use serde::{Deserialize, Serialize};

use super::job_options::JobOptions;
use super::stdin::drain_flag;
use super::{emit_or_ignore, is_empty};
use crate::event::{Event, emit};
use crate::rng::Rng;

/// Runs a worker, stops it without a grace period and starts it again, this many times. Then works until the queue is
/// empty.
#[derive(Debug, Args)]
pub struct RestartWorker {
    /// The number of jobs that run at once.
    #[arg(long, default_value_t = 4)]
    threads: usize,
    /// The number of stops.
    #[arg(long)]
    stops: u64,
    /// The folder in which each handler locks a file that is named after its job; all processes use the same folder.
    #[arg(long)]
    locks: PathBuf,
    #[command(flatten)]
    options: JobOptions,
}

/// A job whose handler takes this long and does not check for a cancellation.
#[derive(Debug, Serialize, Deserialize)]
pub struct UncancellableJob {
    /// The run time of the handler, in milliseconds.
    pub millis: u64,
}

impl Payload for UncancellableJob {
    const KIND: &'static str = "test.uncancellable";
}

impl RestartWorker {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store refuses a call, the worker does not start or ends by itself, or the test has closed the
    /// pipe from stdout.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        let _stdin = drain_flag(true);
        let (queue, rng) = (Queue::new(store.clone(), Environment::system()), Rng::new(self.options.seed));
        emit(&Event::Ready)?;
        for _ in 0..self.stops {
            let worker = self.start(store)?;
            thread::sleep(Duration::from_micros(rng.below(20_000)));
            worker.stop_handle().stop_now();
            worker.join()?;
        }
        let worker = self.start(store)?;
        while !is_empty(&queue)? {
            thread::sleep(Duration::from_millis(20));
        }
        worker.stop_handle().stop();
        worker.join()?;
        Ok(())
    }

    fn start(&self, store: &SqliteStore) -> Result<Worker, Error> {
        let locks = Arc::new(self.locks.clone());
        Ok(Worker::builder(store.clone(), Environment::system())
            .threads(self.threads)
            .lease(self.options.lease())
            .handle(move |task: Task<UncancellableJob>| run(&task, &locks))
            .start()?)
    }
}

fn run(task: &Task<UncancellableJob>, locks: &std::path::Path) -> Result<(), Error> {
    // The kernel releases the lock at the end of the process, so that a dead process holds no lock.
    let lock = File::create(locks.join(task.id().to_string()))?;
    if lock.try_lock().is_err() {
        emit_or_ignore(&Event::RuleBroken(format!("two handlers of job {} run at once", task.id())));
    }
    thread::sleep(Duration::from_millis(task.millis));
    emit_or_ignore(&Event::HandlerEnded(task.id()));
    Ok(())
}
