//! Keeps the output of a program within its limits.

use std::collections::VecDeque;

/// The largest stdout of a program, in bytes.
pub(super) const MAX_STDOUT: usize = 1 << 20;

/// The number of last bytes of stderr that are kept.
const MAX_STDERR: usize = 4 << 10;

/// The longest line of progress, in bytes. A longer one is dropped.
const MAX_LINE: usize = 64 << 10;

/// The end of a text.
#[derive(Debug, Default)]
pub(super) struct EndOfText {
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl EndOfText {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        if let Some(more) = self.bytes.len().checked_sub(MAX_STDERR).filter(|more| *more > 0) {
            self.bytes.drain(..more);
            self.is_cut = true;
        }
    }

    /// The text, after `…` if its beginning is missing. Of the first line, which is cut, only whole words are kept, so
    /// that no part of a secret is left that would not be recognised.
    pub(super) fn text(&self) -> String {
        let (bytes, more) = self.bytes.as_slices();
        let text = String::from_utf8_lossy(&[bytes, more].concat()).trim_end().to_owned();
        if !self.is_cut {
            return text.trim_start().to_owned();
        }
        match text.split_once(char::is_whitespace) {
            Some((_, whole)) => format!("… {}", whole.trim_start()),
            None => "…".to_owned(),
        }
    }
}

/// Splits progress into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    is_too_long: bool,
}

impl Lines {
    /// Passes the last line that ends in these bytes on. Earlier ones are dropped: only the newest progress is kept,
    /// and a program may write many times more lines than a worker can read as JSON.
    pub(super) fn push(&mut self, bytes: &[u8], line: &mut impl FnMut(&[u8])) {
        let mut last = Vec::new();
        let mut parts = bytes.split(|byte| *byte == b'\n');
        if let Some(first) = parts.next() {
            self.extend(first);
        }
        for part in parts {
            if !self.is_too_long && !self.begun.trim_ascii().is_empty() {
                std::mem::swap(&mut last, &mut self.begun);
            }
            self.begun.clear();
            self.is_too_long = false;
            self.extend(part);
        }
        if !last.is_empty() {
            line(&last);
        }
    }

    fn extend(&mut self, part: &[u8]) {
        self.is_too_long |= self.begun.len() + part.len() > MAX_LINE;
        if !self.is_too_long {
            self.begun.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_end_is_kept_from_a_whole_word_on() {
        let mut end = EndOfText::default();
        end.push(b"\nshort \n");
        assert_eq!(end.text(), "short");
        for _ in 0..3000 {
            end.push(b"secret ");
        }
        end.push(b"last\n");
        let text = end.text();
        assert!(text.starts_with("… secret secret") && text.ends_with("secret last"), "{text}");
        assert!(text.len() <= MAX_STDERR + 4, "{}", text.len());
        end.push(&[b'x'; MAX_STDERR]);
        assert_eq!(end.text(), "…");
    }

    #[test]
    fn lines_come_whole_however_they_are_read_and_a_huge_one_is_dropped() {
        let mut text = b"{\"left\":2}\n\n{\"left\":1}\r\n".to_vec();
        text.extend(vec![b'x'; MAX_LINE + 1]);
        text.extend(b"\n3\n4");
        let all = ["{\"left\":2}", "{\"left\":1}", "3"];
        for (at_once, expected) in [(1, &all[..]), (7, &all[..]), (1 << 20, &all[2..])] {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for part in text.chunks(at_once) {
                lines.push(part, &mut |line| got.push(String::from_utf8_lossy(line).trim().to_owned()));
            }
            assert_eq!(got, expected);
        }
    }
}
