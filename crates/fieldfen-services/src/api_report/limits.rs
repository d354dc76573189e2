//! The units that the limits of services have left, and the calls and jobs that are blocked.

use std::collections::BTreeSet;

use fieldfen_domain::api_cost::BudgetState;
use fieldfen_domain::job::PauseScope;
use fieldfen_domain::rate_limit::{Availability, CallScope, ClosedBy, PausesOfBudgets, RateLimit};
use fieldfen_domain::store::rows::split_bad_row;
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::{Timestamp, UnreadableRow};
use serde::Serialize;

use super::BudgetFigures;

/// A rate limit, and the units that it has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LimitFigures {
    /// The service.
    pub service: String,
    /// The account whose calls count; `None` if the calls of all accounts count together.
    pub account: Option<String>,
    /// The endpoint whose calls count; `None` if the calls of all endpoints count together.
    pub endpoint: Option<String>,
    /// The name of the limit; empty if the service gives it none.
    pub bucket: String,
    /// The units that a window allows, or that the bucket holds; `None` if they are not known.
    pub limit: Option<u64>,
    /// The length of the window in milliseconds; `None` if the limit has none, or if it is not known.
    pub window_ms: Option<u64>,
    /// The units of calls in the window, of calls in flight, and of other programs.
    pub in_use: u64,
    /// The units that are left; `None` if they are not known.
    pub left: Option<u64>,
    /// The time until which the statement of the service on the units left holds; `None` if it made none. A window of
    /// the program's own has no such time: each call leaves it one window after its answer.
    pub left_until: Option<Timestamp>,
    /// The share that is used, in hundredths of one per cent, as the service stated it last.
    pub used_basis_points: Option<u32>,
    /// The time of the service's last statement on this limit.
    pub reported_at: Option<Timestamp>,
}

impl LimitFigures {
    fn of(limit: &RateLimit, now: Timestamp) -> Self {
        let key = limit.key.clone();
        Self {
            limit: limit.limit(),
            window_ms: limit.window().map(|window| u64::try_from(window.as_millis()).unwrap_or(u64::MAX)),
            in_use: limit.in_use(now),
            left: limit.available(now),
            left_until: limit.left_at(now).or_else(|| limit.others_at(now)).map(|units| units.until),
            used_basis_points: limit.used_basis_points,
            reported_at: limit.reported_at,
            service: key.service,
            account: key.account,
            endpoint: key.endpoint,
            bucket: key.bucket,
        }
    }
}

/// The kind of rule that blocks calls or jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlockedBy {
    /// A rate limit has nothing left, or the service has refused a call.
    RateLimit,
    /// A person or a program has paused a kind of job, a service or an account.
    Pause,
    /// A budget is spent.
    Budget,
}

/// Calls or jobs that are blocked, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Blocked {
    /// The rule that blocks.
    pub by: BlockedBy,
    /// The service; `None` for all services, and for a kind of job.
    pub service: Option<String>,
    /// The account; `None` for all accounts.
    pub account: Option<String>,
    /// The endpoint; `None` for all endpoints.
    pub endpoint: Option<String>,
    /// The kind of job that is paused.
    pub kind: Option<String>,
    /// The end of the block; `None` if somebody must resume it.
    pub until: Option<Timestamp>,
    /// The reason, for people to read.
    pub reason: String,
}

impl Blocked {
    fn new(by: BlockedBy, until: impl Into<Option<Timestamp>>, reason: String) -> Self {
        Self { by, service: None, account: None, endpoint: None, kind: None, until: until.into(), reason }
    }
}

/// The limits, and the rows of limits that cannot be read.
pub(super) fn limits(
    reads: &mut dyn ReadSession,
    now: Timestamp,
) -> Result<(Vec<LimitFigures>, Vec<UnreadableRow>), StoreError> {
    let (mut limits, mut unreadable) = (Vec::new(), Vec::new());
    for limit in reads.rate_limits().list(None, now)? {
        match limit {
            Ok(limit) => limits.push(LimitFigures::of(&limit, now)),
            Err(row) => unreadable.push(row),
        }
    }
    Ok((limits, unreadable))
}

/// The calls and jobs that are blocked by limits, pauses and budgets, in this order. A pause that cannot be read joins
/// the unreadable rows, and no pause is shown then.
pub(super) fn blocked(
    reads: &mut dyn ReadSession,
    limits: &[LimitFigures],
    budgets: &[BudgetFigures],
    unreadable: &mut Vec<UnreadableRow>,
    now: Timestamp,
) -> Result<Vec<Blocked>, StoreError> {
    let scopes: BTreeSet<CallScope> = limits
        .iter()
        .filter(|limit| limit.left == Some(0))
        .map(|limit| {
            CallScope::new(limit.service.clone()).account(limit.account.clone()).endpoint(limit.endpoint.clone())
        })
        .collect();
    let mut blocked = Vec::new();
    for scope in scopes {
        if let Availability::Closed(closed) = reads.rate_limits().look(&scope, PausesOfBudgets::Refuse, now)?
            && let ClosedBy::Window { .. } | ClosedBy::Bucket { .. } | ClosedBy::Left { .. } | ClosedBy::Blocked { .. } =
                closed.by
        {
            let CallScope { service, account, endpoint, .. } = scope;
            let block = Blocked::new(BlockedBy::RateLimit, closed.until, closed.by.to_string());
            blocked.push(Blocked { service: Some(service), account, endpoint, ..block });
        }
    }
    let pauses = split_bad_row(reads.pauses().list(now))?.unwrap_or_else(|row| {
        unreadable.push(row);
        Vec::new()
    });
    for pause in pauses {
        let block = Blocked::new(BlockedBy::Pause, pause.until, format!("{}: {}", pause.by, pause.reason));
        blocked.push(match pause.scope {
            PauseScope::Kind(kind) => Blocked { kind: Some(kind.to_string()), ..block },
            PauseScope::Account(account) => Blocked {
                service: Some(account.service().to_owned()),
                account: account.account().map(str::to_owned),
                ..block
            },
        });
    }
    for budget in budgets.iter().filter(|budget| budget.status.state == BudgetState::Spent) {
        let reason = format!("the budget {:?} is spent", budget.name);
        let block = Blocked::new(BlockedBy::Budget, budget.status.ends_at, reason);
        blocked.push(Blocked { service: budget.service.clone(), account: budget.account.clone(), ..block });
    }
    Ok(blocked)
}
