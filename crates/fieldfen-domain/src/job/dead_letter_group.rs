//! Dead letters that failed with the same error.

use super::{FingerprintFilter, JobFilter, JobKind};
use crate::ids::JobId;
use crate::time::Timestamp;

/// The bound on the count of a group for a list of groups.
pub const MAX_DEAD_LETTERS_COUNTED: u32 = 10_000;

/// The dead letters of one kind whose errors have the same [fingerprint](super::error_fingerprint).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetterGroup {
    /// The kind of the jobs.
    pub kind: JobKind,
    /// The fingerprint of their errors; `None` if they have none, because a program that knows only the specification
    /// has failed them.
    pub fingerprint: Option<String>,
    /// The number of jobs, up to the bound in the question.
    pub jobs: u32,
    /// Whether there are more jobs than `jobs`.
    pub has_more: bool,
    /// The time at which the first of them failed; `None` if a row does not hold a readable time.
    pub oldest: Option<Timestamp>,
    /// The time at which the last of them failed; `None` if a row does not hold a readable time.
    pub newest: Option<Timestamp>,
    /// The job that failed last; `None` if its row holds no readable id.
    pub example: Option<JobId>,
}

impl DeadLetterGroup {
    /// A group of this many jobs. The other fields are unknown.
    #[must_use]
    pub const fn new(kind: JobKind, fingerprint: Option<String>, jobs: u32) -> Self {
        Self { kind, fingerprint, jobs, has_more: false, oldest: None, newest: None, example: None }
    }

    /// The filter that the jobs of this group pass, and no others.
    ///
    /// ```
    /// use fieldfen_domain::job::{DeadLetterGroup, FingerprintFilter, JobFilter, JobKind};
    ///
    /// let kind: JobKind = "acme.resize".parse()?;
    /// let group = DeadLetterGroup::new(kind.clone(), Some("HTTP 503 from <url>".to_owned()), 3);
    /// let same_error = FingerprintFilter::Is("HTTP 503 from <url>".to_owned());
    /// assert_eq!(group.filter(), JobFilter::new().dead_letters().kind(kind).fingerprint(same_error));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn filter(&self) -> JobFilter {
        let fingerprint = self.fingerprint.clone().map_or(FingerprintFilter::Missing, FingerprintFilter::Is);
        JobFilter::new().dead_letters().kind(self.kind.clone()).fingerprint(fingerprint)
    }
}
