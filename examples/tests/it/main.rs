//! The pipeline example as a program: killed, stopped, doubled, and given what it cannot use.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod horrors;
mod kills;
mod program;
mod stops;
mod terminal;
mod webhooks;
