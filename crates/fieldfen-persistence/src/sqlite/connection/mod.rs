//! Connections: their settings, the hooks that SQLite calls, and the pool of reading connections.

pub(in crate::sqlite) mod hooks;
pub(in crate::sqlite) mod nested_session;
pub(in crate::sqlite) mod open;
pub(in crate::sqlite) mod options;
pub(in crate::sqlite) mod raw_handle;
pub(in crate::sqlite) mod reader_pool;
pub(in crate::sqlite) mod tool_connection;
