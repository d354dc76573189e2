#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "test support: what goes wrong in it must fail the test")]

pub mod conformance;
pub mod fixtures;
mod model;

pub use model::ModelStore;
