//! Calls to external APIs.

use super::StoreError;
use crate::api_usage::{ApiCall, ApiCallFilter, ApiUsageTotals};
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `api_usage`.
pub trait ApiUsageReads {
    /// The totals of each service since a time. Rows that cannot be counted are listed beside the totals, which leave
    /// them out.
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError>;

    /// A page of the calls that pass a filter, in the order of insertion. Unreadable rows are listed in
    /// [`Page::unreadable`]. A row without a time passes no filter with a span of time. A page with a span may be
    /// short, see [`PublicationReads::page`](super::PublicationReads::page).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &ApiCallFilter, page: &PageRequest) -> Result<Page<ApiCall>, StoreError>;
}

/// Inserts rows of `api_usage`, which is append-only.
pub trait ApiUsage: ApiUsageReads {
    /// Inserts a row. A repeated call inserts it twice.
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError>;
}
