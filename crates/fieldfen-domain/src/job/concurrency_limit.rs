//! Limits on the number of jobs that run at the same time, in all processes together.

use std::fmt;

use super::{ApiAccount, JobKind};
use crate::ids::FileId;
use crate::text_enum::text_enum;

text_enum! {
    /// The jobs of a kind that a concurrency limit counts together.
    #[non_exhaustive]
    pub enum Partition as "partition of a concurrency limit" {
        /// All jobs of the kind.
        All = "all",
        /// The jobs about one file. A job without a file is not limited.
        File = "file",
        /// The jobs of one account. A job without an account is not limited.
        Account = "account",
    }
}

impl Partition {
    /// The partition key of a job: jobs of one kind with the same key are counted together. `None` if the limit does
    /// not count the job.
    #[must_use]
    pub fn key(self, file_id: Option<FileId>, account: Option<&ApiAccount>) -> Option<String> {
        match self {
            Self::All => Some(String::new()),
            Self::File => file_id.map(|id| format!("file:{id}")),
            Self::Account => account.map(|account| format!("account:{account}")),
        }
    }
}

/// At most this many jobs of a kind run at the same time, in all processes together.
///
/// A job runs while its status is `running`. A job that an operator has killed does not count, even if its handler has not
/// returned. A job that another program runs counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyLimit {
    /// The kind of the limited jobs.
    pub kind: JobKind,
    /// The jobs that count together.
    pub partition: Partition,
    /// The most jobs that run at the same time: at least 1.
    pub max_running: u32,
}

impl ConcurrencyLimit {
    /// At most this many jobs of this kind.
    ///
    /// # Errors
    /// [`InvalidConcurrencyLimit`] for 0. A [pause](super::Pause) stops a kind.
    pub fn new(kind: JobKind, partition: Partition, max_running: u32) -> Result<Self, InvalidConcurrencyLimit> {
        if max_running == 0 {
            return Err(InvalidConcurrencyLimit { kind });
        }
        Ok(Self { kind, partition, max_running })
    }
}

impl fmt::Display for ConcurrencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, partition, max_running } = self;
        match partition {
            Partition::All => write!(f, "{max_running} of {kind}"),
            Partition::File | Partition::Account => write!(f, "{max_running} of {kind} per {partition}"),
        }
    }
}

/// A concurrency limit that lets no job run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("concurrency limit 0 of {kind}: it must be at least 1; a pause stops a kind")]
pub struct InvalidConcurrencyLimit {
    /// The kind that was to be limited.
    pub kind: JobKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_counts_only_where_it_has_what_the_partition_counts_by() {
        let file = FileId::from_random(1);
        let account: ApiAccount = "etsy/main".parse().unwrap();
        for (partition, both, none) in [
            (Partition::All, Some(String::new()), Some(String::new())),
            (Partition::File, Some(format!("file:{file}")), None),
            (Partition::Account, Some("account:etsy/main".to_owned()), None),
        ] {
            assert_eq!((partition.key(Some(file), Some(&account)), partition.key(None, None)), (both, none));
        }
    }

    #[test]
    fn a_limit_of_none_is_refused_and_others_say_what_they_limit() {
        let kind: JobKind = "test.work".parse().unwrap();
        let error = ConcurrencyLimit::new(kind.clone(), Partition::All, 0).unwrap_err().to_string();
        assert_eq!(error, "concurrency limit 0 of test.work: it must be at least 1; a pause stops a kind");
        let limit = ConcurrencyLimit::new(kind, Partition::Account, 3).unwrap();
        assert_eq!(limit.to_string(), "3 of test.work per account");
    }
}
