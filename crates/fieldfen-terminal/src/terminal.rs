//! The output of a program, as one JSON document or as text, with its progress bars, tables and questions.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::address_error::DatabaseAddressError;
use crate::arguments::CommonArgs;
use crate::database::{self, DatabaseAddress};
use crate::escape::escape_controls;
use crate::messages::{HeldMessages, Messages};
use crate::output::TextOutput;
use crate::table::{self, Table};

/// The error of a failed write to stdout.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout")]
pub struct StdoutError(#[source] pub(crate) io::Error);

/// The output of a program: results, messages, progress bars, tables and questions. [`run`](crate::run) makes it.
#[derive(Debug, Clone)]
pub struct Terminal {
    args: CommonArgs,
    messages: Messages,
    /// Whether the result was printed as a document.
    finished: Arc<AtomicBool>,
}

impl Terminal {
    pub(crate) fn new(args: &CommonArgs) -> Self {
        Self { args: args.clone(), messages: Messages::default(), finished: Arc::default() }
    }

    pub(crate) const fn messages(&self) -> &Messages {
        &self.messages
    }

    /// The address of the database: `--database`, otherwise `DATABASE_URL` in the environment, otherwise in `.env` in
    /// the current folder, otherwise in the section `[database]` of `fieldfen.toml` there, otherwise
    /// [`DEFAULT_DATABASE`](crate::DEFAULT_DATABASE).
    ///
    /// # Errors
    /// [`DatabaseAddressError`] if one of these sources exists and cannot be read.
    pub fn database_url(&self) -> Result<DatabaseAddress, DatabaseAddressError> {
        database::address_here(self.args.database.as_ref(), |note| self.print_message(note))
    }

    /// Returns whether stdout gets one JSON document and nothing else.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.args.json
    }

    /// Prints the result of the program on stdout. Call it once, at the end. It prints the document under `--json`,
    /// nothing under `--quiet`, and otherwise the text that `human` writes. An error that `main` returns afterwards is
    /// only printed on stderr.
    ///
    /// # Errors
    /// The error of writing to stdout. [`run`](crate::run) treats a reader that has gone away as success.
    pub fn print_result(
        &self,
        document: &impl Serialize,
        human: impl FnOnce(&mut TextOutput<'_>) -> io::Result<()>,
    ) -> Result<(), StdoutError> {
        self.print_result_on(&mut io::stdout().lock(), document, human).map_err(StdoutError)
    }

    fn print_result_on(
        &self,
        out: &mut dyn Write,
        document: &impl Serialize,
        human: impl FnOnce(&mut TextOutput<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.args.json {
            self.finished.store(true, Ordering::Relaxed);
            write_document(out, document)?;
        } else if !self.args.quiet {
            human(&mut TextOutput::new(out))?;
        }
        out.flush()
    }

    /// Returns whether the result was printed as a document.
    pub(crate) fn has_printed_result(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// Prints one line on stderr; nothing under `--quiet`.
    pub fn print_message(&self, text: &str) {
        if !self.args.quiet {
            self.messages.write(format!("{}\n", escape_controls(text)).as_bytes());
        }
    }

    /// Holds messages and logs back until the answer is dropped, for a view that has the whole screen. If stderr is no
    /// terminal, they are written at once.
    pub fn hold_messages(&self) -> HeldMessages {
        self.messages.hold()
    }

    /// A progress bar of this many steps, on stderr. It stays invisible unless stderr is a terminal and neither
    /// `--quiet` nor `--json` was given.
    #[must_use]
    pub fn progress_bar(&self, steps: u64, what: &'static str) -> ProgressBar {
        if self.args.quiet || self.args.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let template = "{prefix} [{bar:30}] {pos}/{len} {msg} {elapsed}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.messages.bars().add(ProgressBar::new(steps).with_style(style).with_prefix(what));
        bar.enable_steady_tick(Duration::from_millis(250));
        bar
    }

    /// An empty table with these headings. [`TextOutput::table`] writes it at most as wide as the terminal.
    #[must_use]
    pub fn table<const N: usize>(&self, headings: [&str; N]) -> Table {
        Table::new(headings)
    }

    /// The number of columns of the terminal; `None` if stdout is not a terminal.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        table::columns()
    }

    /// Asks a question on the terminal. The answers `y` and `yes` are `Some(true)`. `None` if nobody can be asked:
    /// stdin or stderr is not a terminal, or `--json` was given.
    ///
    /// # Errors
    /// The error of reading stdin.
    pub fn confirm(&self, question: &str) -> io::Result<Option<bool>> {
        if self.args.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(None);
        }
        write!(io::stderr(), "{} [y/N] ", escape_controls(question))?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")))
    }
}

/// Writes one JSON document and a line end.
pub(crate) fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(args: &CommonArgs) -> String {
        let mut out = Vec::new();
        Terminal::new(args)
            .print_result_on(&mut out, &json!({"files": 3}), |out| writeln!(out, "three files"))
            .expect("a vector takes everything");
        String::from_utf8(out).expect("only text is written")
    }

    #[test]
    fn people_get_text_programs_a_document_and_quiet_ones_nothing() {
        assert_eq!(said(&CommonArgs::default()), "three files\n");
        assert_eq!(said(&CommonArgs { quiet: true, ..CommonArgs::default() }), "");
        for quiet in [false, true] {
            let text = said(&CommonArgs { json: true, quiet, ..CommonArgs::default() });
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json!({"files": 3}));
            assert!(text.ends_with("}\n"));
        }
    }

    #[test]
    fn bars_are_hidden_where_nobody_looks() {
        for args in
            [CommonArgs { quiet: true, ..CommonArgs::default() }, CommonArgs { json: true, ..CommonArgs::default() }]
        {
            assert!(Terminal::new(&args).progress_bar(3, "files").is_hidden());
        }
    }
}
