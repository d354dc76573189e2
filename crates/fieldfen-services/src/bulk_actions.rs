//! Actions on all jobs that match a filter.
//!
//! A bulk action is a row of `bulk_actions` with the action, the filter and a cursor. It is carried out in batches:
//! each batch is one transaction that changes the next jobs and moves the cursor. If the process dies between two
//! batches, another one resumes the action. If two processes carry out the same action, each job is still taken once.
//!
//! An action takes only jobs that were there, and in their present state, before it was started: a job that it has
//! retried and that fails again is not retried a second time. `operator_actions` has a row for the start of a bulk
//! action and one for its end, and none for each job.
//!
//! ```
//! use fieldfen_domain::job::{JobAction, JobFilter};
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_services::{Environment, bulk_actions::BulkActions, queue::Queue};
//! use fieldfen_testkit::ModelStore;
//!
//! let queue = Queue::new(ModelStore::new(), Environment::system());
//! let bulk_actions = BulkActions::new(queue);
//! let dead_letters = JobFilter::new().dead_letters().account("etsy".parse::<fieldfen_domain::job::ApiAccount>()?);
//! assert!(bulk_actions.dry_run(&dead_letters, JobAction::Retry)?.possible.is_zero());
//!
//! let ann = Action::new(Actor::new("ann", Via::Console)?, "Etsy answers again")?;
//! let started = bulk_actions.start(&dead_letters, JobAction::Retry, &ann)?;
//! let ended = bulk_actions.resume(&started.order.id, |_| true)?;
//! assert!(ended.is_some_and(|ended| ended.is_finished()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use fieldfen_domain::job::{
    BulkAction, BulkProgress, JobAction, JobActionOutcome, JobFilter, JobState, JobSummary, NewBulkAction,
};
use fieldfen_domain::operator::{Action, ActionOutcome, Subject};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{BulkActionId, CappedCount, Cursor, JobId, Page, PageRequest, Timestamp, is_ahead};

use crate::action_row::record;
use crate::queue::{Queue, QueueError};
use crate::write_retry::{write, write_once};

/// The most jobs that one transaction changes.
const BATCH: u32 = 100;

/// The most jobs of each count of a [`DryRun`].
pub const MOST_COUNTED: u64 = 10_000;

/// The most pages that a dry run reads. A store examines a bounded number of rows for each.
const MOST_PAGES: usize = 25;

/// The number of jobs on a page of a dry run.
const PAGE: u32 = 1_000;

/// The number of examples in a dry run.
const EXAMPLES: usize = 5;

/// The bulk actions of a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct BulkActions<S> {
    queue: Queue<S>,
}

/// The jobs that a bulk action would take now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DryRun {
    /// The number of jobs for which the action is possible.
    pub possible: CappedCount,
    /// The number of jobs that match, and whose state does not allow the action.
    pub impossible: CappedCount,
    /// The first jobs for which the action is possible, the oldest first.
    pub examples: Vec<JobSummary>,
}

impl<S: Store> BulkActions<S> {
    /// The bulk actions of this queue. The failure hooks of the queue run for each job that is cancelled or killed.
    #[must_use]
    pub const fn new(queue: Queue<S>) -> Self {
        Self { queue }
    }

