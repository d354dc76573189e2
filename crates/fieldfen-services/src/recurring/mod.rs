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

mod definition;
mod in_transaction;
mod schedule;
mod ticks;
mod time_zone;

use fieldfen_domain::UnreadableRow;
use fieldfen_domain::job::{EnqueueOutcome, Job, Payload};
use fieldfen_domain::operator::{Action, ActionKind, Subject};
use fieldfen_domain::recurring::{PauseOutcome, RecurringJob, RecurringName, RecurringRun};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{Store, StoreError};

pub use definition::{Definition, InvalidWork, schedule_of};
pub use schedule::{InvalidSchedule, Schedule};
pub(crate) use ticks::Batches;
pub use ticks::{Ticks, take_due};
pub use time_zone::{TimeZone, UnknownTimeZone};

use in_transaction::next_tick;

use crate::action_row::act;
use crate::queue::QueueError;
use crate::write_retry::{OfStore, write, write_once};
use crate::{Environment, Transaction};

/// The recurring work of a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct Recurring<S> {
    store: S,
    environment: Environment,
}

/// A run of recurring work with its job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// The time of the run, the id of its job and its tick.
    pub run: RecurringRun,
    /// The job; `None` if it has been deleted since.
    pub job: Option<Job>,
}

/// The answer to [`Recurring::define_file`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DefinedFile {
    /// The names of the work that the file defined earlier and no longer does, in the order of the names.
    pub no_longer: Vec<RecurringName>,
    /// The work that the file has changed, as it was before. New work is not among it.
    pub changed: Vec<RecurringJob>,
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

    /// The last runs of some work with their jobs, the latest first, at most
    /// [`MAX_RUNS`](fieldfen_domain::recurring::MAX_RUNS). A job is `None` if it has been deleted since. An error names
    /// a row that cannot be read.
    pub fn runs(&self, name: &RecurringName) -> Result<Vec<Result<Run, UnreadableRow>>, StoreError> {
        self.store.read(|s| {
            let runs = s.recurring().runs(name)?;
            runs.into_iter()
                .map(|run| match run {
                    Ok(run) => {
                        let job = split_bad_row(s.jobs().find(&run.job))?;
                        Ok(job.map(|job| Run { run, job }))
                    }
                    Err(error) => Ok(Err(error)),
                })
                .collect()
        })
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
        self.check_ticks(schedule)?;
        write(&self.store, |s| self.define_in(&mut Transaction::new(s), name, schedule, payload, action))
    }

    /// Defines work whose payload is not checked against a type; see
    /// [`define_untyped_in`](Recurring::define_untyped_in).
    ///
    /// # Errors
    /// As [`define_untyped_in`](Recurring::define_untyped_in).
    pub fn define_untyped(&self, definition: &Definition, action: &Action) -> Result<(), QueueError> {
        self.check_ticks(&definition.schedule)?;
        write(&self.store, |s| self.define_untyped_in(&mut Transaction::new(s), definition, action))
    }

    /// Checks that a schedule has a tick, before the write lock is taken.
    fn check_ticks(&self, schedule: &Schedule) -> Result<(), StoreError> {
        next_tick(schedule, self.environment.now()).map(drop)
    }

    /// Defines the recurring work of a file in one transaction. The answer names the work that the same file defined
    /// earlier and no longer does, and the work that was different before.
    ///
    /// Work that the file no longer defines goes on, since another worker may have another version of the file. A
    /// person [removes](Recurring::remove) or pauses it. Of two versions, the one that was defined last counts.
    ///
    /// # Errors
    /// As [`define_untyped_in`](Recurring::define_untyped_in).
    pub fn define_file(
        &self,
        file: &str,
        definitions: &[Definition],
        action: &Action,
    ) -> Result<DefinedFile, QueueError> {
        definitions.iter().try_for_each(|definition| self.check_ticks(&definition.schedule))?;
        write_once(&self.store, |s, answered: Option<&DefinedFile>| {
            let mut changed = Vec::new();
            let before = s.recurring().list()?;
            for definition in definitions {
                let definition = definition.clone().defined_in(file.to_owned());
                let is_changed = self.define_of(&mut Transaction::new(s), &definition, action)?;
                let known = before.iter().flatten().find(|known| known.name == definition.name);
                changed.extend(known.filter(|_| is_changed).cloned());
            }
            let of_file = before.iter().flatten().filter(|work| work.defined_in.as_deref() == Some(file));
            let is_defined = |name: &RecurringName| definitions.iter().any(|definition| definition.name == *name);
            let no_longer = of_file.map(|work| work.name.clone()).filter(|name| !is_defined(name)).collect();
            // An earlier attempt that took effect has left nothing to change: its answer stands.
            Ok((answered.is_none() || !changed.is_empty()).then_some(DefinedFile { no_longer, changed }))
        })
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
