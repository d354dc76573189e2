//! The outcome of publishing one product or post.

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::FileStatus;

/// The answer to [`Publisher::list`](super::Publisher::list) and [`Publisher::post`](super::Publisher::post).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishOutcome {
    /// The product or post is at the platform, and has its row.
    Published {
        /// Its id at the platform.
        platform_id: String,
        /// The address of its page at the platform; `None` if the platform reports none.
        url: Option<String>,
    },
    /// The product or post was published before. Its duplicates, if any, have been taken down.
    AlreadyPublished {
        /// Its id at the platform.
        platform_id: String,
    },
    /// The platform made the product and reports it as delisted. Nothing is on sale. The next attempt lists it again,
    /// under another key.
    Delisted {
        /// Its id at the platform.
        platform_id: String,
    },
    /// Another caller is publishing it, the last call may still take effect, or a lookup may not yet show a product or
    /// post of another program or publication.
    InProgress {
        /// The time of the next attempt.
        until: Timestamp,
    },
    /// Another program may have published it: rows of the file at this platform belong to no publication, and only a
    /// person can decide about them. The platform was not called. See
    /// [`Publisher::resolve_row`](super::Publisher::resolve_row).
    WaitsForPerson {
        /// The rows, and the open question about each of them.
        reason: String,
    },
    /// The file is not approved, or no longer approved. The platform was not called.
    NotApproved {
        /// The status of the file.
        status: FileStatus,
    },
    /// The file does not exist. A product that had been made for it was taken down.
    FileNotFound,
    /// The platform refused the call, and would refuse it again.
    Refused {
        /// The platform's text.
        reason: String,
    },
    /// The platform accepts no more calls for now. Nothing was published.
    Throttled {
        /// The time of the next attempt.
        until: Timestamp,
        /// The platform's text.
        reason: String,
    },
    /// The call did not reach the platform. Nothing was published.
    NotSent {
        /// The cause, for people to read.
        reason: String,
    },
    /// The product or post may exist. The next attempt looks it up.
    Unknown {
        /// The cause, for people to read.
        reason: String,
    },
}
