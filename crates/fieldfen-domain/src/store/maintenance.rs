//! What maintenance of a store has found.

use std::fmt;
use std::time::Duration;

/// The state in which [`Store::maintain`](super::Store::maintain) has left a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a log that is held back grows until the disk is full"]
pub struct MaintenanceReport {
    /// The size of the transaction log in bytes; 0 in a store that has none to cut back.
    pub log_bytes: u64,
    /// Why a long log could not be cut back; `None` for a log that is short.
    pub log_held: Option<LogHeld>,
}

/// A transaction log that readers kept from being cut back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogHeld {
    /// How long the store waited for the readers.
    pub waited: Duration,
    /// The ids of the processes that read from the log, this one among them where it does; empty where the store cannot
    /// tell.
    pub processes: Vec<u32>,
}

impl LogHeld {
    /// A log that these processes held back for this long.
    #[must_use]
    pub const fn new(waited: Duration, processes: Vec<u32>) -> Self {
        Self { waited, processes }
    }
}

impl fmt::Display for LogHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited = self.waited.as_millis();
        write!(f, "the transaction log cannot be cut back: after {waited} ms it is still read by ")?;
        match self.processes.as_slice() {
            [] => f.write_str("processes that the operating system does not name"),
            [process] => write!(f, "process {process}"),
            [first, others @ ..] => {
                write!(f, "processes {first}")?;
                others.iter().try_for_each(|process| write!(f, ", {process}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_named_where_they_are_known() {
        let says = |processes: &[u32]| LogHeld::new(Duration::from_millis(500), processes.to_vec()).to_string();
        assert!(
            says(&[]).ends_with("after 500 ms it is still read by processes that the operating system does not name")
        );
        assert!(says(&[7]).ends_with("by process 7"));
        assert!(says(&[7, 8]).ends_with("by processes 7, 8"));
    }
}
