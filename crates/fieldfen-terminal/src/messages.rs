//! Messages and logs on stderr: above the progress bars, and after a view that has the whole screen.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::MultiProgress;

/// The most messages that are held back. Older ones are dropped and counted.
const MOST_HELD: usize = 100;

/// Writes messages and logs to stderr. A clone writes to the same place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Messages {
    bars: MultiProgress,
    /// `None` unless a view has the screen.
    held: Arc<Mutex<Option<Held>>>,
}

#[derive(Debug, Default)]
struct Held {
    lines: VecDeque<Vec<u8>>,
    dropped: usize,
}

/// Holds messages and logs back for as long as it lives. [`Terminal::hold_messages`](crate::Terminal::hold_messages)
/// makes it.
#[derive(Debug)]
#[must_use = "messages are held back until this is dropped"]
pub struct HeldMessages(Messages);

impl Messages {
    pub(crate) const fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Writes a line with its end. A line that cannot be written is dropped: a program goes on without stderr.
    pub(crate) fn write(&self, line: &[u8]) {
        match &mut *self.held.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(held) => held.push(line),
            None => drop(self.bars.suspend(|| io::stderr().write_all(line))),
        }
    }

    /// Holds the lines back if stderr is a terminal.
    pub(crate) fn hold(&self) -> HeldMessages {
        if io::stderr().is_terminal() {
            self.begin_to_hold();
        }
        HeldMessages(self.clone())
    }

    fn begin_to_hold(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// The lines that were held back, and a line with the number of those that were dropped. Later lines are written.
    fn end_to_hold(&self) -> Vec<Vec<u8>> {
        let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Vec::new() };
        let dropped =
            (held.dropped > 0).then(|| format!("{} older messages are left out\n", held.dropped).into_bytes());
        dropped.into_iter().chain(held.lines).collect()
    }
}

impl Held {
    fn push(&mut self, line: &[u8]) {
        if self.lines.len() >= MOST_HELD {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line.to_vec());
    }
}

impl Drop for HeldMessages {
    fn drop(&mut self) {
        for line in self.0.end_to_hold() {
            self.0.write(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_held_in_their_order_and_the_oldest_are_dropped() {
        let messages = Messages::default();
        assert!(messages.end_to_hold().is_empty());
        messages.begin_to_hold();
        let other = messages.clone();
        for number in 0..MOST_HELD + 2 {
            other.write(format!("{number}\n").as_bytes());
        }
        let lines = messages.end_to_hold();
        assert_eq!(lines.len(), MOST_HELD + 1);
        assert_eq!(lines[0], b"2 older messages are left out\n");
        assert_eq!((lines[1].as_slice(), lines[MOST_HELD].as_slice()), (&b"2\n"[..], &b"101\n"[..]));
        assert!(messages.end_to_hold().is_empty(), "nothing is held any more");
    }
}
