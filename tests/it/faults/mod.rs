//! Faults around a database in use: no room, locks, moved files, missing rights, stopped processes, long readers.

mod disk_full;
mod locked;
mod moved_database;
mod read_only;
mod sigstop;
mod wal_growth;
