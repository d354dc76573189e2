//! Ids by their beginning.

use super::StoreError;
use crate::id_prefix::{IdPrefix, IdTable};

/// Looks up the ids of rows.
pub trait IdReads {
    /// The ids of at most `limit` rows of a table that begin with these digits, in lower case with hyphens, sorted. A row
    /// counts in each form in which a program may have written its id. A text that is no id is left out.
    fn ids(&mut self, table: IdTable, prefix: &IdPrefix, limit: u32) -> Result<Vec<String>, StoreError>;
}
