//! Crashes, several processes and other programs on one database file.
//!
//! Sizes and seeds come from the environment, see `size.rs`; what is in PROOFS.md are the same tests at larger sizes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what goes wrong here must fail the test")]

mod audit;
mod crashes;
mod database;
mod faults;
mod foreign_times;
mod gaps;
mod importer;
mod kills;
mod once;
mod operators;
mod process;
mod python;
mod readmes;
mod size;
mod stops;
mod unclaimed;
mod unreadable;
mod webhooks;
