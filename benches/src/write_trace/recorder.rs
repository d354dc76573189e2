//! Collects the store's log lines of writes in the memory of this process.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::{FIELDS, TracedWrite, monotonic_us};

static WRITES: Mutex<Vec<TracedWrite>> = Mutex::new(Vec::new());

/// Takes only the log lines about the time of a write.
struct Recorder {
    /// The scheduler's statistics of the writing thread, and its run delay at the last write.
    run_delay: Option<Mutex<(File, u64)>>,
}

/// Records all writes of this process from now on. With `run_delay`, it also records the time that the calling thread
/// waits for a processor, which costs a few microseconds per write.
///
/// # Errors
/// An error if the process has a subscriber already, or the system has no statistics of its scheduler.
pub fn record(run_delay: bool) -> Result<()> {
    let run_delay = if run_delay {
        let name = "/proc/thread-self/schedstat";
        Some(Mutex::new((File::open(name).with_context(|| format!("cannot read {name}"))?, 0)))
    } else {
        None
    };
    tracing::subscriber::set_global_default(Recorder { run_delay }).context("cannot record writes")
}

/// The writes that were recorded since the last call.
#[must_use]
pub fn take() -> Vec<TracedWrite> {
    std::mem::take(&mut WRITES.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Recorder {
    fn run_delay_us(&self) -> u64 {
        let Some(run_delay) = &self.run_delay else { return 0 };
        let mut run_delay = run_delay.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, before) = &mut *run_delay;
        let mut text = String::new();
        if file.rewind().and_then(|()| file.read_to_string(&mut text)).is_err() {
            return 0;
        }
        // The fields: nanoseconds on a processor, nanoseconds of waiting for one, and number of time slices.
        let now: u64 = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(*before);
        let delay = now.saturating_sub(*before);
        *before = now;
        delay / 1000
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() == &Level::TRACE && metadata.target().starts_with("fieldfen_persistence")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().fields().field(FIELDS[0]).is_none() {
            return;
        }
        let mut phases = Phases(TracedWrite { end_us: monotonic_us(), ..TracedWrite::default() });
        event.record(&mut phases);
        phases.0.run_delay_us = self.run_delay_us();
        WRITES.lock().unwrap_or_else(PoisonError::into_inner).push(phases.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Phases(TracedWrite);

impl Visit for Phases {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if let Some(phase) = FIELDS.iter().position(|name| *name == field.name()) {
            self.0.phases_us[phase] = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
