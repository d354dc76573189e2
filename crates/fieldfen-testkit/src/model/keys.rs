//! The keys by which rows of the model are found.

use fieldfen_domain::file::ContentHash;
use fieldfen_domain::job::{DedupKey, JobKind, JobStatus, Priority};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::webhook::PayloadHash;
use fieldfen_domain::{FileId, JobId, ListingId, PublicationId, SocialPostId, Timestamp};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKey {
    Id(FileId),
    Content(ContentHash),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DriveIdKey {
    Drive(String),
    File(FileId),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum JobKey {
    Id(JobId),
    File(FileId),
    /// The dedup key of a live job.
    Dedup(DedupKey),
    /// The due time of a pending job.
    Due(JobKind, Priority, Timestamp),
    /// The start of the wait of a pending job whose due time was not chosen by a caller.
    Waiting(Timestamp),
    /// The end of the lease of a running job.
    Leased(Timestamp),
    /// The end of an ended job. Parked jobs have not ended.
    Ended(JobStatus, Timestamp),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PublicationKey {
    Id(PublicationId),
    File(FileId),
    /// The platform and the id there.
    At(String, Option<String>),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ListingKey {
    Id(ListingId),
    File(FileId),
    At(Platform, String),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PostKey {
    Id(SocialPostId),
    File(FileId),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HashKey {
    Hash(PayloadHash),
    File(FileId),
    Expires(Timestamp),
    Seen(Timestamp),
}
