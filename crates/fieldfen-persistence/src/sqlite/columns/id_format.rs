//! The two texts that a row may hold for an id.
//!
//! fieldfen writes ids with hyphens. Programs that use SQLAlchemy's `Uuid` type write 32 hex digits. Foreign keys
//! compare texts, so a reference must use the text of the row that it refers to.

use fieldfen_domain::{FileId, JobId, ListingId, PublicationId, SocialPostId};

/// An id that a row may hold in two formats.
pub(crate) trait IdFormats {
    /// The text with hyphens, then the text without.
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
