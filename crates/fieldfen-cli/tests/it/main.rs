//! The program `fieldfen` as an operator runs it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod arguments;
#[cfg(unix)]
mod broken_databases;
#[cfg(target_os = "linux")]
mod bulk_kills;
#[cfg(target_os = "linux")]
mod day;
mod doctor;
#[cfg(unix)]
mod empty_lists;
mod failed_jobs;
#[cfg(unix)]
mod honest_output;
#[cfg(target_os = "linux")]
mod hostile_rows;
mod id_prefixes;
mod ingest_many;
mod journey;
mod metrics;
#[cfg(unix)]
mod output;
mod platforms;
#[cfg(unix)]
mod recurring;
mod shop_harness;
mod status;
#[cfg(unix)]
mod unfinished_bulk_actions;
mod usage;
#[cfg(target_os = "linux")]
mod watch;
mod words;
#[cfg(target_os = "linux")]
mod work;
#[cfg(target_os = "linux")]
mod work_kills;
