//! The forecast of a sum to the end of its period.

use super::period::SpendPeriod;
use crate::time::Timestamp;

/// Returns the sum at the end of the period if every further day costs as much as the days so far, rounded down.
///
/// At least one day counts as elapsed, so that an expensive first hour of a month is not multiplied by 720. After the
/// end of the period, the forecast is the sum itself.
#[must_use]
pub fn forecast(spent: u64, period: SpendPeriod, now: Timestamp) -> u64 {
    const DAY: u128 = 86_400_000;
    let millis = |from: Timestamp, to: Timestamp| {
        u128::try_from(to.signed_duration_since(from).num_milliseconds()).unwrap_or_default()
    };
    let whole = millis(period.begins_at(), period.ends_at());
    let elapsed = millis(period.begins_at(), now).max(DAY).min(whole);
    let sum = (u128::from(spent) * whole).checked_div(elapsed).unwrap_or_else(|| spent.into());
    u64::try_from(sum).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_cost::BudgetPeriod;

    #[test]
    fn the_days_so_far_stand_for_the_others() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let month = BudgetPeriod::Month.of(at("2026-11-10T00:00:00Z"));
        for (now, spent, sum) in [
            ("2026-11-16T00:00:00Z", 150, 300),
            ("2026-11-01T00:00:00Z", 10, 300),
            ("2026-11-01T06:00:00Z", 10, 300),
            ("2026-11-02T12:00:00Z", 3, 60),
            ("2026-11-30T12:00:00Z", 59, 60),
            ("2026-12-02T00:00:00Z", 300, 300),
            ("2026-10-02T00:00:00Z", 10, 300),
            ("2026-11-16T00:00:00Z", u64::MAX, u64::MAX),
            ("2026-11-16T00:00:00Z", 0, 0),
        ] {
            assert_eq!(forecast(spent, month, at(now)), sum, "{spent} at {now}");
        }
    }
}
