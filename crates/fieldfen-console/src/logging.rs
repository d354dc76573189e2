//! Logs on stderr, above the progress bars.

use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

use crate::arguments::CommonArgs;

/// Sends the program's logs to stderr. A logger that the process has already stays.
///
/// # Errors
/// When `RUST_LOG` is asked and is no filter.
pub(crate) fn start(args: &CommonArgs, bars: &MultiProgress) -> Result<(), ParseError> {
    let level = match (args.quiet, args.verbose) {
        (true, _) => Some(LevelFilter::ERROR),
        (false, 0) => None,
        (false, 1) => Some(LevelFilter::INFO),
        (false, 2) => Some(LevelFilter::DEBUG),
        (false, _) => Some(LevelFilter::TRACE),
    };
    let filter = match (level, std::env::var("RUST_LOG")) {
        (None, Ok(filter)) if !filter.is_empty() => EnvFilter::try_new(filter)?,
        (level, _) => EnvFilter::default().add_directive(level.unwrap_or(LevelFilter::WARN).into()),
    };
    let bars = bars.clone();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(args.verbose > 1)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_writer(move || AboveBars(bars.clone()))
        .try_init();
    // The one error there is says that the process has a logger already.
    drop(started);
    Ok(())
}

/// Writes to stderr while the bars are out of the way.
struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
