//! The outcome of publishing one thing.

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
        /// The address of its page at the platform.
        url: Option<String>,
    },
    /// It was there before. Its duplicates, where there were any, have been taken down.
    AlreadyPublished {
        /// Its id at the platform.
        platform_id: String,
    },
    /// The platform has made it and says that it is delisted. Nothing is on sale; the next try lists it anew, under
    /// another key.
    Delisted {
        /// Its id at the platform.
        platform_id: String,
    },
    /// Another caller is publishing it, the last call may still take effect, or a lookup may not show yet what another
    /// program or publication has made.
    InProgress {
        /// When to try again.
        until: Timestamp,
    },
    /// Another program may have published it: rows of the file at this platform belong to no publication, and only a
    /// person can tell what they are. The platform was not called to publish anything. See
    /// [`Publisher::resolve_row`](super::Publisher::resolve_row).
    WaitsForPerson {
        /// Which rows, and what is not known of them.
        reason: String,
    },
    /// The file is not approved, or not any more; the platform was not called.
    NotApproved {
        /// The status of the file.
        status: FileStatus,
    },
    /// There is no such file. A product that had been made for it was taken down.
    FileNotFound,
    /// The platform refuses it, and would again.
    Refused {
        /// The platform's words.
        reason: String,
    },
    /// The platform wants no more calls for now; nothing was made.
    Throttled {
        /// When to try again.
        until: Timestamp,
        /// The platform's words.
        reason: String,
    },
    /// The platform was not reached; nothing was made.
    NotSent {
        /// What went wrong, for people.
        reason: String,
    },
    /// It may be there. The next try looks it up.
    Unknown {
        /// What went wrong, for people.
        reason: String,
    },
}
