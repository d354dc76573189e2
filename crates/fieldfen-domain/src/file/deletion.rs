//! Deleting a file, and the live listings that prevent it.

/// Decides whether a file with live listings may be deleted.
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
    /// The file does not exist.
    NotFound,
}
