//! The program `fieldfen` as an operator runs it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod arguments;
mod journey;
mod shop_harness;
