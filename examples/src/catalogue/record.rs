//! The record of a product in the catalogue.

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::{Dimensions, File, FileMetadata};
use serde::{Deserialize, Serialize};

/// A product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The id: the key, and a number from the second product with that key on.
    pub(super) id: String,
    /// The key with which it was listed.
    pub(super) key: String,
    /// Whether it has been taken down.
    pub(super) withdrawn: bool,
    /// The time at which it was listed.
    pub(super) listed_at: Timestamp,
    /// The contents of its page.
    pub(super) shown: Shown,
}

/// The contents of a product's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) hashtags: Vec<String>,
    pub(super) species: Option<String>,
    /// The size of the print file, in pixels.
    pub(super) size: Dimensions,
    /// The variant, if several products are made from the picture; empty otherwise.
    pub(super) variant: String,
}

impl Record {
    pub(super) fn is_for_sale(&self) -> bool {
        !self.withdrawn
    }
}

impl Shown {
    /// Takes the contents from a file.
    ///
    /// # Errors
    /// A text that names the missing value.
    pub(super) fn of(file: &File, variant: &str) -> Result<Self, String> {
        let metadata = file.metadata.as_ref().ok_or("the file has no metadata yet")?;
        let metadata = FileMetadata::from_json(metadata).map_err(|error| error.to_string())?;
        Ok(Self {
            title: metadata.title,
            description: metadata.description,
            hashtags: metadata.hashtags,
            species: file.species.clone(),
            size: file.size.ok_or("the size of the file is not known yet")?,
            variant: variant.to_owned(),
        })
    }
}
