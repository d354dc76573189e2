//! Rate limits of external services, and permits for calls to them.

use fieldfen_domain::api_cost::{Currency, MAX_MONEY_MICROS, SpendScope};
use fieldfen_domain::job::PauseScope;
use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, Availability, CallScope, InFlightTotal, LimitRule, PausesOfBudgets, Permit,
    PermitInFlight, RateLimit, RateLimitId, RateLimitKey, SettleOutcome, Settlement, UsageCell, last_possible_lapse,
};
use fieldfen_domain::store::rate_limit_decisions;
use fieldfen_domain::store::rate_limit_rows::{PassedUnits, RateLimitRowReads, RateLimitRows};
use fieldfen_domain::store::{ApiCosts, RateLimitReads, RateLimits, StoreError};
use fieldfen_domain::{PermitId, Timestamp, UnreadableRow, truncate_to_micros};

use super::table::Row;
use super::{BEGINNING, END, ModelSession, State, taken};

#[derive(Clone)]
pub(super) struct LimitRow(RateLimit);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LimitRowKey {
    Id(RateLimitId),
    Name(RateLimitKey),
}

impl Row for LimitRow {
    type Key = LimitRowKey;

    fn keys(&self) -> Vec<LimitRowKey> {
        vec![LimitRowKey::Id(self.0.id), LimitRowKey::Name(self.0.key.clone())]
    }
}

/// A cell of a limit.
#[derive(Clone)]
pub(super) struct CellRow(RateLimitId, UsageCell);

impl Row for CellRow {
    type Key = (RateLimitId, Timestamp);

    fn keys(&self) -> Vec<Self::Key> {
        vec![(self.0, self.1.frees_at)]
    }
}

/// A permit in flight, with the units of its request.
#[derive(Clone)]
pub(super) struct PermitRow(PermitInFlight, u64);

impl Row for PermitRow {
    type Key = PermitId;

    fn keys(&self) -> Vec<PermitId> {
        vec![self.0.permit.id]
    }
}

impl RateLimitReads for ModelSession<'_> {
    fn look(
        &mut self,
        call: &CallScope,
        pauses_of_budgets: PausesOfBudgets,
        now: Timestamp,
    ) -> Result<Availability, StoreError> {
        rate_limit_decisions::look(self, call, pauses_of_budgets, now)
    }

    fn list(
        &mut self,
        service: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Result<RateLimit, UnreadableRow>>, StoreError> {
        let wanted = |limit: &&LimitRow| service.is_none_or(|service| service == limit.0.key.service);
        let mut limits: Vec<_> = self.state.limits.rows().filter(wanted).map(|row| row.0.clone()).collect();
        limits.sort_by(|a, b| a.key.cmp(&b.key));
        let current = rate_limit_decisions::as_they_are(self, limits, truncate_to_micros(now))?;
        Ok(current.into_iter().map(|(limit, _)| Ok(limit)).collect())
    }

    fn permit(&mut self, id: &PermitId) -> Result<Option<PermitInFlight>, StoreError> {
        Ok(self.state.permits.find(id).map(|(_, row)| row.0))
    }

    fn in_flight(
        &mut self,
        scope: &SpendScope,
        currency: Option<Currency>,
        now: Timestamp,
    ) -> Result<InFlightTotal, StoreError> {
        let now = truncate_to_micros(now);
        let mut total = InFlightTotal::default();
        for PermitRow(in_flight, units) in self.state.permits.rows() {
            let permit = &in_flight.permit;
            if permit.lapses_at <= now
                || permit.lapses_at > last_possible_lapse(now)
                || !scope.contains(&permit.call.service, permit.call.account.as_deref())
            {
                continue;
            }
            total.units += units;
            let guess = in_flight.guess.filter(|guess| Some(guess.currency()) == currency);
            let micros = guess.map_or(0, |guess| guess.micros());
            total.guess_micros = total.guess_micros.saturating_add(micros).min(MAX_MONEY_MICROS);
            total.first_lapse = Some(total.first_lapse.map_or(permit.lapses_at, |first| first.min(permit.lapses_at)));
        }
        Ok(total)
    }
}

