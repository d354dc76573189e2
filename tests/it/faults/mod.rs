//! Faults of a database in use: a full disk, locks, moved files, missing permissions, stopped processes, long readers.

mod disk_full;
mod locked;
mod moved_database;
mod read_only;
mod sigstop;
mod wal_growth;
