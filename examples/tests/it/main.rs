//! The examples as programs that are killed, stopped, run twice, and given unusable input.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod escaped_output;
#[cfg(unix)]
mod file_modes;
mod pipeline_process;
mod server_and_worker;
mod server_harness;
mod shop_rules;
mod sigkill;
mod signals;
#[cfg(unix)]
mod unusable_files;
mod webhook_http;
mod webhook_senders;
