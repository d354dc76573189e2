//! The trace alone: one run, its phases, and its longest writes with the events during each.

use std::path::Path;

use anyhow::Result;
use fieldfen_persistence::Durability;

use super::contest::{Contest, contest};
use super::{least_served, traces};
use crate::write_trace::{StallWatch, explain, phase_table};

/// Lets several processes write at once. Prints the time of each phase of their writes, and the causes of the longest
/// writes.
#[derive(Debug, Clone, clap::Args)]
pub struct TraceWrites {
    /// Full durability instead of normal
    #[arg(long)]
    full: bool,
    /// The number of processes that write
    #[arg(long, default_value_t = 4)]
    processes: u32,
    /// For how long, in milliseconds
    #[arg(long, default_value_t = 5000)]
    milliseconds: u64,
    /// The number of the longest writes that are explained
    #[arg(long, default_value_t = 10)]
    longest: usize,
}

impl TraceWrites {
    /// Runs the processes on a database in this folder, and prints the results.
    ///
    /// # Errors
    /// An error if a process fails.
    pub fn run(&self, folder: &Path) -> Result<()> {
        let folder = tempfile::tempdir_in(folder)?;
        let durability = if self.full { Durability::Full } else { Durability::Normal };
        let contested =
            Contest { durability, processes: self.processes, milliseconds: self.milliseconds, run_delay: true };
        let stalls = StallWatch::start();
        let (results, _) = contest(&folder.path().join("trace.db"), &contested)?;
        let stalls = stalls.end();
        let rate: f64 = results.iter().map(|result| f64::from(result.jobs) / result.seconds).sum();
        println!("{rate:.0} jobs per second; least served / mean: {:.2}", least_served(&results));
        println!("the machine did not run for 20 ms or longer {} times", stalls.len());
        print!("{}", phase_table(&traces(&results)));
        for explanation in explain(&traces(&results), &stalls, self.longest) {
            println!("{explanation}");
        }
        Ok(())
    }
}
