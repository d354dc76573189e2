//! Finds the processes that read from a write-ahead log, by the locks that SQLite holds for them.

use std::path::Path;

/// The bytes of the `-shm` file that readers lock, `WAL_READ_LOCK(0)` to `WAL_READ_LOCK(4)`:
/// <https://sqlite.org/walformat.html#wal_locks>. A reader of the database alone locks the first byte, and no frame can
/// be copied meanwhile. A reader that needs a part of the log locks one of the others.
const READ_LOCKS: std::ops::RangeInclusive<u64> = 123..=127;

/// The ids of the processes that read from the log with this `-shm` file, in ascending order. Empty on systems that do
/// not report locks.
pub(in crate::sqlite) fn log_readers(shm: &Path) -> Vec<u32> {
    #[cfg(target_os = "linux")]
    if let (Some(file), Ok(locks)) = (identity(shm), std::fs::read_to_string("/proc/locks")) {
        return readers_among(&locks, &file);
    }
    let _ = shm;
    Vec::new()
}

/// The name of a file in `/proc/locks`: the numbers of the device, and the inode.
#[cfg(target_os = "linux")]
fn identity(path: &Path) -> Option<String> {
    use std::os::linux::fs::MetadataExt as _;
    let found = std::fs::metadata(path).ok()?;
    let device = found.st_dev();
    Some(format!("{:02x}:{:02x}:{}", rustix::fs::major(device), rustix::fs::minor(device), found.st_ino()))
}

/// The processes with read locks on this file, from lines such as
/// `7: POSIX  ADVISORY  READ 4711 fe:00:1234 124 124` (proc_locks(5)).
#[cfg(any(target_os = "linux", test))]
fn readers_among(locks: &str, file: &str) -> Vec<u32> {
    let reader = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX", _, "READ", process, its, first, last] = fields[..] else { return None };
        let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
        let reads = its == file && first <= *READ_LOCKS.end() && last >= *READ_LOCKS.start();
        if reads { process.parse().ok() } else { None }
    };
    let mut processes: Vec<u32> = locks.lines().filter_map(reader).collect();
    processes.sort_unstable();
    processes.dedup();
    processes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_readers_of_the_log_of_this_file_are_named() {
        let locks = "\
            1: POSIX  ADVISORY  READ 30 fe:00:77 124 124\n\
            2: POSIX  ADVISORY  READ 20 fe:00:77 125 127\n\
            2: -> POSIX  ADVISORY  WRITE 21 fe:00:77 125 127\n\
            3: POSIX  ADVISORY  READ 30 fe:00:77 126 126\n\
            4: POSIX  ADVISORY  READ 10 fe:00:77 123 123\n\
            5: POSIX  ADVISORY  READ 41 fe:00:77 128 128\n\
            6: POSIX  ADVISORY  WRITE 50 fe:00:77 120 120\n\
            7: POSIX  ADVISORY  READ 60 fe:00:78 124 124\n\
            8: FLOCK  ADVISORY  WRITE 70 fe:00:77 0 EOF\n\
            9: OFDLCK ADVISORY  READ -1 fe:00:77 124 124\n\
            nonsense\n";
        assert_eq!(readers_among(locks, "fe:00:77"), [10, 20, 30]);
    }
}
