//! Logs on stderr, above the progress bars.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::fmt::{MakeWriter, format};

use crate::arguments::CommonArgs;
use crate::escape::escape_controls;
use crate::messages::Messages;

/// Sends the program's logs to stderr. If the process already has a logger, it is kept.
///
/// # Errors
/// An error if `RUST_LOG` is used and is not a filter.
pub(crate) fn start(args: &CommonArgs, messages: &Messages) -> Result<(), ParseError> {
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
    let ansi = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let messages = messages.clone();
    let started = tracing::subscriber::set_global_default(logger(filter, args.verbose > 1, ansi, move || {
        LogLines(messages.clone())
    }));
    // The only possible error means that the process already has a logger.
    drop(started);
    Ok(())
}

/// Writes each event as one line, in which the control characters of messages and fields are escaped.
fn logger<W>(filter: EnvFilter, target: bool, ansi: bool, writer: W) -> impl tracing::Subscriber
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let fields = format::debug_fn(|writer, field, value| {
        let value = format!("{value:?}");
        let value = escape_controls(&value);
        if field.name() == "message" { write!(writer, "{value}") } else { write!(writer, "{field}={value}") }
    });
    tracing_subscriber::fmt()
        .fmt_fields(fields.delimited(" "))
        .with_env_filter(filter)
        .with_target(target)
        .with_ansi(ansi)
        .with_writer(writer)
        .finish()
}

/// Writes each log as a message.
struct LogLines(Messages);

impl Write for LogLines {
    /// A log that cannot be written is dropped: the subscriber would report the error on stderr and panic.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush().ok();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn an_event_is_one_line_without_controls_whatever_its_fields_hold() {
        let written = Arc::new(Mutex::new(Vec::new()));
        for ansi in [false, true] {
            let logger = logger(EnvFilter::new("info"), true, ansi, {
                struct Shared(Arc<Mutex<Vec<u8>>>);
                impl Write for Shared {
                    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
                        self.0.lock().unwrap().write(line)
                    }
                    fn flush(&mut self) -> io::Result<()> {
                        Ok(())
                    }
                }
                let written = Arc::clone(&written);
                move || Shared(Arc::clone(&written))
            });
            let foreign = "a\u{1b}]0;owned\u{7}\nERROR b\u{9b}31m\u{202e}";
            tracing::subscriber::with_default(logger, || {
                let _span = tracing::info_span!("job", kind = %foreign).entered();
                tracing::warn!(text = foreign, shown = %foreign, debug = ?foreign, "message {foreign}");
            });
            let text = String::from_utf8(std::mem::take(&mut *written.lock().unwrap())).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("shown=a\\u{1b}]0;owned\\u{7}\\nERROR b\\u{9b}31m\\u{202e}"), "{text}");
            assert!(text.contains("message a\\u{1b}") && text.contains("kind=a\\u{1b}"), "{text}");
            // Colours are the logger's own.
            assert!(!text.contains(['\u{7}', '\u{9b}', '\u{202e}']) && !text.contains("\u{1b}]"), "{text:?}");
            assert_eq!(text.contains('\u{1b}'), ansi, "{text:?}");
        }
    }
}
