//! The conformance suite: the rules for every store, as named cases.
//!
//! If the documentation of a trait leaves a question open, a case decides it. The name of the case states its rule.

mod adoption;
mod api_costs;
mod api_usage;
mod attempts;
mod budgets;
mod bulk_actions;
mod claim_places;
mod claims;
mod claims_many;
mod clock_jumps;
mod concurrency_limits;
mod confirmations;
mod dead_letters_by_error;
mod deletions;
mod enqueue_many;
mod enqueueing;
mod fence;
mod file_pages;
mod files;
mod foreign_job_pruning;
mod foreign_rows;
mod hashes;
mod ids;
mod invalid_json;
mod job_actions;
mod kill;
mod leases;
mod listing_updates;
mod must_run_alone;
mod on_worker_death;
mod operations;
mod operator_actions;
mod pages;
mod parked;
mod paused_calls;
mod pauses;
mod pruning;
mod publication_pages;
mod publication_pruning;
mod rate_limit_pruning;
mod rate_limit_traffic;
mod rate_limits;
mod recurring;
mod reschedule;
mod reservation_release;
mod reservations;
mod retries;
mod same_platform_ids;
mod threads;
pub mod trace;
mod transactions;
mod waiting_jobs;
mod workers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fieldfen_domain::store::Store;
pub use foreign_job_pruning::foreign_job_pruning;
pub use rate_limit_traffic::{Traffic, TrafficFigures, rate_limit_traffic};
pub use threads::threads;

/// A case: its name, and a function that takes an empty store and panics if the store is wrong.
pub type Case<S> = (&'static str, fn(&S));

/// Lists the cases of a module by their functions' names.
macro_rules! named {
    ($module:literal: $($case:ident),+ $(,)?) => {
        vec![$((concat!($module, "::", stringify!($case)), $case::<S> as fn(&S))),+]
    };
}

use named;

/// All cases, for a runner that lists or filters them.
#[must_use]
pub fn cases<S: Store>() -> Vec<Case<S>> {
    [
        transactions::cases(),
        files::cases(),
        file_pages::cases(),
        pages::cases(),
        deletions::cases(),
        enqueueing::cases(),
        enqueue_many::cases(),
        invalid_json::cases(),
        claims::cases(),
        claim_places::cases(),
        fence::cases(),
        claims_many::cases(),
        leases::cases(),
        must_run_alone::cases(),
        concurrency_limits::cases(),
        waiting_jobs::cases(),
        paused_calls::cases(),
        pauses::cases(),
        retries::cases(),
        attempts::cases(),
        on_worker_death::cases(),
        dead_letters_by_error::cases(),
        job_actions::cases(),
        reschedule::cases(),
        parked::cases(),
        kill::cases(),
        clock_jumps::cases(),
        pruning::cases(),
        hashes::cases(),
        ids::cases(),
        reservations::cases(),
        reservation_release::cases(),
        publication_pages::cases(),
        confirmations::cases(),
        foreign_rows::cases(),
        adoption::cases(),
        publication_pruning::cases(),
        same_platform_ids::cases(),
        listing_updates::cases(),
        api_costs::cases(),
        api_usage::cases(),
        budgets::cases(),
        recurring::cases(),
        operator_actions::cases(),
        bulk_actions::cases(),
        workers::cases(),
        rate_limit_pruning::cases(),
        rate_limits::cases(),
    ]
    .concat()
}

/// Runs every case, each on its own store, which must be empty.
///
/// # Panics
/// If a case fails. The other cases run nevertheless. The message names all failed cases with their panics.
pub fn exercise<S: Store>(make_store: impl Fn() -> S) {
    let cases = cases::<S>();
    let mut failures = Vec::new();
    for (name, case) in &cases {
        let store = make_store();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| case(&store))) {
            let message = payload.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            failures.push(format!("case {name}: {message}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} cases failed\n{}", failures.len(), cases.len(), failures.join("\n"));
}
