//! The keys by which the rows of the model are found.

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
    /// Of live jobs only.
    Dedup(DedupKey),
    /// Of pending jobs only.
    Due(JobKind, Priority, Timestamp),
    /// Of pending jobs whose due time no caller has chosen: when their wait began.
    Waiting(Timestamp),
    /// Of running jobs with a lease only: when it expires.
    Leased(Timestamp),
    /// Of ended jobs only. Parked ones have not ended.
    Ended(JobStatus, Timestamp),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PublicationKey {
    Id(PublicationId),
    File(FileId),
    /// Platform and the id there.
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
