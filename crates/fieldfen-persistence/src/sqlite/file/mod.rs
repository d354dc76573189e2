//! The database file and the files beside it: creation, checks, and reading them without SQLite.

pub(in crate::sqlite) mod creation;
pub(in crate::sqlite) mod free_space;
pub(in crate::sqlite) mod header;
pub(in crate::sqlite) mod page_copy;
pub(in crate::sqlite) mod path_check;
pub(in crate::sqlite) mod permissions;
pub(in crate::sqlite) mod read_only;
pub(in crate::sqlite) mod replaced_files;
pub(in crate::sqlite) mod wal;
pub(in crate::sqlite) mod wal_readers;
