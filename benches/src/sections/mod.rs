//! The sections of the report.

pub mod adoption;
mod api_usage;
mod claim;
mod commit;
mod drain;
mod enqueue;
pub mod idle;
pub mod latency;
mod limited_claims;
pub mod memory;
mod pages;
pub mod processes;
mod readers;
pub mod rehearsal;
mod screens;
mod upkeep;
mod webhooks;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;

use crate::report::Report;

/// A section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Section {
    /// Claims and completions: against the baseline, and with each kind of backlog.
    Claim,
    /// Claims and completions with pauses and concurrency limits, against the same without them.
    LimitedClaims,
    /// Enqueues many jobs at once, against the baseline.
    Enqueue,
    /// Threads that share commits.
    Commit,
    /// A worker that drains a queue.
    Drain,
    /// Several processes on one file.
    Processes,
    /// The time from the enqueueing of a job to the start of its handler.
    Latency,
    /// The processor time of an idle worker.
    Idle,
    /// The memory of a worker that drains a queue.
    Memory,
    /// Webhooks with many hashes stored.
    Webhooks,
    /// Pages of many files.
    Pages,
    /// Many readers beside one writer.
    Readers,
    /// Rehearses migrations on a large database, against a plain copy of the file.
    Rehearsal,
    /// Adopts a large database of SQLAlchemy.
    Adoption,
    /// Prunes ended jobs.
    Upkeep,
    /// Records calls to external APIs, and reports on many.
    ApiUsage,
    /// The overview, lists and reasons at many jobs and files.
    Screens,
}

/// The size of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scale {
    /// Ends within 5 minutes.
    Small,
    /// The sizes for which the bounds are promised.
    Full,
}

impl Scale {
    /// Returns the value for this scale.
    #[must_use]
    pub fn pick<T>(self, small: T, full: T) -> T {
        match self {
            Self::Small => small,
            Self::Full => full,
        }
    }
}

/// The folder and the size of the measurements.
#[derive(Debug, Clone)]
pub struct Stage {
    /// A folder for databases, emptied after each section.
    pub folder: PathBuf,
    /// The size of the measurements.
    pub scale: Scale,
}

impl Section {
    /// All sections, in the order of the report.
    pub const ALL: [Self; 17] = [
        Self::Claim,
        Self::LimitedClaims,
        Self::Enqueue,
        Self::Commit,
        Self::Drain,
        Self::Processes,
        Self::Latency,
        Self::Idle,
        Self::Memory,
        Self::Webhooks,
        Self::Pages,
        Self::Readers,
        Self::Rehearsal,
        Self::Adoption,
        Self::Upkeep,
        Self::ApiUsage,
        Self::Screens,
    ];

    /// Measures the section.
    ///
    /// # Errors
    /// The first error. A figure outside its bound is no error.
    pub fn run(self, stage: &Stage, report: &mut Report) -> Result<()> {
        match self {
            Self::Claim => claim::run(stage, report),
            Self::LimitedClaims => limited_claims::run(stage, report),
            Self::Enqueue => enqueue::run(stage, report),
            Self::Commit => commit::run(stage, report),
            Self::Drain => drain::run(stage, report),
            Self::Processes => processes::run(stage, report),
            Self::Latency => latency::run(stage, report),
            Self::Idle => idle::run(stage, report),
            Self::Memory => memory::run(stage, report),
            Self::Webhooks => webhooks::run(stage, report),
            Self::Pages => pages::run(stage, report),
            Self::Readers => readers::run(stage, report),
            Self::Rehearsal => rehearsal::run(stage, report),
            Self::Adoption => adoption::run(stage, report),
            Self::Upkeep => upkeep::run(stage, report),
            Self::ApiUsage => api_usage::run(stage, report),
            Self::Screens => screens::run(stage, report),
        }
    }
}

/// Runs `f` and returns its time in microseconds.
fn micros<T>(f: impl FnOnce() -> Result<T>) -> Result<f64> {
    let began = Instant::now();
    f()?;
    Ok(began.elapsed().as_secs_f64() * 1e6)
}

/// 1,000,000 for 1000000.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
