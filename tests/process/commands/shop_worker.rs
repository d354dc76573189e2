//! The worker of a shop whose rules are in a `fieldfen.toml`.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::Error;
use clap::Args;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::shop::ShopFile;
use fieldfen_services::worker::Worker;

use super::stdin::drain_flag;
use crate::event::{Event, emit};

/// Runs the worker of a shop, which carries out operators' requests, until the test sends `drain`.
#[derive(Debug, Args)]
pub struct ShopWorker {
    /// The lease of its jobs, in milliseconds.
    #[arg(long, default_value_t = 60_000)]
    lease_ms: u64,
}

impl ShopWorker {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the rules are invalid, the worker does not start or ends by itself, or the test has closed the pipe
    /// from stdout.
    pub fn run(&self, file: &ShopFile, store: SqliteStore) -> Result<(), Error> {
        let draining = drain_flag(false);
        let pipeline = file.shop()?.pipeline(Environment::system())?;
        let worker =
            Worker::builder(store, Environment::system()).lease(Duration::from_millis(self.lease_ms)).threads(3);
        let worker = pipeline.serve_operators(worker).start()?;
        emit(&Event::Ready)?;
        while !draining.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        worker.stop_handle().stop();
        worker.join()?;
        Ok(())
    }
}
