//! Text output on stdout: lines and tables.

use std::fmt::{self, Display};
use std::io::{self, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, presets};

use crate::escape::escape_controls;

/// Writes lines for people, which may contain text of other programs. Each `writeln!` makes one line.
/// [`escape_controls`] escapes the control characters in it, also line ends.
pub struct TextOutput<'o>(&'o mut dyn Write);

impl<'o> TextOutput<'o> {
    pub(crate) fn new(out: &'o mut dyn Write) -> Self {
        Self(out)
    }

    /// Writes a line from `writeln!`.
    ///
    /// # Errors
    /// The error of writing.
    pub fn write_fmt(&mut self, line: fmt::Arguments<'_>) -> io::Result<()> {
        let line = line.to_string();
        let (text, end) = line.strip_suffix('\n').map_or((line.as_str(), ""), |text| (text, "\n"));
        self.0.write_all(format!("{}{end}", escape_controls(text)).as_bytes())
    }

    /// Writes a table.
    ///
    /// # Errors
    /// The error of writing.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        writeln!(self.0, "{}", table.0)
    }
}

/// A table for people; see [`Terminal::table`](crate::Terminal::table). Its first column is never broken into lines.
#[derive(Debug, Clone)]
pub struct Table(comfy_table::Table);

impl Table {
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(headings);
        // An id in the first column can be copied whole, however narrow the terminal is.
        if let Some(first) = table.column_mut(0) {
            first.set_constraint(ColumnConstraint::ContentWidth);
        }
        Self(table)
    }

    /// Adds a row. [`escape_controls`] escapes the control characters in its cells.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item: Display>) {
        self.0
            .add_row(cells.into_iter().map(|cell| escape_controls(&cell.to_string()).into_owned()).collect::<Vec<_>>());
    }
}

/// The number of columns of the terminal that stdout is; `None` for a pipe or a file.
pub(crate) fn columns() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut TextOutput<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut TextOutput::new(&mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_writeln_is_one_line_whatever_its_parts_hold() {
        let name = "fox\nremoved /etc/passwd\u{1b}[2J";
        assert_eq!(written(|out| writeln!(out, "{name}: done")), "fox\\nremoved /etc/passwd\\u{1b}[2J: done\n");
        assert_eq!(written(|out| write!(out, "a")), "a");
    }

    #[test]
    fn the_first_column_is_whole_in_a_narrow_terminal() {
        let mut table = Table::new(["id", "name", "error"]);
        table.0.set_width(60);
        let id = "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11";
        table.add_row([id, "whitetail-deer-morning-mist.jpg", "the service answers nothing for thirty seconds"]);
        let text = written(|out| out.table(&table));
        assert!(text.contains(id), "{text}");
    }

    #[test]
    fn a_table_shows_its_headings_and_rows_and_its_cells_stay_in_their_rows() {
        let mut table = Table::new(["id", "status"]);
        table.add_row(["1\n2\u{1b}[A", "pending"]);
        let text = written(|out| out.table(&table));
        assert!(text.contains("status") && text.contains("1\\n2\\u{1b}[A") && text.contains("pending"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        // The frame, the headings, a rule and one row.
        assert_eq!(text.lines().count(), 5, "{text}");
    }
}
