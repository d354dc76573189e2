//! Finds ids by their beginning.
//!
//! ```
//! use fieldfen_domain::IdTable;
//! use fieldfen_services::ids::{IdMatch, Ids};
//! use fieldfen_testkit::ModelStore;
//!
//! let ids = Ids::new(ModelStore::new());
//! assert_eq!(ids.find(IdTable::Files, &"0b5a4f0e".parse()?)?, IdMatch::Nothing);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{IdPrefix, IdTable};

/// The largest number of candidates.
const CANDIDATES: usize = 10;

/// The ids of a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct Ids<S> {
    store: S,
}

/// The ids that begin with some digits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdMatch {
    /// No id.
    Nothing,
    /// One id.
    One(String),
    /// Several ids.
    Several {
        /// At most ten of them, sorted.
        candidates: Vec<String>,
        /// Whether there are more.
        has_more: bool,
    },
}

impl<S: Store> Ids<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub const fn new(store: S) -> Self {
        Self { store }
    }

    /// Finds the ids of a table that begin with these digits.
    pub fn find(&self, table: IdTable, prefix: &IdPrefix) -> Result<IdMatch, StoreError> {
        let limit = u32::try_from(CANDIDATES + 1).unwrap_or(u32::MAX);
        let mut ids = self.store.read(|s| s.ids().ids(table, prefix, limit))?;
        Ok(match ids.len() {
            0 => IdMatch::Nothing,
            1 => ids.pop().map_or(IdMatch::Nothing, IdMatch::One),
            found => {
                ids.truncate(CANDIDATES);
                IdMatch::Several { candidates: ids, has_more: found > CANDIDATES }
            }
        })
    }
}
