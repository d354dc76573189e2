//! Constructors and setters of the specified payloads.

use serde_json::{Map, Value};

use super::specified_payloads::{
    CreateFileRecord, CreateListing, DeleteFile, GenerateMetadata, PublishSocial, UpdateImage, UpdateListing,
    UpscaleImage,
};
use crate::ids::{FileId, ListingId};
use crate::publication::{Platform, PostType, SocialPlatform};

impl CreateFileRecord {
    /// Confirms this file.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, other: Map::new() }
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl UpscaleImage {
    /// Makes this file so many times as wide and high, at so many dots per inch.
    #[must_use]
    pub fn new(file_id: FileId, scale_factor: u32, target_dpi: u32) -> Self {
        Self { file_id, scale_factor, target_dpi, other: Map::new() }
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl UpdateImage {
    /// Changes this file.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, other: Map::new() }
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl GenerateMetadata {
    /// Describes this file.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, other: Map::new() }
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl CreateListing {
    /// Lists this file there.
    #[must_use]
    pub fn new(file_id: FileId, platform: Platform) -> Self {
        Self { file_id, platform, account: String::new(), variant: String::new(), other: Map::new() }
    }

    /// The same payload for this account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// The same payload for this one of several products.
    #[must_use]
    pub fn variant(mut self, variant: impl Into<String>) -> Self {
        self.variant = variant.into();
        self
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl UpdateListing {
    /// Brings this listing of this file up to date.
    #[must_use]
    pub fn new(file_id: FileId, listing_id: ListingId) -> Self {
        Self { file_id, listing_id, other: Map::new() }
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl PublishSocial {
    /// Posts this file there.
    #[must_use]
    pub fn new(file_id: FileId, platform: SocialPlatform) -> Self {
        Self { file_id, platform, post_type: None, account: String::new(), post_key: String::new(), other: Map::new() }
    }

    /// The same payload for this kind of post.
    #[must_use]
    pub fn post_type(mut self, post_type: impl Into<Option<PostType>>) -> Self {
        self.post_type = post_type.into();
        self
    }

    /// The same payload for this account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// The same payload for the post with this key.
    #[must_use]
    pub fn post_key(mut self, post_key: impl Into<String>) -> Self {
        self.post_key = post_key.into();
        self
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl DeleteFile {
    /// Deletes this file, unless listings of it are live.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, force: false, other: Map::new() }
    }

    /// The same payload, which deletes the file although listings are live, or not.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// The same payload with these fields beside its own.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}
