//! The subjects of operators' actions, for example a file or a job.

use std::fmt;
use std::str::FromStr;

use crate::ids::{BulkActionId, FileId, InvalidId, JobId, ListingId, PublicationId, SocialPostId};
use crate::job::{ApiAccount, InvalidApiAccount, InvalidKind, JobKind};
use crate::recurring::{InvalidRecurringName, RecurringName};
use crate::text_enum::text_enum;
use crate::webhook::{InvalidPayloadHash, PayloadHash};

/// The object of an action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// A row of `files`.
    File(FileId),
    /// A row of `jobs`.
    Job(JobId),
    /// A row of `publications`.
    Publication(PublicationId),
    /// A row of `listings`.
    Listing(ListingId),
    /// A row of `social_posts`.
    SocialPost(SocialPostId),
    /// A row of `recurring_jobs`, by name.
    Recurring(RecurringName),
    /// A row of `processed_hashes`, by hash.
    Delivery(PayloadHash),
    /// A kind of job.
    Kind(JobKind),
    /// A service, or one of its accounts.
    Account(ApiAccount),
    /// A row of `bulk_actions`: an action on all jobs that match a filter.
    BulkAction(BulkActionId),
}

text_enum! {
    /// The kinds of [`Subject`].
    #[non_exhaustive]
    pub enum SubjectKind as "subject of an action" {
        /// [`Subject::File`].
        File = "file",
        /// [`Subject::Job`].
        Job = "job",
        /// [`Subject::Publication`].
        Publication = "publication",
        /// [`Subject::Listing`].
        Listing = "listing",
        /// [`Subject::SocialPost`].
        SocialPost = "social_post",
        /// [`Subject::Recurring`].
        Recurring = "recurring",
        /// [`Subject::Delivery`].
        Delivery = "delivery",
        /// [`Subject::Kind`].
        Kind = "kind",
        /// [`Subject::Account`].
        Account = "account",
        /// [`Subject::BulkAction`].
        BulkAction = "bulk_action",
    }
}

/// The error of a text that identifies no subject of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// The subject needs a UUID, and the text is not one.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// The text is not a valid name of recurring work.
    #[error(transparent)]
    Recurring(#[from] InvalidRecurringName),
    /// The text is not a valid hash of a delivery.
    #[error(transparent)]
    Delivery(#[from] InvalidPayloadHash),
    /// The text names no kind of job.
    #[error(transparent)]
    Kind(#[from] InvalidKind),
    /// The text names no service and no account.
    #[error(transparent)]
    Account(#[from] InvalidApiAccount),
}

impl Subject {
    /// The subject of this kind with this id.
    ///
    /// # Errors
    /// [`InvalidSubject`] if the text is not an id of this kind.
    pub fn parse(kind: SubjectKind, id: &str) -> Result<Self, InvalidSubject> {
        Ok(match kind {
            SubjectKind::File => Self::File(FileId::from_str(id)?),
            SubjectKind::Job => Self::Job(JobId::from_str(id)?),
            SubjectKind::Publication => Self::Publication(PublicationId::from_str(id)?),
            SubjectKind::Listing => Self::Listing(ListingId::from_str(id)?),
            SubjectKind::SocialPost => Self::SocialPost(SocialPostId::from_str(id)?),
            SubjectKind::Recurring => Self::Recurring(RecurringName::from_str(id)?),
            SubjectKind::Delivery => Self::Delivery(PayloadHash::from_str(id)?),
            SubjectKind::Kind => Self::Kind(JobKind::from_str(id)?),
            SubjectKind::Account => Self::Account(ApiAccount::from_str(id)?),
            SubjectKind::BulkAction => Self::BulkAction(BulkActionId::from_str(id)?),
        })
    }

    /// The word for the kind of the subject, for people: `service` for a service as a whole, `bulk` for a bulk action
    /// as in the commands `jobs bulk`, otherwise the text of [`kind`](Self::kind).
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Account(account) if account.account().is_none() => "service",
            Self::BulkAction(_) => "bulk",
            other => other.kind().as_str(),
        }
    }

    /// The kind of the subject.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::File(_) => SubjectKind::File,
            Self::Job(_) => SubjectKind::Job,
            Self::Publication(_) => SubjectKind::Publication,
            Self::Listing(_) => SubjectKind::Listing,
            Self::SocialPost(_) => SubjectKind::SocialPost,
            Self::Recurring(_) => SubjectKind::Recurring,
            Self::Delivery(_) => SubjectKind::Delivery,
            Self::Kind(_) => SubjectKind::Kind,
            Self::Account(_) => SubjectKind::Account,
            Self::BulkAction(_) => SubjectKind::BulkAction,
        }
    }

    /// The id or name of the subject, without its kind.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::File(id) => id.to_string(),
            Self::Job(id) => id.to_string(),
            Self::Publication(id) => id.to_string(),
            Self::Listing(id) => id.to_string(),
            Self::SocialPost(id) => id.to_string(),
            Self::Recurring(name) => name.to_string(),
            Self::Delivery(hash) => hash.to_string(),
            Self::Kind(kind) => kind.to_string(),
            Self::Account(account) => account.to_string(),
            Self::BulkAction(id) => id.to_string(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_survive_their_texts() {
        for subject in [
            Subject::File(FileId::from_random(1)),
            Subject::Job(JobId::from_random(2)),
            Subject::Publication(PublicationId::from_random(3)),
            Subject::Listing(ListingId::from_random(4)),
            Subject::SocialPost(SocialPostId::from_random(5)),
            Subject::Recurring("upkeep".parse().unwrap()),
            Subject::Delivery(PayloadHash::of_body(b"news")),
            Subject::Kind("test.work".parse().unwrap()),
            Subject::Account("etsy/main".parse().unwrap()),
            Subject::BulkAction(BulkActionId::from_random(8)),
        ] {
            assert_eq!(Subject::parse(subject.kind(), &subject.id()), Ok(subject));
        }
        assert!(Subject::parse(SubjectKind::Job, "7").is_err());
    }
}
