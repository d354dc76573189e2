//! Recurring work: a schedule, and the job that each of its ticks enqueues.
//!
//! Every worker takes due ticks, whatever its handlers. A tick is taken in the transaction that enqueues its job, and
//! only while it is still the next one, so that however many processes run, no tick makes two jobs. Ticks that passed
//! while no worker ran make one job together: after a day without workers, hourly work runs once, not 24 times. Ticks
//! that come while the job of an earlier one still waits or runs are passed over for the same reason: the job has the
//! dedup key `recurring:` and the name of the work, so that work whose handler runs nowhere does not pile up.
//!
//! [`Recurring`] is the handle for programs and operators. Whatever it writes is one transaction with the operator's action,
//! and it settles unknown outcomes as a [`Queue`](crate::queue) does. Its `*_in` methods write in a transaction of the
//! caller's.
//!
//! ```
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_domain::recurring::PauseOutcome;
//! use fieldfen_services::{Environment, recurring::Recurring, upkeep::{self, Upkeep}};
//! use fieldfen_testkit::ModelStore;
//!
//! let recurring = Recurring::new(ModelStore::new(), Environment::system());
//! let (name, nightly) = (upkeep::name(), "0 3 * * *".parse()?);
//! let program = Action::new(Actor::new("worker", Via::Library)?, "the program defines it at its start")?;
//! recurring.define(&name, &nightly, &Upkeep::default(), &program)?;
//!
//! let ann = Action::new(Actor::new("ann", Via::Console)?, "the disk is being replaced")?;
//! assert_eq!(recurring.pause(&name, &ann)?, PauseOutcome::Done);
//! assert!(recurring.find(&name)?.is_some_and(|work| work.paused_at.is_some()));
//! assert!(recurring.run_now(&name, &ann)?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod in_transaction;
mod schedule;
mod ticks;

use fieldfen_domain::UnreadableRow;
use fieldfen_domain::job::{EnqueueOutcome, Payload};
use fieldfen_domain::operator::{Action, ActionKind, Subject};
use fieldfen_domain::recurring::{PauseOutcome, RecurringJob, RecurringName};
use fieldfen_domain::store::{Store, StoreError};

pub use schedule::{InvalidSchedule, Schedule};
pub(crate) use ticks::Batches;
pub use ticks::{Ticks, take_due};

use crate::action_row::act;
use crate::queue::QueueError;
use crate::write_retry::{OfStore, write};
use crate::{Environment, Transaction};

/// The recurring work of a store; clones are the same handle.
#[derive(Debug, Clone)]
pub struct Recurring<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> Recurring<S> {
    /// The recurring work of this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// All recurring work, by name; rows that hold what no recurring work can hold are named among it.
    pub fn list(&self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        self.store.read(|s| s.recurring().list())
    }

    /// The work of this name.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no recurring work can hold.
    pub fn find(&self, name: &RecurringName) -> Result<Option<RecurringJob>, StoreError> {
        self.store.read(|s| s.recurring().find(name))
    }

    /// Sets work up, or changes what has its name; see [`define_in`](Recurring::define_in). A program may define its work whenever it
    /// starts: what stays the same keeps its next tick, and what is paused stays so.
    ///
    /// # Errors
    /// As [`define_in`](Recurring::define_in).
    pub fn define<P: Payload>(
        &self,
        name: &RecurringName,
        schedule: &Schedule,
        payload: &P,
        action: &Action,
    ) -> Result<(), QueueError> {
        write(&self.store, |s| self.define_in(&mut Transaction::new(s), name, schedule, payload, action))
    }

    /// Pauses work: none of its ticks is taken until it is [resumed](Recurring::resume). A job that a tick has made before
    /// goes on.
    pub fn pause(&self, name: &RecurringName, action: &Action) -> Result<PauseOutcome, StoreError> {
        self.act(name, action, ActionKind::Pause, |t| self.pause_in(t, name, action))
    }

    /// Resumes work. The ticks that it has missed make one job together, at once; where it has missed none, the next tick
    /// stays as it was.
    pub fn resume(&self, name: &RecurringName, action: &Action) -> Result<PauseOutcome, StoreError> {
        self.act(name, action, ActionKind::Resume, |t| self.resume_in(t, name, action))
    }

    /// Enqueues the job of some work now, without taking a tick; see [`run_now_in`](Recurring::run_now_in). `None` when there is no work
    /// of this name.
    ///
    /// # Errors
    /// As [`run_now_in`](Recurring::run_now_in).
    pub fn run_now(&self, name: &RecurringName, action: &Action) -> Result<Option<EnqueueOutcome>, QueueError> {
        self.act(name, action, ActionKind::RunNow, |t| self.run_now_in(t, name, action))
    }

    /// Ends work; `false` when there is none of this name. A job that one of its ticks has made stays.
    pub fn remove(&self, name: &RecurringName, action: &Action) -> Result<bool, StoreError> {
        self.act(name, action, ActionKind::Remove, |t| self.remove_in(t, name, action))
    }

    fn act<T, E: OfStore>(
        &self,
        name: &RecurringName,
        action: &Action,
        kind: ActionKind,
        act_in: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        act(&self.store, (action, kind, Subject::Recurring(name.clone())), act_in)
    }
}
