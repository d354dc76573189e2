//! Hashes of webhooks.

use super::StoreError;
use crate::ids::FileId;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;
use crate::webhook::{Delivery, HashInsertOutcome, NewHash, PayloadHash};

/// Reads the remembered deliveries of webhooks.
pub trait HashReads {
    /// The delivery with this hash, expired or not.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a delivery.
    fn find(&mut self, hash: &PayloadHash) -> Result<Option<Delivery>, StoreError>;

    /// A page of all remembered deliveries in the order of insertion. A delivery that came again after it had expired
    /// keeps its place. Unreadable rows are listed in [`Page::unreadable`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, page: &PageRequest) -> Result<Page<Delivery>, StoreError>;
}

/// Remembers deliveries of webhooks, so that a repetition is recognised.
pub trait Hashes: HashReads {
    /// Remembers a hash, or returns the time at which it was first seen. An expired hash counts as new, whether its row
    /// still exists or not.
    ///
    /// A row without `expires_at`, as a program that knows only the specification writes it, expires 24 hours after its
    /// `created_at`, the specification's figure.
    ///
    /// A hash that was first seen [in the future](crate::is_ahead) was written by a clock that was ahead. The current
    /// time becomes the time at which it was first seen, and it is remembered for as long as before.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a hash.
    fn insert(&mut self, hash: &NewHash) -> Result<HashInsertOutcome, StoreError>;

    /// Records the file of a delivery. Returns `false` if the hash is not remembered.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] if the file does not exist.
    fn link(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError>;

    /// Deletes a hash, so that the delivery counts as new when it comes again. Returns `false` if the hash is not
    /// remembered.
    fn forget(&mut self, hash: &PayloadHash) -> Result<bool, StoreError>;

    /// Deletes at most `limit` hashes that have expired at `now`, and returns their number. Before that, it corrects at
    /// most `limit` hashes that were first seen in the future, as [`insert`](Self::insert) does.
    fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
