//! The settings of a store.

use std::time::Duration;

/// When a commit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When it is on the disk: what was acknowledged survives a power cut (`synchronous = FULL`).
    #[default]
    Full,
    /// When the operating system has it: the last commits before a power cut may be lost, not those before a crash of
    /// the program (`synchronous = NORMAL`).
    Normal,
}

/// Settings of a [`SqliteStore`](crate::SqliteStore).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// When a commit counts.
    pub durability: Durability,
    /// How long an operation waits in all, for other processes and for threads of this one, before it fails as busy.
    pub busy_timeout: Duration,
    /// How many connections read at once, at least one.
    pub readers: u32,
    /// How many writes share one commit at the most, at least one.
    pub batch: u32,
    /// Whether processes take turns at writing, by a lock on a file beside the database. Without it a busy process can
    /// keep another one from writing for seconds.
    pub fair: bool,
    /// Whether commits of other processes are noticed by the operating system's events about the files beside the database
    /// (inotify), within a millisecond or two. Without it, and wherever there are no such events, SQLite is asked every
    /// 10 ms while somebody waits. Only Linux has them.
    pub file_notifications: bool,
}

impl Default for SqliteOptions {
    /// Full durability, 5 seconds, 8 readers, 128 writes a commit, fair, with file notifications.
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            busy_timeout: Duration::from_secs(5),
            readers: 8,
            batch: 128,
            fair: true,
            file_notifications: true,
        }
    }
}
