//! The arguments of lists, and the end of their output.

use std::io;

use fieldfen_domain::{Cursor, Page, PageRequest};
use fieldfen_terminal::TextOutput;
use serde::Serialize;

/// The part of a list that is shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PageArgs {
    /// Show at most this many rows
    #[arg(long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Show the rows after this cursor, which the previous page has printed
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Show the oldest rows first
    #[arg(long)]
    oldest: bool,
}

impl PageArgs {
    /// The page that the arguments ask for.
    pub(crate) fn request(&self) -> PageRequest {
        let request = PageRequest::first(self.limit);
        let request = if self.oldest { request } else { request.newest_first() };
        match &self.cursor {
            Some(cursor) => request.after(Cursor::new(cursor.as_str())),
            None => request,
        }
    }
}

/// The JSON document of a list.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    /// The rows, in the requested order.
    items: Vec<T>,
    /// The rows that could not be read, each with its table, key, column, value and rule.
    unreadable: Vec<fieldfen_domain::UnreadableRow>,
    /// The cursor of the next page; `null` at the end of the list.
    next: Option<Cursor>,
}

impl<T> List<T> {
    pub(crate) fn of<R>(page: Page<R>, document: impl FnMut(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(document).collect(), unreadable: page.unreadable, next: page.next }
    }

    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    /// Writes the lines below the table: rows that could not be read, and the cursor of the next page. An empty list
    /// says how a row gets into it.
    pub(crate) fn write_end(&self, out: &mut TextOutput<'_>, noun: &str, how: &str) -> io::Result<()> {
        for row in &self.unreadable {
            writeln!(out, "not readable: {row}")?;
        }
        match &self.next {
            Some(next) => writeln!(out, "more follow: --cursor {next}"),
            None if self.items.is_empty() && self.unreadable.is_empty() => writeln!(out, "no {noun}: {how}"),
            None => Ok(()),
        }
    }
}
