//! The worker process of the tests, and the language in which it tells its parent what it has done.
//!
//! A worker does one [`Duty`](duty::Duty) on a database file and writes a line for every fact that the store has
//! acknowledged. The kernel keeps what stands in the pipe when the worker is killed, so that the parent can compare
//! what was acknowledged with what the database holds.

pub mod dice;
pub mod duty;
pub mod fact;

/// The README of the repository, whose examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
