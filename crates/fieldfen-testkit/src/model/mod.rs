//! The model: a store in plain Rust that is simple enough to be correct by inspection.
//!
//! Other stores are compared with it, and services are tested on it. It uses no SQL and keeps all data in memory.

mod api_costs;
mod api_usage;
mod bulk_actions;
mod claim_place;
mod concurrency_limits;
mod files;
mod hashes;
mod ids;
mod job_actions;
mod job_reads;
mod job_row;
mod jobs;
mod keys;
mod listings;
mod operator_actions;
mod pauses;
mod publications;
#[cfg(test)]
mod rate_limit_traffic_test;
mod rate_limits;
mod recurring;
mod session;
mod store;
mod table;
mod workers;

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::File;
use fieldfen_domain::job::{ConcurrencyLimit, Pause};
use fieldfen_domain::publication::{Listing, Publication, SocialPost};
use fieldfen_domain::store::{Source, StoreError};

use api_costs::CostRow;
use api_usage::{CallRow, PrunedCallRow};
use bulk_actions::BulkRow;
use files::{DriveIdRow, HistoryRow};
use hashes::HashRow;
use job_row::JobRow;
use operator_actions::ActionRow;
use rate_limits::{CellRow, LimitRow, PermitRow};
use recurring::RecurringRow;
pub use store::ModelStore;
use table::Table;
use workers::WorkerRow;

/// The data of the model.
#[derive(Default)]
struct State {
    files: Table<File>,
    drive_ids: Table<DriveIdRow>,
    history: Table<HistoryRow>,
    jobs: Table<JobRow>,
    publications: Table<Publication>,
    listings: Table<Listing>,
    posts: Table<SocialPost>,
    hashes: Table<HashRow>,
    costs: Table<CostRow>,
    calls: Table<CallRow>,
    pruned_calls: Table<PrunedCallRow>,
    recurring: Table<RecurringRow>,
    actions: Table<ActionRow>,
    bulk_actions: Table<BulkRow>,
    workers: Table<WorkerRow>,
    limits: Table<LimitRow>,
    cells: Table<CellRow>,
    permits: Table<PermitRow>,
    concurrency_limits: Table<ConcurrencyLimit>,
    pauses: Table<Pause>,
}

impl State {
    /// Commits the open transaction. Returns whether it changed anything.
    fn commit(&mut self) -> bool {
        [
            self.files.commit(),
            self.drive_ids.commit(),
            self.history.commit(),
            self.jobs.commit(),
            self.publications.commit(),
            self.listings.commit(),
            self.posts.commit(),
            self.hashes.commit(),
            self.costs.commit(),
            self.calls.commit(),
            self.pruned_calls.commit(),
            self.recurring.commit(),
            self.actions.commit(),
            self.bulk_actions.commit(),
            self.workers.commit(),
            self.limits.commit(),
            self.cells.commit(),
            self.permits.commit(),
            self.concurrency_limits.commit(),
            self.pauses.commit(),
        ]
        .contains(&true)
    }

    /// Undoes all changes since the last commit.
    fn roll_back(&mut self) {
        self.files.roll_back();
        self.drive_ids.roll_back();
        self.history.roll_back();
        self.jobs.roll_back();
        self.publications.roll_back();
        self.listings.roll_back();
        self.posts.roll_back();
        self.hashes.roll_back();
        self.costs.roll_back();
        self.calls.roll_back();
        self.pruned_calls.roll_back();
        self.recurring.roll_back();
        self.actions.roll_back();
        self.bulk_actions.roll_back();
        self.workers.roll_back();
        self.limits.roll_back();
        self.cells.roll_back();
        self.permits.roll_back();
        self.concurrency_limits.roll_back();
        self.pauses.roll_back();
    }
}

/// An open transaction on the model. It implements every repository trait.
struct ModelSession<'s> {
    state: &'s mut State,
}

/// The model's own error text, in place of a database's.
fn words(text: &str) -> Source {
    format!("the model store says: {text}").into()
}

fn missing(what: String) -> StoreError {
    StoreError::MissingReference { what, source: words("there is no row with this id") }
}

fn taken(what: String) -> StoreError {
    StoreError::AlreadyExists { what, source: words("another row has this key") }
}

/// A time before all times of rows.
const BEGINNING: Timestamp = Timestamp::MIN_UTC;

/// A time after all times of rows.
const END: Timestamp = Timestamp::MAX_UTC;
