//! Calls to external APIs.

use super::StoreError;
use crate::api_usage::{ApiCall, ApiUsageTotals};
use crate::time::Timestamp;

/// Reading API usage.
pub trait ApiUsageReads {
    /// What was used of each service since a time. Rows that cannot be counted are named, and hide no other.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError>;
}

/// Recording API usage. The table is append-only.
pub trait ApiUsage: ApiUsageReads {
    /// Records a call.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError>;
}
