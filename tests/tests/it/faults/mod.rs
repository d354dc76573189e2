//! What the surroundings can do to a database while it is in use.

mod full;
mod locked;
mod log;
mod missing;
mod readonly;
mod stopped;
