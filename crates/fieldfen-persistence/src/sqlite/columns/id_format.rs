//! The texts that a row may hold for an id.
//!
//! fieldfen writes ids with hyphens. Rows of programs that use SQLAlchemy's `Uuid` type hold 32 hex digits, and other
//! rows refer to them by that text: foreign keys compare texts.

use fieldfen_domain::{FileId, JobId, ListingId, PublicationId, SocialPostId};

/// An id that a row may spell in two ways.
pub(crate) trait IdFormats {
    /// The text with hyphens, then the one without.
    fn formats(&self) -> [String; 2];
}

macro_rules! id_formats {
    ($($id:ident),+) => {$(
        impl IdFormats for $id {
            fn formats(&self) -> [String; 2] {
                let uuid = self.uuid();
                [uuid.hyphenated().to_string(), uuid.simple().to_string()]
            }
        }
    )+};
}

id_formats!(FileId, JobId, ListingId, SocialPostId, PublicationId);
