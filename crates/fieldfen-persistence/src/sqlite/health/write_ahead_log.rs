//! The size of the write-ahead log, and the processes that keep it from being truncated.

use std::io::ErrorKind;
use std::path::Path;

use fieldfen_domain::health::{Check, Finding};

use super::permissions::beside;
use crate::sqlite::file::wal_readers::log_readers;
use crate::sqlite::maintenance::LARGE_LOG;

/// A log of this size fills disks, and makes each reader slow.
const HUGE_LOG: u64 = 1 << 30;

/// Looks at the log of the database at this path, which has no symbolic links.
pub(super) fn check(path: &Path) -> Finding {
    let log = beside(path, "-wal");
    let looked_at = log.display().to_string();
    let bytes = match std::fs::metadata(&log) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => {
            let advice = "check the permissions of the folder";
            return Finding::problem(
                Check::WriteAheadLog,
                looked_at,
                format!("its size cannot be read: {error}"),
                advice,
            );
        }
    };
    let this = std::process::id();
    let readers: Vec<_> = log_readers(&beside(path, "-shm")).into_iter().filter(|process| *process != this).collect();
    of_log(looked_at, bytes, readers)
}

fn of_log(looked_at: String, bytes: u64, readers: Vec<u32>) -> Finding {
    if bytes <= LARGE_LOG {
        return Finding::ok(Check::WriteAheadLog, looked_at, format!("{bytes} bytes"));
    }
    let found = match readers.len() {
        0 => format!("{bytes} bytes, and no process is known that reads it"),
        _ => format!("{bytes} bytes; these processes read it and keep it from being truncated"),
    };
    let advice = match readers.len() {
        0 => "truncate it with `fieldfen upkeep run`, and let a worker do the upkeep",
        _ => "let these processes end their transactions or end them, then run `fieldfen upkeep run`",
    };
    let details = readers.into_iter().map(process).collect();
    let finding = if bytes < HUGE_LOG { Finding::warning } else { Finding::problem };
    finding(Check::WriteAheadLog, looked_at, found, advice).details(details)
}

/// A process with the name of its program, where the system tells it.
fn process(id: u32) -> String {
    match std::fs::read_to_string(format!("/proc/{id}/comm")) {
        Ok(name) => format!("process {id} ({})", name.trim_end()),
        Err(_) => format!("process {id}"),
    }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::health::Severity;

    use super::*;

    #[test]
    fn a_long_log_is_named_with_its_readers() {
        let finding = |bytes, readers: &[u32]| of_log("shop.db-wal".to_owned(), bytes, readers.to_vec());
        assert_eq!(finding(LARGE_LOG, &[7]).severity, Severity::Ok);
        let held = finding(LARGE_LOG + 1, &[std::process::id()]);
        assert_eq!(held.severity, Severity::Warning);
        assert!(held.details[0].starts_with(&format!("process {}", std::process::id())), "{held:?}");
        assert!(finding(LARGE_LOG + 1, &[]).advice.unwrap().contains("upkeep run"));
        assert_eq!(finding(HUGE_LOG, &[]).severity, Severity::Problem);
    }
}
