//! Tables for people, laid out for the width of the terminal.

use std::fmt::{Display, Write as _};

use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};
use unicode_width::UnicodeWidthStr as _;

use crate::escape::escape_controls;

/// The columns that the frame takes: one at each side, and between two cells one more than their padding.
const PADDING: usize = 2;

/// Words longer than an id are broken in a narrow table.
const LONGEST_WORD: usize = 36;

/// A table for people; see [`Terminal::table`](crate::Terminal::table). Its first column is never broken into lines.
#[derive(Debug, Clone)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The number of columns of the terminal; `None` for a pipe or a file, where lines may have any length.
    columns: Option<usize>,
}

impl Table {
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let headings = headings.iter().map(ToString::to_string).collect();
        Self { headings, rows: Vec::new(), columns: columns() }
    }

    /// Adds a row. [`escape_controls`] escapes the control characters in its cells.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item: Display>) {
        self.rows.push(cells.into_iter().map(|cell| escape_controls(&cell.to_string()).into_owned()).collect());
    }

    /// The lines of the table.
    pub(crate) fn text(&self) -> String {
        let Some(columns) = self.columns else { return self.framed(None) };
        let natural = self.widths(|cell| cell.width());
        let mut least =
            self.widths(|cell| cell.split(' ').map(|word| word.width().min(LONGEST_WORD)).max().unwrap_or(0));
        // An id in the first column can be copied whole.
        if let (Some(least), Some(natural)) = (least.first_mut(), natural.first()) {
            *least = *natural;
        }
        // The frame takes one column at each side and one between two cells.
        let room = columns.saturating_sub(natural.len() * (PADDING + 1) + 1);
        if natural.iter().sum::<usize>() <= room {
            self.framed(None)
        } else if least.iter().sum::<usize>() <= room {
            self.framed(Some(&shared_out(&least, &natural, room)))
        } else {
            self.blocks()
        }
    }

    /// The largest width of the cells of each column, its heading included.
    fn widths(&self, width: impl Fn(&str) -> usize) -> Vec<usize> {
        let column = |index: usize| self.rows.iter().filter_map(move |row| row.get(index));
        let headings = self.headings.iter().enumerate();
        headings
            .map(|(index, heading)| column(index).chain([heading]).map(|cell| width(cell)).max().unwrap_or(0))
            .collect()
    }

    /// The table in a frame, with columns of these widths; without them, no cell is broken.
    fn framed(&self, widths: Option<&[usize]>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_header(&self.headings).add_rows(&self.rows);
        table.set_content_arrangement(ContentArrangement::Disabled);
        if let Some(widths) = widths {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            for (index, width) in widths.iter().enumerate() {
                let width = u16::try_from(width + PADDING).unwrap_or(u16::MAX);
                if let Some(column) = table.column_mut(index) {
                    column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
                }
            }
        }
        format!("{table}\n")
    }

    /// A block for each row: a line with heading and text for each cell that is not empty.
    fn blocks(&self) -> String {
        let longest = self.headings.iter().map(|heading| heading.width()).max().unwrap_or(0);
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "\n" });
            for (heading, cell) in self.headings.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                let blanks = " ".repeat(longest.saturating_sub(heading.width()) + PADDING);
                let _ = writeln!(text, "{heading}{blanks}{cell}");
            }
        }
        text
    }
}

/// The number of columns of the terminal that stdout is; `None` for a pipe or a file.
pub(crate) fn columns() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from)
}

/// The widths of the columns in this room: each has its least width, and those that need the fewest columns more to be
/// whole get them first.
fn shared_out(least: &[usize], natural: &[usize], room: usize) -> Vec<usize> {
    let mut widths = least.to_vec();
    let mut left = room.saturating_sub(least.iter().sum());
    let mut missing: Vec<_> = widths.iter_mut().zip(natural).collect();
    missing.sort_by_key(|(width, natural)| natural.saturating_sub(**width));
    for (width, natural) in missing {
        let more = natural.saturating_sub(*width).min(left);
        *width += more;
        left -= more;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11";

    fn jobs(columns: Option<usize>) -> String {
        let mut table = Table::new(["id", "status", "due", "error"]);
        table.columns = columns;
        table.add_row([ID, "failed", "2026-11-27 09:29:10", "the service answers nothing for thirty seconds"]);
        table.add_row([ID, "pending", "2026-11-27 09:29:11", ""]);
        table.text()
    }

    #[test]
    fn a_table_that_fits_breaks_no_cell() {
        let whole = jobs(None);
        let width = whole.lines().map(|line| line.width()).max().unwrap();
        assert_eq!(jobs(Some(width)), whole);
        assert_ne!(jobs(Some(width - 1)), whole);
        assert_eq!(whole.lines().count(), 6, "{whole}");
    }

    #[test]
    fn a_table_that_does_not_fit_breaks_its_longest_texts_at_blanks() {
        let text = jobs(Some(100));
        assert!(text.lines().all(|line| line.width() == 100), "{text}");
        for whole in [ID, "2026-11-27 09:29:10", "failed", "the service", "seconds"] {
            assert!(text.contains(whole), "{whole} in\n{text}");
        }
        // A time is broken between day and hour before a word is broken.
        let narrow = jobs(Some(80));
        assert!(narrow.lines().all(|line| line.width() <= 80), "{narrow}");
        for whole in [ID, "2026-11-27", "09:29:10", "pending", "answers"] {
            assert!(narrow.contains(whole), "{whole} in\n{narrow}");
        }
    }

    #[test]
    fn a_table_whose_words_do_not_fit_is_a_block_for_each_row() {
        let block = format!(
            "id      {ID}\nstatus  failed\ndue     2026-11-27 09:29:10\n\
             error   the service answers nothing for thirty seconds\n\n\
             id      {ID}\nstatus  pending\ndue     2026-11-27 09:29:11\n"
        );
        assert_eq!(jobs(Some(70)), block);
        assert_eq!(jobs(Some(1)), block);
    }

    #[test]
    fn a_table_shows_its_headings_and_rows_and_its_cells_stay_in_their_rows() {
        let mut table = Table::new(["id", "status"]);
        table.add_row(["1\n2\u{1b}[A", "pending"]);
        for columns in [None, Some(100), Some(10)] {
            table.columns = columns;
            let text = table.text();
            assert!(text.contains("status") && text.contains("1\\n2\\u{1b}[A") && text.contains("pending"), "{text}");
            assert!(!text.contains('\u{1b}'), "{text}");
            // The frame, the headings, a rule and one row; or a line for each cell.
            assert_eq!(text.lines().count(), if columns == Some(10) { 2 } else { 5 }, "{text}");
        }
    }
}
