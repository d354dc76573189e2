//! A worker that logs to a closed stdout.

use std::thread;
use std::time::Duration;

use anyhow::{Error, anyhow, ensure};
use clap::Args;
use fieldfen_domain::job::Payload;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::{ShutdownReport, Task, Worker};
use serde::{Deserialize, Serialize};

use super::is_empty;
use super::job_options::short_backoff;
use super::stdin::drain_flag;

/// Logs to stdout, as programs do, and runs a worker until the queue is empty. It reports no events.
#[derive(Debug, Args)]
pub struct ClosedStdout {
    /// The number of jobs that run at once.
    #[arg(long)]
    threads: usize,
}

/// A job that fails at its first attempt, which is logged.
#[derive(Debug, Serialize, Deserialize)]
pub struct FailsOnce {}

impl Payload for FailsOnce {
    const KIND: &'static str = "test.fails-once";
}

impl ClosedStdout {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the log cannot be set up, the store refuses a call, or the worker does not start, ends by itself or
    /// leaves a job behind.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        let _stdin = drain_flag(true);
        let log = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
        log.try_init().map_err(|error| anyhow!(error))?;
        let worker = Worker::builder(store.clone(), Environment::system())
            .threads(self.threads)
            .retry_policies(short_backoff())
            .handle(|task: Task<FailsOnce>| if task.attempt() == 1 { Err("the first try") } else { Ok(()) })
            .start()?;
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
