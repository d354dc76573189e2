//! Calls to external APIs.

use super::StoreError;
use crate::api_usage::{ApiCall, ApiUsageTotal};
use crate::time::Timestamp;

/// Reading API usage.
pub trait ApiUsageReads {
    /// What was used of each service since a time, by service name.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn totals(&mut self, since: Timestamp) -> Result<Vec<ApiUsageTotal>, StoreError>;
}

/// Recording API usage. The table is append-only.
pub trait ApiUsage: ApiUsageReads {
    /// Records a call.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError>;
}
