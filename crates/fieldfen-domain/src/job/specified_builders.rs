//! Constructors and setters of the specified payloads.

use serde_json::{Map, Value};

use super::specified_payloads::{
    CreateFileRecord, CreateListing, DeleteFile, GenerateMetadata, PublishSocial, UpdateImage, UpdateListing,
    UpscaleImage,
};
use crate::ids::{FileId, ListingId};
use crate::publication::{Platform, PostType, SocialPlatform};

impl CreateFileRecord {
    /// A payload that confirms the row of this file.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, other: Map::new() }
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl UpscaleImage {
    /// A payload that upscales this file by this factor, with this resolution in dots per inch.
    #[must_use]
    pub fn new(file_id: FileId, scale_factor: u32, target_dpi: u32) -> Self {
        Self { file_id, scale_factor, target_dpi, other: Map::new() }
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl UpdateImage {
    /// A payload that makes the processed picture of this file again.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, other: Map::new() }
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl GenerateMetadata {
    /// A payload that describes this file.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, other: Map::new() }
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl CreateListing {
    /// A payload that lists this file at this platform.
    #[must_use]
    pub fn new(file_id: FileId, platform: Platform) -> Self {
        Self { file_id, platform, account: String::new(), variant: String::new(), other: Map::new() }
    }

    /// Sets the seller's account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// Sets the variant, if several products are made from the file.
    #[must_use]
    pub fn variant(mut self, variant: impl Into<String>) -> Self {
        self.variant = variant.into();
        self
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl UpdateListing {
    /// A payload that updates this listing of this file.
    #[must_use]
    pub fn new(file_id: FileId, listing_id: ListingId) -> Self {
        Self { file_id, listing_id, other: Map::new() }
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl PublishSocial {
    /// A payload that posts this file at this network.
    #[must_use]
    pub fn new(file_id: FileId, platform: SocialPlatform) -> Self {
        Self { file_id, platform, post_type: None, account: String::new(), post_key: String::new(), other: Map::new() }
    }

    /// Sets the type of the post.
    #[must_use]
    pub fn post_type(mut self, post_type: impl Into<Option<PostType>>) -> Self {
        self.post_type = post_type.into();
        self
    }

    /// Sets the account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// Sets the key of the post.
    #[must_use]
    pub fn post_key(mut self, post_key: impl Into<String>) -> Self {
        self.post_key = post_key.into();
        self
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}

impl DeleteFile {
    /// A payload that deletes this file, unless it has live listings.
    #[must_use]
    pub fn new(file_id: FileId) -> Self {
        Self { file_id, force: false, other: Map::new() }
    }

    /// Sets whether the file is deleted although it has live listings.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Sets the fields that this type does not have.
    #[must_use]
    pub fn other(mut self, other: Map<String, Value>) -> Self {
        self.other = other;
        self
    }
}
