//! The services on every store.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests: what goes wrong must fail them")]

use std::collections::BTreeSet;
use std::time::Duration;

use fieldfen_domain::file::{FileStatus, NewFile};
use fieldfen_domain::job::{InvalidPayload, Job, JobKind, JobStatus, Payload, WorkerName};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, JobId, Timestamp};
use fieldfen_services::environment::{Environment, ManualClock, SeededRandomness};
use fieldfen_services::pipeline::FileFailureHook;
use fieldfen_services::queue::{ClaimedJob, Queue};
use fieldfen_services::recurring::Recurring;
use fieldfen_testkit::faults::suspended;
use serde::{Deserialize, Serialize};

/// As [`on_every_store`], without the stores whose writes fail.
macro_rules! on_stores_without_faults {
    ($($name:ident),+ $(,)?) => {
        mod on_the_model {
            $( #[test] fn $name() { super::$name(fieldfen_testkit::ModelStore::new()); } )+
        }
        mod on_sqlite {
            $( #[test] fn $name() { super::$name(fieldfen_persistence::SqliteStore::in_memory().unwrap()); } )+
        }
        mod on_reruns {
            use fieldfen_testkit::{ModelStore, faults::RerunStore};
            $( #[test] fn $name() { super::$name(RerunStore::new(ModelStore::new())); } )+
        }
    };
}

/// Makes a test of each function for each store; the functions take a fresh one.
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {
        on_stores_without_faults!($($name),+);
        mod on_conflicts {
            use fieldfen_testkit::{ModelStore, faults::ConflictStore};
            $( #[test] fn $name() { super::$name(ConflictStore::new(ModelStore::new(), crate::fault_seed(), 2)); } )+
        }
        mod on_unknown_commits {
            use fieldfen_testkit::{ModelStore, faults::OutcomeUnknownStore};
            $( #[test] fn $name() { super::$name(OutcomeUnknownStore::committing(ModelStore::new(), crate::fault_seed())); } )+
        }
        mod on_unknown_rollbacks {
            use fieldfen_testkit::{ModelStore, faults::OutcomeUnknownStore};
            $( #[test] fn $name() { super::$name(OutcomeUnknownStore::rolling_back(ModelStore::new(), crate::fault_seed())); } )+
        }
    };
}

mod account_pauses;
mod ambiguous_foreign_rows;
mod api_costs;
mod api_report;
mod api_usage;
#[cfg(feature = "tokio")]
mod async_handlers;
#[cfg(feature = "tokio")]
mod async_store;
mod budgets;
mod bulk_actions;
mod call_costs;
mod calls_recorded_once;
mod chaos;
mod claims_ahead;
mod clock_jumps;
mod debug_output;
mod declined_jobs;
mod duplicates;
mod failed_takedowns;
mod failure_hooks;
mod fake_marketplace;
mod files;
mod foreign_listings;
mod imprecise_search;
mod job_json;
mod leases;
mod limited_calls;
mod listed_file;
mod listing_status_updates;
mod lookup_lag;
mod lost_leases;
mod on_worker_death;
mod one_handler_per_job;
mod operator_actions;
mod operator_requests;
mod operator_resolutions;
mod outcome_batches;
mod overview;
mod panicking_values;
mod panics;
mod parked_jobs;
mod paused_workers;
mod pipeline;
mod platform_conformance;
mod posts;
#[cfg(feature = "prometheus")]
mod prometheus;
mod publishing;
mod queue;
mod races;
mod rate_limiter;
mod read_handles;
mod reconcile;
mod reconcile_pages;
mod recurring;
mod recurring_handle;
mod recurring_zones;
mod replaced_file_bytes;
mod reservation_taken_over;
mod reused_ids;
mod schedule_clocks;
mod secrets_in_errors;
mod shop_harness;
mod spent_budgets;
mod store_failures;
mod stuck_handlers;
mod throttled_jobs;
mod timeouts;
mod traces;
mod transactions;
mod two_accounts;
mod unapproved_files;
mod unclear_answers;
mod upkeep;
mod webhooks;
mod why;
mod withdrawals;
mod worker;
mod worker_join;
mod worker_limits;
mod worker_registry;
mod worker_stop;
mod wrong_answers;

/// The seed of the failing writes on stores that fail some, from `FIELDFEN_FAULT_SEED`.
fn fault_seed() -> u64 {
    let seed = std::env::var("FIELDFEN_FAULT_SEED").ok().map_or(20_261_126, |seed| seed.parse().unwrap());
    println!("FIELDFEN_FAULT_SEED={seed}");
    seed
}

/// A write of the test itself, without faults: only the services must handle faults.
trait SetUp: Store {
    fn set_up<T>(&self, f: impl FnMut(&mut dyn Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        suspended(|| self.write(f))
    }

    fn try_set_up<T, E: From<StoreError>>(&self, f: impl FnMut(&mut dyn Session) -> Result<T, E>) -> Result<T, E> {
        suspended(|| self.try_write(f))
    }
}

impl<S: Store> SetUp for S {}

/// A kind of job of these tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Note {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl Payload for Note {
    const KIND: &'static str = "test.note";

    fn check(&self) -> Result<(), InvalidPayload> {
        if self.text.is_empty() {
            let (kind, value) = (Self::kind(), String::new());
            return Err(InvalidPayload::Field { kind, field: "text", value, rule: "1 character or more" });
        }
        Ok(())
    }
}

const LEASE: Duration = Duration::from_secs(60);

/// The longest wait of a job after its first lost lease.
const LOST_LEASE_WAIT: Duration = Duration::from_secs(10);

/// A wait that takes longer hangs.
const LONG: Duration = Duration::from_secs(300);

/// A queue whose clock and randomness the test sets.
struct Bench<S> {
    queue: Queue<S>,
    clock: ManualClock,
}

impl<S: Store> Bench<S> {
    fn new(store: S) -> Self {
        let clock = ManualClock::new("2026-11-23T14:05:09Z".parse().unwrap());
        let environment = Environment::new(clock.clone(), SeededRandomness::new(1));
        Self { queue: Queue::new(store, environment).with_failure_hook(FileFailureHook), clock }
    }

    fn recurring(&self) -> Recurring<S> {
        Recurring::new(self.queue.store().clone(), self.queue.environment().clone())
    }

    fn now(&self) -> Timestamp {
        self.queue.environment().now()
    }

    /// Enqueues a note that is due at once.
    fn note(&self, text: &str) -> JobId {
        *self.queue.enqueue(&self.queue.job(&Note::new(text)).unwrap()).unwrap().id()
    }

    fn claim_notes(&self, limit: u32) -> Vec<ClaimedJob> {
        self.claim(Note::kind(), limit)
    }

    fn claim(&self, kind: JobKind, limit: u32) -> Vec<ClaimedJob> {
        let claims = self.queue.claim(&BTreeSet::from([kind]), limit, LEASE, &WorkerName::new("test")).unwrap();
        assert_eq!(claims.unreadable, []);
        claims.jobs
    }

    fn job(&self, id: &JobId) -> Job {
        self.queue.find(id).unwrap().unwrap()
    }

    fn status(&self, id: &JobId) -> JobStatus {
        self.job(id).state.status()
    }

    /// A file that has just arrived.
    fn file(&self) -> FileId {
        let id = self.queue.environment().file_id();
        let file = NewFile::new(id, "buck.jpg".to_owned(), self.now());
        self.queue.store().set_up(|s| s.files().insert(&file)).unwrap();
        id
    }

    fn file_status(&self, id: &FileId) -> FileStatus {
        let file = self.queue.store().read(|s| s.files().find(id)).unwrap();
        file.unwrap().state.status()
    }
}
