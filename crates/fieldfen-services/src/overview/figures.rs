//! The figures of the queue for metrics.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::KindFlow;
use fieldfen_domain::store::{ReadSession, Store, StoreError};

use super::{DEAD_WORKERS_SINCE, MOST_COUNTED, Overviews, THROUGHPUT_SPAN};
use crate::api_costs::BudgetReport;

/// The queue at one time, without the needs of an [`Overview`](super::Overview).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueFigures {
    /// The time of the figures.
    pub at: Timestamp,
    /// The jobs of each kind that has any, sorted by name. No count reads more than [`MOST_COUNTED`] rows. `completed`
    /// counts the jobs of the last hour.
    pub kinds: Vec<KindFlow>,
    /// The number of workers that are alive.
    pub live_workers: u64,
    /// The [budgets](Overviews::budgets), each with the part that is left.
    pub budgets: Vec<BudgetReport>,
}

impl<S: Store> Overviews<S> {
    /// The figures of the queue now. All of them are read in one transaction.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] for a budget that cannot be read. Other rows that cannot be read are left out.
    pub fn figures(&self) -> Result<QueueFigures, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| self.figures_in(s, now))
    }

    fn figures_in(&self, s: &mut dyn ReadSession, now: Timestamp) -> Result<QueueFigures, StoreError> {
        let seen = s.workers().seen_since(now - DEAD_WORKERS_SINCE)?;
        let live_workers = seen.iter().flatten().filter(|worker| worker.is_alive(now)).count() as u64;
        let kinds = s.jobs().flow(now - THROUGHPUT_SPAN, now, MOST_COUNTED)?;
        let budgets = self.budgets.as_ref().map(|costs| costs.budget_reports_in(s, now)).transpose()?;
        Ok(QueueFigures { at: now, kinds, live_workers, budgets: budgets.unwrap_or_default() })
    }
}
