//! The settings of a store.

use std::time::Duration;

/// The point at which a commit is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// After the flush to the disk: acknowledged commits survive a power failure (`synchronous = FULL`).
    #[default]
    Full,
    /// After the write to the operating system: a power failure may lose the last commits, a crash of the program loses
    /// none (`synchronous = NORMAL`).
    Normal,
}

/// Settings of a [`SqliteStore`](crate::SqliteStore).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The point at which a commit is acknowledged.
    pub durability: Durability,
    /// The longest total wait of an operation for other processes and for other threads of this one. After it, the
    /// operation fails with [`StoreError::Busy`](fieldfen_domain::store::StoreError::Busy).
    pub busy_timeout: Duration,
    /// The number of connections that can read at once, at least one.
    pub readers: u32,
    /// The largest number of writes that share one commit, at least one.
    pub batch: u32,
    /// Whether processes take turns at writing, with a lock on a file beside the database. Without it, a busy process
    /// can block the writes of another process for seconds.
    pub fair: bool,
    /// Whether the store notices commits of other processes through file events of the operating system (inotify),
    /// within one or two milliseconds. Without it, and on systems other than Linux, the store asks SQLite every 10 ms
    /// while a thread waits for commits.
    pub file_notifications: bool,
}

impl Default for SqliteOptions {
    /// Full durability, 5 seconds, 8 readers, 128 writes a commit, the fair lock, and file notifications.
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
