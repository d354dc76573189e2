//! The costs of each day.

use super::money::Currency;
use crate::api_usage::Day;
use crate::page::UnreadableRow;

/// The costs of one day with the same service, account, endpoint and currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DailyApiCost {
    /// The day, in UTC, on which the costs were incurred.
    pub day: Day,
    /// The service.
    pub service: String,
    /// The account; empty if the costs named none.
    pub account: String,
    /// The endpoint or action; empty if the costs named none.
    pub endpoint: String,
    /// The currency; `None` for free items.
    pub currency: Option<Currency>,
    /// The sum of the known costs, in millionths. A sum beyond [`MAX_MONEY_MICROS`](super::MAX_MONEY_MICROS) is that
    /// number.
    pub known_micros: u64,
    /// The sum of the guesses of pending and unknown costs, in millionths.
    pub guessed_micros: u64,
    /// The number of costs, known or not.
    pub items: u64,
    /// The number of costs of unknown amount.
    pub unknown_items: u64,
}

impl DailyApiCost {
    /// No costs on this day.
    #[must_use]
    pub fn new(day: Day, service: impl Into<String>) -> Self {
        Self {
            day,
            service: service.into(),
            account: String::new(),
            endpoint: String::new(),
            currency: None,
            known_micros: 0,
            guessed_micros: 0,
            items: 0,
            unknown_items: 0,
        }
    }
}

/// The costs of some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiCostDays {
    /// The totals, sorted by day, service, account, endpoint and currency.
    pub days: Vec<DailyApiCost>,
    /// Totals that cannot be read, because another program has changed them.
    pub unreadable: Vec<UnreadableRow>,
}
