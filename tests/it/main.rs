//! Crashes, several processes and other programs on one database file.
//!
//! The environment sets sizes and seeds, see `parameters.rs`. The runs in STRESS.md are the same tests at larger sizes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here must fail the test")]

mod aborting_jobs;
mod audit;
mod charging_service;
mod concurrency_limits;
mod counting_service;
mod database;
mod exactly_once;
mod existing_listings;
mod fake_platform;
mod faults;
mod foreign_times;
mod http_service;
mod joined_transaction;
mod money_budget;
mod operator_processes;
mod parameters;
mod process;
mod python;
mod rate_limit;
mod readme_schema;
mod readmes;
mod recorded_costs;
mod restored_backup;
mod sigkill;
mod sqlalchemy_databases;
mod suspended_call;
mod unreadable_rows;
mod webhooks;
mod why;
mod worker_stops;
