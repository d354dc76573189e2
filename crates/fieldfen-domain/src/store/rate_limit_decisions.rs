//! Acquiring and settling permits, over the rows of a store.
//!
//! These functions decide for every store. A store implements [`RateLimitRows`], which only reads and writes rows, and
//! runs them in its transaction.

use super::rate_limit_rows::{PassedUnits, RateLimitRowReads, RateLimitRows};
use super::{PauseReads, StoreError};
use crate::api_cost::CostState;
use crate::job::Pause;
use crate::rate_limit::{
    AcquireOutcome, AcquireRequest, Availability, CallAnswer, CallScope, Closed, LimitRule, PausesOfBudgets, Permit,
    PermitInFlight, RateLimit, RateLimitId, RateLimitKey, SettleOutcome, SettledCosts, Settlement, UsageCell,
    last_possible_lapse,
};
use crate::time::{Timestamp, truncate_to_micros};

/// The largest number of lapsed permits that one acquisition settles.
const LAPSED_AT_ONCE: u32 = 100;

/// The largest number of limits of a call. No limit that only an answer names is added beyond it, so that a service
/// that invents a name for each answer does not fill the database.
const MAX_LIMITS_OF_CALL: usize = 600;

/// [`RateLimits::acquire`](super::RateLimits::acquire).
pub fn acquire(rows: &mut dyn RateLimitRows, request: &AcquireRequest) -> Result<AcquireOutcome, StoreError> {
    let (wanted, now) = (&request.request, truncate_to_micros(request.now));
    if let Some(closed) = closed_by_pause(rows, &wanted.call, request.pauses_of_budgets, now)? {
        return Ok(AcquireOutcome::NotBefore(closed));
    }
    settle_lapsed(rows, now)?;
    let mut limits = configured_limits(rows, request)?;
    let mut passed = Vec::with_capacity(limits.len());
    let mut closed: Option<Closed> = None;
    for limit in &mut limits {
        passed.push(free_passed(rows, limit, now)?);
        let Some(refusal) = limit.refusal(wanted.wanted_of(&limit.key), now) else { continue };
        let cells = if refusal.depends_on_cells() { rows.cells(limit.id, now)? } else { Vec::new() };
        let refused = refusal.closed(&cells);
        closed = Some(match closed {
            Some(closed) => closed.later(refused),
            None => refused,
        });
    }
    if let Some(closed) = closed {
        return Ok(AcquireOutcome::NotBefore(closed));
    }
    let mut permit = Permit::new(request.id, wanted.call.clone(), now, request.call_timeout);
    for (limit, passed) in limits.iter_mut().zip(passed) {
        permit.limits.push(limit.take(wanted.wanted_of(&limit.key), now));
        delete_freed(rows, limit, passed, now)?;
        rows.save_limit(limit)?;
    }
    let mut in_flight = PermitInFlight::new(permit, &request.worker);
    in_flight.guess = wanted.guess;
    rows.insert_permit(&in_flight, wanted.units)?;
    Ok(AcquireOutcome::Acquired(in_flight.permit))
}

/// [`RateLimits::settle`](super::RateLimits::settle).
pub fn settle(rows: &mut dyn RateLimitRows, settlement: &Settlement) -> Result<SettleOutcome, StoreError> {
    let (permit, at) = (&settlement.permit, truncate_to_micros(settlement.at));
    if settlement.answer == CallAnswer::NoAnswer {
        if settlement.costs == SettledCosts::Recorded && !rows.remove_guess(&permit.id)? {
            free_lapsed_cost(rows, permit, at)?;
        }
        return Ok(SettleOutcome::Settled);
    }
    let is_missing = settlement.costs == SettledCosts::Missing && settlement.answer != CallAnswer::NotSent;
    if is_missing && let Some(in_flight) = rows.permit_with_id(&permit.id)? {
        record_unknown_cost(rows, &in_flight, at)?;
    }
    let is_live = rows.delete_permit(&permit.id)?;
    if !is_live && !is_missing {
        free_lapsed_cost(rows, permit, at)?;
    }
    let outcome = if is_live { SettleOutcome::Settled } else { SettleOutcome::Lapsed };
    let CallAnswer::Answered { limits: said, throttled, retry_at, blocked_bucket } = &settlement.answer else {
        if is_live {
            give_back(rows, permit, at)?;
        }
        return Ok(outcome);
    };
    let mut limits = rows.limits_of(&permit.call)?;
    let further = settlement.further_requests;
    // The permit with all units that the call took, as the answer counts them.
    let mut counted = permit.clone();
    for limit in &mut limits {
        let Some(taken) = counted.limits.iter_mut().find(|taken| taken.limit == limit.id) else { continue };
        let passed = free_passed(rows, limit, at)?;
        delete_freed(rows, limit, passed, at)?;
        let cell = if is_live { limit.settle(taken, at, at) } else { limit.count(taken.units, at, at) };
        let beyond = if further > 0 { limit.count(further, at, at) } else { None };
        taken.units = taken.units.saturating_add(further);
        for cell in cell.into_iter().chain(beyond) {
            rows.add_cell(limit.id, cell)?;
        }
    }
    let mut corrected = Vec::new();
    for said in said {
        let (id, unlinked) = match settlement.limit_of(said, &limits) {
            Ok(id) => (id, 0),
            Err(_) if limits.len() >= MAX_LIMITS_OF_CALL => continue,
            Err(key) => (added_limit(rows, key, &mut limits)?, rows.units_in_flight(&permit.call.service)?),
        };
        corrected.push(id);
        if let Some(limit) = limits.iter_mut().find(|limit| limit.id == id) {
            limit.correct(said, &counted, unlinked, at);
        }
    }
    if *throttled || retry_at.is_some() {
        let mut blocked = settlement.blocked_limits(blocked_bucket.as_deref(), &limits);
        if blocked.is_empty() {
            blocked.push(added_limit(rows, settlement.unnamed_limit(), &mut limits)?);
        }
        for limit in limits.iter_mut().filter(|limit| blocked.contains(&limit.id)) {
            limit.throttle(*retry_at, permit.acquired_at, at);
        }
        corrected.extend(blocked);
    } else {
        limits.iter_mut().for_each(|limit| limit.taken_again(permit.acquired_at));
    }
    let is_changed = |limit: &&RateLimit| permit.taken_of(limit.id).is_some() || corrected.contains(&limit.id);
    limits.iter().filter(is_changed).try_for_each(|limit| rows.save_limit(limit))?;
    let blocked = limits.iter().filter(|limit| corrected.contains(&limit.id)).filter_map(|limit| limit.pause(at));
    blocked.into_iter().try_for_each(|pause| write_pause(rows, &pause))?;
    Ok(outcome)
}

