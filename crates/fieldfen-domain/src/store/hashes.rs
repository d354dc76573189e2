//! Hashes of webhooks.

use super::StoreError;
use crate::ids::FileId;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;
use crate::webhook::{Delivery, HashInsertOutcome, NewHash, PayloadHash};

/// Reading which webhooks have been dealt with.
pub trait HashReads {
    /// The delivery with this hash, expired or not.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no delivery can hold; other [`StoreError`]s as the store has them.
    fn find(&mut self, hash: &PayloadHash) -> Result<Option<Delivery>, StoreError>;

    /// A page of all deliveries that are remembered, in the order of insertion; one that came again after it had expired
    /// keeps its place. Rows that no delivery can be read from are named in it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page(&mut self, page: &PageRequest) -> Result<Page<Delivery>, StoreError>;
}

/// Remembering which webhooks have been dealt with.
pub trait Hashes: HashReads {
    /// Remembers a hash, or says when it was first seen. An expired one is new, purged or not.
    ///
    /// A row without `expires_at`, as a program that knows only the specification writes it, expires 24 hours after its
    /// `created_at`, the specification's figure.
    ///
    /// A hash that was first seen [in the future](crate::is_ahead) was written by a clock that was ahead. From now on it is
    /// remembered for as long as it was to be remembered then, and now becomes the time at which it was first seen.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no hash can hold; other [`StoreError`]s as the store has them.
    fn insert(&mut self, hash: &NewHash) -> Result<HashInsertOutcome, StoreError>;

    /// Says which file a delivery has led to; `false` when the hash is not there.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such file.
    fn link(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError>;

    /// Forgets a delivery, so that it is new when it comes again; `false` when the hash is not there.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn forget(&mut self, hash: &PayloadHash) -> Result<bool, StoreError>;

    /// Deletes at most `limit` hashes that have expired at `now`, and says how many. Before that, it does with at most
    /// `limit` hashes that were first seen in the future what [`insert`](Self::insert) does with a repetition of one.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
