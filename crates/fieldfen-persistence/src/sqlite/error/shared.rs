//! Copies of one error for several callers.

use std::sync::Arc;

use fieldfen_domain::store::StoreError;

/// A caller's own copy of an error that several callers get, for example the writers of one batch. `waited_ms` is the
/// caller's own wait. In a [`StoreError::Busy`], the copy names the longer of this wait and the wait in the error.
pub(in crate::sqlite) fn shared_error(reason: &Arc<StoreError>, waited_ms: u64) -> StoreError {
    /// One error as the source of several errors.
    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Shared(Arc<StoreError>);

    let source = Box::new(Shared(Arc::clone(reason)));
    match **reason {
        StoreError::Busy { waited_ms: others, .. } => StoreError::Busy { waited_ms: waited_ms.max(others), source },
        StoreError::Full(_) => StoreError::Full(source),
        StoreError::ReadOnly(_) => StoreError::ReadOnly(source),
        StoreError::Io(_) => StoreError::Io(source),
        StoreError::Corrupt(_) => StoreError::Corrupt(source),
        _ => StoreError::Database(source),
    }
}