/// Pauses the service or account of a block. A pause that is about as long stays as it is.
fn write_pause(rows: &mut dyn RateLimitRows, pause: &Pause) -> Result<(), StoreError> {
    let known = rows.find(&pause.scope, pause.since)?;
    if known.is_none_or(|known| !known.ends_about_with(pause)) {
        rows.pause(pause)?;
    }
    Ok(())
}

/// The refusal by the pause of a call's service or account that ends last.
fn closed_by_pause<P: PauseReads + ?Sized>(
    pauses: &mut P,
    call: &CallScope,
    of_budgets: PausesOfBudgets,
    now: Timestamp,
) -> Result<Option<Closed>, StoreError> {
    let mut longest: Option<Pause> = None;
    for scope in call.pause_scopes() {
        if let Some(pause) = pauses.find(&scope, now)?.filter(|pause| pause.refuses(of_budgets))
            && longest.as_ref().is_none_or(|known| !known.outlasts(&pause))
        {
            longest = Some(pause);
        }
    }
    Ok(longest.map(|pause| pause.closed(now)))
}

/// [`RateLimitReads::look`](super::RateLimitReads::look).
pub fn look(
    rows: &mut dyn RateLimitRowReads,
    call: &CallScope,
    pauses_of_budgets: PausesOfBudgets,
    now: Timestamp,
) -> Result<Availability, StoreError> {
    let now = truncate_to_micros(now);
    if let Some(closed) = closed_by_pause(rows, call, pauses_of_budgets, now)? {
        return Ok(Availability::Closed(closed));
    }
    let limits = rows.limits_of(call)?;
    let mut closed: Option<Closed> = None;
    for (limit, lapsed) in as_they_are(rows, limits, now)? {
        let Some(refusal) = limit.refusal(1, now) else { continue };
        let mut cells = if refusal.depends_on_cells() { rows.cells(limit.id, now)? } else { Vec::new() };
        cells.extend(lapsed);
        cells.sort_by_key(|cell| cell.frees_at);
        let refused = refusal.closed(&cells);
        closed = Some(match closed {
            Some(closed) => closed.later(refused),
            None => refused,
        });
    }
    Ok(closed.map_or(Availability::Open, Availability::Closed))
}

/// The limits without expired units and with lapsed permits settled, as the next acquisition will write them. Each
/// comes with the cells of the lapsed permits.
pub fn as_they_are(
    rows: &mut dyn RateLimitRowReads,
    limits: Vec<RateLimit>,
    now: Timestamp,
) -> Result<Vec<(RateLimit, Vec<UsageCell>)>, StoreError> {
    let last_possible = last_possible_lapse(now);
    // Without permits in flight, none of the limits has one that has lapsed.
    let none = limits.iter().all(|limit| limit.permitted == 0);
    let lapsed = if none { Vec::new() } else { rows.lapsed(now, last_possible, LAPSED_AT_ONCE)? };
    let mut current = Vec::with_capacity(limits.len());
    for mut limit in limits {
        if limit.used > 0 {
            // Cells of a clock that was ahead do not close a limit here. The next acquisition moves them.
            let passed = rows.passed_units(limit.id, now, limit.last_possible_cell(now))?;
            limit.free(passed.expired.saturating_add(passed.ahead));
        }
        let mut cells = Vec::new();
        for PermitInFlight { permit, .. } in &lapsed {
            let taken = permit.taken_of(limit.id).copied();
            cells.extend(taken.and_then(|taken| limit.settle(&taken, counted_by(permit, now), now)));
        }
        current.push((limit, cells));
    }
    Ok(current)
}

