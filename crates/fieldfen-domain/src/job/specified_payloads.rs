//! The payloads of the specification's eight commands.
//!
//! Unknown fields of a payload are kept in `other` and written back, so that an older program passes on the jobs of a
//! newer one unchanged.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::api_account::ApiAccount;
use super::kind::JobKind;
use super::payload::{InvalidPayload, Payload};
use crate::ids::{FileId, ListingId};
use crate::json::RawJson;
use crate::publication::{Platform, PostType, SocialPlatform};

/// The largest factor of an upscale: 64 times 65,535 pixels is more than any picture format allows.
pub const MAX_SCALE_FACTOR: u32 = 64;

/// Payload of [`JobKind::CreateFileRecord`]: confirms the row that ingest has inserted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateFileRecord {
    /// The file of the job.
    pub file_id: FileId,
    /// The fields of the JSON that this type does not have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for CreateFileRecord {
    const KIND: &'static str = "CreateFileRecord";

    fn file_id(&self) -> Option<FileId> {
        Some(self.file_id)
    }
}

/// Payload of [`JobKind::UpscaleImage`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpscaleImage {
    /// The file of the job.
    pub file_id: FileId,
    /// The factor for width and height, 1 to [`MAX_SCALE_FACTOR`].
    pub scale_factor: u32,
    /// The resolution to write into the picture, in dots per inch, 1 to 65,535 (JFIF keeps 16 bits).
    pub target_dpi: u32,
    /// The fields of the JSON that this type does not have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for UpscaleImage {
    const KIND: &'static str = "UpscaleImage";

    fn file_id(&self) -> Option<FileId> {
        Some(self.file_id)
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        within(Self::kind(), "scale_factor", self.scale_factor, "1 to 64", MAX_SCALE_FACTOR)?;
        within(Self::kind(), "target_dpi", self.target_dpi, "1 to 65535", 65_535)
    }
}

/// Payload of [`JobKind::UpdateImage`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpdateImage {
    /// The file of the job.
    pub file_id: FileId,
    /// The fields of the JSON that this type does not have. They tell the handler what to change.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for UpdateImage {
    const KIND: &'static str = "UpdateImage";

    fn file_id(&self) -> Option<FileId> {
        Some(self.file_id)
    }
}

/// Payload of [`JobKind::GenerateMetadata`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GenerateMetadata {
    /// The file of the job.
    pub file_id: FileId,
    /// The fields of the JSON that this type does not have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for GenerateMetadata {
    const KIND: &'static str = "GenerateMetadata";

    fn file_id(&self) -> Option<FileId> {
        Some(self.file_id)
    }
}

/// Payload of [`JobKind::CreateListing`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateListing {
    /// The file of the job.
    pub file_id: FileId,
    /// The platform to list it at.
    pub platform: Platform,
    /// The seller's account at the platform; empty if there is only one.
    #[serde(default)]
    pub account: String,
    /// The variant, if several products are made from the file; empty if there is only one.
    #[serde(default)]
    pub variant: String,
    /// The fields of the JSON that this type does not have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for CreateListing {
    const KIND: &'static str = "CreateListing";

    fn file_id(&self) -> Option<FileId> {
        Some(self.file_id)
    }

    fn account(&self) -> Option<ApiAccount> {
        ApiAccount::of(self.platform.as_str(), &self.account)
    }
}

/// Payload of [`JobKind::UpdateListing`].
///
/// It does not name the account, which is that of the listing's publication: set [`NewJob::account`](super::NewJob::account)
/// where it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpdateListing {
    /// The file of the job.
    pub file_id: FileId,
    /// The listing to update.
    pub listing_id: ListingId,
    /// The fields of the JSON that this type does not have. They tell the handler what to change.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for UpdateListing {
    const KIND: &'static str = "UpdateListing";

    fn file_id(&self) -> Option<FileId> {
        Some(self.file_id)
    }
}

/// Payload of [`JobKind::PublishSocial`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PublishSocial {
    /// The file of the job.
    pub file_id: FileId,
    /// The network to post it at.
    pub platform: SocialPlatform,
    /// The type of the post; with `None` the network decides.
    #[serde(default)]
    pub post_type: Option<PostType>,
    /// The account at the network; empty if there is only one.
    #[serde(default)]
    pub account: String,
    /// The key of the post. A retry keeps the key. A deliberate repost gets a new one.
    #[serde(default)]
    pub post_key: String,
    /// The fields of the JSON that this type does not have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for PublishSocial {
    const KIND: &'static str = "PublishSocial";

    fn file_id(&self) -> Option<FileId> {
        Some(self.file_id)
    }

    fn account(&self) -> Option<ApiAccount> {
        ApiAccount::of(self.platform.as_str(), &self.account)
    }
}

