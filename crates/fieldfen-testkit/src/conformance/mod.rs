//! What every store must do, as named cases.
//!
//! Where a trait is silent, the case decides: its name says what.

mod api_usage;
mod batches;
mod claim_batches;
mod claims;
mod clocks;
mod deletions;
mod documents;
mod enqueueing;
mod fence;
mod file_pages;
mod files;
mod hashes;
mod killed;
mod leases;
mod listings;
mod lost_leases;
mod operator_actions;
mod operators;
mod pages;
mod parked;
mod pruning;
mod publications;
mod recurring;
mod reservations;
mod retries;
mod same_ids;
mod steps;
mod threads;
pub mod trace;
mod transactions;
mod unclaimed;
mod unknown_ends;
mod workers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fieldfen_domain::store::Store;
pub use threads::threads;
pub use unknown_ends::unknown_ends;

/// A case: its name, and what it does with a fresh store. It panics when the store is not as it must be.
pub type Case<S> = (&'static str, fn(&S));

/// Lists the cases of a module by their functions' names.
macro_rules! named {
    ($module:literal: $($case:ident),+ $(,)?) => {
        vec![$((concat!($module, "::", stringify!($case)), $case::<S> as fn(&S))),+]
    };
}

use named;

/// Every case, for runners that list them or run some of them.
#[must_use]
pub fn cases<S: Store>() -> Vec<Case<S>> {
    [
        transactions::cases(),
        files::cases(),
        file_pages::cases(),
        pages::cases(),
        deletions::cases(),
        enqueueing::cases(),
        batches::cases(),
        documents::cases(),
        claims::cases(),
        fence::cases(),
        claim_batches::cases(),
        leases::cases(),
        lost_leases::cases(),
        retries::cases(),
        operators::cases(),
        parked::cases(),
        killed::cases(),
        clocks::cases(),
        pruning::cases(),
        hashes::cases(),
        reservations::cases(),
        publications::cases(),
        unclaimed::cases(),
        same_ids::cases(),
        listings::cases(),
        api_usage::cases(),
        recurring::cases(),
        operator_actions::cases(),
        workers::cases(),
    ]
    .concat()
}

/// Runs every case, each on a store of its own that must be empty.
///
/// # Panics
/// When a case fails. The others are run nevertheless; the message names all that failed, and why.
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