/// The limits of a call, with those that the program has configured.
fn configured_limits(rows: &mut dyn RateLimitRows, request: &AcquireRequest) -> Result<Vec<RateLimit>, StoreError> {
    let mut limits = rows.limits_of(&request.request.call)?;
    for configured in &request.configured {
        match limits.iter_mut().find(|limit| limit.key == configured.key) {
            Some(limit) if limit.rule == configured.rule => {}
            Some(limit) => {
                limit.rule = configured.rule;
                rows.save_limit(limit)?;
            }
            None => {
                let id = rows.insert_limit(&configured.key, configured.rule)?;
                limits.push(RateLimit::new(id, configured.key.clone(), configured.rule));
            }
        }
    }
    Ok(limits)
}

/// Adds a limit that only answers name.
fn added_limit(
    rows: &mut dyn RateLimitRows,
    key: RateLimitKey,
    limits: &mut Vec<RateLimit>,
) -> Result<RateLimitId, StoreError> {
    if let Some(limit) = limits.iter().find(|limit| limit.key == key) {
        return Ok(limit.id);
    }
    let id = rows.insert_limit(&key, LimitRule::Reported)?;
    limits.push(RateLimit::new(id, key, LimitRule::Reported));
    Ok(id)
}

/// Subtracts expired units from the limit's count. Cells that a clock ahead has written are moved to the latest time at
/// which a cell can end now, so that they expire.
fn free_passed(rows: &mut dyn RateLimitRows, limit: &mut RateLimit, now: Timestamp) -> Result<PassedUnits, StoreError> {
    if limit.used == 0 {
        return Ok(PassedUnits::default());
    }
    let last_possible = limit.last_possible_cell(now);
    let passed = rows.passed_units(limit.id, now, last_possible)?;
    limit.free(passed.expired);
    if passed.ahead > 0 {
        rows.delete_passed(limit.id, now, last_possible)?;
        rows.add_cell(limit.id, UsageCell::new(last_possible, passed.ahead))?;
        rows.save_limit(limit)?;
        return Ok(PassedUnits::default());
    }
    Ok(passed)
}

/// Deletes the cells whose units were freed.
fn delete_freed(
    rows: &mut dyn RateLimitRows,
    limit: &RateLimit,
    passed: PassedUnits,
    now: Timestamp,
) -> Result<(), StoreError> {
    match passed.expired {
        0 => Ok(()),
        _ => rows.delete_passed(limit.id, now, limit.last_possible_cell(now)),
    }
}

/// [`RateLimits::settle_lapsed`](super::RateLimits::settle_lapsed).
pub fn settle_lapsed(rows: &mut dyn RateLimitRows, now: Timestamp) -> Result<bool, StoreError> {
    let now = truncate_to_micros(now);
    let lapsed = rows.lapsed(now, last_possible_lapse(now), LAPSED_AT_ONCE)?;
    for in_flight in &lapsed {
        let permit = &in_flight.permit;
        for taken in &permit.limits {
            let Some(mut limit) = rows.limit(taken.limit)? else { continue };
            if let Some(cell) = limit.settle(taken, counted_by(permit, now), now) {
                rows.add_cell(limit.id, cell)?;
            }
            rows.save_limit(&limit)?;
        }
        record_unknown_cost(rows, in_flight, now)?;
        rows.delete_permit(&permit.id)?;
    }
    Ok(lapsed.len() as u64 == u64::from(LAPSED_AT_ONCE))
}

/// Records the guess of a permit whose call may have been charged, and whose cost is not on record.
fn record_unknown_cost(
    rows: &mut dyn RateLimitRows,
    in_flight: &PermitInFlight,
    now: Timestamp,
) -> Result<(), StoreError> {
    match in_flight.unknown_cost(now) {
        Some(cost) => rows.costs().record(&cost).map(drop),
        None => Ok(()),
    }
}

/// Frees the cost that was recorded when the permit lapsed: the call has ended after all, and its costs are on record.
fn free_lapsed_cost(rows: &mut dyn RateLimitRows, permit: &Permit, now: Timestamp) -> Result<(), StoreError> {
    let costs = rows.costs();
    match costs.find(&permit.call.service, &permit.cost_id())? {
        Some(cost) => costs.record(&cost.state(CostState::Free, now)).map(drop),
        None => Ok(()),
    }
}

/// The latest time at which the service has counted the call of a lapsed permit.
fn counted_by(permit: &Permit, now: Timestamp) -> Timestamp {
    permit.lapses_at.min(now)
}

fn give_back(rows: &mut dyn RateLimitRows, permit: &Permit, now: Timestamp) -> Result<(), StoreError> {
    for taken in &permit.limits {
        if let Some(mut limit) = rows.limit(taken.limit)? {
            limit.give_back(taken, now);
            rows.save_limit(&limit)?;
        }
    }
    Ok(())
}
