//! Deleting a file, and the live listings that prevent it.

/// Whether a file may be deleted together with listings that are still for sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Refuse while a listing is live.
    KeepLiveListings,
    /// Delete the file with the rows of its listings. The products stay at their platforms.
    Forced,
}

/// The answer to a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileDeleteOutcome {
    /// The file was deleted, with its jobs, history, publications, listings and posts.
    Done,
    /// Nothing was deleted, because these listings or reservations are live. Each is given as `platform: id`.
    Refused(Vec<String>),
    /// There was no such file.
    NotFound,
}
