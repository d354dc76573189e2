#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "test support: what goes wrong in it must fail the test")]

pub mod conformance;
pub mod faults;
pub mod fixtures;
mod model;

pub use model::ModelStore;

/// Says that a test has not run, and why, past the harness, which keeps the output of tests that pass to itself.
pub fn skipped(why: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED: {}: {why}\n", std::thread::current().name().unwrap_or("a test"));
    // The harness would keep what eprintln! prints.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
