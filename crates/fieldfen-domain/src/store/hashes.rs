//! Hashes of webhooks.

use super::StoreError;
use crate::ids::FileId;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;
use crate::webhook::{Delivery, HashInsertOutcome, NewHash, PayloadHash};

/// Reads the deliveries of webhooks that are remembered.
pub trait HashReads {
    /// The delivery with this hash, expired or not.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no delivery can hold.
    fn find(&mut self, hash: &PayloadHash) -> Result<Option<Delivery>, StoreError>;

    /// A page of all remembered deliveries in the order of insertion. A delivery that came again after it had expired
    /// keeps its place. Unreadable rows are listed in [`Page::unreadable`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, page: &PageRequest) -> Result<Page<Delivery>, StoreError>;
}

/// Remembers deliveries of webhooks, so that a repeated one is recognised.
pub trait Hashes: HashReads {
    /// Remembers a hash, or answers when it was first seen. An expired hash counts as new, whether its row is still
    /// there or not.
    ///
    /// A row without `expires_at`, as a program that knows only the specification writes it, expires 24 hours after its
    /// `created_at`, the specification's figure.
    ///
    /// A hash that was first seen [in the future](crate::is_ahead) was written by a clock that was ahead. The current
    /// time becomes the time at which it was first seen, and it is remembered for as long as before.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no hash can hold.
    fn insert(&mut self, hash: &NewHash) -> Result<HashInsertOutcome, StoreError>;

    /// Records which file a delivery led to. Returns `false` if the hash is not remembered.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such file.
    fn link(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError>;

    /// Deletes a hash, so that the delivery counts as new when it comes again. Returns `false` if the hash is not
    /// remembered.
    fn forget(&mut self, hash: &PayloadHash) -> Result<bool, StoreError>;

    /// Deletes at most `limit` hashes that have expired at `now`, and returns their number. First it corrects at most
    /// `limit` hashes that were first seen in the future, as [`insert`](Self::insert) does.
    fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
