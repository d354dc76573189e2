//! Costs of external APIs.

use std::ops::RangeInclusive;

use super::StoreError;
use crate::api_cost::{
    ApiCost, ApiCostDays, ApiCostFilter, Currency, Money, RecordCostOutcome, Spend, SpendPeriod, SpendScope,
};
use crate::api_usage::Day;
use crate::page::{Page, PageRequest};

/// Reads rows of `api_costs`, and the totals of each day and month.
pub trait ApiCostReads {
    /// Looks up a cost by service and external id.
    fn find(&mut self, service: &str, external_id: &str) -> Result<Option<ApiCost>, StoreError>;

    /// A page of the costs that pass a filter, in the order of insertion. Unreadable rows are listed in
    /// [`Page::unreadable`]. A page may be short, see [`PublicationReads::page`](super::PublicationReads::page).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &ApiCostFilter, page: &PageRequest) -> Result<Page<ApiCost>, StoreError>;

    /// Returns the totals of these days, both ends included.
    fn days(&mut self, days: &RangeInclusive<Day>) -> Result<ApiCostDays, StoreError>;

    /// Returns the money spent in a period: one row for each currency, sorted by currency. Free items are not counted.
    ///
    /// The time of this read depends on the number of services and accounts, and not on the number of costs.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] for a total that cannot be read: a sum without it could let a budget be overrun.
    fn spend(&mut self, period: SpendPeriod, scope: &SpendScope) -> Result<Vec<Spend>, StoreError>;

    /// The dearest known cost of a service and endpoint in this currency. `None` for the endpoint means costs without
    /// one.
    fn dearest(
        &mut self,
        service: &str,
        endpoint: Option<&str>,
        currency: Currency,
    ) -> Result<Option<Money>, StoreError>;
}

/// Writes rows of `api_costs` with the totals of their days and months. No row is deleted.
pub trait ApiCosts: ApiCostReads {
    /// Inserts a cost, or changes the cost with the same service and external id by
    /// [`record_cost`](crate::api_cost::record_cost). A repeated call changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a blank service or external id.
    fn record(&mut self, cost: &ApiCost) -> Result<RecordCostOutcome, StoreError>;
}
