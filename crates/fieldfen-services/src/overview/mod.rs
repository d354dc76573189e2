//! The overview of a shop: first the things that need a person, the oldest first, then the jobs of each kind.
//!
//! Every count has a bound, and no question of the overview reads a whole table.
//!
//! ```
//! use fieldfen_services::{Environment, overview::Overviews};
//! use fieldfen_testkit::ModelStore;
//!
//! let overview = Overviews::new(ModelStore::new(), Environment::system()).overview()?;
//! assert!(overview.needs.is_empty() && overview.kinds.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dead_letters;
mod figures;
mod find_needs;
mod need;

use chrono::TimeDelta;
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::KindFlow;
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::worker::RegisteredWorker;
use serde::Serialize;

pub use figures::QueueFigures;
pub use need::{Need, NeedKind};

use crate::Environment;
use crate::api_costs::ApiCosts;
use crate::shop::Backups;

/// The largest number of rows that one count of an overview reads. At 10,000, the counts of a million jobs were
/// estimated at 75 ms together, more than the 50 ms that a screen may take.
pub const MOST_COUNTED: u32 = 2_000;

/// The span whose completed jobs an overview counts.
pub const THROUGHPUT_SPAN: TimeDelta = TimeDelta::hours(1);

/// The time for which an overview names a worker that has died.
pub const DEAD_WORKERS_SINCE: TimeDelta = TimeDelta::days(1);

/// Makes overviews of a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct Overviews<S> {
    store: S,
    environment: Environment,
    budgets: Option<ApiCosts<S>>,
    /// The time of the newest backup, and the rules about backups; `None` if the program looks after no backups.
    backups: Option<(Option<Timestamp>, Backups)>,
}

/// A shop at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Overview {
    /// The time of the overview.
    pub at: Timestamp,
    /// The things that need a person, the oldest first.
    pub needs: Vec<Need>,
    /// The jobs of each kind that has any, sorted by name. `completed` counts those of the last hour.
    pub kinds: Vec<KindFlow>,
    /// The number of workers that are alive.
    pub live_workers: u64,
}

impl<S: Store> Overviews<S> {
    /// Overviews of this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment, budgets: None, backups: None }
    }

    /// The same overviews, with the budgets of these costs.
    #[must_use]
    pub fn budgets(mut self, costs: ApiCosts<S>) -> Self {
        self.budgets = Some(costs);
        self
    }

    /// The same overviews, with a need if the newest backup is too old, or if there is none. `made_at` is its time.
    #[must_use]
    pub fn newest_backup(mut self, made_at: Option<Timestamp>, rules: Backups) -> Self {
        self.backups = Some((made_at, rules));
        self
    }

    /// The shop as it is now. All of it is read in one transaction.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] for a budget that cannot be read. A pause that cannot be read is a need. Other rows that
    /// cannot be read are left out.
    pub fn overview(&self) -> Result<Overview, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| self.overview_in(s, now))
    }

    fn overview_in(&self, s: &mut dyn ReadSession, now: Timestamp) -> Result<Overview, StoreError> {
        let kinds = s.jobs().flow(now - THROUGHPUT_SPAN, now, MOST_COUNTED)?;
        let seen = s.workers().seen_since(now - DEAD_WORKERS_SINCE)?;
        let (live, dead): (Vec<RegisteredWorker>, Vec<_>) =
            seen.into_iter().flatten().partition(|worker| worker.is_alive(now));
        let mut needs = Vec::new();
        find_needs::files(s, &mut needs)?;
        find_needs::jobs(s, &kinds, &live, &mut needs)?;
        find_needs::publications(s, &mut needs)?;
        find_needs::bulk_actions(s, &mut needs)?;
        find_needs::pauses(s, now, &mut needs)?;
        find_needs::blocks(s, now, &mut needs)?;
        if let Some(costs) = &self.budgets {
            find_needs::budgets(costs.budget_reports_in(s, now)?, &mut needs);
        }
        needs.extend(dead.into_iter().map(Need::of_dead_worker));
        find_needs::unreadable_rows(s, &mut needs)?;
        needs.extend(self.backups.as_ref().and_then(|(made_at, rules)| Need::of_backups(*made_at, rules, now)));
        // A need whose beginning is unknown comes last.
        needs.sort_by_key(|need| (need.since.is_none(), need.since));
        Ok(Overview { at: now, needs, kinds, live_workers: live.len() as u64 })
    }
}
