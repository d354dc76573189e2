//! One look at the database: a bounded question, and its answer.

use fieldfen_domain::api_cost::BudgetStatus;
use fieldfen_domain::job::{
    ConcurrencyLimit, DeadLetterGroup, Job, JobAttempt, JobFilter, JobStatus, JobSummary, Pause, Why,
};
use fieldfen_domain::rate_limit::RateLimit;
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{CappedCount, JobId, PageRequest, Timestamp, UnreadableRow};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::concurrency_limits::ConcurrencyLimits;
use fieldfen_services::overview::{Overview, Overviews};
use fieldfen_services::pauses::Pauses;
use fieldfen_services::queue::Queue;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_services::workers::Workers;
use ratatui::layout::Size;

use super::filter_line;
use super::pane::{Pane, on_screen};

/// The most jobs of a list. A person narrows longer lists with a filter.
pub(super) const MOST_JOBS: u32 = 200;

/// The most groups of dead letters.
const MOST_GROUPS: u32 = 50;

/// The most completed jobs that one look counts.
const MOST_COMPLETED: u32 = 20_000;

/// The span between the completion of a job and its count. A worker sets the time before it commits.
const COUNT_DELAY: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

/// The part of the database that a look reads besides the overview and the workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The panes that are on the screen.
    pub(super) panes: Vec<Pane>,
    /// The filter of the list of jobs.
    pub(super) filter: String,
    /// The job that is open.
    pub(super) job: Option<JobId>,
    /// Whether no look is taken at all.
    pub(super) is_paused: bool,
}

impl Question {
    /// The question of a view that was just started on a screen of this size.
    pub(super) fn first(screen: Size) -> Self {
        Self { panes: on_screen(screen, Pane::default()), filter: String::new(), job: None, is_paused: false }
    }
}

/// The answer. A list is `None` if its pane is not on the screen.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) overview: Overview,
    /// The jobs that were completed since the look before, up to a bound, with the begin and end of the count.
    pub(super) completed: Option<(CappedCount, Timestamp, Timestamp)>,
    pub(super) workers: Option<WorkersLook>,
    pub(super) jobs: Option<JobsLook>,
    /// Dead letters by error, those with the most jobs first.
    pub(super) failures: Option<Vec<DeadLetterGroup>>,
    pub(super) limits: Option<LimitsLook>,
    pub(super) job: Option<JobLook>,
}

/// The living workers, and the jobs that run.
#[derive(Debug, Clone)]
pub(super) struct WorkersLook {
    pub(super) workers: Vec<RegisteredWorker>,
    pub(super) running: Vec<JobSummary>,
    /// Whether more jobs run.
    pub(super) has_more: bool,
}

/// The newest jobs that pass a filter.
#[derive(Debug, Clone)]
pub(super) struct JobsLook {
    pub(super) filter: String,
    pub(super) jobs: Vec<JobSummary>,
    pub(super) unreadable: Vec<UnreadableRow>,
    /// Whether more jobs may pass.
    pub(super) has_more: bool,
}

/// Pauses, limits and budgets.
#[derive(Debug, Clone)]
pub(super) struct LimitsLook {
    pub(super) pauses: Vec<Pause>,
    pub(super) concurrency: Vec<ConcurrencyLimit>,
    /// The row for which the pauses or the concurrency limits cannot be listed.
    pub(super) unreadable: Vec<UnreadableRow>,
    pub(super) rates: Vec<Result<RateLimit, UnreadableRow>>,
    /// The name and the status of each budget.
    pub(super) budgets: Vec<(String, BudgetStatus)>,
}

/// One job.
#[derive(Debug, Clone)]
pub(super) struct JobLook {
    pub(super) id: JobId,
    /// The job, its attempts and the reason for which it runs or does not run; `None` if it is not there.
    pub(super) found: Option<(Box<Job>, Vec<JobAttempt>, Why)>,
}

/// A database that is open.
pub(super) struct Opened<S> {
    pub(super) store: S,
    /// The costs, with the prices and budgets of the shop.
    pub(super) costs: ApiCosts<S>,
    /// Makes the overviews of `fieldfen status`.
    pub(super) overviews: Box<dyn Fn() -> Overviews<S> + Send>,
}

/// Reads one store.
pub(super) struct Reader<S> {
    store: S,
    environment: Environment,
    costs: ApiCosts<S>,
    overviews: Box<dyn Fn() -> Overviews<S> + Send>,
    /// The end of the last count of completed jobs.
    counted_until: Option<Timestamp>,
}

impl<S: Store> Reader<S> {
    pub(super) fn new(opened: Opened<S>, environment: Environment) -> Self {
        let Opened { store, costs, overviews } = opened;
        Self { store, environment, costs, overviews, counted_until: None }
    }

