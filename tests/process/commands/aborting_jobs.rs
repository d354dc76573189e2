//! A `Worker` with jobs that abort the process.

use std::process::abort;
use std::thread;
use std::time::Duration;

use anyhow::{Error, ensure};
use clap::Args;
use fieldfen_domain::job::Payload;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::{Outcome, ShutdownReport, Task, Worker};
use serde::{Deserialize, Serialize};

use super::job_options::{JobOptions, short_backoff};
use super::stdin::drain_flag;
use super::{emit_or_ignore, is_empty};
use crate::event::{Event, emit};

/// Runs a worker until the queue is empty, or a job aborts the process.
#[derive(Debug, Args)]
pub struct AbortingJobs {
    /// The number of jobs that run at once.
    #[arg(long, default_value_t = 8)]
    threads: usize,
    #[command(flatten)]
    options: JobOptions,
}

/// A job that takes a while, so that it runs beside others.
#[derive(Debug, Serialize, Deserialize)]
pub struct AbortingJob {
    /// Abort the process at every n-th attempt and fail at the others; without a number, succeed.
    pub aborts_at_every: Option<u32>,
}

impl Payload for AbortingJob {
    const KIND: &'static str = "test.aborting";
}

impl AbortingJobs {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store refuses a call, the worker does not start or leaves a job behind, or the parent no longer
    /// reads.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        let _stdin = drain_flag(true);
        let worker = Worker::builder(store.clone(), Environment::system())
            .threads(self.threads)
            .lease(self.options.lease())
            .retry_policies(short_backoff())
            .handle(|task: Task<AbortingJob>| run(&task))
            .start()?;
        emit(&Event::Ready)?;
        let queue = Queue::new(store.clone(), Environment::system());
        while !is_empty(&queue)? {
            thread::sleep(Duration::from_millis(20));
        }
        worker.stop_handle().stop();
        let stopped = worker.join()?;
        ensure!(stopped == ShutdownReport::default(), "the queue is empty, but {stopped:?}");
        Ok(())
    }
}

fn run(task: &Task<AbortingJob>) -> Result<(), Outcome> {
    emit_or_ignore(&Event::Claimed(task.id()));
    match task.aborts_at_every {
        None => {
            thread::sleep(Duration::from_millis(100));
            Ok(())
        }
        Some(every) => {
            thread::sleep(Duration::from_millis(50));
            if task.attempt().is_multiple_of(every) {
                abort();
            }
            Err(Outcome::retry("this try has not aborted the process"))
        }
    }
}
