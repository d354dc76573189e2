//! One error for several callers.

use std::sync::Arc;

use fieldfen_domain::store::StoreError;

/// A caller's own copy of an error that several callers get, for example the writers of one batch. `waited_ms` is how long
/// this caller has waited; if the error says that another one has waited longer, so does the copy.
pub(in crate::sqlite) fn shared_error(reason: &Arc<StoreError>, waited_ms: u64) -> StoreError {
    /// One error as the source of several.
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