    /// Counts the jobs that a bulk action would take now, and changes nothing. At most [`MOST_COUNTED`] jobs are
    /// counted.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub fn dry_run(&self, filter: &JobFilter, action: JobAction) -> Result<DryRun, StoreError> {
        let filter = action.effective_filter(filter);
        let (mut possible, mut impossible, mut examples) = (0, 0, Vec::new());
        let (mut request, mut is_capped) = (PageRequest::first(PAGE), true);
        for _ in 0..MOST_PAGES {
            let page = self.queue.store().read(|s| s.jobs().page(&filter, &request))?;
            impossible += page.unreadable.len() as u64;
            for job in page.items {
                if !action.is_possible_in(&job.state) {
                    impossible += 1;
                    continue;
                }
                possible += 1;
                if examples.len() < EXAMPLES {
                    examples.push(job);
                }
            }
            match page.next {
                Some(next) if possible.max(impossible) < MOST_COUNTED => request = request.after(next),
                Some(_) => break,
                None => {
                    is_capped = false;
                    break;
                }
            }
        }
        let count = |number: u64| {
            let mut count = CappedCount::new(number, u64::MAX);
            count.is_capped = is_capped;
            count
        };
        Ok(DryRun { possible: count(possible), impossible: count(impossible), examples })
    }

    /// Records a bulk action, and changes no job yet: [`resume`](Self::resume) carries it out.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the filter is too long.
    pub fn start(&self, filter: &JobFilter, action: JobAction, ordered: &Action) -> Result<BulkAction, StoreError> {
        let environment = self.queue.environment();
        let id = BulkActionId::from_random(environment.bits());
        let order = NewBulkAction::new(id, filter.clone(), action, ordered.clone(), environment.now());
        write_once(self.queue.store(), |s, before: Option<&BulkAction>| {
            if before.is_some() && s.bulk_actions().find(&id)?.is_some() {
                return Ok(None);
            }
            let row = s.bulk_actions().start(&order)?;
            self.record(s, &row.order, ActionOutcome::Requested)?;
            Ok::<_, StoreError>(Some(row))
        })
    }

    /// Carries out a bulk action from where it is, batch after batch, while `go_on` returns `true`. `go_on` gets the
    /// row after each batch. `None` if there is no such bulk action.
    ///
    /// Another process may carry out the same action at the same time.
    ///
    /// # Errors
    /// The batches before an error stay done, and the action can be resumed.
    pub fn resume(
        &self,
        id: &BulkActionId,
        mut go_on: impl FnMut(&BulkAction) -> bool,
    ) -> Result<Option<BulkAction>, QueueError> {
        loop {
            match self.step(id)? {
                Some(row) if !row.is_finished() && go_on(&row) => {}
                row => return Ok(row),
            }
        }
    }

    /// Carries out the next batch of a bulk action, in one transaction, and returns the row after it. `None` if there
    /// is no such bulk action.
    ///
    /// # Errors
    /// [`QueueError`] if the transaction failed. The batch has then changed no job, unless the outcome is unknown.
    pub fn step(&self, id: &BulkActionId) -> Result<Option<BulkAction>, QueueError> {
        let Some(row) = self.find(id)? else { return Ok(None) };
        if row.is_finished() {
            return Ok(Some(row));
        }
        let filter = row.order.action.effective_filter(&row.order.filter);
        let from = self.first_match(&row, &filter)?;
        write(self.queue.store(), |s| {
            // Another process, or an attempt of this one whose outcome is unknown, may have carried out this batch.
            let current = s.bulk_actions().find(id)?;
            if current.as_ref() != Some(&row) {
                return Ok(current);
            }
            let mut progress = row.progress.clone();
            match &from {
                Position::At(cursor) => self.batch(s, &row, &filter, cursor.as_ref(), &mut progress)?,
                Position::End => progress.finished_at = Some(self.queue.environment().now()),
            }
            if !s.bulk_actions().advance(id, &row.progress, &progress)? {
                return Err(
                    StoreError::Database(format!("bulk action {id} has moved in its own transaction").into()).into()
                );
            }
            if progress.finished_at.is_some() {
                self.record(s, &row.order, ActionOutcome::Done)?;
            }
            Ok::<_, QueueError>(Some(BulkAction::new(row.order.clone(), row.until.clone(), progress)))
        })
    }

    /// The bulk action with this id; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read.
    pub fn find(&self, id: &BulkActionId) -> Result<Option<BulkAction>, StoreError> {
        self.queue.store().read(|s| s.bulk_actions().find(id))
    }

    /// A page of bulk actions, in the order in which they were started. The page names the rows that cannot be read.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, page: &PageRequest) -> Result<Page<BulkAction>, StoreError> {
        self.queue.store().read(|s| s.bulk_actions().page(page))
    }

    /// Counts the jobs that a bulk action has not examined yet and would examine now: those that match, and that came
    /// into their present state before it was started. At most [`MOST_COUNTED`] jobs are counted. No job is left of a
    /// finished action.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub fn left(&self, row: &BulkAction) -> Result<CappedCount, StoreError> {
        let mut left = CappedCount::default();
        if row.is_finished() {
            return Ok(left);
        }
        let filter = row.order.action.effective_filter(&row.order.filter);
        let (mut cursor, now) = (row.progress.cursor.clone(), self.queue.environment().now());
        for _ in 0..MOST_PAGES {
            let request = jobs_of(row, cursor.as_ref(), PAGE);
            let page = self.queue.store().read(|s| s.jobs().page(&filter, &request))?;
            left.number += page.unreadable.len() as u64;
            left.number += page.items.iter().filter(|job| is_taken(row, job, now)).count() as u64;
            match page.next {
                Some(next) if left.number < MOST_COUNTED => cursor = Some(next),
                Some(_) => break,
                None => return Ok(left),
            }
        }
        left.is_capped = true;
        Ok(left)
    }

    /// A position before the first job that matches, with few other jobs between them. It is found in transactions that
    /// only read, so that no writer waits for a search among many jobs that do not match.
    fn first_match(&self, row: &BulkAction, filter: &JobFilter) -> Result<Position, StoreError> {
        let mut cursor = row.progress.cursor.clone();
        loop {
            let request = jobs_of(row, cursor.as_ref(), 1);
            let page = self.queue.store().read(|s| s.jobs().page(filter, &request))?;
            match (page.is_empty(), page.next) {
                (false, _) => return Ok(Position::At(cursor)),
                (true, None) => return Ok(Position::End),
                (true, next) => cursor = next,
            }
        }
    }

    /// Carries the action out on the next jobs.
    fn batch(
        &self,
        s: &mut dyn Session,
        row: &BulkAction,
        filter: &JobFilter,
        cursor: Option<&Cursor>,
        progress: &mut BulkProgress,
    ) -> Result<(), QueueError> {
        let now = self.queue.environment().now();
        let page = s.jobs().page(filter, &jobs_of(row, cursor, BATCH))?;
        progress.refused += page.unreadable.len() as u64;
        for job in page.items.iter().filter(|job| is_taken(row, job, now)) {
            let is_done = row.order.action.is_possible_in(&job.state) && self.is_carried_out(s, &job.id, row, now)?;
            *(if is_done { &mut progress.done } else { &mut progress.refused }) += 1;
        }
        progress.finished_at = page.next.is_none().then_some(now);
        progress.cursor = page.next.or_else(|| progress.cursor.take());
        Ok(())
    }

    /// Carries the action out on one job, and returns whether it took effect or the job was asked to stop.
    fn is_carried_out(
        &self,
        s: &mut dyn Session,
        id: &JobId,
        row: &BulkAction,
        now: Timestamp,
    ) -> Result<bool, QueueError> {
        match self.queue.carry_out(s, id, row.order.action, row.order.ordered.reason(), now) {
            Ok(outcome) => Ok(matches!(
                outcome,
                JobActionOutcome::Done | JobActionOutcome::CancelRequested | JobActionOutcome::Requeued(_)
            )),
            // The job itself is the reason, and the transaction goes on.
            Err(QueueError::Job(_) | QueueError::Store(StoreError::BadRow { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn record(&self, s: &mut dyn Session, order: &NewBulkAction, outcome: ActionOutcome) -> Result<(), StoreError> {
        let subject = Subject::BulkAction(order.id);
        record(s, &order.ordered, order.action.kind(), subject, outcome, self.queue.environment()).map(drop)
    }
}

/// The position from which a batch reads.
enum Position {
    /// After this cursor; the first jobs if there is none.
    At(Option<Cursor>),
    /// No job is left.
    End,
}

/// Returns whether a bulk action takes a job that matches.
fn is_taken(row: &BulkAction, job: &JobSummary, now: Timestamp) -> bool {
    row.order.is_earlier(job) || is_of_the_future(job, now)
}

/// Returns whether a clock that was ahead has written the time by which the job counts as earlier or later than the
/// action. Nobody knows then whether it came into its state before the action was started. It is taken, because no
/// other action would take it for as long as the clock was ahead.
fn is_of_the_future(job: &JobSummary, now: Timestamp) -> bool {
    let since = match job.state {
        JobState::Completed { at } | JobState::Failed { at } | JobState::Parked { at, .. } => at,
        JobState::Pending | JobState::Running { .. } => None,
    };
    since.or(job.created_at).is_some_and(|since| is_ahead(since, now))
}

/// The next jobs of a bulk action after a cursor.
fn jobs_of(row: &BulkAction, cursor: Option<&Cursor>, limit: u32) -> PageRequest {
    let request = PageRequest::first(limit).until(row.until.clone());
    match cursor {
        Some(cursor) => request.after(cursor.clone()),
        None => request,
    }
}
