//! Calls to external APIs.

use super::StoreError;
use crate::api_usage::{ApiCall, ApiUsageTotals};
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reading API usage.
pub trait ApiUsageReads {
    /// What was used of each service since a time. Rows that cannot be counted are named, and hide no other.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError>;

    /// A page of the calls, of one service where one is named, in the order of insertion. Rows that no call can be read
    /// from are named in it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page(&mut self, service: Option<&str>, page: &PageRequest) -> Result<Page<ApiCall>, StoreError>;
}

/// Recording API usage. The table is append-only.
pub trait ApiUsage: ApiUsageReads {
    /// Records a call.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError>;
}
