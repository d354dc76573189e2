//! Escapes text of other programs for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes a text to one line that a terminal prints without any effect and without hidden parts.
///
/// Characters that move the cursor, change colours or titles (C0, DEL, C1), end a line, change the direction of writing
/// or have no width become escapes such as `\n` and `\u{1b}`. A file name, the kind of a job or an error of another
/// program may contain any of them.
#[must_use]
pub fn escape_controls(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c if is_control(c) => {
                // Writing to a `String` cannot fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Escapes a text and keeps its line ends.
pub(crate) fn escape_controls_in_lines(text: &str) -> String {
    text.split('\n').map(escape_controls).collect::<Vec<_>>().join("\n")
}

/// Returns whether a character is a control (Cc), an invisible format character (Cf) or a line separator.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_terminal_obeys_or_hides_becomes_visible() {
        for (text, shown) in [
            ("Füchse – 狐 🦊.jpg", "Füchse – 狐 🦊.jpg"),
            ("e\u{301}", "e\u{301}"),
            ("\u{1b}]0;owned\u{7}", "\\u{1b}]0;owned\\u{7}"),
            ("a\nerror: b\r\tc", "a\\nerror: b\\r\\tc"),
            ("\u{7f}\u{9b}31m", "\\u{7f}\\u{9b}31m"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("\u{2066}\u{2069}\u{200b}\u{feff}\u{2028}\u{0}", "\\u{2066}\\u{2069}\\u{200b}\\u{feff}\\u{2028}\\u{0}"),
        ] {
            assert_eq!(escape_controls(text), shown);
        }
        assert_eq!(escape_controls_in_lines("a\n\u{1b}b\n"), "a\n\\u{1b}b\n");
    }

    #[test]
    fn of_all_characters_only_printable_ones_are_left() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let shown = escape_controls(&text);
            assert!(!shown.contains(|c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{c:?}");
            assert!(shown == text || shown.starts_with('\\'), "{c:?}");
        }
    }
}
