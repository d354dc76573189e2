//! What the surroundings can do to a database while it is in use.

mod disk_full;
mod locked;
mod moved_database;
mod read_only;
mod sigstop;
mod wal_growth;
