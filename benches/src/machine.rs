//! The machine of the measurements.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::rounds;

/// The machine, its disk and the linked SQLite.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name; empty if the system does not report it.
    pub processor: String,
    /// The number of threads that it runs at once.
    pub cores: usize,
    /// Operating system and architecture.
    pub system: String,
    /// The version of SQLite, for example `3.53.1`.
    pub sqlite: &'static str,
    /// The median time of `fdatasync` after one page was written, in microseconds.
    pub fdatasync_us: f64,
    /// The average number of processes that wanted to run in the last minute.
    pub load: String,
}

impl Machine {
    /// Reads the properties of the machine, and measures the disk of this folder.
    ///
    /// # Errors
    /// An error if the folder cannot be written.
    pub fn look(folder: &Path) -> Result<Self> {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Ok(Self {
            processor: processor.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            sqlite: fieldfen_persistence::sqlite_version(),
            fdatasync_us: fdatasync(folder)?,
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} threads of {}, {}, load {}; SQLite {}; fdatasync: {:.0} µs (median)",
            self.cores, self.processor, self.system, self.load, self.sqlite, self.fdatasync_us
        )
    }
}

/// The median time of a flush in microseconds.
fn fdatasync(folder: &Path) -> Result<f64> {
    const PAGE: [u8; 4096] = [0x5a; 4096];
    const PAGES: u64 = 64;
    let path = folder.join("fdatasync");
    let cannot = || format!("cannot measure the disk with {}", path.display());
    let file = File::create(&path).with_context(cannot)?;
    let mut times = Vec::new();
    for flush in 0..5 * PAGES {
        file.write_all_at(&PAGE, flush % PAGES * 4096).with_context(cannot)?;
        let began = Instant::now();
        file.sync_data().with_context(cannot)?;
        // The first pages extend the file, which takes longer.
        if flush >= PAGES {
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    fs::remove_file(&path).with_context(cannot)?;
    Ok(rounds::median(&times))
}
