//! Recurring work: a schedule, and the job that each of its ticks enqueues.
//!
//! Every worker takes due ticks, whatever its handlers. The transaction that enqueues the job of a tick also takes the
//! tick, and only while it is still the next one. However many processes run, no tick makes two jobs. Ticks that passed
//! while no worker ran make one job together: after a day without workers, hourly work runs once, not 24 times. A tick
//! that comes while the job of an earlier tick is pending or running makes no job, since the jobs have the dedup key
//! `recurring:` with the name of the work. Work whose handler runs nowhere therefore does not pile up.
//!
//! [`Recurring`] is the handle for programs and operators. Each write is one transaction with the operator's action.
//! The handle deals with unknown outcomes as a [`Queue`](crate::queue) does. Its `*_in` methods write in a transaction
//! of the caller's.
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

/// The recurring work of a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct Recurring<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> Recurring<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// All recurring work, by name. An error names a row that cannot be read as recurring work.
    pub fn list(&self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError> {
        self.store.read(|s| s.recurring().list())
    }

    /// Finds the work with this name.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as recurring work.
    pub fn find(&self, name: &RecurringName) -> Result<Option<RecurringJob>, StoreError> {
        self.store.read(|s| s.recurring().find(name))
    }

    /// Defines work, or changes the work with this name; see [`define_in`](Recurring::define_in). A program may define
    /// its work at each start: with an unchanged schedule the next tick is unchanged, and paused work stays paused.
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

    /// Pauses work: no tick is taken until it is [resumed](Recurring::resume). A job of an earlier tick is not
    /// affected.
    pub fn pause(&self, name: &RecurringName, action: &Action) -> Result<PauseOutcome, StoreError> {
        self.act(name, action, ActionKind::Pause, |t| self.pause_in(t, name, action))
    }

    /// Resumes work. The missed ticks together make one job, at once. If no tick was missed, the next tick is
    /// unchanged.
    pub fn resume(&self, name: &RecurringName, action: &Action) -> Result<PauseOutcome, StoreError> {
        self.act(name, action, ActionKind::Resume, |t| self.resume_in(t, name, action))
    }

    /// Enqueues the job of some work now, without taking a tick; see [`run_now_in`](Recurring::run_now_in). `None` if
    /// there is no work with this name.
    ///
    /// # Errors
    /// As [`run_now_in`](Recurring::run_now_in).
    pub fn run_now(&self, name: &RecurringName, action: &Action) -> Result<Option<EnqueueOutcome>, QueueError> {
        self.act(name, action, ActionKind::RunNow, |t| self.run_now_in(t, name, action))
    }

    /// Removes work. Returns `false` if there is no work with this name. A job of an earlier tick is not affected.
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
