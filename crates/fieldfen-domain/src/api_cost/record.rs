//! The decision about a cost that is recorded again.

use super::cost::{ApiCost, CostState};

/// The outcome of recording a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordCostOutcome {
    /// The cost is new.
    Inserted,
    /// The cost was pending or unknown, and the record has settled it.
    Updated,
    /// The record has changed nothing: it tells no more than this stored cost.
    Unchanged(Box<ApiCost>),
}

/// Returns the stored cost after it was recorded again; `None` if the stored cost stays as it is.
///
/// | stored | recorded: pending | known | unknown | free |
/// | --- | --- | --- | --- | --- |
/// | pending | stays | known | unknown | free |
/// | known | stays | stays | stays | stays |
/// | unknown | stays | known | stays | free |
/// | free | stays | stays | stays | stays |
///
/// Account, endpoint and time of the stored cost stay, since the totals of its day have counted it by them. The item,
/// the job and the file are added if the stored cost has none. The recorded amounts replace the stored ones if there
/// are any.
#[must_use]
pub fn record_cost(stored: &ApiCost, recorded: &ApiCost) -> Option<ApiCost> {
    use CostState as S;
    let state = match (stored.state, recorded.state) {
        (S::Known { .. } | S::Free, _) | (_, S::Pending { .. }) | (S::Unknown { .. }, S::Unknown { .. }) => {
            return None;
        }
        (S::Pending { .. } | S::Unknown { .. }, state) => state,
    };
    let amounts = if recorded.amounts.is_empty() { &stored.amounts } else { &recorded.amounts };
    Some(ApiCost {
        item: stored.item.clone().or_else(|| recorded.item.clone()),
        amounts: amounts.clone(),
        state,
        settled_at: recorded.settled_at,
        job_id: stored.job_id.or(recorded.job_id),
        file_id: stored.file_id.or(recorded.file_id),
        ..stored.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_cost::{CostStatus, Currency, MeasuredAmounts, Money};
    use crate::ids::{FileId, JobId};
    use crate::time::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn state(status: CostStatus, micros: u64) -> CostState {
        let money = Money::from_micros(micros, Currency::USD).unwrap();
        match status {
            CostStatus::Pending => CostState::Pending { guess: money },
            CostStatus::Known => CostState::Known { amount: money },
            CostStatus::Unknown => CostState::Unknown { guess: money },
            CostStatus::Free => CostState::Free,
        }
    }

    #[test]
    fn a_cost_that_is_recorded_again_follows_the_table() {
        use CostStatus::{Free, Known, Pending, Unknown};
        let table: [(CostStatus, [Option<CostStatus>; 4]); 4] = [
            (Pending, [None, Some(Known), Some(Unknown), Some(Free)]),
            (Known, [None, None, None, None]),
            (Unknown, [None, Some(Known), None, Some(Free)]),
            (Free, [None, None, None, None]),
        ];
        for (before, row) in table {
            for (told, after) in [Pending, Known, Unknown, Free].into_iter().zip(row) {
                let stored = ApiCost::new("replicate", "a", state(before, 1), at(1));
                let again = ApiCost::new("replicate", "a", state(told, 2), at(2));
                let expected = after.map(|after| state(after, 2));
                let changed = record_cost(&stored, &again);
                assert_eq!(changed.as_ref().map(|cost| cost.state), expected, "{before} recorded as {told}");
                if let Some(cost) = changed {
                    assert_eq!((cost.at, cost.settled_at), (at(1), (told != Unknown).then_some(at(2))));
                }
            }
        }
    }

    #[test]
    fn what_the_days_count_stays_and_what_was_missing_is_added() {
        let amounts = |micros| MeasuredAmounts::new().with("predict_time", micros);
        let stored = ApiCost::new("replicate", "a", state(CostStatus::Pending, 1), at(1))
            .endpoint("predictions")
            .amounts(amounts(1))
            .job_id(JobId::from_random(1));
        let again = ApiCost::new("replicate", "a", state(CostStatus::Known, 2), at(2))
            .account("main")
            .endpoint("list")
            .item("acme/upscale")
            .job_id(JobId::from_random(2))
            .file_id(FileId::from_random(2));
        let settled = stored.clone().item("acme/upscale").file_id(FileId::from_random(2));
        let settled = settled.state(state(CostStatus::Known, 2), at(2));
        assert_eq!(record_cost(&stored, &again), Some(settled.clone()));
        assert_eq!(record_cost(&stored, &again.amounts(amounts(3))), Some(settled.amounts(amounts(3))));
    }
}
