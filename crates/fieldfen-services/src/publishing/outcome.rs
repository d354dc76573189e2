//! What came of publishing.

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::FileStatus;

/// What came of publishing one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Publishing {
    /// It is there, and has its row.
    Published {
        /// Its id at the platform.
        platform_id: String,
        /// Its page there.
        url: Option<String>,
    },
    /// It was there before; a second one that had come about has been taken down.
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
    /// Somebody else is at it, the last call may still take effect, or a lookup may not show yet what another program or
    /// publication has made.
    Held {
        /// When to try again.
        until: Timestamp,
    },
    /// Another program may have published it: rows of the file at this platform belong to no publication, and only a
    /// person can tell what they are. The platform was not called to publish anything. See
    /// [`Publisher::resolve`](super::Publisher::resolve).
    WaitsForPerson {
        /// Which rows, and what is not known of them.
        reason: String,
    },
    /// The file is not approved (any more); the platform was not called.
    NotApproved {
        /// The status it has.
        status: FileStatus,
    },
    /// There is no such file; what had been made for it was taken down.
    NoFile,
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
        /// What went wrong.
        reason: String,
    },
    /// It may be there. The next try looks it up.
    Unknown {
        /// What went wrong.
        reason: String,
    },
}