impl RateLimits for ModelSession<'_> {
    fn acquire(&mut self, request: &AcquireRequest) -> Result<AcquireOutcome, StoreError> {
        rate_limit_decisions::acquire(self, request)
    }

    fn settle(&mut self, settlement: &Settlement) -> Result<SettleOutcome, StoreError> {
        rate_limit_decisions::settle(self, settlement)
    }

    fn settle_lapsed(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        rate_limit_decisions::settle_lapsed(self, now)
    }

    fn remove(&mut self, key: &RateLimitKey) -> Result<bool, StoreError> {
        let Some((number, row)) = self.state.limits.find(&LimitRowKey::Name(key.clone())) else { return Ok(false) };
        self.state.limits.remove(number);
        self.remove_cells(row.0.id, BEGINNING, END);
        Ok(true)
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = truncate_to_micros(before);
        let is_old = |at: Option<Timestamp>| at.is_none_or(|at| at < before);
        let mut old: Vec<RateLimit> = self.state.limits.rows().map(|row| row.0.clone()).collect();
        old.retain(|limit| {
            limit.rule == LimitRule::Reported
                && limit.permitted == 0
                && is_old(limit.reported_at)
                && is_old(limit.blocked.as_ref().map(|block| block.since))
        });
        old.sort_by(|a, b| a.key.cmp(&b.key));
        old.truncate(limit as usize);
        for limit in &old {
            self.state.limits.remove(limit.id.number());
            self.remove_cells(limit.id, BEGINNING, END);
        }
        Ok(old.len() as u64)
    }
}

impl RateLimitRowReads for ModelSession<'_> {
    fn limits_of(&mut self, call: &CallScope) -> Result<Vec<RateLimit>, StoreError> {
        let limits = self.state.limits.rows().filter(|row| call.counts_in(&row.0.key));
        Ok(limits.map(|row| row.0.clone()).collect())
    }

    fn cells(&mut self, limit: RateLimitId, after: Timestamp) -> Result<Vec<UsageCell>, StoreError> {
        let cells = self.state.cells.span((limit, after), (limit, END)).map(|(_, row)| row.1);
        Ok(cells.filter(|cell| cell.frees_at > after).collect())
    }

    fn passed_units(
        &mut self,
        limit: RateLimitId,
        now: Timestamp,
        last_possible: Timestamp,
    ) -> Result<PassedUnits, StoreError> {
        let units = |from, to| self.state.cells.span((limit, from), (limit, to)).map(|(_, row)| row.1);
        let expired = units(BEGINNING, now).map(|cell| cell.units).sum();
        let ahead = units(last_possible, END).filter(|cell| cell.frees_at > last_possible).map(|cell| cell.units).sum();
        Ok(PassedUnits { expired, ahead })
    }

    fn lapsed(
        &mut self,
        now: Timestamp,
        last_possible: Timestamp,
        limit: u32,
    ) -> Result<Vec<PermitInFlight>, StoreError> {
        let has_lapsed = |permit: &Permit| permit.lapses_at <= now || permit.lapses_at > last_possible;
        let lapsed = self.state.permits.rows().filter(|row| has_lapsed(&row.0.permit));
        Ok(lapsed.take(limit as usize).map(|row| row.0.clone()).collect())
    }
}

