//! Calls to external APIs.

use std::ops::RangeInclusive;

use super::StoreError;
use crate::api_cost::{SpendPeriod, SpendScope};
use crate::api_usage::{ApiCall, ApiCallFilter, ApiUsageDays, ApiUsageTotals, Day};
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `api_usage`, and the totals of each day.
pub trait ApiUsageReads {
    /// The totals of each service since a time, from the rows that have not been pruned. Rows that cannot be counted
    /// are not in the totals but in a list beside them.
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError>;

    /// Returns the totals of these days, both ends included. They contain the calls whose rows have been
    /// [pruned](ApiUsage::prune).
    fn days(&mut self, days: &RangeInclusive<Day>) -> Result<ApiUsageDays, StoreError>;

    /// The number of requests of a period, for a budget. As [`days`](Self::days), but without rows that cannot be
    /// counted.
    ///
    /// The time of this read depends on the number of totals in the period, and on the number of rows that have not
    /// been
    /// [rolled up](ApiUsage::roll_up).
    ///
    /// # Errors
    /// [`StoreError::BadRow`] for a sum that cannot be read.
    fn requests(&mut self, period: SpendPeriod, scope: &SpendScope) -> Result<u64, StoreError>;

    /// A page of the calls that pass a filter, in the order of insertion. Unreadable rows are listed in
    /// [`Page::unreadable`]. A row without a time passes no filter with a span of time. A page may be
    /// short, see [`PublicationReads::page`](super::PublicationReads::page).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &ApiCallFilter, page: &PageRequest) -> Result<Page<ApiCall>, StoreError>;
}

/// Inserts rows of `api_usage`, and prunes them. No row is updated.
pub trait ApiUsage: ApiUsageReads {
    /// Inserts a row. A repeated call inserts it twice.
    ///
    /// The error is cut to [`MAX_REASON_BYTES`](crate::MAX_REASON_BYTES), the duration to whole milliseconds.
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError>;

    /// Adds at most `limit` rows to the stored totals of their days, the oldest first, and returns the number of rows.
    /// The results of reads stay the same: a read adds the rows that are in no stored total yet. The more such rows
    /// there are, the longer a read takes.
    fn roll_up(&mut self, limit: u32) -> Result<u64, StoreError>;

    /// Deletes at most `limit` rows of calls made before a time, the oldest first, and returns the number of rows. Rows
    /// that have not been [rolled up](Self::roll_up) and rows without a readable time stay.
    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
