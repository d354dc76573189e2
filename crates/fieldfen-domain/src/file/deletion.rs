//! Deleting a file, and what stands in the way.

/// Whether a file may be deleted together with listings that are still for sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Refuse while a listing is live.
    KeepLiveListings,
    /// Delete the rows of its listings too; the products at the platforms stay as they are.
    Forced,
}

/// What became of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileDeleteOutcome {
    /// The file and all that hung on it are gone.
    Done,
    /// Nothing was deleted: these listings or reservations are live, as `platform: id` each.
    Refused(Vec<String>),
    /// There was no such file.
    NotFound,
}
