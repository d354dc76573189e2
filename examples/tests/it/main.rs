//! The examples as programs: killed, stopped, doubled, and given what they cannot use.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod horrors;
mod kills;
#[cfg(unix)]
mod privacy;
mod program;
mod rules;
mod senders;
mod server;
mod stops;
mod terminal;
mod together;
mod webhooks;