/// Payload of [`JobKind::DeleteFile`].
///
/// The job's own `file_id` column stays empty: the cascade would delete the running job with the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeleteFile {
    /// The file of the job.
    pub file_id: FileId,
    /// Whether to delete the file although it has live listings.
    #[serde(default)]
    pub force: bool,
    /// The fields of the JSON that this type does not have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Payload for DeleteFile {
    const KIND: &'static str = "DeleteFile";
}

impl JobKind {
    /// Checks that this is a payload of this kind, for the specification's kinds. A program checks the payloads of its
    /// own kinds where it knows their types: in [`NewJob::new`](super::NewJob::new), and in the worker.
    ///
    /// # Errors
    /// [`InvalidPayload`] with the field, its value and the rule.
    pub fn check_payload(&self, json: Option<&RawJson>) -> Result<(), InvalidPayload> {
        match self {
            Self::CreateFileRecord => CreateFileRecord::from_column(json).map(drop),
            Self::UpscaleImage => UpscaleImage::from_column(json).map(drop),
            Self::UpdateImage => UpdateImage::from_column(json).map(drop),
            Self::GenerateMetadata => GenerateMetadata::from_column(json).map(drop),
            Self::CreateListing => CreateListing::from_column(json).map(drop),
            Self::UpdateListing => UpdateListing::from_column(json).map(drop),
            Self::PublishSocial => PublishSocial::from_column(json).map(drop),
            Self::DeleteFile => DeleteFile::from_column(json).map(drop),
            Self::Custom(_) => Ok(()),
        }
    }
}

fn within(kind: JobKind, field: &'static str, value: u32, rule: &'static str, most: u32) -> Result<(), InvalidPayload> {
    if (1..=most).contains(&value) {
        Ok(())
    } else {
        Err(InvalidPayload::Field { kind, field, value: value.to_string(), rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40";

    fn upscale(fields: &str) -> Result<UpscaleImage, InvalidPayload> {
        UpscaleImage::from_json(&RawJson::parse(format!(r#"{{"file_id": "{FILE}", {fields}}}"#)).unwrap())
    }

    #[test]
    fn unknown_fields_survive_a_round_trip() {
        let payload = upscale(r#""scale_factor": 4, "target_dpi": 300, "model": {"id": 9007199254740993}"#).unwrap();
        assert_eq!((payload.scale_factor, payload.target_dpi), (4, 300));
        let written = RawJson::from_value(&payload).unwrap();
        assert!(written.as_str().contains(r#""model":{"id":9007199254740993}"#), "{written}");
        assert_eq!(UpscaleImage::from_json(&written).unwrap(), payload);
    }

    #[test]
    fn bad_fields_are_named() {
        let message = |fields| {
            let error = upscale(fields).unwrap_err();
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        };
        assert!(message(r#""scale_factor": 4"#).contains("target_dpi"));
        assert!(message(r#""scale_factor": -4, "target_dpi": 300"#).contains("-4"));
        assert_eq!(
            message(r#""scale_factor": 65, "target_dpi": 300"#),
            "payload of UpscaleImage: scale_factor is \"65\"; it must be 1 to 64"
        );
        assert!(message(r#""scale_factor": 4, "target_dpi": 0"#).contains("target_dpi is \"0\""));
        let platform = RawJson::parse(format!(r#"{{"file_id": "{FILE}", "platform": "Walmart"}}"#)).unwrap();
        let error = CreateListing::from_json(&platform).unwrap_err();
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("Walmart"));
    }

    #[test]
    fn a_payload_may_be_newer_unless_it_is_no_json_or_breaks_a_rule() {
        let read = |text: &str| UpscaleImage::from_json(&RawJson::unchecked(text.to_owned())).unwrap_err();
        for text in ["null", "{}", r#"{"file_id": 7}"#, r#"{"file_id": "x"}"#] {
            assert!(read(text).may_be_newer(), "{text}");
        }
        for fields in [r#""scale_factor": 4"#, r#""scale_factor": -4, "target_dpi": 300"#] {
            assert!(upscale(fields).unwrap_err().may_be_newer(), "{fields}");
        }
        for text in ["", "{", r#"{"file_id": 1e999}"#, "\u{feff}{}"] {
            assert!(!read(text).may_be_newer(), "{text}");
        }
        assert!(!upscale(r#""scale_factor": 0, "target_dpi": 300"#).unwrap_err().may_be_newer());
    }

    #[test]
    fn a_deletion_does_not_hang_on_the_file_it_deletes() {
        let payload = DeleteFile::from_json(&RawJson::parse(format!(r#"{{"file_id": "{FILE}"}}"#)).unwrap()).unwrap();
        assert_eq!((Payload::file_id(&payload), payload.force), (None, false));
    }
}
