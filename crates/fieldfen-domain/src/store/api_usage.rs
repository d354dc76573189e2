//! Calls to external APIs.

use super::StoreError;
use crate::api_usage::{ApiCall, ApiCallFilter, ApiUsageTotals};
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reading API usage.
pub trait ApiUsageReads {
    /// What was used of each service since a time. Rows that cannot be counted are named, and hide no other.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError>;

    /// A page of the calls that a filter names, in the order of insertion. Rows that no call can be read from are named in
    /// it; those that do not say when are in no span of time. A page of a span may be short as
    /// [`PublicationReads::page`](super::PublicationReads::page) says.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page(&mut self, filter: &ApiCallFilter, page: &PageRequest) -> Result<Page<ApiCall>, StoreError>;
}

/// Recording API usage. The table is append-only.
pub trait ApiUsage: ApiUsageReads {
    /// Records a call.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError>;
}
