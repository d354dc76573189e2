//! Text of other programs, escaped, and cut or broken to a number of columns.

#![cfg_attr(not(unix), expect(dead_code, reason = "only the live view, which needs Unix, cuts lines"))]

use std::borrow::Cow;

use fieldfen_terminal::escape_controls;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The most characters of one text that are looked at: more than any terminal shows.
const MOST_CHARS: usize = 4000;

/// The mark at the end of a text that was cut.
const CUT: char = '…';

/// The text as one line without controls, and without the part that no terminal shows.
pub(crate) fn one_line(text: &str) -> String {
    let shown = match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}{CUT}", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    };
    escape_controls(&shown).into_owned()
}

/// The number of columns that a line takes.
pub(crate) fn width(line: &str) -> usize {
    line.width()
}

/// The line, cut to this number of columns. A wide character that does not fit is left out.
pub(crate) fn cut(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let mut used = 0;
    let kept = line.chars().take_while(|c| {
        used += c.width().unwrap_or_default();
        used <= room
    });
    kept.chain([CUT]).collect()
}

/// The line, broken into lines of this number of columns: at a blank if there is one, otherwise anywhere.
pub(crate) fn wrap(line: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2); // The widest character takes two columns.
    let mut lines = Vec::new();
    let (mut current, mut used) = (String::new(), 0);
    for c in line.chars() {
        let wide = c.width().unwrap_or_default();
        if used + wide > columns {
            let rest = match current.rfind(' ') {
                Some(blank) if c != ' ' => current.split_off(blank + 1),
                _ => String::new(),
            };
            lines.push(current.trim_end().to_owned());
            used = width(&rest);
            current = rest;
            if c == ' ' {
                continue;
            }
        }
        current.push(c);
        used += wide;
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_by_the_columns_that_it_takes() {
        for (line, columns, cut_line) in [
            ("red fox", 7, "red fox"),
            ("red fox", 6, "red f…"),
            ("狐狐狐", 6, "狐狐狐"),
            ("狐狐狐", 5, "狐狐…"),
            ("狐狐狐", 4, "狐…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("fox", 1, "…"),
            ("fox", 0, ""),
        ] {
            assert_eq!(cut(line, columns), cut_line, "{line} in {columns}");
            assert!(width(&cut(line, columns)) <= columns);
        }
    }

    #[test]
    fn a_line_is_broken_at_blanks_and_within_long_words() {
        assert_eq!(wrap("the red fox sleeps", 9), ["the red", "fox", "sleeps"]);
        assert_eq!(wrap("0123456789", 4), ["0123", "4567", "89"]);
        assert_eq!(wrap("狐狐狐", 5), ["狐狐", "狐"]);
        assert_eq!(wrap("the red fox", 7), ["the red", "fox"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("狐", 0), ["狐"], "no width makes it endless");
    }

    #[test]
    fn a_text_of_a_megabyte_is_one_short_line_without_controls() {
        let line = one_line(&"\u{1b}[2J\n".repeat(200_000));
        assert!(line.starts_with("\\u{1b}[2J\\n") && line.ends_with(CUT) && line.len() < 20_000, "{}", line.len());
        assert!(!line.contains(char::is_control));
    }
}