impl RateLimitRows for ModelSession<'_> {
    fn limit(&mut self, id: RateLimitId) -> Result<Option<RateLimit>, StoreError> {
        Ok(self.state.limits.find(&LimitRowKey::Id(id)).map(|(_, row)| row.0))
    }

    fn insert_limit(&mut self, key: &RateLimitKey, rule: LimitRule) -> Result<RateLimitId, StoreError> {
        let name = LimitRowKey::Name(key.clone());
        if self.state.limits.find(&name).is_some() {
            return Err(taken(format!("rate limit {key}")));
        }
        self.state.limits.insert(LimitRow(RateLimit::new(RateLimitId::new(0), key.clone(), rule)));
        let number = self.state.limits.find(&name).map_or(0, |(number, _)| number);
        let id = RateLimitId::new(number);
        self.state.limits.update(number, LimitRow(RateLimit::new(id, key.clone(), rule)));
        Ok(id)
    }

    fn save_limit(&mut self, limit: &RateLimit) -> Result<(), StoreError> {
        self.state.limits.update(limit.id.number(), LimitRow(limit.clone()));
        Ok(())
    }

    fn add_cell(&mut self, limit: RateLimitId, cell: UsageCell) -> Result<(), StoreError> {
        match self.state.cells.find(&(limit, cell.frees_at)) {
            Some((number, known)) => {
                let cell = UsageCell::new(cell.frees_at, cell.units + known.1.units);
                self.state.cells.update(number, CellRow(limit, cell));
            }
            None => self.state.cells.insert(CellRow(limit, cell)),
        }
        Ok(())
    }

    fn delete_passed(
        &mut self,
        limit: RateLimitId,
        now: Timestamp,
        last_possible: Timestamp,
    ) -> Result<(), StoreError> {
        self.remove_cells(limit, BEGINNING, now);
        self.remove_cells(limit, last_possible + crate::fixtures::TICK, END);
        Ok(())
    }

    fn insert_permit(&mut self, permit: &PermitInFlight, units: u64) -> Result<(), StoreError> {
        if self.state.permits.find(&permit.permit.id).is_some() {
            return Err(taken(format!("permit {}", permit.permit.id)));
        }
        self.state.permits.insert(PermitRow(permit.clone(), units));
        Ok(())
    }

    fn delete_permit(&mut self, id: &PermitId) -> Result<bool, StoreError> {
        let found = self.state.permits.find(id);
        if let Some((number, _)) = &found {
            self.state.permits.remove(*number);
        }
        Ok(found.is_some())
    }

    fn permit_with_id(&mut self, id: &PermitId) -> Result<Option<PermitInFlight>, StoreError> {
        self.permit(id)
    }

    fn remove_guess(&mut self, id: &PermitId) -> Result<bool, StoreError> {
        let Some((number, PermitRow(mut in_flight, units))) = self.state.permits.find(id) else { return Ok(false) };
        in_flight.guess = None;
        self.state.permits.update(number, PermitRow(in_flight, units));
        Ok(true)
    }

    fn costs(&mut self) -> &mut dyn ApiCosts {
        self
    }

    fn units_in_flight(&mut self, service: &str) -> Result<u64, StoreError> {
        let permits = self.state.permits.rows().filter(|row| row.0.permit.call.service == service);
        Ok(permits.map(|row| row.1).sum())
    }
}

impl State {
    /// Ends the blocks of the limits of the service or account that is paused.
    pub(super) fn end_blocks(&mut self, paused: &PauseScope, at: Timestamp) {
        let blocked = |row: &&LimitRow| {
            row.0.key.pause_scope().as_ref() == Some(paused) && row.0.blocked.as_ref().is_some_and(|it| it.until > at)
        };
        let blocked: Vec<RateLimit> = self.limits.rows().filter(blocked).map(|row| row.0.clone()).collect();
        for mut limit in blocked {
            if let Some(block) = &mut limit.blocked {
                block.until = at;
            }
            self.limits.update(limit.id.number(), LimitRow(limit));
        }
    }
}

impl ModelSession<'_> {
    fn remove_cells(&mut self, limit: RateLimitId, from: Timestamp, to: Timestamp) {
        let cells: Vec<i64> = self.state.cells.span((limit, from), (limit, to)).map(|(number, _)| number).collect();
        for number in cells {
            self.state.cells.remove(number);
        }
    }
}
