//! The process that the tests start and kill, and the events that it reports to the test.
//!
//! The process runs one [`Command`](commands::Command) on a database file. It writes one line to stdout for each
//! [`Event`](event::Event), after the store has acknowledged the write. The kernel keeps the lines in the pipe when the
//! process is killed, so that the test can compare what was acknowledged with what the database holds.

pub mod commands;
pub mod event;
pub mod rng;

/// The README of the repository, whose examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
