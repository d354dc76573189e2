//! Text output on stdout: lines and tables.

use std::fmt;
use std::io::{self, Write};

use crate::escape::escape_controls;
use crate::table::Table;

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

    /// Writes a table. If it does not fit into the terminal, texts are broken at blanks; if even then it does not fit,
    /// each row is a block with a line for each cell that is not empty.
    ///
    /// # Errors
    /// The error of writing.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        self.0.write_all(table.text().as_bytes())
    }
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
}
