//! Checks that the log is the one its index describes. The check notices that another program has truncated the log or
//! has copied a file over it.
//!
//! SQLite finds the frames of the log through the index (`-shm`) and appends frames without reading the earlier ones
//! again. The next program that opens the database reads the log from the beginning and stops at the first frame that
//! does not match. Every commit behind that frame would be lost. Both files are read through SQLite's own file handles:
//! closing any other descriptor of the index would drop SQLite's locks (<https://sqlite.org/walformat.html>).

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::connection::raw_handle::{IndexHeader, LogFile, RawHandle};

/// The size of the log's header in bytes, and of the header of each frame.
const HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// The length of the log, and the part that a checkpoint has copied into the database, in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sqlite) struct LogState {
    pub(in crate::sqlite) frames: u32,
    pub(in crate::sqlite) copied: u32,
}

/// The description of the log in its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct IndexedLog {
    bytes: u64,
    state: LogState,
    /// The two salts that mark every frame of this log. The log's header holds the same salts.
    salts: [u8; 8],
}

impl IndexedLog {
    /// `None` if the index is not in use, or if it describes a log without frames: such a log may have any length.
    fn parse(index: &IndexHeader) -> Option<Self> {
        let frames = u32::from_ne_bytes([index[16], index[17], index[18], index[19]]);
        // 65536 does not fit into 16 bits. SQLite writes 1 instead.
        let page = match u16::from_ne_bytes([index[14], index[15]]) {
            1 => 65536,
            page => u64::from(page),
        };
        let copied = u32::from_ne_bytes([index[96], index[97], index[98], index[99]]);
        let mut salts = [0; 8];
        salts.copy_from_slice(&index[32..40]);
        let is_in_use = index[12] != 0 && frames > 0;
        is_in_use.then(|| Self {
            state: LogState { frames, copied },
            bytes: HEADER + u64::from(frames) * (FRAME_HEADER + page),
            salts,
        })
    }

    fn is(&self, log: &LogFile) -> bool {
        log.is_complete && log.header[16..24] == self.salts
    }
}

/// Returns the state of this connection's log, or an error if the log is not the one that the index describes. The
/// connection must hold the write lock, so that no other program writes meanwhile.
pub(in crate::sqlite) fn check(conn: &mut SqliteConnection, handle: &RawHandle) -> Result<LogState, StoreError> {
    let Some(described) = handle.read_log_index(conn).as_ref().and_then(IndexedLog::parse) else {
        return Ok(LogState::default());
    };
    match handle.read_log(conn, described.bytes) {
        Some(log) if !described.is(&log) => {
            let found = "another program has cut off or overwritten the log (-wal) of the database: stop all programs that \
                         have it open, keep a copy of its -wal, and check what is missing";
            Err(StoreError::Io(found.into()))
        }
        Some(_) | None => Ok(described.state),
    }
}

/// The first copy of the index's header, with a number in it that every commit counts up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) struct CommitMark([u8; 48]);

impl CommitMark {
    pub(in crate::sqlite) fn of(index: IndexHeader) -> Self {
        let mut mark = [0; 48];
        mark.copy_from_slice(&index[..48]);
        Self(mark)
    }

    /// Returns whether SQLite has begun to use the index.
    pub(in crate::sqlite) const fn is_in_use(&self) -> bool {
        self.0[12] != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(in_use: u8, page: u16, frames: u32) -> IndexHeader {
        let mut index = [0; 100];
        index[12] = in_use;
        index[14..16].copy_from_slice(&page.to_ne_bytes());
        index[16..20].copy_from_slice(&frames.to_ne_bytes());
        index[32..40].copy_from_slice(b"saltsalt");
        index
    }

    #[test]
    fn a_log_has_all_frames_of_its_index_and_the_same_salts() {
        let mut header = [0; 32];
        header[16..24].copy_from_slice(b"saltsalt");
        let described = IndexedLog::parse(&index(1, 4096, 3)).unwrap();
        assert_eq!(described.bytes, 32 + 3 * 4120);
        assert!(described.is(&LogFile { is_complete: true, header }));
        assert!(!described.is(&LogFile { is_complete: false, header }));
        assert!(!described.is(&LogFile { is_complete: true, header: [0; 32] }));
        assert_eq!(IndexedLog::parse(&index(1, 1, 2)).unwrap().bytes, 32 + 2 * (24 + 65536));
        assert_eq!(IndexedLog::parse(&index(1, 4096, 0)), None);
        assert_eq!(IndexedLog::parse(&index(0, 4096, 3)), None);
    }
}
