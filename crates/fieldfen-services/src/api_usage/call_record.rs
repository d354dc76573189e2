//! The transaction that records a call: its row, its costs and the settlement of its permit.

use fieldfen_domain::api_cost::RecordCostOutcome;
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::job::Pause;
use fieldfen_domain::rate_limit::{CallAnswer, SettleOutcome, SettledCosts, Settlement};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::with_causes;

use crate::Transaction;
use crate::api_costs::{ApiCosts, NewCost};
use crate::rate_limiter::{log_pauses, settle_in};
use crate::write_retry::{cannot_be_looked_for, write_once};

/// A call that has ended.
pub(super) struct CallRecord<'a, S> {
    pub(super) store: &'a S,
    pub(super) call: &'a ApiCall,
    /// The costs of the call, and the handle that records them.
    pub(super) costs: Option<(&'a ApiCosts<S>, &'a [NewCost])>,
    /// The settlement of the permit of the call.
    pub(super) settlement: Option<Settlement>,
}

/// A part of the record.
#[derive(Clone, Copy)]
enum Part {
    Costs,
    Settlement,
    Row,
}

/// The changes by which a repeated attempt recognises that an earlier one took effect.
struct Written {
    /// A cost was inserted or changed.
    has_changed_a_cost: bool,
    /// The permit was deleted, or lost its guess.
    permit: PermitChange,
    pauses: Vec<Pause>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PermitChange {
    None,
    Deleted,
    GuessRemoved,
}

impl<S: Store> CallRecord<'_, S> {
    /// Writes everything in one transaction, so that a budget counts the guess of the permit until it counts the row
    /// and the costs.
    ///
    /// If the costs cannot be written, the guess of the permit is recorded as an unknown cost in their place. If the
    /// permit cannot be settled, it lapses with its guess. If the outcome of the transaction stays unknown, the permit
    /// is settled and everything is on record, or it lapses with its guess.
    pub(super) fn write(mut self) {
        loop {
            let mut part = Part::Row;
            match self.attempt(&mut part) {
                Ok(written) => return log_pauses(&written.pauses),
                Err(error @ StoreError::OutcomeUnknown { .. }) => {
                    let (error, costs) = (with_causes(&error), self.costs());
                    return log!(WARN, error, call = ?self.call, ?costs, "API call and its costs may not be recorded");
                }
                Err(error) => {
                    let (error, costs) = (with_causes(&error), self.costs());
                    match part {
                        Part::Costs => {
                            log!(WARN, error, ?costs, "costs of an API call not recorded");
                            self.costs = None;
                            self.settlement = self.settlement.map(|settlement| settlement.costs(SettledCosts::Missing));
                        }
                        Part::Settlement => {
                            log!(WARN, error, "permit not settled: it lapses");
                            self.settlement = None;
                        }
                        Part::Row => {
                            return log!(WARN, error, call = ?self.call, ?costs, "API call and its costs not recorded");
                        }
                    }
                }
            }
        }
    }

    fn costs(&self) -> &[NewCost] {
        self.costs.map_or(&[], |(_, costs)| costs)
    }

    /// `part` is the part at which a failed attempt has ended.
    fn attempt(&self, part: &mut Part) -> Result<Written, StoreError> {
        write_once(self.store, |s, before: Option<&Written>| {
            *part = Part::Settlement;
            let permit_shows = before.map(|before| self.permit_shows(before, s)).transpose()?.flatten();
            if permit_shows == Some(true) {
                return Ok(None);
            }
            *part = Part::Costs;
            let mut has_changed_a_cost = false;
            if let Some((handle, costs)) = self.costs {
                for cost in costs {
                    let outcome = handle.record_in(&mut Transaction::new(s), cost)?;
                    has_changed_a_cost |= !matches!(outcome, RecordCostOutcome::Unchanged(_));
                }
            }
            if let Some(before) = before.filter(|_| permit_shows.is_none()) {
                if before.has_changed_a_cost && !has_changed_a_cost {
                    return Ok(None);
                }
                // The row has no id. A call under limits and budgets is rather counted twice than not at all.
                if !before.has_changed_a_cost && self.settlement.is_none() {
                    *part = Part::Row;
                    return Err(cannot_be_looked_for());
                }
            }
            *part = Part::Settlement;
            let (permit, pauses) = self.settle(s)?;
            *part = Part::Row;
            s.api_usage().record(self.call)?;
            Ok(Some(Written { has_changed_a_cost, permit, pauses }))
        })
    }

    fn settle(&self, s: &mut dyn Session) -> Result<(PermitChange, Vec<Pause>), StoreError> {
        let Some(settlement) = &self.settlement else { return Ok((PermitChange::None, Vec::new())) };
        let removes_guess = settlement.answer == CallAnswer::NoAnswer
            && settlement.costs == SettledCosts::Recorded
            && s.rate_limits().permit(&settlement.permit.id)?.is_some_and(|permit| permit.guess.is_some());
        let (outcome, pauses) = settle_in(s, settlement)?;
        let change = match (&settlement.answer, outcome) {
            (CallAnswer::NoAnswer, _) if removes_guess => PermitChange::GuessRemoved,
            (CallAnswer::NotSent | CallAnswer::Answered { .. }, SettleOutcome::Settled) => PermitChange::Deleted,
            _ => PermitChange::None,
        };
        Ok((change, pauses))
    }

    /// Whether the row of the permit shows that an attempt took effect; `None` if it cannot show it.
    fn permit_shows(&self, before: &Written, s: &mut dyn Session) -> Result<Option<bool>, StoreError> {
        let Some(settlement) = self.settlement.as_ref().filter(|_| before.permit != PermitChange::None) else {
            return Ok(None);
        };
        let permit = s.rate_limits().permit(&settlement.permit.id)?;
        Ok(Some(match before.permit {
            PermitChange::GuessRemoved => permit.is_none_or(|permit| permit.guess.is_none()),
            PermitChange::Deleted | PermitChange::None => permit.is_none(),
        }))
    }
}