    pub(super) const fn store(&self) -> &S {
        &self.store
    }

    /// Goes on to count where another reader has ended.
    pub(super) fn count_from(&mut self, counted_until: Option<Timestamp>) {
        self.counted_until = counted_until;
    }

    pub(super) const fn counted_until(&self) -> Option<Timestamp> {
        self.counted_until
    }

    /// Takes a look. Each part of it reads a bounded number of rows.
    pub(super) fn look(&mut self, question: &Question) -> Result<Look, StoreError> {
        let queue = Queue::new(self.store.clone(), self.environment.clone());
        let overview = (self.overviews)().overview()?;
        let until = overview.at - COUNT_DELAY;
        let completed = match self.counted_until {
            Some(since) if since < until => {
                Some((queue.completed_between(since, until, MOST_COMPLETED)?, since, until))
            }
            _ => None,
        };
        let shows = |pane| question.panes.contains(&pane);
        let look = Look {
            completed,
            workers: shows(Pane::Workers).then(|| self.workers(&queue)).transpose()?,
            jobs: shows(Pane::Jobs).then(|| jobs(&queue, &question.filter, overview.at)).transpose()?,
            failures: shows(Pane::Failures).then(|| failures(&queue)).transpose()?,
            limits: shows(Pane::Limits).then(|| self.limits()).transpose()?,
            job: question.job.map(|id| self.job(&queue, id)).transpose()?,
            overview,
        };
        // The first look only begins the count. A clock that was set back begins anew.
        self.counted_until = Some(until);
        Ok(look)
    }

    fn workers(&self, queue: &Queue<S>) -> Result<WorkersLook, StoreError> {
        let workers = Workers::new(self.store.clone(), self.environment.clone()).all_alive()?;
        let running = JobFilter::new().status(JobStatus::Running);
        let running = queue.list(&running, &PageRequest::first(MOST_JOBS))?;
        Ok(WorkersLook { workers, running: running.items, has_more: running.next.is_some() })
    }

    fn limits(&self) -> Result<LimitsLook, StoreError> {
        let (store, environment) = (|| self.store.clone(), || self.environment.clone());
        let budgets = self.costs.budget_reports()?;
        let mut unreadable = Vec::new();
        let pauses = listed(Pauses::new(store(), environment()).list(), &mut unreadable)?;
        let concurrency = listed(ConcurrencyLimits::new(store(), environment()).list(), &mut unreadable)?;
        Ok(LimitsLook {
            pauses,
            concurrency,
            unreadable,
            rates: RateLimiter::new(store(), environment()).list(None)?,
            budgets: budgets.into_iter().map(|report| (report.budget.name, report.status)).collect(),
        })
    }

    fn job(&self, queue: &Queue<S>, id: JobId) -> Result<JobLook, StoreError> {
        let limiter = RateLimiter::new(self.store.clone(), self.environment.clone()).budgets(self.costs.clone());
        let (job, why) = (queue.find(&id)?, queue.why_with(&limiter, &id)?);
        let found = match job.zip(why) {
            Some((job, why)) => Some((Box::new(job), queue.attempts(&id)?, why)),
            None => None,
        };
        Ok(JobLook { id, found })
    }
}

/// The list, which is empty if one of its rows cannot be read.
fn listed<T>(list: Result<Vec<T>, StoreError>, unreadable: &mut Vec<UnreadableRow>) -> Result<Vec<T>, StoreError> {
    Ok(split_bad_row(list)?.unwrap_or_else(|row| {
        unreadable.push(row);
        Vec::new()
    }))
}

fn jobs<S: Store>(queue: &Queue<S>, filter: &str, now: Timestamp) -> Result<JobsLook, StoreError> {
    // A line that cannot be read was refused when it was typed.
    let filtered = filter_line::parse(filter).map(|filter| filter.resolved(queue.store()).unwrap_or(filter));
    let jobs = filtered.map(|filter| filter.filter(now)).unwrap_or_default();
    let page = queue.list(&jobs, &PageRequest::first(MOST_JOBS).newest_first())?;
    let (jobs, unreadable, has_more) = (page.items, page.unreadable, page.next.is_some());
    Ok(JobsLook { filter: filter.to_owned(), jobs, unreadable, has_more })
}

fn failures<S: Store>(queue: &Queue<S>) -> Result<Vec<DeadLetterGroup>, StoreError> {
    let mut groups = queue.dead_letters_by_error(MOST_GROUPS)?;
    groups.sort_by_key(|group| std::cmp::Reverse((group.has_more, group.jobs)));
    Ok(groups)
}
