//! The report about the maintenance of a store.

use std::fmt;
use std::time::Duration;

/// The state in which [`Store::maintain`](super::Store::maintain) has left a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a log that cannot be truncated grows until the disk is full"]
pub struct MaintenanceReport {
    /// The size of the transaction log in bytes; 0 for a store without such a log.
    pub log_bytes: u64,
    /// The reason why a long log could not be truncated; `None` for a short log.
    pub log_held: Option<LogHeld>,
}

/// A transaction log that could not be truncated because of its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogHeld {
    /// The time for which the store waited for the readers.
    pub waited: Duration,
    /// The ids of the processes that read from the log, possibly with this one. Empty if the store cannot find them.
    pub processes: Vec<u32>,
}

impl LogHeld {
    /// A log that these processes kept from being truncated during this wait.
    #[must_use]
    pub const fn new(waited: Duration, processes: Vec<u32>) -> Self {
        Self { waited, processes }
    }
}

impl fmt::Display for LogHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited = self.waited.as_millis();
        write!(f, "the transaction log cannot be truncated: after {waited} ms it is still read by ")?;
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
